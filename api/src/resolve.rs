//! Names to addresses, asked of the hub: `lookup_host`, `gethostbyname`.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::block::Call;
use crate::driver;
use crate::hub::{Interest, Io, Query};
use crate::net::{Descriptor, ToSocketAddrs};

/// The addresses of `host`, which is `name:port`, `address:port` or such a pair.
///
/// # Errors
///
/// Whatever the hub's resolver answers; an unknown name is an error, not an empty answer.
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
/// As [`lookup_host`]; a host without an IPv4 address is unknown here.
pub fn gethostbyname(host: &str) -> io::Result<Ipv4Addr> {
    if let Ok(address) = host.parse() {
        return Ok(address);
    }
    let found = addresses_of(host)?.into_iter().find_map(|address| match address {
        IpAddr::V4(v4) => Some(v4),
        IpAddr::V6(_) => None,
    });
    found.ok_or_else(|| io::Error::other(format!("{host}: no IPv4 address of this name")))
}

/// Asks the hub and waits for the answer.
pub(crate) fn addresses_of(host: &str) -> io::Result<Vec<IpAddr>> {
    let driver = driver::current().ok_or_else(driver::outside)?;
    if host.contains('\0') {
        let text = "file name contained an unexpected NUL byte";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    }
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
