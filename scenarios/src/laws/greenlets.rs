//! Greenlets: when they switch and in which order they wake, how they end, and what they share.

use std::io::{self, Read, Write};
use std::rc::Rc;

use greenroom::check::Shared;
use greenroom::net::{TcpListener, TcpStream};
use greenroom::sync::{Event, Mutex};
use greenroom::thread;
use greenroom::time::{Duration, timeout};
use greenroom::wait::{self, Watcher, wait_read};

use super::{Law, connected, kind};
use crate::common::{Complaints, join_all, spawn};

pub(super) const LAWS: &[(&str, &str, Law)] = &[
    ("switch-points", "what can complete does not switch, a wait for what is ready does", switches),
    ("wake-order", "who became runnable first runs first", wake_order),
    ("any", "one wait for several things ends with the first, and takes nothing", any),
    ("destructor", "a blocking call in a destructor of a killed greenlet tries once", destructor),
    ("run-ends", "what is left when main returns is unwound", run_ends),
    ("yields", "a loop of yields starves neither the network nor a timeout", yields),
    ("panic", "a panic is its greenlet's result and ends nobody else", panic_is_a_result),
    ("handles", "a handle may leave its thread, and says so where it cannot work", handles),
    ("statics", "a static lock serves greenlets and plain threads", statics),
];

fn switches(complaints: &Complaints) -> io::Result<()> {
    let (mut near, mut far) = connected()?;
    far.write_all(b"xy")?;
    wait_read(&near, None)?;
    let order = Shared::new(Vec::new());
    let theirs = order.clone();
    let other = spawn("other", move || {
        theirs.with(|order| order.push("other"));
        Ok(())
    })?;
    near.read_exact(&mut [0])?;
    order.with(|order| order.push("read"));
    wait_read(&near, None)?;
    order.with(|order| order.push("waited"));
    join_all([other])?;
    let order = order.with(|order| order.clone());
    // Where the world picks turns, a read may be one that had to wait.
    greenroom::sometimes!(order == ["read", "other", "waited"], "only the wait switches");
    complaints.unless(order.len() == 3, || format!("{order:?}"));
    Ok(())
}

fn wake_order(complaints: &Complaints) -> io::Result<()> {
    let order = Shared::new(Vec::new());
    let (flag, mut sleepers) = (Rc::new(Event::new()), Vec::new());
    for place in 0..5 {
        let (order, flag) = (order.clone(), flag.clone());
        sleepers.push(spawn("sleeper", move || {
            flag.wait(None);
            order.with(|order| order.push(place));
            Ok(())
        })?);
    }
    thread::sleep(Duration::from_millis(5));
    flag.set();
    join_all(sleepers)?;
    let mut order = order.with(|order| order.clone());
    greenroom::sometimes!(order == [0, 1, 2, 3, 4], "woken in the order they lined up");
    order.sort();
    complaints.unless(order == [0, 1, 2, 3, 4], || format!("who woke: {order:?}"));
    Ok(())
}

fn any(complaints: &Complaints) -> io::Result<()> {
    let (mut near, mut far) = connected()?;
    let flag = Rc::new(Event::new());
    let theirs = flag.clone();
    let child = spawn("child", move || {
        thread::sleep(Duration::from_millis(5));
        theirs.set();
        thread::sleep(Duration::from_millis(5));
        far.write_all(b"x")?;
        // Held until the other side has seen the byte and hung up.
        far.read(&mut [0]).map(drop)
    })?;
    let never = wait::after(Duration::from_secs(3600));
    let first = kind(wait::any(&[&never, &child, &*flag], None));
    complaints.unless(first == Ok(2), || format!("the first of three: {first:?}"));
    let data = Watcher::read(&near)?;
    let second = kind(wait::any(&[&never, &child, &data], None));
    complaints.unless(second == Ok(2), || format!("then: {second:?}"));
    near.read_exact(&mut [0])?;
    drop(near);
    let third = kind(wait::all(&[&child, &*flag], None));
    complaints.unless(third == Ok(()), || format!("all: {third:?}"));
    let late = kind(wait::any(&[&never], Some(Duration::from_millis(5))));
    complaints.unless(late == Err(io::ErrorKind::TimedOut), || format!("at last: {late:?}"));
    join_all([child])
}

/// Says when it is dropped what a read answers there.
struct ReadsAtTheEnd(TcpStream, Shared<Vec<Result<usize, io::ErrorKind>>>);

