//! Many buffers in one call: what has boundaries is refused where they are too many, of a stream a part goes.

use std::io::{self, IoSlice, IoSliceMut};

use greenroom::net::{Domain, Socket, Type, UdpSocket};

use super::{Law, code};
use crate::common::Complaints;

pub(super) const LAWS: &[(&str, &str, Law)] = &[
    ("many-buffers", "a message of more than 1 024 buffers is refused", messages),
    ("many-buffers-stream", "of a stream as many buffers go as may", streams),
];

/// Linux's number.
const EMSGSIZE: i32 = 90;
const TOO_MANY: usize = 1025;

fn messages(complaints: &Complaints) -> io::Result<()> {
    let parts = vec![IoSlice::new(b"x"); TOO_MANY];
    let udp = Socket::from(UdpSocket::bind("127.0.0.1:0")?);
    let to = udp.local_addr()?;
    udp.connect(&to)?;
    let (records, _other) = Socket::pair(Domain::UNIX, Type::SEQPACKET, None)?;
    let (near, far) = Socket::pair(Domain::UNIX, Type::DGRAM, None)?;
    let refused = |what: &str, outcome: io::Result<usize>| {
        let outcome = code(outcome);
        complaints.unless(outcome == Err(Some(EMSGSIZE)), || format!("{what}: {outcome:?}"));
    };
    for socket in [&udp, &records, &near] {
        let sent = code(socket.send_vectored(&parts[1..]));
        complaints.unless(sent == Ok(TOO_MANY - 1), || format!("as many as may: {sent:?}"));
        refused("a send", socket.send_vectored(&parts));
    }
    refused("a send to", udp.send_to_vectored(&parts, &to));
    let mut room = vec![[0; 1]; TOO_MANY];
    let mut room: Vec<_> = room.iter_mut().map(|buf| IoSliceMut::new(buf)).collect();
    for socket in [&udp, &far] {
        refused("a receive", socket.recv_vectored(&mut room).map(|(n, _)| n));
        refused("a receive from", socket.recv_from_vectored(&mut room).map(|(n, ..)| n));
        let received = code(socket.recv_vectored(&mut room[1..]).map(|(n, _)| n));
        complaints.unless(received == Ok(TOO_MANY - 1), || format!("received: {received:?}"));
    }
    Ok(())
}

fn streams(complaints: &Complaints) -> io::Result<()> {
    let parts = vec![IoSlice::new(b"x"); TOO_MANY];
    let (near, far) = Socket::pair(Domain::UNIX, Type::STREAM, None)?;
    let sent = near.send_vectored(&parts)?;
    complaints.unless((1..TOO_MANY).contains(&sent), || format!("{sent} of {TOO_MANY} went"));
    let mut room = vec![[0; 1]; TOO_MANY];
    let mut room: Vec<_> = room.iter_mut().map(|buf| IoSliceMut::new(buf)).collect();
    let (received, _) = far.recv_vectored(&mut room)?;
    complaints.unless((1..=sent).contains(&received), || format!("{received} of {sent} came"));
    Ok(())
}
