//! Waiting: after `WouldBlock` readiness wakes, a cancel ends one wait, each gets its turn.

use std::io::{self, Read, Write};
use std::rc::Rc;

use greenroom::check::Shared;
use greenroom::net::{TcpListener, TcpStream, UdpSocket};
use greenroom::os::unix::net::UnixStream;
use greenroom::thread;
use greenroom::time::Duration;
use greenroom::wait::{self, Watcher, cancel_wait};

use super::{EBADF, Law, code, connected, fill, kind};
use crate::common::{Complaints, join_all, spawn};

pub(super) const LAWS: &[(&str, &str, Law)] = &[
    ("readiness", "after WouldBlock, what comes wakes", readiness),
    ("readwrite", "waiting for either ends with whichever is there", readwrite),
    ("ready", "a wait that says ready is followed by a call that does not block", ready),
    ("ready-again", "what is there is not told when it was taken, or never was", ready_again),
    ("ready-taken", "of two who wait, who finds it taken goes on to wait", ready_taken),
    ("write-room", "a full buffer holds writes and waits for writing until it is read", write_room),
    ("cancel", "a cancel ends that wait, and no other", cancel),
    ("one-waiter", "a watcher has one waiter, a source any number of watchers", one_waiter),
    ("accept-order", "ten acceptors are served in the order they came", accept_order),
    ("both-ways", "one reads while another writes, on one socket", both_ways),
    ("one-handle", "a reader and a writer that wait on one handle are both woken", one_handle),
];

fn readiness(complaints: &Complaints) -> io::Result<()> {
    let (mut near, mut far) = connected()?;
    near.set_nonblocking(true)?;
    for round in 0..3 {
        let before = kind(near.read(&mut [0]));
        complaints.unless(before == Err(io::ErrorKind::WouldBlock), || format!("{before:?}"));
        let watcher = Rc::new(Watcher::read(&near)?);
        let waiter = spawn("wait", move || wait::wait(&watcher, None))?;
        thread::sleep(Duration::from_millis(5));
        far.write_all(&[round])?;
        join_all([waiter])?;
        let mut byte = [9];
        let read = kind(near.read(&mut byte));
        complaints.unless((read, byte) == (Ok(1), [round]), || format!("{read:?} {byte:?}"));
    }
    Ok(())
}

fn readwrite(complaints: &Complaints) -> io::Result<()> {
    let (mut near, mut far) = connected()?;
    // There is room to write.
    wait::wait_readwrite(&near, None)?;
    fill(&near)?;
    let full = kind(wait::wait_readwrite(&near, Some(Duration::from_millis(10))));
    complaints.unless(full == Err(io::ErrorKind::TimedOut), || format!("full and empty: {full:?}"));
    far.write_all(b"x")?;
    wait::wait_readwrite(&near, None)?;
    near.read_exact(&mut [0])
}

/// Waits of every form, each told that its source is ready, and the call after it.
fn ready(complaints: &Complaints) -> io::Result<()> {
    let (near, far) = connected()?;
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    near.set_nonblocking(true)?;
    socket.set_nonblocking(true)?;
    listener.set_nonblocking(true)?;
    for round in 0..3 {
        let (address, own) = (listener.local_addr()?, socket.local_addr()?);
        let theirs = (far.try_clone()?, socket.try_clone()?);
        let sender = spawn("send", move || {
            thread::sleep(Duration::from_millis(round));
            (&theirs.0).write_all(b"x")?;
            theirs.1.send_to(b"y", own)?;
            TcpStream::connect(address).map(drop)
        })?;
        wait::wait_read(&near, None)?;
        let read = kind((&near).read(&mut [0; 8]));
        complaints.unless(read == Ok(1), || format!("a read: {read:?}"));
        wait::any(&[&Watcher::read(&socket)?], None)?;
        let received = kind(socket.recv(&mut [0; 8]));
        complaints.unless(received == Ok(1), || format!("a receive: {received:?}"));
        wait::all(&[&Watcher::read(&listener)?, &Watcher::write(&near)?], None)?;
        let accepted = kind(listener.accept().map(drop));
        complaints.unless(accepted == Ok(()), || format!("an accept: {accepted:?}"));
        join_all([sender])?;
    }
    Ok(())
}

