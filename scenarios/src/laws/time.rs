//! Clocks and deadlines: nothing ends early, time does not go back, readiness wins a tie.

use std::io::{self, Read, Write};

use greenroom::net::{TcpListener, TcpStream, UdpSocket};
use greenroom::thread;
use greenroom::time::{Duration, Instant, timeout};
use greenroom::wait::wait_read;

use super::{Law, connected, kind};
use crate::common::{Complaints, spawn};

const SHORT: Duration = Duration::from_millis(20);

pub(super) const LAWS: &[(&str, &str, Law)] = &[
    ("clock", "a clock never goes back, whoever looks", clock),
    ("sleep", "a sleep is never short, and the shorter one ends first", sleep),
    ("read-timeout", "a read's timeout covers the whole call and says WouldBlock", read_timeout),
    ("connect-timeout", "a connect's timeout is total and says TimedOut", connect_timeout),
    ("wait-timeout", "a wait's timeout says TimedOut, and zero still looks once", wait_timeout),
    ("overdue", "what is ready wins over a timeout that is overdue", overdue),
    ("scopes", "a scope that elapses ends what is inside it and nothing else", scopes),
    ("sticky-scope", "after a scope has elapsed, no call inside it waits", sticky_scope),
];

fn clock(complaints: &Complaints) -> io::Result<()> {
    let looks = (0..3).map(|index| {
        let book = complaints.clone();
        spawn("look", move || {
            let mut last = Instant::now();
            for _ in 0..20 {
                thread::sleep(Duration::from_micros(100 * index));
                let now = Instant::now();
                book.unless(now >= last, || format!("{now:?} came after {last:?}"));
                last = now;
            }
        })
    });
    for look in looks.collect::<io::Result<Vec<_>>>()? {
        look.join().unwrap_or_else(|payload| thread::resume(payload));
    }
    Ok(())
}

fn sleep(complaints: &Complaints) -> io::Result<()> {
    let naps = [3, 1, 2].map(|times| {
        let book = complaints.clone();
        let nap = SHORT * times;
        spawn("nap", move || {
            let start = Instant::now();
            thread::sleep(nap);
            let slept = start.elapsed();
            book.unless(slept >= nap, || format!("a sleep of {nap:?} took {slept:?}"));
            Instant::now()
        })
    });
    let mut woke = Vec::new();
    for nap in naps {
        woke.push(nap?.join().unwrap_or_else(|payload| thread::resume(payload)));
    }
    complaints.unless(woke[1] <= woke[2] && woke[2] <= woke[0], || {
        format!("sleepers of 3, 1 and 2 woke at {woke:?}")
    });
    Ok(())
}

fn overdue(complaints: &Complaints) -> io::Result<()> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    let outcome = timeout(SHORT, || {
        let start = Instant::now();
        while start.elapsed() < 2 * SHORT {}
        greenroom::wait::wait_write(&socket, None)
    });
    complaints.unless(matches!(outcome, Ok(Ok(()))), || format!("a ready wait: {outcome:?}"));
    Ok(())
}

fn read_timeout(complaints: &Complaints) -> io::Result<()> {
    let (mut near, mut far) = connected()?;
    near.set_read_timeout(Some(SHORT))?;
    let start = Instant::now();
    let read = kind(near.read(&mut [0]));
    let waited = start.elapsed();
    complaints.unless(read == Err(io::ErrorKind::WouldBlock), || format!("a read: {read:?}"));
    complaints.unless(waited >= SHORT, || format!("a read of {SHORT:?} waited {waited:?}"));
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.set_read_timeout(Some(SHORT))?;
    let read = kind(socket.recv_from(&mut [0]));
    complaints.unless(read == Err(io::ErrorKind::WouldBlock), || format!("a receive: {read:?}"));
    let zero = kind(near.set_read_timeout(Some(Duration::ZERO)));
    complaints.unless(zero == Err(io::ErrorKind::InvalidInput), || format!("zero: {zero:?}"));
    far.write_all(b"x")?;
    near.set_read_timeout(None)?;
    near.read_exact(&mut [0])
}

fn connect_timeout(complaints: &Complaints) -> io::Result<()> {
    // A queue that is full drops what knocks, and the caller tries again for minutes.
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let mut inside = Vec::new();
    let failed = loop {
        let start = Instant::now();
        match TcpStream::connect_timeout(&address, SHORT) {
            Ok(stream) => inside.push(stream),
            Err(error) => break (error.kind(), start.elapsed()),
        }
    };
    complaints.unless(failed.0 == io::ErrorKind::TimedOut && failed.1 >= SHORT, || {
        format!("after {} connections: {failed:?}", inside.len())
    });
    let zero = kind(TcpStream::connect_timeout(&address, Duration::ZERO).map(drop));
    complaints.unless(zero == Err(io::ErrorKind::InvalidInput), || format!("zero: {zero:?}"));
    Ok(())
}

fn wait_timeout(complaints: &Complaints) -> io::Result<()> {
    let (near, mut far) = connected()?;
    for timeout in [Duration::ZERO, SHORT] {
        let start = Instant::now();
        let waited = kind(wait_read(&near, Some(timeout)));
        let took = start.elapsed();
        complaints.unless(waited == Err(io::ErrorKind::TimedOut), || format!("{waited:?}"));
        complaints.unless(took >= timeout, || format!("a wait of {timeout:?} took {took:?}"));
    }
    far.write_all(b"x")?;
    wait_read(&near, None)?;
    // It is there: a zero timeout tries once.
    let waited = kind(wait_read(&near, Some(Duration::ZERO)));
    complaints.unless(waited == Ok(()), || format!("a ready source with zero: {waited:?}"));
    Ok(())
}

fn scopes(complaints: &Complaints) -> io::Result<()> {
    let (mut near, mut far) = connected()?;
    let outer = timeout(Duration::from_secs(3600), || {
        let inner = timeout(SHORT, || near.read(&mut [0]));
        complaints.unless(inner.is_err(), || "nothing came, and the scope did not elapse".into());
        far.write_all(b"x").and_then(|()| near.read(&mut [0]))
    });
    let outer = outer.map(kind);
    complaints.unless(outer == Ok(Ok(1)), || format!("the outer scope: {outer:?}"));
    let inner_after = std::cell::Cell::new(false);
    let outer = timeout(SHORT, || {
        let _ = timeout(Duration::from_secs(3600), || thread::sleep(Duration::from_secs(7200)));
        inner_after.set(true);
    });
    complaints.unless(outer.is_err(), || "an inner scope outlived the outer one".into());
    complaints.unless(!inner_after.get(), || {
        "a sleep was unwound to the inner scope, whose time was not up".into()
    });
    Ok(())
}

fn sticky_scope(complaints: &Complaints) -> io::Result<()> {
    let (mut near, mut far) = connected()?;
    far.write_all(b"x")?;
    wait_read(&near, None)?;
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    let scope = timeout(SHORT, || {
        let first = kind(socket.recv_from(&mut [0]).map(drop));
        // A byte is there, and yet.
        let second = kind(near.read(&mut [0]).map(drop));
        complaints.unless([first, second] == [Err(io::ErrorKind::TimedOut); 2], || {
            format!("inside an elapsed scope: {first:?}, then {second:?}")
        });
    });
    complaints.unless(scope.is_err(), || "the scope did not elapse".into());
    let after = kind(near.read(&mut [0]));
    complaints.unless(after == Ok(1), || format!("the byte after the scope: {after:?}"));
    Ok(())
}
