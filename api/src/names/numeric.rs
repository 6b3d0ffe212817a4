//! Hosts and services that are numbers: what `getaddrinfo(3)` reads without asking anybody.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

use super::GaiError;

/// The address a host is, if it is one (linux-truth 247, 248): IPv4 as `inet_aton(3)` has it, with
/// its old forms, and IPv6 with a scope. An address with a scope that is none is an error.
pub(crate) fn host(text: &str) -> Result<Option<SocketAddr>, BadScope> {
    if let Some(v4) = inet_aton(text) {
        return Ok(Some((v4, 0).into()));
    }
    let (address, scope) = match text.split_once('%') {
        Some((address, scope)) => (address, Some(scope)),
        None => (text, None),
    };
    let Ok(v6) = address.parse::<Ipv6Addr>() else { return Ok(None) };
    let scope = match scope {
        Some(scope) => scope_id(v6, scope).ok_or(BadScope(v6))?,
        None => 0,
    };
    Ok(Some(SocketAddrV6::new(v6, 0, 0, scope).into()))
}

/// The scope of this address is none that is known here.
pub(crate) struct BadScope(pub(super) Ipv6Addr);

impl From<BadScope> for GaiError {
    fn from(_: BadScope) -> GaiError {
        GaiError::NoName
    }
}

/// An address as text, with its scope.
pub(crate) fn text(address: &SocketAddr) -> String {
    match address {
        SocketAddr::V6(v6) if v6.scope_id() != 0 => {
            match is_of_link(*v6.ip()).then(|| interface_name(v6.scope_id())).flatten() {
                Some(name) => format!("{}%{name}", v6.ip()),
                None => format!("{}%{}", v6.ip(), v6.scope_id()),
            }
        }
        other => other.ip().to_string(),
    }
}

/// The interface every host has; others are known by their number alone.
const LOOPBACK: (&str, u32) = ("lo", 1);

fn interface_name(index: u32) -> Option<&'static str> {
    (index == LOOPBACK.1).then_some(LOOPBACK.0)
}

/// An interface by its number; by its name only where addresses are of an interface.
fn scope_id(ip: Ipv6Addr, scope: &str) -> Option<u32> {
    if is_of_link(ip) && scope == LOOPBACK.0 {
        return Some(LOOPBACK.1);
    }
    // What parses numbers would take a sign.
    if scope.bytes().all(|byte| byte.is_ascii_digit()) { scope.parse().ok() } else { None }
}

fn is_of_link(ip: Ipv6Addr) -> bool {
    ip.is_unicast_link_local() || ip.segments()[0] & 0xff0f == 0xff02
}

/// One to four numbers between dots, decimal, octal or hexadecimal; the last one is all that is left.
fn inet_aton(host: &str) -> Option<Ipv4Addr> {
    let parts = host.split('.').map(|part| match part.as_bytes() {
        // What parses numbers would take a sign.
        digits if !digits.iter().all(u8::is_ascii_alphanumeric) => None,
        [b'0', b'x' | b'X', ..] => u32::from_str_radix(&part[2..], 16).ok(),
        [b'0', _, ..] => u32::from_str_radix(part, 8).ok(),
        [b'0'..=b'9', ..] => part.parse().ok(),
        _ => None,
    });
    let parts: Vec<u32> = parts.collect::<Option<_>>()?;
    let (&last, bytes) = parts.split_last()?;
    let bits_left = 32 - 8 * u32::try_from(bytes.len()).ok().filter(|&count| count < 4)?;
    if bytes.iter().any(|&byte| byte > 255) || u64::from(last) >> bits_left != 0 {
        return None;
    }
    let high = bytes.iter().zip(0..).map(|(&byte, at)| byte << (24 - 8 * at)).sum::<u32>();
    Some(Ipv4Addr::from(high | last))
}

/// The port a service is, if it is a number, as `strtoul(3)` reads one and an `int` keeps it: blanks
/// and a sign may lead, and what is over a port's 16 bits falls away (linux-truth 256). What would be
/// negative is taken for a name.
pub(crate) fn port(service: &str) -> Option<u16> {
    let rest = service.trim_start_matches([' ', '\t', '\n', '\x0b', '\x0c', '\r']);
    let (negative, digits) = match rest.as_bytes().first() {
        Some(b'-') => (true, &rest[1..]),
        Some(b'+') => (false, &rest[1..]),
        _ => (false, rest),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number = match digits.parse::<u64>() {
        Ok(number) if negative => number.wrapping_neg(),
        Ok(number) => number,
        Err(_) => u64::MAX,
    };
    let number = number as u32 as i32;
    (number >= 0).then_some(number as u16)
}

/// Whether a service is a number, be it one that is no port.
pub(crate) fn is_number(service: &str) -> bool {
    let rest = service.trim_start_matches([' ', '\t', '\n', '\x0b', '\x0c', '\r']);
    let digits = rest.strip_prefix(['-', '+']).unwrap_or(rest);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// An IPv4 address in IPv6's form.
pub(crate) fn mapped(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().into(),
        v6 => v6,
    }
}