fn ready_again(complaints: &Complaints) -> io::Result<()> {
    // The wake of a receive that was over by then comes late, and the datagram is taken.
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.set_read_timeout(Some(Duration::from_millis(1)))?;
    let early = kind(socket.recv(&mut [0; 8]));
    complaints.unless(early == Err(io::ErrorKind::WouldBlock), || format!("early: {early:?}"));
    socket.send_to(b"x", socket.local_addr()?)?;
    socket.recv(&mut [0; 8])?;
    let watcher = Watcher::read(&socket)?;
    let alone = kind(wait::wait(&watcher, Some(Duration::from_millis(20))));
    complaints.unless(alone == Err(io::ErrorKind::TimedOut), || format!("taken: {alone:?}"));
    let any = kind(wait::any(&[&watcher], Some(Duration::from_millis(20))));
    complaints.unless(any == Err(io::ErrorKind::TimedOut), || format!("taken, any: {any:?}"));
    // The hub tries a full Unix socket again by its clock.
    let (full, _other) = UnixStream::pair()?;
    full.set_nonblocking(true)?;
    while (&full).write(&[0; 4096]).is_ok() {}
    for _ in 0..3 {
        let room = kind(wait::wait_write(&full, Some(Duration::from_millis(20))));
        complaints.unless(room == Err(io::ErrorKind::TimedOut), || format!("full: {room:?}"));
    }
    Ok(())
}

fn ready_taken(complaints: &Complaints) -> io::Result<()> {
    let (near, mut far) = connected()?;
    let near = Rc::new(near);
    let taken = Shared::new(0);
    let takers = (0..2).map(|_| {
        let (near, taken, book) = (near.clone(), taken.clone(), complaints.clone());
        near.set_nonblocking(true)?;
        spawn("take", move || {
            wait::wait_read(&*near, None)?;
            let read = kind((&*near).read(&mut [0]));
            book.unless(read == Ok(1), || format!("told that it is ready: {read:?}"));
            taken.with(|taken| *taken += 1);
            Ok(())
        })
    });
    let takers = takers.collect::<io::Result<Vec<_>>>()?;
    for round in 1..=2 {
        thread::sleep(Duration::from_millis(5));
        far.write_all(b"x")?;
        thread::sleep(Duration::from_millis(5));
        let taken = taken.with(|taken| *taken);
        complaints.unless(taken == round, || format!("{taken} took one of {round} bytes"));
    }
    join_all(takers)
}

fn write_room(complaints: &Complaints) -> io::Result<()> {
    let (near, mut far) = connected()?;
    let filled = fill(&near)?;
    let full = kind(wait::wait_write(&near, Some(Duration::from_millis(10))));
    complaints.unless(full == Err(io::ErrorKind::TimedOut), || format!("a full buffer: {full:?}"));
    let theirs = near.try_clone()?;
    let waiter = spawn("wait", move || wait::wait_write(&theirs, None))?;
    let writer = spawn("write", move || {
        let written = (&near).write_all(&[8; 100_000]);
        // Dropped here, or the reader would wait for an end.
        drop(near);
        written
    })?;
    let mut all = Vec::new();
    far.read_to_end(&mut all).and_then(|_| join_all([waiter, writer]))?;
    let (sevens, eights) = (count(&all, 7), count(&all, 8));
    complaints.unless((sevens, eights) == (filled, 100_000), || {
        format!("{filled} and 100000 were written, {sevens} and {eights} read")
    });
    Ok(())
}

fn count(bytes: &[u8], wanted: u8) -> usize {
    bytes.iter().filter(|&&byte| byte == wanted).count()
}

fn cancel(complaints: &Complaints) -> io::Result<()> {
    let (near, mut far) = connected()?;
    let watchers = [Watcher::read(&near)?, Watcher::read(&near)?].map(Rc::new);
    let [first, second] = watchers
        .clone()
        .map(|watcher| spawn("wait", move || Ok::<_, io::Error>(code(wait::wait(&watcher, None)))));
    // Nobody waits yet, so this does nothing.
    cancel_wait(&watchers[0]);
    thread::sleep(Duration::from_millis(5));
    cancel_wait(&watchers[0]);
    // The outcome is fixed: what comes now does not save it.
    far.write_all(b"x")?;
    let outcomes = [first, second].map(|waiter| match waiter.map(thread::JoinHandle::join) {
        Ok(Ok(Ok(outcome))) => outcome,
        _ => Err(None),
    });
    complaints.unless(outcomes == [Err(Some(EBADF)), Ok(())], || format!("{outcomes:?}"));
    // Two cancels of one wait: the second one is stale, and hits no later wait.
    let silent = Rc::new(Watcher::read(&far)?);
    let theirs = silent.clone();
    let waiter = spawn("wait", move || {
        let first = code(wait::wait(&theirs, None));
        (first, code(wait::wait(&theirs, None)))
    })?;
    thread::sleep(Duration::from_millis(5));
    cancel_wait(&silent);
    cancel_wait(&silent);
    thread::sleep(Duration::from_millis(5));
    (&near).write_all(b"y")?;
    let both = waiter.join().unwrap_or_else(|payload| thread::resume(payload));
    complaints.unless(both == (Err(Some(EBADF)), Ok(())), || format!("cancelled twice: {both:?}"));
    Ok(())
}

