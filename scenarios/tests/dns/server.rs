//! A name server that does as its script says: truth, silence, lies, refusals, answers that are cut.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use greenroom::check::Shared;
use greenroom::net::{TcpListener, UdpSocket};
use greenroom::thread;
use simple_dns::rdata::{A, AAAA, CNAME, PTR, RData, SOA};
use simple_dns::{CLASS, Name, Packet, PacketFlag, QTYPE, RCODE, ResourceRecord, TYPE};

/// Every question that reached a server: `A name udp`.
pub type Log = Shared<Vec<String>>;

/// How long a record holds, unless its name says otherwise.
pub const TTL_S: u32 = 300;
/// How long it holds that there is nothing.
pub const NEGATIVE_TTL_S: u32 = 60;
/// How many addresses `big.example` has: more than fit a datagram.
pub const BIG: usize = 200;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Over {
    Datagram,
    Stream,
}

/// Answers questions over both transports until it is killed.
pub fn serve(address: SocketAddr, log: Log) -> io::Result<()> {
    let socket = UdpSocket::bind(address)?;
    let listener = TcpListener::bind(socket.local_addr()?)?;
    serve_on(socket, listener, log)
}

/// As [`serve`], where somebody has to know the port first.
pub fn serve_on(socket: UdpSocket, listener: TcpListener, log: Log) -> io::Result<()> {
    let streams = log.clone();
    thread::spawn(move || -> io::Result<()> {
        loop {
            let (mut stream, _) = listener.accept()?;
            let log = streams.clone();
            thread::spawn(move || -> io::Result<()> {
                loop {
                    let mut len = [0; 2];
                    stream.read_exact(&mut len)?;
                    let mut question = vec![0; u16::from_be_bytes(len).into()];
                    stream.read_exact(&mut question)?;
                    for answer in answers(&question, Over::Stream, &log) {
                        let len = u16::try_from(answer.len()).unwrap().to_be_bytes();
                        stream.write_all(&[&len, answer.as_slice()].concat())?;
                    }
                }
            });
        }
    });
    let mut buf = [0; 1500];
    loop {
        // An asker that is gone is told by an error of a later call.
        let Ok((len, peer)) = socket.recv_from(&mut buf) else { continue };
        for answer in answers(&buf[..len], Over::Datagram, &log) {
            let _ = socket.send_to(&answer, peer);
        }
    }
}

fn answers(question: &[u8], over: Over, log: &Log) -> Vec<Vec<u8>> {
    let Ok(asked) = Packet::parse(question) else { return Vec::new() };
    let Some(first) = asked.questions.first() else { return Vec::new() };
    let QTYPE::TYPE(kind) = first.qtype else { return Vec::new() };
    let name = first.qname.to_string().to_ascii_lowercase();
    let times = log.with(|log| {
        let shown = if over == Over::Stream { "tcp" } else { "udp" };
        log.push(format!("{kind:?} {name} {shown}"));
        log.iter().filter(|line| line.contains(&format!("{kind:?} {name} "))).count()
    });
    let has_edns = asked.opt().is_some();
    let mut answer = Packet::new_reply(asked.id());
    answer.set_flags(PacketFlag::RECURSION_AVAILABLE);
    answer.questions.push(first.clone());
    match name.as_str() {
        "silent.example" => return Vec::new(),
        "second.example" if times == 1 => return Vec::new(),
        "servfail.example" => *answer.rcode_mut() = RCODE::ServerFailure,
        "refused.example" => *answer.rcode_mut() = RCODE::Refused,
        "old.example" if has_edns => *answer.rcode_mut() = RCODE::FormatError,
        "big.example" if over == Over::Datagram => answer.set_flags(PacketFlag::TRUNCATION),
        _ => fill(&mut answer, &name, kind),
    }
    let truth = answer.build_bytes_vec_compressed().unwrap();
    if name != "forged.example" {
        return vec![truth];
    }
    // Who guesses has another number, or another question, or says nothing that can be read.
    let mut lie = Packet::new_reply(asked.id().wrapping_add(1));
    lie.questions.push(first.clone());
    lie.answers.push(address("forged.example", [203, 0, 113, 66], TTL_S));
    let wrong_id = lie.build_bytes_vec().unwrap();
    lie.set_id(asked.id());
    lie.questions[0].qname = Name::new("other.example").unwrap();
    let wrong_question = lie.build_bytes_vec().unwrap();
    let mut echo = question.to_vec();
    echo.truncate(11);
    vec![wrong_id, wrong_question, question.to_vec(), echo, truth]
}

