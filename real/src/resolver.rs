//! The system's resolver: [`Threaded`] and [`Blocking`], and the hub's own look-ups by name. It
//! blocks, so those are jobs of a pool of their own.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use greenroom::hub::Io;
use greenroom::resolve::{AddrInfo, Family, GaiError, HostEntry, Request, Resolver};
use greenroom::thread::run_blocking;

use crate::blocking_pool::{BlockingPool, Inbox, Outcome, Task};

/// Look-ups under way at a time; more wait their turn. Apart from the program's own jobs, which may
/// take long.
static POOL: BlockingPool = BlockingPool::new("greenroom-resolve", 4);

/// What a question came to. Dropping it gives the question up.
pub(crate) type Answer = Outcome<io::Result<Vec<IpAddr>>>;

/// Has a name looked up; the result goes to its place and its number to the inbox.
///
/// # Errors
///
/// When no thread can be made and none is there.
pub(crate) fn ask(host: &str, io: Io, answer: &Arc<Answer>, inbox: &Arc<Inbox>) -> io::Result<()> {
    let host = host.to_owned();
    POOL.spawn(Task::new(io, answer, inbox, move || look_up(&host)))
}

fn look_up(host: &str) -> io::Result<Vec<IpAddr>> {
    Ok(each_once(system::stream_addresses(host)?))
}

fn each_once(all: Vec<IpAddr>) -> Vec<IpAddr> {
    let mut addresses = Vec::new();
    for address in all {
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    addresses
}

/// The operating system's resolver on a thread, while greenlets go on: what a hub asks unless
/// another is set.
#[derive(Clone, Copy, Debug, Default)]
pub struct Threaded;

/// The operating system's resolver on this thread: every greenlet waits meanwhile. It works outside a
/// hub too.
#[derive(Clone, Copy, Debug, Default)]
pub struct Blocking;

impl Resolver for Threaded {
    fn forward(&self, name: &str, family: Family) -> Result<HostEntry, GaiError> {
        let name = name.to_owned();
        elsewhere(move || Blocking.forward(&name, family))
    }
    fn reverse(&self, address: IpAddr) -> Result<HostEntry, GaiError> {
        elsewhere(move || Blocking.reverse(address))
    }
    fn getaddrinfo(&self, request: &Request<'_>) -> Result<Vec<AddrInfo>, GaiError> {
        let (host, service) = (request.host.map(str::to_owned), request.service.map(str::to_owned));
        let hints = request.hints;
        elsewhere(move || {
            let (host, service) = (host.as_deref(), service.as_deref());
            Blocking.getaddrinfo(&Request { host, service, hints })
        })
    }
    fn getnameinfo(&self, address: &SocketAddr, flags: i32) -> Result<(String, String), GaiError> {
        let address = *address;
        elsewhere(move || Blocking.getnameinfo(&address, flags))
    }
}

fn elsewhere<T: Send + 'static>(
    look_up: impl FnOnce() -> Result<T, GaiError> + Send + 'static,
) -> Result<T, GaiError> {
    run_blocking(look_up)
        .unwrap_or_else(|error| Err(GaiError::System(error.raw_os_error().unwrap_or(libc::EAGAIN))))
}

/// All of it is the C library's.
#[cfg(target_os = "linux")]
impl Resolver for Blocking {
    fn forward(&self, name: &str, family: Family) -> Result<HostEntry, GaiError> {
        if family != Family::Any {
            return crate::sys::names::host_by_name(name, family == Family::V6);
        }
        let v4 = crate::sys::names::host_by_name(name, false);
        let all = system::stream_addresses(name)?;
        let mut entry = v4.unwrap_or_default();
        if entry.name.is_empty() {
            name.clone_into(&mut entry.name);
        }
        entry.addresses = each_once(all);
        Ok(entry)
    }
    fn reverse(&self, address: IpAddr) -> Result<HostEntry, GaiError> {
        crate::sys::names::host_by_address(address)
    }
    fn getaddrinfo(&self, request: &Request<'_>) -> Result<Vec<AddrInfo>, GaiError> {
        crate::sys::names::getaddrinfo(request.host, request.service, request.hints)
    }
    fn getnameinfo(&self, address: &SocketAddr, flags: i32) -> Result<(String, String), GaiError> {
        crate::sys::names::getnameinfo(address, flags)
    }
}

#[cfg(target_os = "linux")]
mod system {
    use super::{GaiError, IpAddr};
    use greenroom::resolve::Hints;

    pub(super) fn stream_addresses(host: &str) -> Result<Vec<IpAddr>, GaiError> {
        let found = crate::sys::names::getaddrinfo(Some(host), None, Hints::stream())?;
        Ok(found.into_iter().map(|info| info.address.ip()).collect())
    }
}

/// Where flags and errors have other numbers, names alone are the system's, and as std asks for them;
/// an address has the name that this machine's hosts file gives it.
#[cfg(not(target_os = "linux"))]
impl Resolver for Blocking {
    fn forward(&self, name: &str, family: Family) -> Result<HostEntry, GaiError> {
        let all = each_once(system::stream_addresses(name)?);
        let addresses: Vec<IpAddr> = all.into_iter().filter(|&ip| family.has(ip)).collect();
        if addresses.is_empty() {
            return Err(GaiError::NoData);
        }
        Ok(HostEntry { name: name.to_owned(), aliases: Vec::new(), addresses })
    }
    fn reverse(&self, address: IpAddr) -> Result<HostEntry, GaiError> {
        greenroom::resolve::Hosts::system().reverse(address)
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use super::{GaiError, IpAddr};
    use std::net::ToSocketAddrs;

    pub(super) fn stream_addresses(host: &str) -> Result<Vec<IpAddr>, GaiError> {
        let found = (host, 0).to_socket_addrs();
        let found = found.map_err(|error| match error.raw_os_error() {
            Some(errno) => GaiError::System(errno),
            None => GaiError::NoName,
        })?;
        Ok(found.map(|address| address.ip()).collect())
    }
}
