//! How a request becomes a list: the rules of `getaddrinfo(3)` and `getnameinfo(3)` around the one
//! question that a [`Resolver`] is asked, in the order in which glibc applies them, as it decides
//! which of several errors is told.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

use super::Resolver;
use crate::names::numeric::BadScope;
use crate::names::request::{
    AI_ADDRCONFIG, AI_ALL, AI_CANONNAME, AI_IDN, AI_KNOWN, AI_NUMERICHOST, AI_NUMERICSERV,
    AI_PASSIVE, AI_V4MAPPED, NI_DGRAM, NI_KNOWN, NI_NAMEREQD, NI_NUMERICHOST, NI_NUMERICSERV,
};
use crate::names::{AddrInfo, Family, GaiError, Hints, HostEntry, Request, numeric, order};

/// One row of the kinds of sockets that there are, in the order they are answered.
struct Transport {
    socktype: i32,
    protocol: i32,
    name: &'static str,
    /// Whether it is answered where nothing is asked for.
    usual: bool,
}

const DCCP: (i32, i32) = (6, 33);
const UDP_LITE: i32 = 136;
const SCTP: i32 = 132;
const RAW: &str = "raw";

const fn transport(kind: (i32, i32), name: &'static str, usual: bool) -> Transport {
    Transport { socktype: kind.0, protocol: kind.1, name, usual }
}

const TRANSPORTS: [Transport; 7] = [
    transport((libc::SOCK_STREAM, libc::IPPROTO_TCP), "tcp", true),
    transport((libc::SOCK_DGRAM, libc::IPPROTO_UDP), "udp", true),
    transport(DCCP, "dccp", false),
    transport((libc::SOCK_DGRAM, UDP_LITE), "udplite", false),
    transport((libc::SOCK_STREAM, SCTP), "sctp", false),
    transport((libc::SOCK_SEQPACKET, SCTP), "sctp", false),
    transport((libc::SOCK_RAW, 0), RAW, true),
];

impl Transport {
    fn fits(&self, hints: Hints) -> bool {
        let protocol = hints.protocol == 0 || self.is_raw() || hints.protocol == self.protocol;
        (hints.socktype == 0 || hints.socktype == self.socktype) && protocol
    }
    /// It goes with any protocol, and has no services.
    fn is_raw(&self) -> bool {
        self.name == RAW
    }
}

/// Where on a host something is: the kind of socket, the protocol, the port.
type Endpoint = (i32, i32, u16);

/// `getaddrinfo(3)`.
pub(crate) fn addresses<R: Resolver + ?Sized>(
    resolver: &R,
    request: &Request<'_>,
) -> Result<Vec<AddrInfo>, GaiError> {
    let host = request.host.filter(|&host| host != "*");
    let service = request.service.filter(|&service| service != "*");
    let mut hints = request.hints;
    if host.is_none() && service.is_none() {
        return Err(GaiError::NoName);
    }
    if hints.flags & !AI_KNOWN != 0 || (hints.has(AI_CANONNAME) && host.is_none()) {
        return Err(GaiError::BadFlags);
    }
    if ![libc::AF_UNSPEC, libc::AF_INET, libc::AF_INET6].contains(&hints.family) {
        return Err(GaiError::Family);
    }
    if hints.has(AI_ADDRCONFIG) {
        hints.family = spoken(hints.family)?;
    }
    if hints.has(AI_NUMERICSERV)
        && service.is_some_and(|it| !it.is_empty() && !numeric::is_number(it))
    {
        return Err(GaiError::NoName);
    }
    let places = places(resolver, hints, service.filter(|service| !service.is_empty()))?;
    let (canonical, hosts) = match host {
        Some(host) => hosts(resolver, host, hints)?,
        None => (None, own(hints)),
    };
    let mut list: Vec<AddrInfo> = Vec::with_capacity(hosts.len() * places.len());
    for host in &hosts {
        list.extend(places.iter().map(|&(socktype, protocol, port)| {
            let mut address = *host;
            address.set_port(port);
            AddrInfo { socktype, protocol, address, canonical: None }
        }));
    }
    if hosts.len() > 1 {
        order::sort(&mut list, |info| info.address);
    }
    if let Some(first) = list.first_mut().filter(|_| hints.has(AI_CANONNAME)) {
        first.canonical = canonical;
    }
    Ok(list)
}

