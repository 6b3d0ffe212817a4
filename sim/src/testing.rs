//! A world without programs: tests call its hub as the driver would.

use std::io;
use std::os::unix::net::SocketAddr;

use greenroom::driver::Role;
use greenroom::hub::{Address, Domain, Hub, Io, Kind, Readiness, Ready, Take};
use greenroom::scenario::{HostSpec, Machine};

use crate::choices::{Choices, Source};
use crate::hub::SimHub;
use crate::id::{HostId, Id};
use crate::weather::Weather;
use crate::world::World;

/// A hub in this weather, with this many hosts that are all up.
pub(crate) fn hub_in(weather: Weather, hosts: usize) -> SimHub {
    hub_of(weather, hosts, Machine::new())
}

/// Likewise, with hosts that run on such machines.
pub(crate) fn hub_of(weather: Weather, hosts: usize, machine: Machine) -> SimHub {
    let spec = |index: usize| HostSpec {
        name: format!("host{index}"),
        role: Role::Client,
        body: std::sync::Arc::new(|| Ok(())),
        power_cut_within: None,
        signals: Vec::new(),
        machine: machine.clone(),
    };
    let specs: Vec<HostSpec> = (0..hosts).map(spec).collect();
    let world = World::new(&specs, weather, Choices::new(1, Source::Seed), true);
    let mut hub = SimHub::new(world, std::time::Duration::from_secs(86_400), None);
    polled(&mut hub);
    hub
}

/// One host, and no weather.
pub(crate) fn hub() -> SimHub {
    hub_in(Weather::calm(), 1)
}

/// What the next poll names: nothing, if nothing can happen any more.
pub(crate) fn polled(hub: &mut SimHub) -> Vec<Ready> {
    let mut ready = Vec::new();
    hub.poll(None, &mut ready).expect("a simulated poll does not fail");
    ready
}

/// Whether the next poll names this source for this interest.
pub(crate) fn is_polled(hub: &mut SimHub, io: Io, interest: Readiness) -> bool {
    let ready = polled(hub);
    ready.iter().any(
        |ready| matches!(ready, Ready::Io(named, what) if *named == io && what.and(interest) == interest),
    )
}

/// The host that was declared after this many others.
pub(crate) fn host(index: u16) -> HostId {
    HostId::of_row(index.into())
}

/// A socket on this host: where it stands is all that makes it one of the host.
pub(crate) fn socket_on(hub: &mut SimHub, host: u16, domain: Domain, kind: Kind) -> Io {
    let (io, host) = (hub.socket(domain, kind).expect("a socket"), self::host(host));
    let index = hub.world.socket_of(io).expect("it is open");
    let stood = std::mem::replace(&mut hub.world.sockets[index].host, host);
    hub.world.hosts[stood].gave_up_descriptors(1);
    hub.world.hosts[host].took_descriptor();
    io
}

pub(crate) fn at(address: &str) -> Address {
    address.parse::<std::net::SocketAddr>().expect("an address").into()
}

/// A socket that listens there.
pub(crate) fn listening(hub: &mut SimHub, host: u16, address: &str) -> Io {
    let address = at(address);
    let io = socket_on(hub, host, address.domain(), Kind::Stream);
    hub.bind(io, &address).expect("it is free");
    hub.listen(io, 9).expect("it is bound");
    io
}

/// Connects, however long it takes.
pub(crate) fn connect(hub: &mut SimHub, io: Io, to: &str) -> Result<(), i32> {
    match code(hub.connect(io, &at(to))) {
        Err(libc::EINPROGRESS | libc::EALREADY) => {}
        outcome => return outcome,
    }
    loop {
        match code(hub.connecting(io, &at(to))) {
            Err(libc::EAGAIN) if !polled(hub).is_empty() => {}
            outcome => return outcome,
        }
    }
}

/// Starts a connection and waits for it, as far as the next poll may name it.
pub(crate) fn begin_connect(hub: &mut SimHub, io: Io, to: &Address) {
    assert_eq!(code(hub.connect(io, to)), Err(libc::EINPROGRESS));
    assert_eq!(code(hub.connecting(io, to)), Err(libc::EAGAIN));
}

/// What getsockname(2) and getpeername(2) answer.
pub(crate) fn names(hub: &mut SimHub, io: Io) -> (String, String) {
    let shown = |name: io::Result<Address>| match code(name) {
        Ok(name) => name.to_string(),
        Err(error) => error.to_string(),
    };
    (shown(hub.local_addr(io)), shown(hub.peer_addr(io)))
}

pub(crate) fn path(path: &str) -> Address {
    SocketAddr::from_pathname(path).expect("a short path").into()
}

/// The number of a call's error.
pub(crate) fn code<T>(outcome: io::Result<T>) -> Result<T, i32> {
    outcome.map_err(|error| error.raw_os_error().unwrap_or(-1))
}

/// What would not wait now.
pub(crate) fn ready(hub: &mut SimHub, io: Io) -> (bool, bool) {
    let ready = hub.readiness(io, Readiness::BOTH).expect("it is open");
    (ready.is_readable(), ready.is_writable())
}

/// Reads at most `length` bytes.
pub(crate) fn recv(hub: &mut SimHub, io: Io, length: usize) -> Result<Vec<u8>, i32> {
    let mut buf = vec![0; length];
    let length = code(hub.recv(io, &mut buf, Take::Remove))?;
    buf.truncate(length);
    Ok(buf)
}

pub(crate) fn send(hub: &mut SimHub, io: Io, bytes: &[u8]) -> Result<usize, i32> {
    code(hub.send(io, bytes))
}

/// A Unix socket bound to a path.
pub(crate) fn bound(hub: &mut SimHub, kind: Kind, name: &str) -> Io {
    let io = hub.socket(Domain::Unix, kind).expect("a socket");
    hub.bind(io, &path(name)).expect("a free name");
    io
}

/// Sends pieces of this length until one has to wait; how much was taken, and how much until the
/// socket was no longer writable.
pub(crate) fn fill(hub: &mut SimHub, io: Io, length: usize) -> (usize, usize) {
    let (mut sent, mut unwritable_at) = (0, None);
    let bytes = vec![7; length];
    loop {
        match send(hub, io, &bytes) {
            Ok(length) => sent += length,
            Err(error) => {
                assert_eq!(error, libc::EAGAIN);
                return (sent, unwritable_at.unwrap_or(sent));
            }
        }
        if !ready(hub, io).1 {
            unwritable_at.get_or_insert(sent);
        }
    }
}
