//! Sockets as the operating system has them: ends, refusals, datagrams, addresses.

use std::io::{self, Read, Write};

use greenroom::net::{TcpListener, TcpStream, UdpSocket};
use greenroom::time::Duration;
use greenroom::wait::wait_read;

use super::{Law, connected, kind};
use crate::common::{Complaints, join_all, spawn};

pub(super) const LAWS: &[(&str, &str, Law)] = &[
    ("refused", "a port that nobody listens on refuses", refused),
    ("in-use", "a port that somebody listens on is in use", in_use),
    ("reset", "closing over unread bytes resets the peer", reset),
    ("peek", "peeking takes nothing", peek),
    ("datagrams", "a datagram comes whole, cut to the buffer, and the rest is gone", datagrams),
    ("unreachable", "a connected datagram socket hears that nobody is there", unreachable),
    ("addresses", "both ends agree on their addresses", addresses),
    ("backlog", "connections wait for accept in the order they came", backlog),
];

fn refused(complaints: &Complaints) -> io::Result<()> {
    // Bound and given up: as free as a port can be known to be.
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let connected = kind(TcpStream::connect(address).map(drop));
    complaints.unless(connected == Err(io::ErrorKind::ConnectionRefused), || {
        format!("connecting to nobody: {connected:?}")
    });
    let timeout = Duration::from_secs(60);
    let connected = kind(TcpStream::connect_timeout(&address, timeout).map(drop));
    complaints.unless(connected == Err(io::ErrorKind::ConnectionRefused), || {
        format!("connecting to nobody, with a timeout: {connected:?}")
    });
    Ok(())
}

fn in_use(complaints: &Complaints) -> io::Result<()> {
    let first = TcpListener::bind("127.0.0.1:0")?;
    let second = kind(TcpListener::bind(first.local_addr()?).map(drop));
    complaints.unless(second == Err(io::ErrorKind::AddrInUse), || format!("{second:?}"));
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    let second = kind(UdpSocket::bind(socket.local_addr()?).map(drop));
    complaints.unless(second == Err(io::ErrorKind::AddrInUse), || format!("{second:?}"));
    Ok(())
}

fn reset(complaints: &Complaints) -> io::Result<()> {
    let (mut near, far) = connected()?;
    near.write_all(b"unread")?;
    wait_read(&far, None)?;
    drop(far);
    let read = kind(near.read(&mut [0]));
    complaints.unless(read == Err(io::ErrorKind::ConnectionReset), || format!("{read:?}"));
    Ok(())
}

fn peek(complaints: &Complaints) -> io::Result<()> {
    let (mut near, mut far) = connected()?;
    far.write_all(b"abc")?;
    let (mut peeked, mut read) = ([0], [0; 3]);
    near.peek(&mut peeked)?;
    near.peek(&mut peeked)?;
    near.read_exact(&mut read)?;
    complaints.unless((&peeked, &read) == (b"a", b"abc"), || format!("{peeked:?} {read:?}"));
    Ok(())
}

fn datagrams(complaints: &Complaints) -> io::Result<()> {
    let receiver = UdpSocket::bind("127.0.0.1:0")?;
    let sender = UdpSocket::bind("127.0.0.1:0")?;
    for message in [&b"long one"[..], b"", b"end"] {
        sender.send_to(message, receiver.local_addr()?)?;
    }
    let mut heard = Vec::new();
    for _ in 0..3 {
        let mut buf = [0; 4];
        let (count, from) = receiver.recv_from(&mut buf)?;
        complaints.unless(from == sender.local_addr()?, || format!("from {from}"));
        heard.push(buf[..count].to_vec());
    }
    // Nothing orders datagrams; over loopback nothing loses them.
    heard.sort();
    complaints.unless(heard == [&b""[..], b"end", b"long"], || format!("{heard:?}"));
    Ok(())
}

fn unreachable(complaints: &Complaints) -> io::Result<()> {
    let nobody = UdpSocket::bind("127.0.0.1:0")?.local_addr()?;
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.connect(nobody)?;
    socket.send(b"anybody?")?;
    let heard = kind(socket.recv(&mut [0]));
    complaints.unless(heard == Err(io::ErrorKind::ConnectionRefused), || format!("{heard:?}"));
    Ok(())
}

fn addresses(complaints: &Complaints) -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let near = TcpStream::connect(listener.local_addr()?)?;
    let (far, from) = listener.accept()?;
    let (here, there) = (near.local_addr()?, near.peer_addr()?);
    complaints.unless(there == listener.local_addr()?, || format!("connected to {there}"));
    complaints.unless(from == here && far.peer_addr()? == here, || format!("{here} is {from}"));
    complaints.unless(far.local_addr()? == there, || "the accepted end is elsewhere".into());
    let unconnected = kind(UdpSocket::bind("127.0.0.1:0")?.peer_addr().map(drop));
    complaints.unless(unconnected == Err(io::ErrorKind::NotConnected), || {
        format!("the peer of a socket that has none: {unconnected:?}")
    });
    Ok(())
}

fn backlog(complaints: &Complaints) -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let mut waiting = Vec::new();
    for number in 0..4 {
        let mut stream = TcpStream::connect(address)?;
        stream.write_all(&[number])?;
        waiting.push(stream);
    }
    let accept = move || -> io::Result<Vec<u8>> {
        let mut numbers = Vec::new();
        for _ in 0..4 {
            let (mut stream, _) = listener.accept()?;
            let mut number = [9];
            stream.read_exact(&mut number)?;
            numbers.push(number[0]);
        }
        Ok(numbers)
    };
    let book = complaints.clone();
    join_all([spawn("accept", move || {
        let numbers = accept()?;
        book.unless(numbers == [0, 1, 2, 3], || format!("accepted as {numbers:?}"));
        Ok(())
    })?])
}
