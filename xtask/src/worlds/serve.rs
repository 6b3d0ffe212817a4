//! `cargo xtask real kv --serve ADDR`: the key-value server for Redis's clients, and what it grants
//! them.

use std::cell::Cell;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use clap::{CommandFactory, FromArgMatches, Parser};
use greenroom_scenarios::kv::{Limits, serve};
use greenroom_sim::cli::escaped;

/// Serves keys and values to Redis's clients, until Ctrl-C or SIGTERM
///
/// Sizes take Redis's units: 100, 64kb, 256mb, 1gb.
#[derive(Parser, Debug)]
#[command(no_binary_name = true)]
struct Serve {
    /// Where to listen; with port 0 the system chooses one, and the first line says which
    #[arg(long, value_name = "ADDR")]
    serve: SocketAddr,
    /// Connections at once; one more is told so and closed
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..))]
    maxclients: u32,
    /// Seconds in which a client sends or takes nothing, after which it is closed; 0 is for ever
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    timeout: u32,
    /// Memory for keys and values; commands that would add beyond it are refused (OOM). 0 is no bound
    #[arg(long, value_name = "SIZE", default_value = "1gb", value_parser = size_or_none)]
    maxmemory: usize,
    /// Memory for unfinished requests and unsent replies of all clients together; when it is used up
    /// the client that holds the most is closed. 0 is no bound
    #[arg(long, value_name = "SIZE", default_value = "256mb", value_parser = size_or_none)]
    maxmemory_clients: usize,
    /// The largest request, with all its arguments, 1mb to 1gb
    #[arg(long, value_name = "SIZE", default_value = "64mb", value_parser = size)]
    client_query_buffer_limit: usize,
    /// The largest argument, 1mb to 1gb
    #[arg(long, value_name = "SIZE", default_value = "512mb", value_parser = size)]
    proto_max_bulk_len: usize,
}

const KB: usize = 1024;
const MB: usize = KB * KB;
const GB: usize = KB * MB;

/// Does as the arguments after `real kv` say; returns the exit code.
pub fn main(arguments: &[String]) -> i32 {
    // Also where an address is due: `--serve --help`.
    let help = arguments.iter().find(|flag| matches!(flag.as_str(), "--help" | "-h"));
    let arguments = help.map_or(arguments, std::slice::from_ref);
    let command = Serve::command().bin_name("cargo xtask real kv");
    let parsed =
        command.try_get_matches_from(arguments).and_then(|it| Serve::from_arg_matches(&it));
    match parsed {
        Ok(serve) => serve.run(),
        Err(error) if error.kind() == clap::error::ErrorKind::DisplayHelp => {
            // Whoever read it may have seen enough.
            let _ = write!(io::stdout(), "{error}");
            0
        }
        Err(error) => {
            let text = error.to_string();
            let what = text.lines().next().unwrap_or_default();
            let what = what.strip_prefix("error: ").unwrap_or(what).replace('\'', "`");
            let command = Serve::command();
            let flags: Vec<String> = command
                .get_arguments()
                .filter_map(|arg| arg.get_long().map(|long| format!("--{long}")))
                .collect();
            let (flags, example) = (flags.join(" "), "an address is like 127.0.0.1:0");
            let what = escaped(&what);
            complain!("xtask: real kv: {what}; accepted: {flags}; {example}");
            2
        }
    }
}

impl Serve {
    fn run(self) -> i32 {
        let (address, limits) = (self.serve, self.limits());
        let served = greenroom_real::run(move || {
            let announce = |bound| {
                let _ = writeln!(io::stdout(), "listening on {bound}");
            };
            serve(address, limits, announce, tell_of_scarcity())
        });
        match served {
            Ok(()) => 0,
            Err(error) => {
                complain!("xtask: kv: {address}: {error}");
                1
            }
        }
    }

    fn limits(&self) -> Limits {
        let bounded = |bytes: usize| Some(bytes).filter(|&bytes| bytes > 0);
        Limits {
            clients: self.maxclients as usize,
            timeout: bounded(self.timeout as usize).map(|s| Duration::from_secs(s as u64)),
            memory: bounded(self.maxmemory),
            memory_clients: bounded(self.maxmemory_clients),
            query_buffer: self.client_query_buffer_limit,
            bulk_len: self.proto_max_bulk_len,
        }
    }
}

/// Says that descriptors or memory are out, no more than once a minute.
fn tell_of_scarcity() -> impl Fn(&io::Error, usize) {
    const PAUSE: Duration = Duration::from_secs(60);
    let told = Cell::new(None::<Instant>);
    move |error, served| {
        if told.get().is_none_or(|told| told.elapsed() >= PAUSE) {
            told.set(Some(Instant::now()));
            let _ =
                writeln!(io::stderr(), "xtask: kv: {error}: the {served} connected are served on");
        }
    }
}

/// A bound of a megabyte to a gigabyte: below, honest requests would not fit; above, a count of bytes
/// no longer fits 32 bits.
fn size(text: &str) -> Result<usize, String> {
    match bytes(text)? {
        bytes @ MB..=GB => Ok(bytes),
        _ => Err("it is to be from 1mb to 1gb".into()),
    }
}

/// A bound of a megabyte or more, or 0 for none.
fn size_or_none(text: &str) -> Result<usize, String> {
    match bytes(text)? {
        bytes @ (0 | MB..) => Ok(bytes),
        _ => Err("it is to be 0, or 1mb or more".into()),
    }
}

/// Redis's spelling of a size: `k`, `m` and `g` are powers of 1000, `kb`, `mb` and `gb` of 1024.
fn bytes(text: &str) -> Result<usize, String> {
    let lower = text.to_ascii_lowercase();
    let digits = lower.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &lower[digits.len()..] {
        "" | "b" => 1,
        "k" => 1000,
        "kb" => KB,
        "m" => 1_000_000,
        "mb" => MB,
        "g" => 1_000_000_000,
        "gb" => GB,
        _ => return Err("its unit is none of b, k, kb, m, mb, g, gb".into()),
    };
    let count: usize = digits.parse().map_err(|_| "it is to be a size, as 256mb")?;
    count.checked_mul(unit).ok_or_else(|| "it is more than there can be".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_spelt_as_redis_spells_them() {
        for (text, expected) in [
            ("0", 0),
            ("100", 100),
            ("2k", 2000),
            ("2KB", 2048),
            ("3mb", 3 * MB),
            ("1g", 1_000_000_000),
        ] {
            assert_eq!(bytes(text), Ok(expected), "{text}");
        }
        for text in ["", "mb", "-1", "1.5mb", "1tb", "99999999999gb", "1 mb"] {
            assert!(bytes(text).is_err(), "{text}");
        }
        assert_eq!((size("1gb"), size_or_none("0")), (Ok(GB), Ok(0)));
        assert!(size("0").is_err() && size("2gb").is_err() && size_or_none("1kb").is_err());
    }

    #[test]
    fn defaults_are_those_of_the_library() {
        let matches = Serve::command().get_matches_from(["--serve", "127.0.0.1:0"]);
        let serve = Serve::from_arg_matches(&matches).unwrap();
        assert_eq!(serve.limits(), Limits::default());
    }
}
