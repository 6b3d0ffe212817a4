//! `cancel_wait`: an outcome fixed at the call, for one wait only.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;

use greenroom::net::TcpStream;
use greenroom::wait::{Watcher, cancel_wait, cancel_wait_with, wait};
use greenroom::{note, thread, time};

use crate::scripted::{Event, ScriptHub, client, ms, peer, play, play_all};
use crate::{dial, read, said, spawn};

fn watch(stream: &TcpStream) -> (Rc<Watcher>, Rc<Watcher>) {
    let watcher = Rc::new(Watcher::read(stream).unwrap());
    (watcher.clone(), watcher)
}

#[test]
fn cancel_ends_the_wait_with_ebadf_and_never_switches() {
    let played = play(ScriptHub::new(), || {
        let stream = dial(1);
        let (watcher, same) = watch(&stream);
        let waiter = spawn("waiter", move || note!("{}", said(wait(&same, None))));
        thread::sleep(ms(3));
        cancel_wait(&watcher);
        note!("cancelled");
        waiter.join().unwrap();
    });
    let played = played.done();
    assert_eq!(played.told(), ["3 main: cancelled", "3 main/waiter: EBADF"]);
    let struck = ["3 main: cancel_wait of main/waiter", "3 main/waiter: wait woken by Cancel"];
    assert_eq!(played.traced(&["cancel_wait", "wait woken"]), struck);
}

#[test]
fn cancel_where_nobody_waits_does_nothing() {
    let hub = ScriptHub::new().at(ms(1), Event::Bytes(1, b"x".into()));
    let played = play(hub, || {
        let stream = dial(1);
        let (watcher, _) = watch(&stream);
        cancel_wait(&watcher);
        note!("{}", said(wait(&watcher, None)));
        cancel_wait(&watcher);
        note!("{}", read(&stream, 1));
    });
    assert_eq!(played.done().told(), ["1 main: ()", "1 main: [120]"]);
}

#[test]
pub fn a_cancel_stands_even_if_bytes_arrive_before_the_waiter_runs() {
    // The waiter's host is held back from 3 to 9; it is cancelled at 4, the bytes come at 6.
    let hub = ScriptHub::new()
        .at(ms(3), Event::Pause(1))
        .at(ms(6), Event::Bytes(1, b"x".into()))
        .at(ms(9), Event::Resume(1));
    let shared: Rc<RefCell<Option<Rc<Watcher>>>> = Rc::default();
    let theirs = shared.clone();
    let canceller = client("canceller", move || {
        thread::sleep(ms(4));
        cancel_wait(shared.borrow().as_ref().unwrap());
    });
    let waiter = client("waiter", move || {
        let stream = dial(1);
        let (watcher, same) = watch(&stream);
        *theirs.borrow_mut() = Some(same);
        note!("{}", said(wait(&watcher, None)));
        note!("{}", read(&stream, 1));
    });
    let played = play_all(hub, vec![canceller, waiter]);
    assert_eq!(played.done().told(), ["9 waiter: EBADF", "9 waiter: [120]"]);
}

#[test]
fn readiness_of_the_tick_of_the_cancel_wins() {
    // Both are made runnable at 4; readiness is named before timers.
    let hub = ScriptHub::new().at(ms(4), Event::Bytes(1, b"x".into()));
    let played = play(hub, || {
        let stream = dial(1);
        let (watcher, same) = watch(&stream);
        let waiter = spawn("waiter", move || note!("{}", said(wait(&same, None))));
        thread::sleep(ms(4));
        cancel_wait(&watcher);
        waiter.join().unwrap();
    });
    assert_eq!(played.done().told(), ["4 main/waiter: ()"]);
}

#[test]
fn readiness_already_named_wins_though_the_waiter_runs_after_the_cancel() {
    let hub = ScriptHub::new().at(ms(4), Event::Bytes(1, b"x".into())).picks(&[1]);
    let played = play(hub, || {
        let stream = dial(1);
        let (watcher, same) = watch(&stream);
        let waiter = spawn("waiter", move || note!("{}", said(wait(&same, None))));
        thread::sleep(ms(4));
        cancel_wait(&watcher);
        note!("cancelled");
        waiter.join().unwrap();
    });
    let played = played.done();
    assert_eq!(played.told().last().unwrap(), "4 main/waiter: ()");
    assert!(played.traced(&["cancel_wait of"]).is_empty());
}