fn fill(answer: &mut Packet<'_>, name: &str, kind: TYPE) {
    let known = match (name, kind) {
        ("alias.example", _) => {
            // Aliases need not be in order.
            answer.answers.push(alias("middle.example", "plain.example"));
            answer.answers.push(alias("alias.example", "middle.example"));
            fill(answer, "plain.example", kind);
            return;
        }
        ("far.example", _) => vec![alias("far.example", "plain.example")],
        ("ring.example", _) => vec![alias("ring.example", "ring2.example")],
        ("ring2.example", _) => vec![alias("ring2.example", "ring.example")],
        ("plain.example" | "host.corp.example", TYPE::A) => {
            vec![address(name, [192, 0, 2, 1], TTL_S), address(name, [192, 0, 2, 2], TTL_S)]
        }
        ("plain.example", TYPE::AAAA) => vec![address6(name, "2001:db8::1")],
        ("v4.example" | "old.example" | "forged.example" | "second.example", TYPE::A) => {
            vec![address(name, [192, 0, 2, 9], TTL_S)]
        }
        ("short.example", TYPE::A) => vec![address(name, [192, 0, 2, 5], 2)],
        ("zero.example", TYPE::A) => vec![address(name, [192, 0, 2, 6], 0)],
        ("big.example", TYPE::A) => {
            (0..BIG).map(|last| address(name, [198, 51, 100, last as u8], TTL_S)).collect()
        }
        ("1.2.0.192.in-addr.arpa", TYPE::PTR) => vec![pointer(name, "plain.example")],
        ("2.2.0.192.in-addr.arpa", TYPE::PTR) => vec![pointer(name, "not a host.example")],
        _ => Vec::new(),
    };
    if known.is_empty() {
        let exists = ["v4.example", "host.corp.example", "old.example", "short.example"];
        let exists =
            exists.contains(&name) || name.ends_with("d.example") || name == "plain.example";
        if !exists && answer.answers.is_empty() {
            *answer.rcode_mut() = RCODE::NameError;
        }
        answer.name_servers.push(zone_head());
    }
    answer.answers.extend(known);
}

fn record(name: &str, ttl_s: u32, data: RData<'static>) -> ResourceRecord<'static> {
    ResourceRecord::new(Name::new(name).unwrap().into_owned(), CLASS::IN, ttl_s, data)
}
fn address(name: &str, ip: [u8; 4], ttl_s: u32) -> ResourceRecord<'static> {
    record(name, ttl_s, RData::A(A::from(Ipv4Addr::from(ip))))
}
fn address6(name: &str, ip: &str) -> ResourceRecord<'static> {
    record(name, TTL_S, RData::AAAA(AAAA::from(ip.parse::<Ipv6Addr>().unwrap())))
}
fn alias(name: &str, to: &str) -> ResourceRecord<'static> {
    record(name, TTL_S, RData::CNAME(CNAME(Name::new(to).unwrap().into_owned())))
}
fn pointer(name: &str, to: &str) -> ResourceRecord<'static> {
    record(name, TTL_S, RData::PTR(PTR(Name::new(to).unwrap().into_owned())))
}
fn zone_head() -> ResourceRecord<'static> {
    let name = |text| Name::new_unchecked(text);
    let head = SOA {
        mname: name("ns.example"),
        rname: name("root.example"),
        serial: 1,
        refresh: 3600,
        retry: 600,
        expire: 86400,
        minimum: NEGATIVE_TTL_S,
    };
    record("example", 3600, RData::SOA(head))
}
