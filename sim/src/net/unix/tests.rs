//! Unix sockets answer as Linux does; the numbers name rows of what was measured there.

mod datagrams;
mod rights;
mod streams;

use greenroom::hub::{Domain, Hub, Io, Kind, Take};

use crate::hub::SimHub;
use crate::testing::{self, bound, code, path, ready, recv, send};

fn pair(hub: &mut SimHub, kind: Kind) -> (Io, Io) {
    hub.pair(Domain::Unix, kind).expect("a pair")
}

fn connect(hub: &mut SimHub, kind: Kind, name: &str) -> (Io, Result<(), i32>) {
    let io = hub.socket(Domain::Unix, kind).expect("a socket");
    (io, code(hub.connect(io, &path(name))))
}

#[test]
fn a_name_is_missing_or_stale_or_in_use() {
    let hub = &mut testing::hub();
    // 202
    for kind in [Kind::Stream, Kind::Datagram] {
        assert_eq!(connect(hub, kind, "/none").1, Err(libc::ENOENT));
    }
    let first = bound(hub, Kind::Stream, "/a");
    assert_eq!(connect(hub, Kind::Stream, "/a").1, Err(libc::ECONNREFUSED), "nobody listens");
    assert_eq!(code(hub.accept(first)).err(), Some(libc::EINVAL));
    let second = hub.socket(Domain::Unix, Kind::Stream).expect("a socket");
    assert_eq!(code(hub.bind(second, &path("/a"))), Err(libc::EADDRINUSE));
    hub.close(first);
    assert_eq!(connect(hub, Kind::Stream, "/a").1, Err(libc::ECONNREFUSED), "its owner closed");
    assert_eq!(code(hub.bind(second, &path("/a"))), Err(libc::EADDRINUSE), "the path stays");
    // 204
    assert_eq!(code(hub.listen(second, 1)), Err(libc::EINVAL), "it has no name");
    assert_eq!(code(hub.bind(second, &path("/b"))), Ok(()));
    assert_eq!(code(hub.bind(second, &path("/c"))), Err(libc::EINVAL), "it has a name");
    assert_eq!(connect(hub, Kind::Datagram, "/b").1, Err(libc::EPROTOTYPE));
    // 34, 216
    let inet = std::net::SocketAddr::from(([127, 0, 0, 1], 80)).into();
    assert_eq!(code(hub.connect(second, &inet)), Err(libc::EINVAL));
    assert_eq!(code(hub.connect(second, &greenroom::hub::Address::unnamed())), Err(libc::EINVAL));
    let tcp = hub.socket(Domain::V4, Kind::Stream).expect("a socket");
    assert_eq!(code(hub.connect(tcp, &path("/b"))), Err(libc::EINVAL), "too short to be of IP");
    let long = path("/longer-than-this");
    assert_eq!(code(hub.connect(tcp, &long)), Err(libc::EAFNOSUPPORT));
}

#[test]
fn hosts_have_names_of_their_own() {
    let hub = &mut testing::hub_in(crate::Weather::calm(), 2);
    let listener = bound(hub, Kind::Stream, "/here");
    hub.listen(listener, 1).expect("it has a name");
    let there = testing::socket_on(hub, 1, Domain::Unix, Kind::Stream);
    assert_eq!(code(hub.connect(there, &path("/here"))), Err(libc::ENOENT));
    assert_eq!(code(hub.bind(there, &path("/here"))), Ok(()));
}

/// Abstract names are told apart by the kind of socket; a file is one for all of them.
#[test]
fn an_abstract_name_may_be_had_once_for_each_kind() {
    use std::os::linux::net::SocketAddrExt;

    let hub = &mut testing::hub();
    let name = std::os::unix::net::SocketAddr::from_abstract_name("same").expect("it is short");
    let name = greenroom::hub::Address::from(name);
    for kind in [Kind::Stream, Kind::Datagram, Kind::SeqPacket] {
        let socket = hub.socket(Domain::Unix, kind).expect("a socket");
        assert_eq!(code(hub.bind(socket, &name)), Ok(()));
        let second = hub.socket(Domain::Unix, kind).expect("a socket");
        assert_eq!(code(hub.bind(second, &name)), Err(libc::EADDRINUSE));
    }
}