#[test]
pub fn a_stale_cancel_does_not_hit_a_later_wait() {
    let played = play(ScriptHub::new(), || {
        let (stream, other) = (dial(1), dial(2));
        let (watcher, same) = watch(&stream);
        let waiter = spawn("waiter", move || {
            note!("{}", said(wait(&same, Some(ms(1)))));
            note!("{}", said(greenroom::wait::wait_read(&*other, Some(ms(9)))));
        });
        thread::sleep(ms(5));
        cancel_wait(&watcher);
        waiter.join().unwrap();
    });
    assert_eq!(played.done().told(), ["1 main/waiter: TimedOut", "10 main/waiter: TimedOut"]);
}

#[test]
fn a_second_cancel_does_not_hit_the_next_wait_on_the_same_watcher() {
    let played = play(ScriptHub::new(), || {
        let stream = dial(1);
        let (watcher, same) = watch(&stream);
        let waiter = spawn("waiter", move || {
            note!("{}", said(wait(&same, None)));
            note!("{}", said(wait(&same, Some(ms(1)))));
        });
        thread::yield_now();
        cancel_wait(&watcher);
        cancel_wait(&watcher);
        waiter.join().unwrap();
    });
    assert_eq!(played.done().told(), ["0 main/waiter: EBADF", "1 main/waiter: TimedOut"]);
}

#[test]
fn the_error_given_arrives_by_identity() {
    #[derive(Debug)]
    struct Number(u32);
    impl std::fmt::Display for Number {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(f, "number {}", self.0)
        }
    }
    impl std::error::Error for Number {}
    let played = play(ScriptHub::new(), || {
        let stream = dial(1);
        let (watcher, same) = watch(&stream);
        let waiter = spawn("waiter", move || {
            let error = wait(&same, None).unwrap_err();
            note!("{:?} {}", error.kind(), error.get_ref().unwrap().is::<Number>());
            note!("{error}");
        });
        thread::yield_now();
        cancel_wait_with(&watcher, io::Error::new(io::ErrorKind::Interrupted, Number(7)));
        waiter.join().unwrap();
    });
    let told = ["0 main/waiter: Interrupted true", "0 main/waiter: number 7"];
    assert_eq!(played.done().told(), told);
}

#[test]
fn a_wait_that_found_its_source_ready_is_not_cancelled() {
    let hub = ScriptHub::new().at(ms(1), Event::Bytes(1, b"x".into()));
    let played = play(hub, || {
        let stream = dial(1);
        let (watcher, same) = watch(&stream);
        thread::sleep(ms(2));
        let canceller = spawn("canceller", move || cancel_wait(&watcher));
        note!("{}", said(wait(&same, None)));
        canceller.join().unwrap();
    });
    assert_eq!(played.done().told(), ["2 main: ()"]);
}

#[test]
fn a_cancel_inside_an_expired_scope_keeps_its_own_error() {
    let played = play(ScriptHub::new(), || {
        let stream = dial(1);
        let (watcher, same) = watch(&stream);
        let waiter = spawn("waiter", move || {
            let outcome = time::timeout(ms(5), || note!("{}", said(wait(&same, None))));
            note!("{}", outcome.is_ok());
        });
        thread::sleep(ms(3));
        cancel_wait(&watcher);
        waiter.join().unwrap();
    });
    assert_eq!(played.done().told(), ["3 main/waiter: EBADF", "3 main/waiter: true"]);
}

#[test]
fn an_error_that_nobody_gets_may_own_what_closes() {
    #[derive(Debug)]
    struct Carries(#[expect(dead_code, reason = "it is dropped")] TcpStream);
    impl std::fmt::Display for Carries {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("carries a stream")
        }
    }
    impl std::error::Error for Carries {}
    let played = play(ScriptHub::new(), || {
        let stream = dial(1);
        let (watcher, same) = watch(&stream);
        note!("{}", said(wait(&same, Some(ms(1)))));
        // That wait is over.
        let carries = Carries(TcpStream::connect(peer(2)).unwrap());
        cancel_wait_with(&watcher, io::Error::other(carries));
    });
    let played = played.done();
    assert_eq!(played.told(), ["1 main: TimedOut"]);
    assert_eq!(played.hub.open(), 0);
}