/// The family that is left of those asked for where only those are wanted that this host speaks.
fn spoken(family: i32) -> Result<i32, GaiError> {
    let (v4, v6) = (order::speaks(false), order::speaks(true));
    match family {
        libc::AF_UNSPEC if v4 && !v6 => Ok(libc::AF_INET),
        libc::AF_UNSPEC if v6 && !v4 => Ok(libc::AF_INET6),
        libc::AF_INET if !v4 => Err(GaiError::NoName),
        libc::AF_INET6 if !v6 => Err(GaiError::NoName),
        any => Ok(any),
    }
}

fn places<R: Resolver + ?Sized>(
    resolver: &R,
    hints: Hints,
    service: Option<&str>,
) -> Result<Vec<Endpoint>, GaiError> {
    let anything = hints.socktype == 0 && hints.protocol == 0;
    let chosen = match TRANSPORTS.iter().find(|transport| transport.fits(hints)) {
        Some(chosen) => chosen,
        None if hints.socktype != 0 => return Err(GaiError::SockType),
        None => return Err(GaiError::Service),
    };
    let port = match service {
        Some(_) if !anything && chosen.is_raw() => return Err(GaiError::Service),
        Some(service) => match numeric::port(service) {
            Some(port) => port,
            None => return named_places(resolver, hints, service, anything.then_some(chosen)),
        },
        None => 0,
    };
    if !anything {
        let protocol = if chosen.is_raw() { hints.protocol } else { chosen.protocol };
        return Ok(vec![(chosen.socktype, protocol, port)]);
    }
    let usual = TRANSPORTS.iter().filter(|transport| transport.usual);
    Ok(usual.map(|transport| (transport.socktype, transport.protocol, port)).collect())
}

/// Of a service by name: all transports that have it where nothing is asked for, else the first that
/// fits.
fn named_places<R: Resolver + ?Sized>(
    resolver: &R,
    hints: Hints,
    service: &str,
    of_any: Option<&Transport>,
) -> Result<Vec<Endpoint>, GaiError> {
    let fitting =
        TRANSPORTS.iter().filter(|transport| transport.fits(hints) && !transport.is_raw());
    let tried = if of_any.is_some() { TRANSPORTS.len() } else { 1 };
    let found: Vec<Endpoint> = fitting
        .take(tried)
        .filter_map(|transport| {
            let port = resolver.service_port(service, transport.name)?;
            Some((transport.socktype, transport.protocol, port))
        })
        .collect();
    if found.is_empty() { Err(GaiError::Service) } else { Ok(found) }
}

/// This host's own addresses, to connect to or to bind to.
fn own(hints: Hints) -> Vec<SocketAddr> {
    let passive = hints.has(AI_PASSIVE);
    let v6 = if passive { Ipv6Addr::UNSPECIFIED } else { Ipv6Addr::LOCALHOST };
    let v4 = if passive { Ipv4Addr::UNSPECIFIED } else { Ipv4Addr::LOCALHOST };
    match hints.family {
        libc::AF_INET => vec![(v4, 0).into()],
        libc::AF_INET6 => vec![(v6, 0).into()],
        _ => vec![(v6, 0).into(), (v4, 0).into()],
    }
}

/// The canonical name and the addresses of a host.
fn hosts<R: Resolver + ?Sized>(
    resolver: &R,
    host: &str,
    hints: Hints,
) -> Result<(Option<String>, Vec<SocketAddr>), GaiError> {
    if hints.has(AI_IDN) && !host.is_ascii() {
        return Err(GaiError::IdnEncode);
    }
    match numeric::host(host) {
        Ok(Some(address)) => {
            return Ok((Some(host.to_owned()), vec![in_family(address, hints)?]));
        }
        Ok(None) => {}
        Err(BadScope(ip)) => {
            in_family((ip, 0).into(), hints)?;
            return Err(GaiError::NoName);
        }
    }
    if hints.has(AI_NUMERICHOST) || host.is_empty() || host.contains('\0') {
        return Err(GaiError::NoName);
    }
    let entry = match hints.family {
        libc::AF_INET => resolver.forward(host, Family::V4)?,
        libc::AF_INET6 => v6_entry(resolver, host, hints)?,
        _ => resolver.forward(host, Family::Any)?,
    };
    if entry.addresses.is_empty() {
        return Err(GaiError::NoData);
    }
    let addresses = entry.addresses.iter().map(|&ip| SocketAddr::new(ip, 0)).collect();
    Ok((Some(entry.name), addresses))
}

