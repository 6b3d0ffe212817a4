//! Readiness sets: what a look shows, and waiting for any part of it.

use std::io::{self, Read, Write};
use std::net::Shutdown;

use greenroom::io::pipe;
use greenroom::net::{Socket, TcpStream, UdpSocket};
use greenroom::os::unix::net::UnixStream;
use greenroom::thread;
use greenroom::time::Duration;
use greenroom::wait::{self, Readiness, Source, Watcher, cancel_wait};

use super::{Law, code, connected, kind};
use crate::common::{Complaints, join_all, spawn};

pub(super) const LAWS: &[(&str, &str, Law)] = &[
    ("readiness-shown", "a look shows what poll does, and takes nothing", shown),
    ("readiness-wakes", "what comes wakes who waits for it, not what is there already", wakes),
    ("readiness-error", "an error wakes who waits for one, and is there until it is told", error),
    ("readiness-pipe", "a pipe shows that its other end is gone", pipes),
    (
        "readiness-nothing",
        "a wait for nothing is refused, one for any of several ends once",
        nothing,
    ),
];

const READ: Readiness = Readiness::READ;
const WRITE: Readiness = Readiness::WRITE;
const READ_CLOSED: Readiness = Readiness::READ_CLOSED;
const HANG_UP: Readiness = Readiness::HANG_UP;
const ERROR: Readiness = Readiness::ERROR;

/// Long enough for whatever a host sends itself.
const SOON: Option<Duration> = Some(Duration::from_secs(60));
const A_WHILE: Option<Duration> = Some(Duration::from_millis(10));

fn shown(complaints: &Complaints) -> io::Result<()> {
    let (near, far) = connected()?;
    let (left, right) = UnixStream::pair()?;
    let pairs: [(Socket, Socket); 2] = [(near.into(), far.into()), (left.into(), right.into())];
    for (near, mut far) in pairs {
        let is_shown = |when: &str, wanted: Readiness| {
            let now = kind(wait::readiness(&near));
            complaints.unless(now == Ok(wanted), || format!("{when}: {now:?}"));
        };
        is_shown("idle", WRITE);
        far.write_all(b"xy")?;
        wait::wait_read(&near, SOON)?;
        is_shown("with data", READ.with(WRITE));
        is_shown("a second look", READ.with(WRITE));
        far.shutdown(Shutdown::Write)?;
        wait::wait_for(&near, READ_CLOSED, SOON)?;
        is_shown("after the end", READ.with(WRITE).with(READ_CLOSED));
        near.recv(&mut [0; 8])?;
        is_shown("the end alone", READ.with(WRITE).with(READ_CLOSED));
        near.shutdown(Shutdown::Write)?;
        is_shown("both shut", READ.with(WRITE).with(READ_CLOSED).with(HANG_UP));
        near.close();
        let closed = kind(wait::readiness(&near));
        complaints.unless(closed.is_err(), || format!("closed: {closed:?}"));
    }
    Ok(())
}

fn wakes(complaints: &Complaints) -> io::Result<()> {
    let (near, far) = connected()?;
    let (left, right) = UnixStream::pair()?;
    let pairs: [(Socket, Socket); 2] = [(near.into(), far.into()), (left.into(), right.into())];
    for (near, mut far) in pairs {
        far.write_all(b"unread")?;
        wait::wait_read(&near, SOON)?;
        for awaited in [READ_CLOSED, HANG_UP, ERROR, Readiness::URGENT] {
            let early = kind(wait::wait_for(&near, awaited, A_WHILE));
            let is_early = early != Err(io::ErrorKind::TimedOut);
            complaints.unless(!is_early, || format!("{awaited:?} over data: {early:?}"));
        }
        let waiter = |awaited: Readiness| {
            let (near, book) = (near.try_clone()?, complaints.clone());
            spawn("wait", move || {
                let told = kind(wait::wait_for(&near, awaited, SOON));
                book.unless(told == Ok(awaited), || format!("{awaited:?}: {told:?}"));
                Ok(())
            })
        };
        let (read_closed, hung_up) = (waiter(READ_CLOSED)?, waiter(HANG_UP)?);
        thread::sleep(Duration::from_millis(5));
        far.shutdown(Shutdown::Write)?;
        join_all([read_closed])?;
        complaints.unless(!hung_up.is_finished(), || "half an end is no hang-up".into());
        near.shutdown(Shutdown::Write)?;
        join_all([hung_up])?;
    }
    Ok(())
}

