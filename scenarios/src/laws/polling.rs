//! Loops that wait for others without waiting: they let others run, and time go by.

use std::cell::Cell;
use std::io;
use std::rc::Rc;

use greenroom::io::pipe;
use greenroom::net::{Domain, Socket, Type, UdpSocket};
use greenroom::os::unix::net::UnixStream;
use greenroom::sync::{Event, Mutex, Queue, RwLock, Semaphore, mpsc};
use greenroom::thread;
use greenroom::time::{Duration, Instant, timeout};
use greenroom::wait::{Watcher, all, any, wait_read};

use super::Law;
use crate::common::{Complaints, spawn};

pub(super) const LAWS: &[(&str, &str, Law)] = &[
    ("send-loop", "who sends for ever sees the receiver go", send_loop),
    ("try-loops", "loops of calls that never wait let others run", try_loops),
    ("poll-loops", "so do loops that ask again and again", poll_loops),
    (
        "failing-loops",
        "so do loops of calls that fail at once, or only make something",
        failing_loops,
    ),
    ("clock-loop", "who reads the clock for ever sees time go by", clock_loop),
];

fn send_loop(complaints: &Complaints) -> io::Result<()> {
    let (sender, receiver) = mpsc::channel();
    let received = spawn("receive", move || receiver.recv())?;
    let mut sent = 0_u32;
    while sender.send(sent).is_ok() {
        sent += 1;
    }
    let received = received.join().unwrap_or_else(|payload| thread::resume(payload));
    complaints.unless(received == Ok(0), || format!("of {sent} the first was {received:?}"));
    Ok(())
}

/// Each polls for what another greenlet does in its first turn.
fn try_loops(_: &Complaints) -> io::Result<()> {
    let finished = spawn("finish", || ())?;
    while !finished.is_finished() {}

    let (sender, receiver) = mpsc::channel();
    spawn("send", move || sender.send(()))?;
    while receiver.try_recv() != Err(mpsc::TryRecvError::Disconnected) {}

    let (sender, receiver) = mpsc::sync_channel(1);
    spawn("take", move || receiver.recv())?;
    while !matches!(sender.try_send(()), Err(mpsc::TrySendError::Disconnected(()))) {}

    let count = Rc::new(Mutex::new(0));
    let theirs = count.clone();
    spawn("count", move || *theirs.lock().expect("not poisoned") += 1)?;
    while *count.lock().expect("not poisoned") == 0 {}
    while count.try_lock().is_ok_and(|count| *count == 0) {}

    let count = Rc::new(RwLock::new(0));
    let theirs = count.clone();
    spawn("write", move || *theirs.write().expect("not poisoned") += 1)?;
    while *count.read().expect("not poisoned") == 0 {}
    let theirs = count.clone();
    spawn("write", move || *theirs.write().expect("not poisoned") += 1)?;
    while count.try_read().is_ok_and(|count| *count == 1) {}
    Ok(())
}

/// Each goes on until another greenlet has had a turn.
fn failing_loops(_: &Complaints) -> io::Result<()> {
    let until_another_ran = |call: &mut dyn FnMut()| -> io::Result<()> {
        let ran = Rc::new(Cell::new(false));
        let theirs = ran.clone();
        spawn("other", move || theirs.set(true))?;
        while !ran.get() {
            call();
        }
        Ok(())
    };
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    let handle = socket.try_clone()?;
    handle.close();
    until_another_ran(&mut || drop(handle.recv(&mut [0])))?;
    until_another_ran(&mut || drop(wait_read(&handle, None)))?;
    until_another_ran(&mut || drop(handle.local_addr()))?;
    until_another_ran(&mut || drop(socket.set_nonblocking(false)))?;
    until_another_ran(&mut || drop(Socket::from(socket.try_clone().expect("room")).nonblocking()))?;
    until_another_ran(&mut || drop(Watcher::read(&socket)))?;
    until_another_ran(&mut || drop(all(&[], None)))?;
    until_another_ran(&mut || drop(UnixStream::pair()))?;
    until_another_ran(&mut || drop(pipe()))?;
    until_another_ran(&mut || drop(Socket::new(Domain::IPV4, Type::STREAM, None)))
}

/// Likewise, of what is asked for with no time to wait.
fn poll_loops(_: &Complaints) -> io::Result<()> {
    let props = Rc::new((Event::new(), Semaphore::new(0), Queue::new()));
    let theirs = props.clone();
    spawn("give", move || {
        theirs.0.set();
        theirs.1.release();
        theirs.2.put(())
    })?;
    while !props.0.is_set() {}
    while !props.1.try_acquire() {}
    while props.2.try_get().is_err() {}
    let theirs = props.clone();
    spawn("clear", move || {
        theirs.0.clear();
        theirs.1.release();
    })?;
    while props.0.wait(Some(Duration::ZERO)) {}
    while props.1.available() == 0 {}

    let again = Rc::new(Event::new());
    let theirs = again.clone();
    let mut setter = spawn("set", move || theirs.set())?;
    while any(&[&*again], Some(Duration::ZERO)).is_err() {}
    while let Err(back) = setter.join_timeout(Duration::ZERO) {
        setter = back;
    }

    let socket = UdpSocket::bind("127.0.0.1:0")?;
    let (theirs, own) = (socket.try_clone()?, socket.local_addr()?);
    let send = move || {
        theirs.send_to(b"x", own)?;
        theirs.send_to(b"y", own)
    };
    spawn("send", send)?;
    while wait_read(&socket, Some(Duration::ZERO)).is_err() {}
    socket.set_nonblocking(true)?;
    let theirs = socket.try_clone()?;
    spawn("send", move || {
        thread::sleep(Duration::from_millis(1));
        theirs.send_to(b"z", own)
    })?;
    let mut byte = [0];
    while byte != *b"z" {
        let _ = socket.recv(&mut byte);
    }
    Ok(())
}

fn clock_loop(complaints: &Complaints) -> io::Result<()> {
    const A_WHILE: Duration = Duration::from_millis(20);
    let start = Instant::now();
    while start.elapsed() < A_WHILE {}
    // What comes after it is not before it, and nothing ends early by it.
    let before = Instant::now();
    thread::sleep(A_WHILE);
    let slept = before.elapsed();
    complaints.unless(slept >= A_WHILE, || format!("a sleep of {A_WHILE:?} took {slept:?}"));
    let start = Instant::now();
    let polls = timeout(A_WHILE, || {
        loop {
            while start.elapsed() < A_WHILE {}
            thread::yield_now();
        }
    });
    let took = start.elapsed();
    complaints.unless(polls.is_err() && took >= A_WHILE, || format!("it took {took:?}"));
    Ok(())
}
