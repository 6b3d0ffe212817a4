//! Names and addresses: who knows them, which resolver a host asks, and all of `getaddrinfo(3)` that
//! is the same whoever answers.

mod error;
mod hosts;
pub(crate) mod numeric;
pub(crate) mod order;
mod request;
mod resolver;
mod services;

use std::cell::RefCell;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;

use crate::call::{Call, Descriptor};
use crate::driver;
use crate::hub::{Io, Query, Readiness};

pub use error::GaiError;
pub use hosts::Hosts;
pub use request::{
    AI_ADDRCONFIG, AI_ALL, AI_CANONIDN, AI_CANONNAME, AI_IDN, AI_NUMERICHOST, AI_NUMERICSERV,
    AI_PASSIVE, AI_V4MAPPED, AddrInfo, Family, Hints, HostEntry, NI_DGRAM, NI_NAMEREQD, NI_NOFQDN,
    NI_NUMERICHOST, NI_NUMERICSERV, Request,
};
pub use resolver::Resolver;
pub(crate) use resolver::answer;
pub use services::Services;

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
    let of_hub = || {
        let brought = driver::with_current(|driver| driver.hub.borrow().resolver()).flatten()?;
        brought.downcast::<Rc<dyn Resolver>>().ok().map(|resolver| *resolver)
    };
    chosen().or_else(of_hub).unwrap_or_else(|| Rc::new(OfHub))
}

fn chosen() -> Option<Rc<dyn Resolver>> {
    CHOSEN.try_with(|chosen| chosen.borrow().clone()).ok().flatten()
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
pub(crate) struct OfHub;

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
        interest: Readiness::READ,
        timeout_ns: None,
        expiry: io::ErrorKind::TimedOut,
        nonblocking: false,
    };
    call.run(&driver, |hub, io: Io| hub.resolved(io))
}
