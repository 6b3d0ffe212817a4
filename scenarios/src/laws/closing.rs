//! Closing: what was closed says so, those parked on it wake, and the peer sees the end.

use std::io::{self, Read, Write};
use std::sync::Arc;

use greenroom::check::Shared;
use greenroom::net::{Shutdown, TcpListener, TcpStream, UdpSocket};
use greenroom::thread;
use greenroom::time::Duration;
use greenroom::wait::wait_read;

use super::{EBADF, Law, code, connected, fill, kind};
use crate::common::{Complaints, join_all, spawn};

pub(super) const LAWS: &[(&str, &str, Law)] = &[
    ("stale", "a closed handle answers EBADF, and its number is not another's", stale),
    ("close-wakes", "close wakes those parked with EBADF", close_wakes),
    ("shutdown-wakes", "shutdown wakes a reader with the end", shutdown_wakes),
    ("last-handle", "the last handle closes, and no other", last_handle),
    ("kill", "a killed greenlet's sockets close", kill),
];

fn stale(complaints: &Complaints) -> io::Result<()> {
    let (mut near, mut far) = connected()?;
    near.close();
    near.close();
    // Another socket may take the place in a table, not the number.
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    let answers = [
        code(near.read(&mut [0]).map(drop)),
        code(near.write(b"x").map(drop)),
        code(near.local_addr().map(drop)),
        code(near.set_nodelay(true)),
        code(near.try_clone().map(drop)),
        code(wait_read(&near, None)),
    ];
    complaints.unless(answers == [Err(Some(EBADF)); 6], || format!("{answers:?}"));
    let end = kind(far.read(&mut [0]));
    complaints.unless(end == Ok(0), || format!("the peer of a closed socket reads {end:?}"));
    socket.local_addr().map(drop)
}

fn close_wakes(complaints: &Complaints) -> io::Result<()> {
    let (near, mut far) = connected()?;
    let near = Arc::new(near);
    fill(&near)?;
    let woken = Shared::new(Vec::new());
    let mut parked = Vec::new();
    // The writer parks first, and is woken second.
    for name in ["write", "read"] {
        let (near, woken) = (near.clone(), woken.clone());
        parked.push(spawn(name, move || {
            let outcome = match name {
                "read" => code((&*near).read(&mut [0])),
                _ => code((&*near).write(b"x")),
            };
            woken.with(|woken| woken.push((name, outcome)));
            Ok(())
        })?);
        thread::sleep(Duration::from_millis(5));
    }
    near.close();
    join_all(parked)?;
    let mut woken = woken.with(|woken| woken.clone());
    // Who then runs first is the world's to choose; where it chooses nothing, it is the reader.
    greenroom::sometimes!(woken[0].0 == "read", "close wakes the reader first");
    woken.sort();
    let expected = [("read", Err(Some(EBADF))), ("write", Err(Some(EBADF)))];
    complaints.unless(woken == expected, || format!("{woken:?}"));
    // What was accepted still goes out, and then the end.
    io::copy(&mut far, &mut io::sink()).map(drop)
}

fn shutdown_wakes(complaints: &Complaints) -> io::Result<()> {
    let (near, mut far) = connected()?;
    let theirs = near.try_clone()?;
    let reader = spawn("read", move || {
        let mut byte = [0];
        Ok::<_, io::Error>(kind((&theirs).read(&mut byte)))
    })?;
    thread::sleep(Duration::from_millis(5));
    near.shutdown(Shutdown::Both)?;
    let end = reader.join().unwrap_or_else(|payload| thread::resume(payload))?;
    complaints.unless(end == Ok(0), || format!("the reader of a shut socket: {end:?}"));
    let write = kind((&near).write(b"x"));
    complaints.unless(write == Err(io::ErrorKind::BrokenPipe), || format!("{write:?}"));
    let end = kind(far.read(&mut [0]));
    complaints.unless(end == Ok(0), || format!("its peer: {end:?}"));
    Ok(())
}

fn last_handle(complaints: &Complaints) -> io::Result<()> {
    let (near, mut far) = connected()?;
    let mut second = near.try_clone()?;
    drop(near);
    second.write_all(b"x")?;
    far.read_exact(&mut [0])?;
    drop(second);
    let end = kind(far.read(&mut [0]));
    complaints.unless(end == Ok(0), || format!("after the last handle: {end:?}"));
    Ok(())
}

fn kill(complaints: &Complaints) -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let victim = spawn("victim", move || -> io::Result<()> {
        let mut stream = TcpStream::connect(address)?;
        stream.write_all(b"x")?;
        stream.read(&mut [0]).map(drop)
    })?;
    let (mut far, _) = listener.accept()?;
    far.read_exact(&mut [0])?;
    victim.kill();
    let end = kind(far.read(&mut [0]));
    complaints.unless(end == Ok(0), || format!("the peer of a killed greenlet: {end:?}"));
    let killed = victim.join().is_err_and(|payload| payload.is::<thread::Killed>());
    complaints.unless(killed, || "joining a killed greenlet does not say so".into());
    Ok(())
}
