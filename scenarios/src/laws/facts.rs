//! What a socket tells of its queues and of its TCP, and how it forgets its peer.

use std::io::{self, Read, Write};

use greenroom::net::{Domain, SockAddr, Socket, TcpListener, TcpState, TcpStream, Type, UdpSocket};
use greenroom::thread;
use greenroom::time::Duration;
use greenroom::wait::wait_read;

use super::{Law, code, connected, fill, kind};
use crate::common::{Complaints, join_all, spawn};

pub(super) const LAWS: &[(&str, &str, Law)] = &[
    ("queued", "what is said to be queued is what a drain reads", queued),
    ("tcp-info", "TCP counts what was read, and knows where it stands", tcp_info),
    ("disconnect-wakes", "who is parked in a connection that is given up wakes", disconnect_wakes),
    ("disconnect-again", "a socket connects and forgets as often as it likes", disconnect_again),
    ("disconnect-udp", "a datagram socket without its peer hears everybody", disconnect_udp),
];

fn queued(complaints: &Complaints) -> io::Result<()> {
    let check = |what: &str, near: &Socket, far: &Socket| -> io::Result<()> {
        for length in [1, 700, 3000] {
            near.send(&vec![7; length])?;
            wait_read(far, None)?;
            let told = far.bytes_queued()?.to_read;
            let read = drain(far, length)?;
            complaints.unless(told == read, || format!("{what}: {told} told, {read} read"));
        }
        let empty = far.bytes_queued()?;
        complaints.unless(empty.to_read == 0, || format!("{what}, drained: {empty:?}"));
        Ok(())
    };
    let (near, far) = connected()?;
    near.set_nodelay(true)?;
    check("TCP", &near.into(), &far.into())?;
    for ty in [Type::STREAM, Type::DGRAM, Type::SEQPACKET] {
        let (near, far) = Socket::pair(Domain::UNIX, ty, None)?;
        check("Unix", &near, &far)?;
    }
    let (near, far) = (UdpSocket::bind("127.0.0.1:0")?, UdpSocket::bind("127.0.0.1:0")?);
    near.connect(far.local_addr()?)?;
    check("UDP", &near.into(), &far.into())
}

/// Reads until nothing is left of so many bytes, however short each read may be.
fn drain(socket: &Socket, length: usize) -> io::Result<usize> {
    let mut read = 0;
    while read < length {
        read += socket.recv(&mut vec![0; length - read])?;
    }
    Ok(read)
}

fn tcp_info(complaints: &Complaints) -> io::Result<()> {
    let (near, mut far) = connected()?;
    let near = Socket::from(near);
    near.send(b"twelve bytes")?;
    far.read_exact(&mut [0; 12])?;
    let far = Socket::from(far);
    let received = far.tcp_info()?.bytes_received;
    complaints.unless(received == 12, || format!("received {received}"));
    // That it was acknowledged may take its time.
    far.send(b"x")?;
    near.recv(&mut [0])?;
    let info = near.tcp_info()?;
    // The SYN counts.
    complaints.unless(info.bytes_acked == 13, || format!("acknowledged: {info:?}"));
    complaints.unless(info.state == TcpState::Established, || format!("{info:?}"));
    complaints.unless(info.segs_out >= 3 && info.segs_in >= 2, || format!("{info:?}"));
    near.disconnect()?;
    let (near, far) = (near.tcp_info()?, far.tcp_info()?);
    complaints.unless(near.state == TcpState::Closed, || format!("given up: {near:?}"));
    complaints.unless(near.bytes_acked == 0, || format!("given up: {near:?}"));
    complaints.unless(far.bytes_received == 12, || format!("reset: {far:?}"));
    Ok(())
}

fn disconnect_wakes(complaints: &Complaints) -> io::Result<()> {
    let (near, mut far) = connected()?;
    fill(&near)?;
    let near = Socket::from(near);
    let mut parked = Vec::new();
    for name in ["read", "write", "wait"] {
        let (own, complaints) = (near.try_clone()?, complaints.clone());
        parked.push(spawn(name, move || {
            let outcome = match name {
                "read" => kind(own.recv(&mut [0])),
                "write" => kind(own.send(b"x")),
                _ => kind(wait_read(&own, None).map(|()| 0)),
            };
            // One is told of the reset, the other of what is so from then on.
            let fits = match outcome {
                Err(io::ErrorKind::ConnectionReset) => name != "wait",
                Err(io::ErrorKind::NotConnected) => name == "read",
                Err(io::ErrorKind::BrokenPipe) => name == "write",
                Ok(_) => name == "wait",
                Err(_) => false,
            };
            complaints.unless(fits, || format!("{name}: {outcome:?}"));
            Ok(())
        })?);
    }
    thread::sleep(Duration::from_millis(5));
    near.disconnect()?;
    join_all(parked)?;
    // What was on its way may be there; then comes the reset.
    let end = kind(io::copy(&mut far, &mut io::sink()));
    complaints.unless(end == Err(io::ErrorKind::ConnectionReset), || format!("its peer: {end:?}"));
    Ok(())
}

fn disconnect_again(complaints: &Complaints) -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = SockAddr::from(listener.local_addr()?);
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    // Another handle of it remembers what it likes.
    let other = socket.try_clone()?;
    for round in 0..4_u8 {
        socket.connect(&address)?;
        let (mut far, _) = listener.accept()?;
        let echo = spawn("echo", move || {
            let mut byte = [0];
            far.read_exact(&mut byte)?;
            far.write_all(&byte)?;
            let end = kind(far.read(&mut byte));
            Ok::<_, io::Error>(end)
        })?;
        socket.send(&[round])?;
        let mut buf = [9; 8];
        let handle = if round % 2 == 0 { &socket } else { &other };
        let read = kind(handle.recv(&mut buf));
        complaints.unless((read, buf[0]) == (Ok(1), round), || format!("{round}: {read:?}"));
        handle.disconnect()?;
        let peer = kind(socket.peer_addr().map(drop));
        complaints.unless(peer == Err(io::ErrorKind::NotConnected), || format!("{peer:?}"));
        let end = echo.join().unwrap_or_else(|payload| thread::resume(payload))?;
        let is_reset = end == Err(io::ErrorKind::ConnectionReset);
        complaints.unless(is_reset, || format!("the peer reads {end:?}"));
    }
    let stream = TcpStream::from(socket);
    complaints.unless(stream.peer_addr().is_err(), || "it has a peer".into());
    Ok(())
}

fn disconnect_udp(complaints: &Complaints) -> io::Result<()> {
    let (friend, stranger) = (UdpSocket::bind("127.0.0.1:0")?, UdpSocket::bind("127.0.0.1:0")?);
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.connect(friend.local_addr()?)?;
    let socket = Socket::from(socket);
    socket.disconnect()?;
    let given_up = socket.local_addr()?.as_socket().map(|local| local.port());
    complaints.unless(given_up == Some(0), || format!("its port: {given_up:?}"));
    let sent = code(socket.send(b"x"));
    // Linux's EDESTADDRREQ, for which it was given a port.
    complaints.unless(sent == Err(Some(89)), || format!("to nobody: {sent:?}"));
    let local = socket.local_addr()?.as_socket().ok_or(io::ErrorKind::InvalidData)?;
    let reader = spawn("read", move || socket.recv_from(&mut [0; 9]).map(|(n, _)| n))?;
    thread::sleep(Duration::from_millis(5));
    stranger.send_to(b"hello", local)?;
    let heard = reader.join().unwrap_or_else(|payload| thread::resume(payload))?;
    complaints.unless(heard == 5, || format!("{heard} bytes of the stranger's"));
    Ok(())
}