/// Addresses of IPv6, or IPv4's in its form.
fn v6_entry<R: Resolver + ?Sized>(
    resolver: &R,
    host: &str,
    hints: Hints,
) -> Result<HostEntry, GaiError> {
    let mut own = resolver.forward(host, Family::V6);
    let enough = matches!(&own, Ok(entry) if !entry.addresses.is_empty()) && !hints.has(AI_ALL);
    if !hints.has(AI_V4MAPPED) || enough {
        return own;
    }
    match (&mut own, resolver.forward(host, Family::V4)) {
        (Ok(entry), Ok(mapped)) => {
            entry.addresses.extend(mapped.addresses.into_iter().map(numeric::mapped));
            own
        }
        (Err(_), Ok(mut entry)) => {
            entry.addresses = entry.addresses.into_iter().map(numeric::mapped).collect();
            Ok(entry)
        }
        (_, Err(_)) => own,
    }
}

/// A numeric host as an address of the family that is asked for (linux-truth 255).
fn in_family(address: SocketAddr, hints: Hints) -> Result<SocketAddr, GaiError> {
    match (address, hints.family) {
        (SocketAddr::V4(v4), libc::AF_INET6) if hints.has(AI_V4MAPPED) => {
            Ok(SocketAddrV6::new(v4.ip().to_ipv6_mapped(), 0, 0, 0).into())
        }
        (SocketAddr::V4(_), libc::AF_INET6) => Err(GaiError::AddrFamily),
        (SocketAddr::V6(v6), libc::AF_INET) => {
            let v4 = v6.ip().to_ipv4_mapped().ok_or(GaiError::AddrFamily)?;
            Ok((v4, 0).into())
        }
        (same, _) => Ok(same),
    }
}

/// `getnameinfo(3)`: the host's name and the service's.
pub(crate) fn names<R: Resolver + ?Sized>(
    resolver: &R,
    address: &SocketAddr,
    flags: i32,
) -> Result<(String, String), GaiError> {
    if flags & !NI_KNOWN != 0 {
        return Err(GaiError::BadFlags);
    }
    let protocol = if flags & NI_DGRAM != 0 { "udp" } else { "tcp" };
    let host = host_name(resolver, address, flags)?;
    let named = match flags & NI_NUMERICSERV {
        0 => resolver.service_name(address.port(), protocol),
        _ => None,
    };
    Ok((host, named.unwrap_or_else(|| address.port().to_string())))
}

fn host_name<R: Resolver + ?Sized>(
    resolver: &R,
    address: &SocketAddr,
    flags: i32,
) -> Result<String, GaiError> {
    if flags & NI_NUMERICHOST == 0 {
        match resolver.reverse(address.ip()) {
            Ok(entry) => return Ok(entry.name),
            Err(GaiError::NoName | GaiError::NoData | GaiError::Fail) => {}
            Err(other) => return Err(other),
        }
    }
    if flags & NI_NAMEREQD != 0 {
        return Err(GaiError::NoName);
    }
    Ok(numeric::text(address))
}

/// Whether a request needs nobody: its host and its service are numbers, or are not there.
pub(crate) fn needs_nobody(request: &Request<'_>) -> bool {
    let host = request.host.filter(|&host| host != "*");
    let service = request.service.filter(|&service| service != "*");
    host.is_none_or(|host| {
        request.hints.has(AI_NUMERICHOST) || matches!(numeric::host(host), Ok(Some(_)))
    }) && service.is_none_or(|service| service.is_empty() || numeric::port(service).is_some())
}

/// One address as the entry of a host that is named by it.
pub(crate) fn entry_of(host: &str, address: IpAddr) -> HostEntry {
    HostEntry { name: host.to_owned(), aliases: Vec::new(), addresses: vec![address] }
}
