//! A hub with the identity of a host: its Unix names.
#![cfg(target_os = "linux")]

use std::net::Ipv4Addr;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::SocketAddr as UnixAddr;
use std::sync::Arc;

use super::*;
use crate::identity::{Names, Record};

fn host(last: u8) -> RealHub {
    let address = Ipv4Addr::new(127, 254, 253, last);
    let identity = Identity {
        host: format!("host{last}"),
        addresses: vec![address],
        unix: Names::new(address),
        names: Arc::default(),
        programs: 1,
        is_over: Arc::default(),
        on_idle: None,
        record: Arc::new(Record::new(|| ())),
    };
    RealHub::with_identity(Some(identity)).unwrap()
}

fn path() -> Address {
    UnixAddr::from_pathname("/run/greenroom-test/db.sock").unwrap().into()
}

fn abstractly() -> Address {
    UnixAddr::from_abstract_name("greenroom test db").unwrap().into()
}

#[test]
fn hosts_do_not_meet_on_a_name() {
    let mut hubs = [host(1), host(2), host(3)];
    for name in [path(), abstractly()] {
        for hub in &mut hubs[..2] {
            let listener = hub.socket(Domain::Unix, Kind::Stream).unwrap();
            hub.bind(listener, &name).unwrap();
            hub.listen(listener, 1).unwrap();
            assert_eq!(hub.local_addr(listener).unwrap(), name);
            let client = hub.socket(Domain::Unix, Kind::Stream).unwrap();
            hub.connect(client, &name).unwrap();
            assert_eq!(hub.peer_addr(client).unwrap(), name);
            let (_, peer) = hub.accept(listener).unwrap();
            assert_eq!(peer, Address::unnamed());
        }
        let stranger = hubs[2].socket(Domain::Unix, Kind::Stream).unwrap();
        let nobody = hubs[2].connect(stranger, &name).unwrap_err();
        let is_path = name.unix().unwrap().as_pathname().is_some();
        let expected = if is_path { libc::ENOENT } else { libc::ECONNREFUSED };
        assert_eq!(nobody.raw_os_error(), Some(expected));
    }
}

#[test]
fn a_path_that_was_bound_is_in_use_from_then_on() {
    let mut hub = host(4);
    let [first, second] = [(); 2].map(|()| hub.socket(Domain::Unix, Kind::Stream).unwrap());
    hub.bind(first, &path()).unwrap();
    let taken = hub.bind(second, &path()).unwrap_err();
    assert_eq!(taken.raw_os_error(), Some(libc::EADDRINUSE));
    let twice = hub.bind(first, &abstractly()).unwrap_err();
    assert_eq!(twice.raw_os_error(), Some(libc::EINVAL));
    hub.close(first);
    let client = hub.socket(Domain::Unix, Kind::Stream).unwrap();
    let closed = hub.connect(client, &path()).unwrap_err();
    assert_eq!(closed.raw_os_error(), Some(libc::ECONNREFUSED));
    let stale = hub.bind(second, &path()).unwrap_err();
    assert_eq!(stale.raw_os_error(), Some(libc::EADDRINUSE));
    let datagrams = hub.socket(Domain::Unix, Kind::Datagram).unwrap();
    let other = hub.connect(datagrams, &path()).unwrap_err();
    assert_eq!(other.raw_os_error(), Some(libc::ECONNREFUSED), "nobody is there, of any type");
}

#[test]
fn datagrams_can_be_answered_whoever_named_their_sender() {
    let mut hub = host(5);
    let server = hub.socket(Domain::Unix, Kind::Datagram).unwrap();
    hub.bind(server, &path()).unwrap();
    let [asked, by_system] = [(); 2].map(|()| hub.socket(Domain::Unix, Kind::Datagram).unwrap());
    hub.bind(asked, &Address::unnamed()).unwrap();
    // The system names such a socket when it sends.
    hub.set_option(by_system, Opt::PassCredentials, 1).unwrap();
    for client in [asked, by_system] {
        let mut buf = [0; 8];
        hub.send_to(client, b"ask", &path()).unwrap();
        let (_, peer) = hub.recv_from(server, &mut buf, Take::Remove).unwrap();
        assert_eq!(peer, hub.local_addr(client).unwrap());
        assert_ne!(peer, Address::unnamed());
        hub.send_to(server, b"answer", &peer).unwrap();
        let (n, peer) = hub.recv_from(client, &mut buf, Take::Remove).unwrap();
        assert_eq!((n, peer), (6, path()));
    }
}