fn one_waiter(complaints: &Complaints) -> io::Result<()> {
    let (near, mut far) = connected()?;
    let shared = Rc::new(Watcher::read(&near)?);
    let mut waiters = Vec::new();
    for watcher in [shared.clone(), Rc::new(Watcher::read(&near)?)] {
        waiters.push(spawn("wait", move || wait::wait(&watcher, None))?);
    }
    thread::sleep(Duration::from_millis(5));
    let second = kind(wait::wait(&shared, None));
    complaints.unless(second == Err(io::ErrorKind::ResourceBusy), || format!("{second:?}"));
    far.write_all(b"x")?;
    join_all(waiters)
}

/// So many greenlets accept on one listener.
const ACCEPTORS: u8 = 10;

fn accept_order(complaints: &Complaints) -> io::Result<()> {
    let listener = std::sync::Arc::new(TcpListener::bind("127.0.0.1:0")?);
    let order = Shared::new(Vec::new());
    let mut acceptors = Vec::new();
    for place in 0..ACCEPTORS {
        let (listener, order) = (listener.clone(), order.clone());
        acceptors.push(spawn("accept", move || {
            let (mut stream, _) = listener.accept()?;
            order.with(|order| order.push(place));
            stream.write_all(&[place])
        })?);
        // Each lines up before the next one comes.
        thread::sleep(Duration::from_millis(5));
    }
    for knock in 0..ACCEPTORS {
        let mut stream = TcpStream::connect(listener.local_addr()?)?;
        let mut place = [9];
        stream.read_exact(&mut place)?;
        complaints.unless(place == [knock], || format!("knock {knock} was heard by {place:?}"));
    }
    join_all(acceptors)?;
    let order = order.with(|order| order.clone());
    complaints.unless(order.iter().copied().eq(0..ACCEPTORS), || {
        format!("acceptors were served as {order:?}")
    });
    Ok(())
}

fn both_ways(complaints: &Complaints) -> io::Result<()> {
    let (near, mut far) = connected()?;
    let echo = spawn("echo", move || {
        let mut buf = [0; 1000];
        loop {
            match far.read(&mut buf)? {
                0 => return Ok(()),
                count => far.write_all(&buf[..count])?,
            }
        }
    })?;
    let theirs = near.try_clone()?;
    let writer = spawn("write", move || {
        for value in 0..50 {
            (&theirs).write_all(&[value; 100])?;
        }
        theirs.shutdown(greenroom::net::Shutdown::Write)
    })?;
    let mut all = Vec::new();
    (&near).read_to_end(&mut all)?;
    let sent: Vec<u8> = (0..50).flat_map(|value| [value; 100]).collect();
    complaints.unless(all == sent, || format!("{} of {} came back", all.len(), sent.len()));
    join_all([echo, writer])
}

fn one_handle(_: &Complaints) -> io::Result<()> {
    for writer_first in [false, true] {
        let (near, far) = connected()?;
        let filled = fill(&near)?;
        share_a_handle(near, &far, filled, writer_first)?;
        let (near, far) = UnixStream::pair()?;
        share_a_handle(near, &far, 0, writer_first)?;
    }
    Ok(())
}

/// Two wait on `near`, where `filled` bytes lie already; one of them may go on while
/// the other still waits. Whoever is forgotten waits for ever.
fn share_a_handle<S>(near: S, far: &S, filled: usize, writer_first: bool) -> io::Result<()>
where
    S: 'static,
    for<'a> &'a S: Read + Write,
{
    /// More than a Unix socket takes.
    const LENGTH: usize = 1_000_000;
    let near = Rc::new(near);
    let theirs = near.clone();
    let reader = spawn("read", move || (&*theirs).read_exact(&mut [0]))?;
    let writer = spawn("write", move || (&*near).write_all(&[8; LENGTH]))?;
    thread::sleep(Duration::from_millis(5));
    let (mut input, mut output) = (far, far);
    let serve_reader = || output.write_all(b"x").and_then(|()| join_all([reader]));
    let serve_writer = || {
        input.read_exact(&mut vec![0; filled + LENGTH])?;
        join_all([writer])
    };
    if writer_first {
        serve_writer()?;
        serve_reader()
    } else {
        serve_reader()?;
        serve_writer()
    }
}