fn error(complaints: &Complaints) -> io::Result<()> {
    let (near, far) = connected()?;
    let far = Socket::from(far);
    let waiter = spawn("wait", {
        let (near, book) = (near.try_clone()?, complaints.clone());
        move || {
            let told = kind(wait::wait_for(&near, ERROR, SOON));
            book.unless(told == Ok(ERROR), || format!("after a reset: {told:?}"));
            Ok(())
        }
    })?;
    thread::sleep(Duration::from_millis(5));
    far.set_linger(Some(Duration::ZERO))?;
    drop(far);
    join_all([waiter])?;
    let over = READ.with(WRITE).with(READ_CLOSED).with(HANG_UP);
    is_told(complaints, &near, over)?;
    // Of datagrams: nobody is there.
    let (socket, nobody) = (UdpSocket::bind("127.0.0.1:0")?, UdpSocket::bind("127.0.0.1:0")?);
    socket.connect(nobody.local_addr()?)?;
    drop(nobody);
    socket.send(b"x")?;
    wait::wait_for(&socket, ERROR, SOON)?;
    let now = kind(wait::readiness(&socket));
    complaints.unless(now == Ok(ERROR.as_found()), || format!("a refusal: {now:?}"));
    complaints.unless(socket.take_error()?.is_some(), || "there was no error to take".into());
    let now = kind(wait::readiness(&socket));
    complaints.unless(now == Ok(WRITE), || format!("a refusal that was told: {now:?}"));
    Ok(())
}

/// The error is there until a call tells it.
fn is_told(complaints: &Complaints, mut stream: &TcpStream, left: Readiness) -> io::Result<()> {
    let before = wait::readiness(stream)?;
    complaints.unless(before == left.with(ERROR), || format!("before it is told: {before:?}"));
    let read = kind(stream.read(&mut [0]));
    let is_reset = read == Err(io::ErrorKind::ConnectionReset);
    complaints.unless(is_reset, || format!("telling it: {read:?}"));
    let after = wait::readiness(stream)?;
    complaints.unless(after == left, || format!("once it is told: {after:?}"));
    Ok(())
}

fn pipes(complaints: &Complaints) -> io::Result<()> {
    let (reader, mut writer) = pipe()?;
    writer.write_all(b"x")?;
    let now = wait::readiness(&reader)?;
    complaints.unless(now == READ, || format!("with data: {now:?}"));
    let waiter = spawn("wait", {
        let (reader, book) = (reader.try_clone()?, complaints.clone());
        move || {
            let told = kind(wait::wait_for(&reader, HANG_UP, SOON));
            book.unless(told == Ok(HANG_UP), || format!("the writer is gone: {told:?}"));
            Ok(())
        }
    })?;
    thread::sleep(Duration::from_millis(5));
    drop(writer);
    join_all([waiter])?;
    let (reader, writer) = pipe()?;
    let waiter = spawn("wait", {
        let (writer, book) = (writer.try_clone()?, complaints.clone());
        move || {
            let told = kind(wait::wait_for(&writer, ERROR, SOON));
            book.unless(told == Ok(ERROR), || format!("the reader is gone: {told:?}"));
            Ok(())
        }
    })?;
    thread::sleep(Duration::from_millis(5));
    drop(reader);
    join_all([waiter])?;
    let now = wait::readiness(&writer)?;
    complaints.unless(now == ERROR.as_found(), || format!("nobody reads: {now:?}"));
    Ok(())
}

fn nothing(complaints: &Complaints) -> io::Result<()> {
    let (near, mut far) = connected()?;
    let refused = kind(Watcher::of(&near, Readiness::NONE).map(drop));
    let is_refused = refused == Err(io::ErrorKind::InvalidInput);
    complaints.unless(is_refused, || format!("nothing to wait for: {refused:?}"));
    // Both are there, and both are told.
    far.write_all(b"x")?;
    drop(far);
    wait::wait_for(&near, READ_CLOSED, SOON)?;
    let told = kind(wait::wait_for(&near, READ.with(READ_CLOSED).with(ERROR), SOON));
    complaints.unless(told == Ok(READ.with(READ_CLOSED)), || format!("any of three: {told:?}"));
    ends_by_cancel(complaints, &near)
}

fn ends_by_cancel(complaints: &Complaints, source: &impl Source) -> io::Result<()> {
    let watcher = std::rc::Rc::new(Watcher::of(source, Readiness::URGENT)?);
    let waiter = spawn("wait", {
        let (watcher, book) = (watcher.clone(), complaints.clone());
        move || {
            let ended = code(wait::wait(&watcher, SOON));
            book.unless(ended == Err(Some(super::EBADF)), || format!("cancelled: {ended:?}"));
            Ok(())
        }
    })?;
    thread::sleep(Duration::from_millis(5));
    cancel_wait(&watcher);
    join_all([waiter])
}
