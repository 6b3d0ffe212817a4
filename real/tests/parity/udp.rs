//! Datagrams of the internet families.

use std::time::Duration;

use super::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use super::stage::{Seen, shown};

const SOON: Duration = Duration::from_millis(20);

fn bound() -> (UdpSocket, SocketAddr) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

pub fn exchange() -> String {
    let mut seen = Seen::default();
    let ((a, at), (b, bt)) = (bound(), bound());
    seen.says(a.send_to(b"ping", bt));
    seen.says(a.send_to(b"", ("127.0.0.1", bt.port())));
    let mut buf = [0; 8];
    seen.says(b.peek_from(&mut buf).map(|(n, from)| (n, from == at)));
    seen.says(b.recv_from(&mut buf).map(|(n, from)| (n, from == at)));
    seen.note(format!("{buf:?}"));
    seen.says(b.recv_from(&mut buf).map(|(n, from)| (n, from == at)));
    seen.says(b.take_error().map(|error| error.is_none()));
    seen.all()
}

pub fn truncation() -> String {
    let mut seen = Seen::default();
    let ((a, _), (b, bt)) = (bound(), bound());
    for text in [&b"0123456789"[..], b"next", b"gone", b"last"] {
        a.send_to(text, bt).unwrap();
    }
    let mut buf = [0; 4];
    seen.says(b.peek(&mut buf));
    seen.says(b.recv(&mut buf));
    seen.says(b.recv(&mut buf));
    seen.note(format!("{buf:?}"));
    seen.says(b.recv(&mut []));
    seen.says(b.recv(&mut buf));
    seen.note(format!("{buf:?}"));
    seen.all()
}

pub fn connected() -> String {
    let mut seen = Seen::default();
    let ((a, at), (b, bt), (other, ot)) = (bound(), bound(), bound());
    seen.says(a.peer_addr());
    seen.says(a.send(b"x"));
    seen.says(a.connect(bt));
    seen.says(a.peer_addr().map(|peer| peer == bt));
    seen.says(a.send(b"to b"));
    seen.says(b.recv_from(&mut [0; 8]).map(|(n, from)| (n, from == at)));
    other.send_to(b"not heard", at).unwrap();
    b.send_to(b"heard", at).unwrap();
    seen.says(a.recv_from(&mut [0; 16]).map(|(n, from)| (n, from == bt)));
    seen.says(a.send_to(b"past the peer", ot));
    seen.says(other.recv(&mut [0; 16]));
    seen.says(a.connect(&[][..]));
    seen.says(a.connect(ot));
    seen.says(a.peer_addr().map(|peer| peer == ot));
    seen.all()
}

pub fn refused() -> String {
    let mut seen = Seen::default();
    let ((a, _), (dead, address)) = (bound(), bound());
    drop(dead);
    a.connect(address).unwrap();
    seen.says(a.send(b"x"));
    seen.says(a.recv(&mut [0; 4]));
    seen.says(a.send(b"x"));
    seen.says(a.send(b"x"));
    seen.says(a.send(b"x"));
    seen.says(a.take_error().map(|error| error.map(|error| error.kind())));
    seen.all()
}

pub fn not_sent() -> String {
    let mut seen = Seen::default();
    let ((a, at), (_b, bt)) = (bound(), bound());
    seen.says(a.send_to(&[0; 65508], bt));
    seen.says(a.send_to(&[0; 65507], bt));
    seen.says(a.send_to(b"x", "255.255.255.255:9"));
    seen.says(a.send_to(b"x", "127.255.255.255:9"));
    seen.says(a.send_to(b"x", "[::1]:9"));
    seen.says(a.send_to(b"x", &[][..]));
    seen.says(a.send_to(b"x", "127.0.0.1:0"));
    seen.says(UdpSocket::bind(at));
    seen.says(UdpSocket::bind("192.0.2.1:0"));
    seen.all()
}

