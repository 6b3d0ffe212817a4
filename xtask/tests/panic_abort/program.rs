//! Built with `panic = "abort"` by `panic_abort.rs`: kills and timeouts of greenlets that wait, on both hubs.

use std::io::{self, Write};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use greenroom::net::UdpSocket;
use greenroom::sync::{Barrier, Event, Mutex, Queue, ReentrantLock, RwLock, Semaphore, mpsc};
use greenroom::thread::{self, JoinHandle, sleep, spawn};
use greenroom::time::{Instant, timeout};
use greenroom_sim::{Sim, Weather};

/// How long a lock is held, which is longer than those who wait for it are left alone.
const HELD: Duration = Duration::from_millis(40);
const LEFT_ALONE: Duration = Duration::from_millis(10);

fn main() {
    assert!(cfg!(panic = "abort"), "this is about no other build");
    greenroom_real::run(story);
    say("real held");
    let run = Sim::new()
        .weather(Weather::calm())
        .client("cli", || {
            story();
            Ok(())
        })
        .run();
    assert!(run.outcome.held(), "{}", run.outcome);
    say("sim held");
}

fn say(line: &str) {
    let _ = writeln!(io::stdout(), "{line}");
}

fn story() {
    let mutex = Rc::new(Mutex::new(()));
    waits_on("Mutex", {
        let mutex = mutex.clone();
        move |hold| {
            let _guard = mutex.lock().unwrap();
            hold();
        }
    });
    let lock = Rc::new(RwLock::new(()));
    waits_on("RwLock", {
        let lock = lock.clone();
        move |hold| {
            let _guard = lock.write().unwrap();
            hold();
        }
    });
    let lock = Rc::new(ReentrantLock::new(()));
    waits_on("ReentrantLock", move |hold| {
        let _guard = lock.lock();
        hold();
    });
    let permits = Rc::new(Semaphore::new(1));
    waits_on("Semaphore", move |hold| {
        let _permit = permits.permit();
        hold();
    });
    meets_the_others_of_its_round();
    joins_what_is_not_done();
    errs_where_a_call_can_fail();
    errs_at_each_call_inside_a_timeout_that_is_over();
    takes_nothing_for_timeouts_that_are_all_over();
    sleeps_on();
}

/// One holds it, a second waits and is ended from outside, a third stands behind: both have it, in their order.
fn waits_on(name: &str, with_it: impl Fn(&dyn Fn()) + 'static) {
    let with_it = Rc::new(with_it);
    for by_kill in [true, false] {
        let (sender, had) = mpsc::channel();
        let held = with_it.clone();
        let holder = spawn(move || held(&|| sleep(HELD)));
        thread::yield_now();
        let (second, third) = (with_it.clone(), with_it.clone());
        let (told, told_too) = (sender.clone(), sender);
        let waiter = spawn(move || {
            if by_kill {
                second(&|| told.send("second").unwrap());
            } else {
                let in_time = timeout(LEFT_ALONE, || second(&|| told.send("second").unwrap()));
                assert!(in_time.is_err(), "its time was up");
            }
        });
        thread::yield_now();
        let behind = spawn(move || third(&|| told_too.send("third").unwrap()));
        sleep(LEFT_ALONE);
        if by_kill {
            waiter.kill();
            waiter.kill();
        }
        all_end([holder, waiter, behind]);
        assert_eq!(had.iter().collect::<Vec<_>>(), ["second", "third"], "{name}");
    }
}

fn meets_the_others_of_its_round() {
    let barrier = Rc::new(Barrier::new(2));
    let theirs = barrier.clone();
    let waiter = spawn(move || drop(timeout(LEFT_ALONE, || theirs.wait())));
    sleep(HELD);
    assert!(!waiter.is_finished(), "nobody else was there");
    waiter.kill();
    barrier.wait();
    all_end([waiter]);
}

fn joins_what_is_not_done() {
    let queue = Rc::new(Queue::new());
    queue.put(1).unwrap();
    let theirs = queue.clone();
    let waiter = spawn(move || theirs.join());
    sleep(LEFT_ALONE);
    waiter.kill();
    sleep(LEFT_ALONE);
    assert!(!waiter.is_finished(), "a task is not done");
    queue.task_done().unwrap();
    all_end([waiter]);
}

/// A kill and the end of a timeout are errors of these.
fn errs_where_a_call_can_fail() {
    let (_sender, receiver) = mpsc::channel::<()>();
    let waiter = spawn(move || assert!(receiver.recv().is_err()));
    let permits = Arc::new(Semaphore::new(0));
    let theirs = permits.clone();
    let limited = spawn(move || assert!(!theirs.acquire_timeout(HELD * 1000)));
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let reader = spawn(move || assert!(socket.recv(&mut [0; 8]).is_err()));
    thread::yield_now();
    for greenlet in [&waiter, &limited, &reader] {
        greenlet.kill();
    }
    all_end([waiter, limited, reader]);
}

/// Whatever came before it, and told nobody.
fn errs_at_each_call_inside_a_timeout_that_is_over() {
    let (sender, receiver) = mpsc::channel::<()>();
    let queue = Queue::<()>::new();
    let waiter = spawn(move || {
        let late = timeout(LEFT_ALONE, || {
            sleep(2 * LEFT_ALONE);
            for _ in 0..3 {
                assert!(receiver.recv().is_err() && queue.get().is_err());
            }
        });
        assert!(late.is_err(), "its time was up");
    });
    all_end([waiter]);
    drop(sender);
}

/// One within another: neither is waited for again.
fn takes_nothing_for_timeouts_that_are_all_over() {
    let lock = Rc::new(Mutex::new(()));
    let theirs = lock.clone();
    let guard = lock.lock().unwrap();
    let waiter = spawn(move || {
        let inner = || timeout(2 * LEFT_ALONE, || drop(theirs.lock().unwrap()));
        assert!(timeout(LEFT_ALONE, inner).is_err(), "its time was up");
    });
    sleep(HELD);
    drop(guard);
    all_end([waiter]);
}

/// Neither a kill nor a timeout that is over ends these, and they take no time but their own.
fn sleeps_on() {
    let start = Instant::now();
    assert!(timeout(LEFT_ALONE, || sleep(HELD)).is_err(), "its time was up");
    assert!(start.elapsed() >= HELD, "{:?}", start.elapsed());
    let event = Rc::new(Event::new());
    let theirs = event.clone();
    let waiter = spawn(move || {
        let late = timeout(LEFT_ALONE, || theirs.wait(None));
        assert!(late.is_err(), "its time was up");
    });
    sleep(HELD);
    waiter.kill();
    sleep(LEFT_ALONE);
    assert!(!waiter.is_finished(), "nobody set it");
    event.set();
    all_end([waiter]);
}

fn all_end<const N: usize>(greenlets: [JoinHandle<()>; N]) {
    for greenlet in greenlets {
        assert!(greenlet.join().is_ok());
    }
}