/// 216
#[cfg(target_os = "linux")]
#[test]
fn an_abstract_name_is_free_again_and_an_empty_one_asks_for_any() {
    use std::os::linux::net::SocketAddrExt;
    let hub = &mut testing::hub();
    let name = std::os::unix::net::SocketAddr::from_abstract_name(b"abc").expect("short").into();
    let first = hub.socket(Domain::Unix, Kind::Stream).expect("a socket");
    assert_eq!(code(hub.connect(first, &name)), Err(libc::ECONNREFUSED));
    assert_eq!(code(hub.bind(first, &name)), Ok(()));
    let second = hub.socket(Domain::Unix, Kind::Stream).expect("a socket");
    assert_eq!(code(hub.bind(second, &name)), Err(libc::EADDRINUSE));
    hub.close(first);
    assert_eq!(code(hub.bind(second, &name)), Ok(()));
    assert_eq!(hub.local_addr(second).expect("a name"), name);
    let third = hub.socket(Domain::Unix, Kind::Stream).expect("a socket");
    assert_eq!(code(hub.bind(third, &greenroom::hub::Address::unnamed())), Ok(()));
    assert_eq!(hub.local_addr(third).expect("a name").to_string(), "@00001");
}

/// 161
#[test]
fn a_socket_fresh_from_the_shop_is_not_connected() {
    let hub = &mut testing::hub();
    let stream = hub.socket(Domain::Unix, Kind::Stream).expect("a socket");
    assert_eq!(ready(hub, stream), (true, true));
    assert_eq!(recv(hub, stream, 1), Err(libc::EINVAL));
    assert_eq!(send(hub, stream, b"x"), Err(libc::ENOTCONN));
    assert_eq!(code(hub.peer_addr(stream)).err(), Some(libc::ENOTCONN));
    assert_eq!(hub.local_addr(stream).expect("a name").to_string(), "(unnamed)");
    let datagrams = hub.socket(Domain::Unix, Kind::Datagram).expect("a socket");
    assert_eq!(ready(hub, datagrams), (false, true));
    assert_eq!(recv(hub, datagrams, 1), Err(libc::EAGAIN));
    assert_eq!(send(hub, datagrams, b"x"), Err(libc::ENOTCONN));
    let records = hub.socket(Domain::Unix, Kind::SeqPacket).expect("a socket");
    assert_eq!(recv(hub, records, 1), Err(libc::ENOTCONN));
}

/// 160
#[test]
fn records_keep_their_boundaries_until_the_end() {
    let hub = &mut testing::hub();
    let (near, far) = pair(hub, Kind::SeqPacket);
    assert_eq!([send(hub, near, b"abc"), send(hub, near, b"")], [Ok(3), Ok(0)]);
    let mut buf = [0; 2];
    assert_eq!(code(hub.recv(far, &mut buf, Take::Peek)), Ok(2));
    assert_eq!([recv(hub, far, 2), recv(hub, far, 9)], [Ok(b"ab".into()), Ok(vec![])]);
    assert_eq!(recv(hub, far, 9), Err(libc::EAGAIN));
    hub.close(near);
    assert_eq!(recv(hub, far, 9), Ok(vec![]));
    assert_eq!(send(hub, far, b"x"), Err(libc::EPIPE));
    let (near, _far) = pair(hub, Kind::SeqPacket);
    assert_eq!(send(hub, near, &vec![0; 300_000]), Err(libc::EMSGSIZE));
    assert_eq!(testing::fill(hub, near, 1).0, 278);
}

#[test]
fn losing_power_takes_local_sockets_along_on_that_host_only() {
    let hub = &mut testing::hub_in(crate::Weather::calm(), 2);
    let (near, far) = pair(hub, Kind::Stream);
    let (read, write) = hub.pipe().expect("a pipe");
    let datagrams = bound(hub, Kind::Datagram, "/letters");
    let elsewhere = testing::socket_on(hub, 1, Domain::Unix, Kind::Datagram);
    assert_eq!(send(hub, near, b"abc"), Ok(3));
    crate::net::life::cut_power(&mut hub.world, testing::host(0));
    for gone in [near, far, read, write, datagrams] {
        assert_eq!(recv(hub, gone, 1), Err(libc::EBADF));
    }
    assert_eq!(recv(hub, elsewhere, 1), Err(libc::EAGAIN));
}
