//! Questions to name servers and what their answers mean (RFC 1035). The bytes are `simple_dns`'s.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use simple_dns::rdata::{OPT, RData};
use simple_dns::{CLASS, Name, Packet, PacketFlag, QCLASS, QTYPE, TYPE};

use super::{Found, Record};

/// What is asked of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    A,
    Aaaa,
    Ptr,
}

impl Kind {
    fn of_wire(self) -> TYPE {
        match self {
            Kind::A => TYPE::A,
            Kind::Aaaa => TYPE::AAAA,
            Kind::Ptr => TYPE::PTR,
        }
    }
}

/// A name and what is asked of it.
pub(super) struct Question {
    name: Name<'static>,
    kind: Kind,
}

/// The codes of an answer that matter here.
pub(super) mod code {
    pub(in super::super) const NO_ERROR: u8 = 0;
    pub(in super::super) const FORMAT_ERROR: u8 = 1;
    pub(in super::super) const NO_NAME: u8 = 3;
    pub(in super::super) const NOT_IMPLEMENTED: u8 = 4;
}

/// How long a datagram may be that a server sends: what passes any path unbroken.
pub(super) const DATAGRAM_MAX: u16 = 1232;
const HEADER_LEN: usize = 12;

/// The parts of an answer's header that decide what becomes of it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) id: u16,
    pub(super) is_answer: bool,
    pub(super) is_cut: bool,
    pub(super) code: u8,
}

impl Header {
    pub(super) fn of(bytes: &[u8]) -> Option<Header> {
        let header = bytes.get(..HEADER_LEN)?;
        Some(Header {
            id: u16::from_be_bytes([header[0], header[1]]),
            is_answer: header[2] & 0x80 != 0,
            is_cut: header[2] & 0x02 != 0,
            code: header[3] & 0x0f,
        })
    }
}

/// What an answer says of the name that was asked for, and for how long that holds.
pub(super) enum Verdict {
    Found {
        found: Found,
        ttl_s: u32,
    },
    /// It stands for another name, of which the answer says nothing.
    Alias {
        to: String,
        ttl_s: u32,
    },
    NoName {
        ttl_s: u32,
    },
    NoData {
        ttl_s: u32,
    },
}

impl Verdict {
    pub(super) fn ttl_s(&self) -> u32 {
        match self {
            Verdict::Found { ttl_s, .. }
            | Verdict::Alias { ttl_s, .. }
            | Verdict::NoName { ttl_s }
            | Verdict::NoData { ttl_s } => *ttl_s,
        }
    }
}

impl Question {
    /// `None` for a name that cannot be written.
    pub(super) fn new(name: &str, kind: Kind) -> Option<Question> {
        Some(Question { name: Name::new(name).ok()?.into_owned(), kind })
    }

    /// The bytes to send.
    pub(super) fn write(&self, id: u16, edns: bool) -> Option<Vec<u8>> {
        let mut packet = Packet::new_query(id);
        packet.set_flags(PacketFlag::RECURSION_DESIRED);
        let (qtype, qclass) = (QTYPE::TYPE(self.kind.of_wire()), QCLASS::CLASS(CLASS::IN));
        packet.questions.push(simple_dns::Question::new(self.name.clone(), qtype, qclass, false));
        if edns {
            let opt = OPT { opt_codes: Vec::new(), udp_packet_size: DATAGRAM_MAX, version: 0 };
            *packet.opt_mut() = Some(opt);
        }
        packet.build_bytes_vec().ok()
    }

    /// Whether bytes repeat this question, be it in other letters. An answer that only says that it
    /// did not understand need not.
    pub(super) fn is_repeated_in(&self, bytes: &[u8]) -> bool {
        let Ok(packet) = Packet::parse(bytes) else { return false };
        match packet.questions.as_slice() {
            [one] => {
                one.qtype == QTYPE::TYPE(self.kind.of_wire())
                    && lower(&one.qname) == lower(&self.name)
            }
            [] => Header::of(bytes).is_some_and(|header| header.code == code::FORMAT_ERROR),
            _ => false,
        }
    }

    /// What an answer says. `None` for one that makes no sense.
    pub(super) fn verdict(&self, bytes: &[u8]) -> Option<Verdict> {
        let header = Header::of(bytes)?;
        let packet = Packet::parse(bytes).ok()?;
        let asked = lower(&self.name);
        let (mut at, mut ttl_s) = (asked.clone(), u32::MAX);
        // Aliases may stand in any order; there are no more steps than records, so a ring ends.
        for _ in 0..packet.answers.len() {
            let step = packet.answers.iter().find_map(|record| match &record.rdata {
                RData::CNAME(to) if lower(&record.name) == at => Some((lower(to), record.ttl)),
                _ => None,
            });
            let Some((to, ttl)) = step else { break };
            (at, ttl_s) = (to, ttl_s.min(ttl));
        }
        let mut records = Vec::new();
        for record in packet.answers.iter().filter(|record| lower(&record.name) == at) {
            if let Some(value) = self.value(&record.rdata) {
                ttl_s = ttl_s.min(record.ttl);
                records.push(value);
            }
        }
        let negative_s = || ttl_s.min(negative_ttl_s(&packet));
        Some(match header.code {
            code::NO_NAME => Verdict::NoName { ttl_s: negative_s() },
            code::NO_ERROR if !records.is_empty() => {
                Verdict::Found { found: Found { canonical: at, records }, ttl_s }
            }
            code::NO_ERROR if at != asked => Verdict::Alias { to: at, ttl_s },
            code::NO_ERROR => Verdict::NoData { ttl_s: negative_s() },
            _ => return None,
        })
    }

    fn value(&self, data: &RData<'_>) -> Option<Record> {
        match (self.kind, data) {
            (Kind::A, RData::A(a)) => Some(Record::Address(Ipv4Addr::from(a.address).into())),
            (Kind::Aaaa, RData::AAAA(a)) => Some(Record::Address(Ipv6Addr::from(a.address).into())),
            (Kind::Ptr, RData::PTR(name)) => Some(Record::Name(name.to_string())),
            _ => None,
        }
    }
}

/// How long it holds that there is nothing (RFC 2308): what the zone's head says, and nothing without.
fn negative_ttl_s(packet: &Packet<'_>) -> u32 {
    let head = packet.name_servers.iter().find_map(|record| match &record.rdata {
        RData::SOA(soa) => Some(record.ttl.min(soa.minimum)),
        _ => None,
    });
    head.unwrap_or(0)
}

fn lower(name: &Name<'_>) -> String {
    name.to_string().to_ascii_lowercase()
}

/// The name under which the name of an address is found.
pub(super) fn reverse_name(address: IpAddr) -> String {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, c, d] = v4.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa")
        }
        IpAddr::V6(v6) => {
            let digits = v6.octets().into_iter().rev().flat_map(|byte| [byte & 15, byte >> 4]);
            digits.map(|digit| format!("{digit:x}.")).collect::<String>() + "ip6.arpa"
        }
    }
}
