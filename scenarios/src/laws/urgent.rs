//! Urgent bytes (`MSG_OOB`): a mark that reads stop at, and a byte that goes by its own way, over TCP
//! and over Unix streams. Apart they behave differently in few things; here is what they share.

use std::io;

use greenroom::net::Socket;
use greenroom::os::unix::net::UnixStream;
use greenroom::thread;
use greenroom::time::Duration;
use greenroom::wait::{Readiness, wait_for, wait_read};

use super::{EINVAL, Law, code, connected};
use crate::common::Complaints;

pub(super) const LAWS: &[(&str, &str, Law)] = &[
    ("urgent-mark", "a read stops at an urgent byte and the next one passes it", mark),
    (
        "urgent-wakes",
        "an urgent byte wakes who waits for one, and over TCP nobody who waits to read",
        wakes,
    ),
    ("urgent-inline", "urgent bytes may be among the others", inline),
];

/// Two ends of a stream, of either kind.
fn pairs() -> io::Result<[(Socket, Socket); 2]> {
    let (near, far) = connected()?;
    let (left, right) = UnixStream::pair()?;
    Ok([(near.into(), far.into()), (left.into(), right.into())])
}

/// Reads until so many bytes have come.
fn read(socket: &Socket, length: usize) -> io::Result<Vec<u8>> {
    let mut all = Vec::new();
    while all.len() < length {
        let mut buf = [0; 16];
        let count = socket.recv(&mut buf)?;
        all.extend_from_slice(&buf[..count]);
    }
    Ok(all)
}

/// The urgent byte, once it is there. That one is on its way may be known before it has come.
fn urgent(socket: &Socket) -> io::Result<u8> {
    let mut buf = [0];
    loop {
        match code(socket.recv_out_of_band(&mut buf)) {
            Ok(_) => return Ok(buf[0]),
            Err(Some(EINVAL | EAGAIN)) => thread::sleep(Duration::from_millis(1)),
            Err(_) => return Err(io::ErrorKind::Other.into()),
        }
    }
}

#[cfg(target_os = "linux")]
const EAGAIN: i32 = 11;
#[cfg(not(target_os = "linux"))]
const EAGAIN: i32 = 35;

fn mark(complaints: &Complaints) -> io::Result<()> {
    for (near, far) in pairs()? {
        let before = code(far.recv_out_of_band(&mut [0]));
        complaints.unless(before == Err(Some(EINVAL)), || format!("before any: {before:?}"));
        near.send_out_of_band(b"abc!")?;
        near.send(b"def")?;
        let read_to = read(&far, 3)?;
        complaints.unless(read_to == b"abc", || format!("up to the mark: {read_to:?}"));
        let byte = urgent(&far)?;
        complaints.unless(byte == b'!', || format!("the urgent byte is {byte}"));
        let again = code(far.recv_out_of_band(&mut [0]));
        complaints.unless(again == Err(Some(EINVAL)), || format!("taken twice: {again:?}"));
        let behind = read(&far, 3)?;
        complaints.unless(behind == b"def", || format!("behind the mark: {behind:?}"));
        // What a second one makes of the first is an ordinary byte.
        near.send_out_of_band(b"ab1")?;
        near.send_out_of_band(b"cd2")?;
        while urgent(&far)? != b'2' {}
        let both = read(&far, 5)?;
        complaints.unless(both == b"ab1cd", || format!("with a byte that was urgent: {both:?}"));
    }
    Ok(())
}

fn wakes(complaints: &Complaints) -> io::Result<()> {
    for (near, far) in pairs()? {
        let sender = thread::spawn(move || {
            thread::sleep(Duration::from_millis(1));
            near.send_out_of_band(b"!").map(|_| near)
        });
        let woken = wait_for(&far, Readiness::URGENT, Some(Duration::from_secs(60)));
        let is_told = woken.as_ref().is_ok_and(|shown| *shown == Readiness::URGENT);
        complaints.unless(is_told, || format!("waiting for it: {woken:?}"));
        // A Unix stream's poll calls whatever is queued readable, be it this byte alone.
        if far.peer_addr()?.as_socket().is_some() {
            let reads = wait_read(&far, Some(Duration::from_millis(1)));
            complaints.unless(reads.is_err(), || "a read that would block was ready".into());
        }
        let byte = urgent(&far)?;
        complaints.unless(byte == b'!', || format!("the urgent byte is {byte}"));
        let near = sender.join().expect("a sender does not panic")?;
        // Whoever reads past it without a look has lost it, and goes on waiting.
        near.send_out_of_band(b"?")?;
        near.send(b"x")?;
        let read = read(&far, 1)?;
        complaints.unless(read == b"x", || format!("behind it: {read:?}"));
    }
    Ok(())
}

fn inline(complaints: &Complaints) -> io::Result<()> {
    for (near, far) in pairs()? {
        far.set_out_of_band_inline(true)?;
        complaints.unless(far.out_of_band_inline()?, || "the option was not kept".into());
        near.send_out_of_band(b"ab!")?;
        near.send(b"cd")?;
        let all = read(&far, 5)?;
        complaints.unless(all == b"ab!cd", || format!("{all:?}"));
        let byte = code(far.recv_out_of_band(&mut [0]));
        complaints.unless(byte == Err(Some(EINVAL)), || format!("by its own way: {byte:?}"));
    }
    Ok(())
}
