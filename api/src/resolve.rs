//! Names to addresses and back: `getaddrinfo` and its kin, cooperative, over a resolver that can be
//! chosen.
//!
//! A [`Resolver`] answers two questions, the addresses of a name and the names of an address; all
//! else about `getaddrinfo(3)` — numeric hosts, services, wildcards, flags, the order of a list,
//! which error is told — is the same code over each of them, held to glibc's answers. There are
//!
//! - the hub's own, unless another is set: the operating system's on a thread (`Threaded` of
//!   `greenroom_real`), in a simulation the hosts of the scenario;
//! - [`Hosts`], a hosts file;
//! - `Dns`, a client of name servers over this crate's own sockets, so that it runs in a simulation
//!   too (feature `dns`);
//! - `Blocking` of `greenroom_real`, the operating system's on this very thread.
//!
//! [`set_resolver`] sets one for a host, and with it for every look-up by name: also those of
//! [`connect`](crate::net::TcpStream::connect) and [`bind`](crate::net::TcpListener::bind).

#[cfg(feature = "dns")]
pub mod dns;

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::names::{OfHub, answer, numeric};
use crate::net::ToSocketAddrs;

pub use crate::names::{
    AI_ADDRCONFIG, AI_ALL, AI_CANONIDN, AI_CANONNAME, AI_IDN, AI_NUMERICHOST, AI_NUMERICSERV,
    AI_PASSIVE, AI_V4MAPPED, AddrInfo, Family, GaiError, Hints, HostEntry, Hosts, NI_DGRAM,
    NI_NAMEREQD, NI_NOFQDN, NI_NUMERICHOST, NI_NUMERICSERV, Request, Resolver, Services, resolver,
    set_resolver,
};
#[cfg(feature = "dns")]
pub use dns::Dns;

/// The ways to reach a service of a host: `getaddrinfo(3)`. Hosts and ports that are numbers are
/// answered without a switch.
///
/// # Errors
///
/// All of [`GaiError`]; outside a hub a name is [`System`](GaiError::System).
///
/// # Examples
///
/// ```
/// use greenroom::resolve::{Hints, getaddrinfo};
///
/// let found = getaddrinfo(Some("127.1"), Some("80"), Hints::stream())?;
/// assert_eq!(found[0].address, "127.0.0.1:80".parse().unwrap());
/// # Ok::<(), greenroom::resolve::GaiError>(())
/// ```
pub fn getaddrinfo(
    host: Option<&str>,
    service: Option<&str>,
    hints: Hints,
) -> Result<Vec<AddrInfo>, GaiError> {
    let request = Request { host, service, hints };
    if answer::needs_nobody(&request) {
        return OfHub.getaddrinfo(&request);
    }
    resolver().getaddrinfo(&request)
}

/// The addresses of `host`, which is `name:port`, `address:port` or such a pair.
///
/// # Errors
///
/// Whatever the resolver answers; an unknown name is an error, not an empty answer.
///
/// # Examples
///
/// ```
/// let all = greenroom::resolve::lookup_host("127.0.0.1:80")?;
/// assert_eq!(all.collect::<Vec<_>>(), ["127.0.0.1:80".parse().unwrap()]);
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn lookup_host(host: impl ToSocketAddrs) -> io::Result<impl Iterator<Item = SocketAddr>> {
    host.to_socket_addrs()
}

/// The first IPv4 address of a host name, as `gethostbyname(3)` gives it.
///
/// # Errors
///
/// As [`gethostbyname_ex`], inside an [`io::Error`].
pub fn gethostbyname(host: &str) -> io::Result<Ipv4Addr> {
    let found = gethostbyname_ex(host)?.addresses.into_iter().find_map(|address| match address {
        IpAddr::V4(v4) => Some(v4),
        IpAddr::V6(_) => None,
    });
    Ok(found.ok_or(GaiError::NoData)?)
}

/// The canonical name, the aliases and the IPv4 addresses of a host: all of `gethostbyname(3)`.
///
/// # Errors
///
/// Those of [`Resolver::forward`]; an address of IPv6 is [`AddrFamily`](GaiError::AddrFamily).
pub fn gethostbyname_ex(host: &str) -> Result<HostEntry, GaiError> {
    match numeric::host(host)? {
        Some(SocketAddr::V4(v4)) => Ok(answer::entry_of(host, (*v4.ip()).into())),
        Some(SocketAddr::V6(_)) => Err(GaiError::AddrFamily),
        None if host.is_empty() || host.contains('\0') => Err(GaiError::NoName),
        None => resolver().forward(host, Family::V4),
    }
}

/// The names of the host that has an address: `gethostbyaddr(3)`.
///
/// # Errors
///
/// Those of [`Resolver::reverse`].
pub fn gethostbyaddr(address: IpAddr) -> Result<HostEntry, GaiError> {
    resolver().reverse(address)
}

/// The names of a host and of a service: `getnameinfo(3)`. Without a name it is the number.
///
/// # Errors
///
/// Those of [`Resolver::getnameinfo`].
///
/// # Examples
///
/// ```
/// use greenroom::resolve::{NI_NUMERICHOST, NI_NUMERICSERV, getnameinfo};
///
/// let names = getnameinfo(&"[::1]:80".parse().unwrap(), NI_NUMERICHOST | NI_NUMERICSERV)?;
/// assert_eq!(names, ("::1".to_owned(), "80".to_owned()));
/// # Ok::<(), greenroom::resolve::GaiError>(())
/// ```
pub fn getnameinfo(address: &SocketAddr, flags: i32) -> Result<(String, String), GaiError> {
    if flags & NI_NUMERICHOST != 0 && flags & NI_NUMERICSERV != 0 {
        return answer::names(&OfHub, address, flags);
    }
    resolver().getnameinfo(address, flags)
}