pub fn timeouts() -> String {
    let mut seen = Seen::default();
    let (a, _) = bound();
    seen.says(a.set_read_timeout(Some(Duration::ZERO)));
    seen.says(a.set_write_timeout(Some(Duration::ZERO)));
    seen.says(a.read_timeout());
    seen.says(a.set_read_timeout(Some(SOON)));
    seen.says(a.recv(&mut [0; 4]));
    seen.says(a.recv_from(&mut [0; 4]));
    seen.says(a.peek_from(&mut [0; 4]));
    let clone = a.try_clone().unwrap();
    a.set_read_timeout(Some(Duration::from_secs(3))).unwrap();
    a.set_write_timeout(Some(Duration::from_secs(4))).unwrap();
    seen.says(clone.read_timeout());
    seen.says(clone.write_timeout());
    a.set_nonblocking(true).unwrap();
    seen.says(clone.recv(&mut [0; 4]));
    seen.says(clone.peek(&mut []));
    seen.all()
}

pub fn options() -> String {
    let mut seen = Seen::default();
    let (a, _) = bound();
    seen.says(a.ttl());
    seen.says(a.broadcast());
    seen.says(a.multicast_loop_v4());
    seen.says(a.multicast_ttl_v4());
    seen.says(a.set_ttl(11));
    seen.says(a.ttl());
    seen.says(a.set_broadcast(true));
    seen.says(a.broadcast());
    seen.says(a.set_multicast_loop_v4(false));
    seen.says(a.multicast_loop_v4());
    seen.says(a.set_multicast_ttl_v4(3));
    seen.says(a.multicast_ttl_v4());
    seen.says(a.set_multicast_ttl_v4(256));
    seen.says(a.multicast_loop_v6());
    // The last loopback address is a broadcast one.
    let everywhere = UdpSocket::bind("0.0.0.0:0").unwrap();
    let port = everywhere.local_addr().unwrap().port();
    seen.says(a.send_to(b"all", ("127.255.255.255", port)));
    everywhere.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    seen.says(everywhere.recv(&mut [0; 8]));
    seen.all()
}

pub fn groups() -> String {
    let mut seen = Seen::default();
    let (a, _) = bound();
    let (group, here) = (Ipv4Addr::new(239, 1, 2, 3), Ipv4Addr::LOCALHOST);
    seen.says(a.join_multicast_v4(&group, &here));
    seen.says(a.join_multicast_v4(&group, &here));
    seen.says(a.leave_multicast_v4(&group, &here));
    seen.says(a.leave_multicast_v4(&group, &here));
    seen.says(a.join_multicast_v4(&Ipv4Addr::new(10, 0, 0, 1), &here));
    seen.says(a.join_multicast_v4(&group, &Ipv4Addr::new(203, 0, 113, 9)));
    seen.all()
}

pub fn groups_v6() -> String {
    let Ok(a) = UdpSocket::bind("[::1]:0") else { return "no IPv6".into() };
    let mut seen = Seen::default();
    let group: Ipv6Addr = "ff01::1234".parse().unwrap();
    seen.says(a.multicast_loop_v6());
    seen.says(a.set_multicast_loop_v6(false));
    seen.says(a.multicast_loop_v6());
    seen.says(a.join_multicast_v6(&group, 1));
    seen.says(a.leave_multicast_v6(&group, 1));
    seen.says(a.leave_multicast_v6(&group, 1));
    seen.says(a.join_multicast_v6(&Ipv6Addr::LOCALHOST, 1));
    seen.says(a.send_to(b"x", "127.0.0.1:9"));
    seen.all()
}

pub fn shown_as() -> String {
    let mut seen = Seen::default();
    let ((a, at), (_b, bt)) = (bound(), bound());
    let names = [(&*at.to_string(), "a"), (&*bt.to_string(), "b")];
    seen.note(shown(&a, &names));
    a.connect(bt).unwrap();
    seen.note(shown(&a, &names));
    seen.all()
}
