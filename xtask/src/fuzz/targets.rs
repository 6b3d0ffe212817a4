//! What is given inputs, and what must hold of each beyond that it neither panics nor hangs.

use std::io::{self, Read};
use std::time::Duration;

use greenroom::resolve::dns::{self, Config};
use greenroom::resolve::{Hosts, Services};
use greenroom_scenarios::http;
use greenroom_scenarios::kv::resp::{Reply, ReplyReader, RequestReader};
use greenroom_sim::Weather;
use greenroom_sim::sweep::SeedResult;
use greenroom_sim::token::Token;

use super::drills;
use crate::conform;

pub struct Target {
    pub name: &'static str,
    /// What its language is made of.
    pub words: &'static [&'static str],
    /// Reads an input; an error is what should have held.
    pub read: fn(&[u8]) -> Result<(), String>,
}

impl Target {
    /// No batch of inputs takes longer.
    pub fn patience(&self) -> Duration {
        if self.is_drill() { Duration::from_secs(1) } else { Duration::from_secs(10) }
    }

    pub fn is_drill(&self) -> bool {
        self.name.starts_with("drill/")
    }
}

/// The target of this name, be it one of the drills.
pub fn find(name: &str) -> Option<&'static Target> {
    TARGETS.iter().chain(drills::DRILLS).find(|target| target.name == name)
}

pub const TARGETS: &[Target] = &[
    Target {
        name: "token",
        words: &["v2:", ";weather=", ";turn@", ";delay@", "=", ".1", ",", ">", "/", "#2", "%", "-"],
        read: token,
    },
    Target {
        name: "weather",
        words: &["{", "}", ":", ",", "\"latency_min_ns\"", "\"loss_ppm\"", "null", "[", "]"],
        read: weather,
    },
    Target {
        name: "results",
        words: &["{", "}", "\"seed\":", "\"outcome\":\"held\"", "null", "\\u0000", "\n"],
        read: results,
    },
    Target {
        name: "requests",
        words: &["\r\n", "*", "$", "*1\r\n$4\r\nPING\r\n", "\"", "'", "\\x", " "],
        read: requests,
    },
    Target { name: "replies", words: &["\r\n", "+", "-", ":", "$", "*", "$-1\r\n"], read: replies },
    Target {
        name: "http",
        words: &[
            "\r\n",
            "HTTP/1.1",
            ": ",
            "content-length",
            "transfer-encoding: chunked",
            "GET ",
            "0\r\n\r\n",
        ],
        read: http_messages,
    },
    Target { name: "dns", words: &["\u{0}", "\u{1}", "\u{3}www", "\u{7f}"], read: dns_answer },
    Target {
        name: "conform",
        words: &[
            "s0", "s1", " = ", "tcp4", "connect", "send", "recv", ";", "?", ":", "\"", "times",
        ],
        read: conform_program,
    },
    Target {
        name: "resolv",
        words: &["nameserver ", "search ", "options ", "ndots:", "timeout:", "::1", "%", "\n", "#"],
        read: resolv_conf,
    },
    Target {
        name: "hosts",
        words: &["127.0.0.1", "::1", "localhost", "\t", "\n", "#"],
        read: hosts,
    },
    Target {
        name: "services",
        words: &["/tcp", "/udp", "http", "80", "\t", "\n", "#"],
        read: services,
    },
];

fn text(input: &[u8]) -> String {
    String::from_utf8_lossy(input).into_owned()
}

/// What was read and written is what is read again.
fn same<T: PartialEq + std::fmt::Debug>(first: T, again: T) -> Result<(), String> {
    if first == again { Ok(()) } else { Err(format!("read again it is {again:?}, not {first:?}")) }
}

fn token(input: &[u8]) -> Result<(), String> {
    let Ok(token) = Token::parse(&text(input)) else { return Ok(()) };
    same(Ok(token.clone()), Token::parse(&token.to_string()))
}

fn weather(input: &[u8]) -> Result<(), String> {
    drop(Weather::from_json(&text(input)));
    Ok(())
}

/// What a worker of a sweep prints, among whatever its story prints.
fn results(input: &[u8]) -> Result<(), String> {
    let Ok(result) = serde_json::from_slice::<SeedResult>(input) else { return Ok(()) };
    let written = serde_json::to_string(&result).map_err(|error| error.to_string())?;
    let again = serde_json::from_str::<SeedResult>(&written).map(|again| format!("{again:?}"));
    same(Ok(format!("{result:?}")), again.map_err(|error| error.to_string()))
}

fn conform_program(input: &[u8]) -> Result<(), String> {
    let Ok(written) = conform::rewritten(&text(input)) else { return Ok(()) };
    same(Ok(written.clone()), conform::rewritten(&written))
}

fn resolv_conf(input: &[u8]) -> Result<(), String> {
    drop(Config::parse(&text(input)));
    Ok(())
}

fn hosts(input: &[u8]) -> Result<(), String> {
    drop(Hosts::parse(&text(input)));
    Ok(())
}

fn services(input: &[u8]) -> Result<(), String> {
    let services = Services::parse(&text(input));
    for port in [0, 80, u16::MAX] {
        let name = services.name(port, "tcp").map(str::to_owned);
        if name.is_some_and(|name| services.port(&name, Some("tcp")).is_none()) {
            return Err(format!("port {port} has a name that has no port"));
        }
    }
    Ok(())
}

fn dns_answer(input: &[u8]) -> Result<(), String> {
    // As the answer to a question of the kind that the kept answers are to.
    dns::fuzz::read_answer("www.example.org", input);
    Ok(())
}

/// Bytes that come in pieces of a length.
struct Pieces<'a>(&'a [u8], usize);

impl Read for Pieces<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let length = self.1.min(buf.len()).min(self.0.len());
        let (now, later) = self.0.split_at(length);
        buf[..length].copy_from_slice(now);
        self.0 = later;
        Ok(length)
    }
}

/// However the bytes come, the same is read.
fn however_they_come<T: PartialEq + std::fmt::Debug>(
    input: &[u8],
    read: impl Fn(Pieces<'_>) -> T,
) -> Result<(), String> {
    let whole = read(Pieces(input, usize::MAX));
    let length = input.first().map_or(1, |first| 1 + usize::from(first % 7));
    same(whole, read(Pieces(input, length)))
}

/// More than an input can hold.
const MESSAGES_MAX: usize = 10_000;

fn requests(input: &[u8]) -> Result<(), String> {
    however_they_come(input, |pieces| {
        let mut reader = RequestReader::new(pieces);
        let mut seen = Vec::new();
        for _ in 0..MESSAGES_MAX {
            match reader.read() {
                Ok(request) => seen.push(Ok(request.args_from(0).map(<[u8]>::to_vec).collect())),
                Err(error) => {
                    seen.push(Err::<Vec<_>, _>(format!("{error:?}")));
                    break;
                }
            }
        }
        seen
    })
}

fn replies(input: &[u8]) -> Result<(), String> {
    however_they_come(input, |pieces| {
        let mut reader = ReplyReader::new(pieces);
        let mut seen: Vec<Result<Reply, String>> = Vec::new();
        while seen.last().is_none_or(Result::is_ok) && seen.len() < MESSAGES_MAX {
            seen.push(reader.read().map_err(|error| error.to_string()));
        }
        seen
    })
}

fn http_messages(input: &[u8]) -> Result<(), String> {
    however_they_come(input, |pieces| http::fuzz::requests(pieces))?;
    however_they_come(input, |pieces| http::fuzz::responses(pieces))
}
