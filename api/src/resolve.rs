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

mod answer;
#[cfg(feature = "dns")]
pub mod dns;
mod error;
mod hosts;
mod numeric;
mod order;
mod request;
mod services;

use std::cell::RefCell;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::rc::Rc;

use crate::block::Call;
use crate::driver;
use crate::hub::{Interest, Io, Query};
use crate::net::{Descriptor, ToSocketAddrs};

#[cfg(feature = "dns")]
pub use dns::Dns;
pub use error::GaiError;
pub use hosts::Hosts;
pub use request::{
    AI_ADDRCONFIG, AI_ALL, AI_CANONIDN, AI_CANONNAME, AI_IDN, AI_NUMERICHOST, AI_NUMERICSERV,
    AI_PASSIVE, AI_V4MAPPED, AddrInfo, Family, Hints, HostEntry, NI_DGRAM, NI_NAMEREQD, NI_NOFQDN,
    NI_NUMERICHOST, NI_NUMERICSERV, Request,
};
pub use services::Services;

/// Who knows names. The two questions are enough; the rest follows from them.
pub trait Resolver {
    /// The addresses of a name that is neither empty nor an address itself. At least one.
    ///
    /// # Errors
    ///
    /// [`NoName`](GaiError::NoName) for one that does not exist, [`NoData`](GaiError::NoData) for one
    /// without an address of the family, [`Again`](GaiError::Again) where nobody could be asked.
    fn forward(&self, name: &str, family: Family) -> Result<HostEntry, GaiError>;

    /// The names of an address.
    ///
    /// # Errors
    ///
    /// As [`forward`](Resolver::forward).
    fn reverse(&self, address: IpAddr) -> Result<HostEntry, GaiError>;

    /// The port of a service of a protocol (`tcp`, `udp`, …).
    fn service_port(&self, name: &str, protocol: &str) -> Option<u16> {
        Services::well_known().port(name, Some(protocol))
    }

    /// The name of a port of a protocol.
    fn service_name(&self, port: u16, protocol: &str) -> Option<String> {
        Services::well_known().name(port, protocol).map(str::to_owned)
    }

    /// `getaddrinfo(3)`.
    ///
    /// # Errors
    ///
    /// All of [`GaiError`].
    fn getaddrinfo(&self, request: &Request<'_>) -> Result<Vec<AddrInfo>, GaiError> {
        answer::addresses(self, request)
    }

    /// `getnameinfo(3)`: the names of a host and of a service.
    ///
    /// # Errors
    ///
    /// [`NoName`](GaiError::NoName) with [`NI_NAMEREQD`]; [`BadFlags`](GaiError::BadFlags); what
    /// [`reverse`](Resolver::reverse) answers where nobody could be asked.
    fn getnameinfo(&self, address: &SocketAddr, flags: i32) -> Result<(String, String), GaiError> {
        answer::names(self, address, flags)
    }
}

crate::host_local! {
    static CHOSEN: RefCell<Option<Rc<dyn Resolver>>> = RefCell::new(None);
}

/// Has this host ask `resolver` from now on; look-ups under way end as they began.
///
/// # Panics
///
/// Outside any hub.
///
/// # Examples
///
/// ```no_run
/// use std::rc::Rc;
/// use greenroom::resolve::{self, Hosts};
///
/// resolve::set_resolver(Rc::new(Hosts::parse("192.0.2.1 gate.example")));
/// assert_eq!(resolve::gethostbyname("gate.example")?.octets(), [192, 0, 2, 1]);
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn set_resolver(resolver: Rc<dyn Resolver>) {
    CHOSEN.with(|chosen| *chosen.borrow_mut() = Some(resolver));
}

/// Whom this host asks: the one that was set, or the hub's own.
pub fn resolver() -> Rc<dyn Resolver> {
    let of_hub = || driver::with_current(|driver| driver.hub.borrow().resolver()).flatten();
    chosen().or_else(of_hub).unwrap_or_else(|| Rc::new(OfHub))
}

fn chosen() -> Option<Rc<dyn Resolver>> {
    CHOSEN.try_with(|chosen| chosen.borrow().clone()).ok().flatten()
}

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

/// What std's `ToSocketAddrs` has of a host: each address once, port 0.
pub(crate) fn addresses_of(host: &str) -> io::Result<Vec<SocketAddr>> {
    if host.contains('\0') {
        let text = "file name contained an unexpected NUL byte";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    }
    // A scope that is unknown here may be the name of an interface that the hub knows.
    if let Ok(Some(address)) = numeric::host(host) {
        return Ok(vec![address]);
    }
    if let Some(resolver) = chosen() {
        let request = Request { host: Some(host), service: None, hints: Hints::stream() };
        return Ok(resolver.getaddrinfo(&request)?.into_iter().map(|info| info.address).collect());
    }
    Ok(ask_hub(host)?.into_iter().map(|ip| SocketAddr::new(ip, 0)).collect())
}

/// What the hub itself knows of names.
struct OfHub;

impl Resolver for OfHub {
    fn forward(&self, name: &str, family: Family) -> Result<HostEntry, GaiError> {
        let all = ask_hub(name).map_err(|error| GaiError::from_hub(&error))?;
        let addresses: Vec<IpAddr> = all.into_iter().filter(|&ip| family.has(ip)).collect();
        if addresses.is_empty() {
            return Err(GaiError::NoData);
        }
        Ok(HostEntry { name: name.to_owned(), aliases: Vec::new(), addresses })
    }

    fn reverse(&self, address: IpAddr) -> Result<HostEntry, GaiError> {
        let driver = driver::current().ok_or(GaiError::System(libc::ENOTCONN))?;
        let name = driver.hub.borrow_mut().reverse(address).ok_or(GaiError::NoName)?;
        Ok(answer::entry_of(&name, address))
    }
}

/// Asks the hub and waits for the answer.
fn ask_hub(host: &str) -> io::Result<Vec<IpAddr>> {
    let driver = driver::current().ok_or_else(driver::outside)?;
    let io = driver.hub.borrow_mut().resolve(&Query { host })?;
    // Owned during the wait, so that a kill or a timeout gives the query up.
    let _query = Descriptor::new(&driver, io);
    let call = Call {
        op: "resolve",
        io,
        interest: Interest::READ,
        timeout: None,
        expiry: io::ErrorKind::TimedOut,
        nonblocking: false,
    };
    call.run(&driver, |hub, io: Io| hub.resolved(io))
}