impl Drop for ReadsAtTheEnd {
    fn drop(&mut self) {
        for _ in 0..2 {
            let read = kind(self.0.read(&mut [0]));
            self.1.with(|reads| reads.push(read));
        }
    }
}

fn destructor(complaints: &Complaints) -> io::Result<()> {
    let (near, mut far) = connected()?;
    let reads = Shared::new(Vec::new());
    let held = ReadsAtTheEnd(near.try_clone()?, reads.clone());
    let started = Rc::new(Event::new());
    let theirs = started.clone();
    let victim = spawn("victim", move || {
        let _held = held;
        theirs.set();
        thread::park();
    })?;
    started.wait(None);
    far.write_all(b"x")?;
    wait_read(&near, None)?;
    victim.kill();
    complaints.unless(victim.join().is_err(), || "a killed greenlet returned".into());
    let reads = reads.with(|reads| reads.clone());
    // The byte is there; what would have to wait fails instead.
    complaints.unless(reads.len() == 2 && reads[0] == Ok(1) && reads[1].is_err(), || {
        format!("in the destructor: {reads:?}")
    });
    Ok(())
}

/// Takes its complaint back when it is dropped.
struct Unwound(Complaints);

impl Drop for Unwound {
    fn drop(&mut self) {
        self.0.take_back();
    }
}

fn run_ends(complaints: &Complaints) -> io::Result<()> {
    complaints.add("a parked greenlet was not unwound at the end".into());
    let unwound = Unwound(complaints.clone());
    spawn("left", move || {
        let _unwound = unwound;
        thread::park();
    })?;
    // It runs, and is parked.
    thread::sleep(Duration::from_millis(1));
    Ok(())
}

fn yields(complaints: &Complaints) -> io::Result<()> {
    let (mut near, mut far) = connected()?;
    let reader = spawn("read", move || near.read_exact(&mut [0]))?;
    let busy = spawn("busy", || -> io::Result<()> {
        loop {
            thread::yield_now();
        }
    })?;
    far.write_all(b"x")?;
    join_all([reader])?;
    busy.kill();
    complaints.unless(busy.join().is_err(), || "an endless loop returned".into());
    let scope = timeout(Duration::from_millis(20), || -> io::Result<()> {
        loop {
            thread::yield_now();
        }
    });
    complaints.unless(scope.is_err(), || "an endless loop outlived its timeout".into());
    Ok(())
}

fn panic_is_a_result(complaints: &Complaints) -> io::Result<()> {
    let (mut near, mut far) = connected()?;
    // Quietly: without the hook a panic is what the hook is told of.
    let faulty = spawn("faulty", || {
        std::panic::resume_unwind(Box::new("it went wrong"));
    })?;
    let other = spawn("other", move || near.read_exact(&mut [0]))?;
    let said = faulty.join().map_err(|payload| payload.downcast::<&str>().map(|text| *text));
    complaints.unless(matches!(said, Err(Ok("it went wrong"))), || format!("{said:?}"));
    far.write_all(b"x")?;
    join_all([other])
}

fn handles(complaints: &Complaints) -> io::Result<()> {
    fn is_shareable<T: Send + Sync>(_: &T) {}
    let (near, mut far) = connected()?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    is_shareable(&near);
    is_shareable(&listener);
    let away = std::thread::spawn(move || {
        let read = kind((&near).read(&mut [0]));
        (near, read)
    });
    let (mut near, read) = away.join().unwrap_or_else(|payload| thread::resume(payload));
    complaints.unless(read == Err(io::ErrorKind::NotConnected), || format!("elsewhere: {read:?}"));
    far.write_all(b"x")?;
    near.read_exact(&mut [0])
}

fn statics(complaints: &Complaints) -> io::Result<()> {
    static COUNT: Mutex<u64> = Mutex::new(0);
    let add = |n: u64| *COUNT.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) += n;
    // Runs of this law may share the process.
    let before = *COUNT.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let adders = (0..3).map(|_| {
        spawn("add", move || {
            add(1);
            Ok(())
        })
    });
    join_all(adders.collect::<io::Result<Vec<_>>>()?)?;
    let away = std::thread::spawn(move || add(10));
    away.join().unwrap_or_else(|payload| thread::resume(payload));
    let after = *COUNT.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    complaints.unless(after >= before + 13, || format!("{before} became {after}"));
    Ok(())
}
