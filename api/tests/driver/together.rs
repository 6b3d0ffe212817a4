//! `any` and `all`: sockets, greenlets, events and timers in one wait.

use std::io::ErrorKind;
use std::rc::Rc;

use greenroom::sync::Event as Flag;
use greenroom::wait::{self, Watcher, cancel_wait, wait_read};
use greenroom::{note, thread, time};

use crate::scripted::{Event, ScriptHub, ms, play};
use crate::{dial, read, said, spawn};

#[test]
fn the_first_of_several_things_ends_the_wait_and_nothing_is_taken() {
    let hub = ScriptHub::new().at(ms(2), Event::Bytes(1, b"x".into()));
    let played = play(hub, || {
        let stream = dial(1);
        let data = Watcher::read(&*stream).unwrap();
        let child = spawn("child", || thread::sleep(ms(4)));
        let flag = Rc::new(Flag::new());
        let theirs = flag.clone();
        spawn("setter", move || {
            thread::sleep(ms(6));
            theirs.set();
        });
        let late = wait::after(ms(8));
        note!("{}", said(wait::any(&[&*flag, &late, &child, &data], None)));
        note!("{}", read(&stream, 1));
        note!("{}", said(wait::any(&[&*flag, &late, &child], None)));
        note!("{}", said(wait::any(&[&*flag, &late], None)));
        note!("{}", said(wait::any(&[&late], None)));
    });
    assert_eq!(
        played.done().told(),
        ["2 main: 3", "2 main: [120]", "4 main: 2", "6 main: 0", "8 main: 0"]
    );
}

#[test]
fn all_waits_until_each_has_been_ready_once() {
    let hub = ScriptHub::new().at(ms(3), Event::Bytes(1, b"x".into()));
    let played = play(hub, || {
        let stream = dial(1);
        let data = Watcher::read(&*stream).unwrap();
        let child = spawn("child", || thread::sleep(ms(5)));
        note!("{}", said(wait::all(&[&data, &wait::after(ms(4)), &child], None)));
        note!("{}", said(wait::all(&[], None)));
        note!("{}", said(wait::all(&[&data, &wait::after(ms(4))], Some(ms(2)))));
    });
    assert_eq!(played.done().told(), ["5 main: ()", "5 main: ()", "7 main: TimedOut"]);
}

#[test]
fn any_that_is_ready_switches_once_and_a_zero_timeout_tries_once() {
    let hub = ScriptHub::new().at(ms(1), Event::Bytes(1, b"x".into()));
    let played = play(hub, || {
        let stream = dial(1);
        let data = Watcher::read(&*stream).unwrap();
        note!("{}", said(wait::any(&[&data], Some(ms(0)))));
        thread::sleep(ms(2));
        spawn("other", || note!("runs"));
        note!("{}", said(wait::any(&[&data], Some(ms(0)))));
    });
    let told = ["0 main: TimedOut", "2 main/other: runs", "2 main: 0"];
    assert_eq!(played.done().told(), told);
}

#[test]
fn an_event_that_is_set_and_cleared_at_once_ends_any() {
    let played = play(ScriptHub::new(), || {
        let flag = Rc::new(Flag::new());
        let theirs = flag.clone();
        spawn("setter", move || {
            thread::sleep(ms(1));
            theirs.set();
            theirs.clear();
        });
        note!("{}", said(wait::any(&[&wait::after(ms(5)), &*flag], None)));
    });
    assert_eq!(played.done().told(), ["1 main: 1"]);
}

#[test]
fn a_cancel_or_a_close_of_one_watcher_ends_the_whole_wait() {
    let played = play(ScriptHub::new(), || {
        let (one, two) = (dial(1), dial(2));
        let watchers = Rc::new((Watcher::read(&*one).unwrap(), Watcher::read(&*two).unwrap()));
        let theirs = watchers.clone();
        let closer = two.clone();
        spawn("ender", move || {
            thread::sleep(ms(1));
            cancel_wait(&theirs.1);
            thread::sleep(ms(1));
            note!("{}", said(wait::wait(&theirs.0, None)));
            closer.close();
        });
        note!("{}", said(wait::any(&[&watchers.0, &watchers.1], None)));
        note!("{}", said(wait::any(&[&watchers.0, &watchers.1], None)));
        note!("{}", said(wait::any(&[&watchers.0, &watchers.1], None)));
    });
    let told = ["1 main: EBADF", "2 main/ender: ResourceBusy", "2 main: EBADF", "2 main: EBADF"];
    assert_eq!(played.done().told(), told);
}

#[test]
fn any_leaves_no_trace_on_what_did_not_end_it() {
    // The bytes at 3 are the reader's; the child's end at 4 and the event wake nobody's later wait.
    let hub = ScriptHub::new().at(ms(3), Event::Bytes(1, b"x".into()));
    let played = play(hub, || {
        let stream = dial(1);
        let data = Watcher::read(&*stream).unwrap();
        let child = spawn("child", || thread::sleep(ms(4)));
        let flag = Flag::new();
        note!("{}", said(wait::any(&[&data, &child, &flag, &wait::after(ms(1))], None)));
        let theirs = stream.clone();
        spawn("reader", move || note!("{}", read(&theirs, 1)));
        thread::sleep(ms(9));
        note!("slept");
        flag.set();
        note!("{}", said(wait_read(&*stream, Some(ms(1)))));
    });
    let told = ["1 main: 3", "3 main/reader: [120]", "10 main: slept", "11 main: TimedOut"];
    assert_eq!(played.done().told(), told);
}

#[test]
fn a_scope_that_expires_ends_any_and_a_kill_unwinds_it() {
    let played = play(ScriptHub::new(), || {
        let stream = dial(1);
        let data = Watcher::read(&*stream).unwrap();
        let expired = time::timeout(ms(2), || said(wait::any(&[&data], None)));
        note!("{expired:?}", expired = expired.is_err());
        let child = spawn("child", || {
            let stream = dial(2);
            let data = Watcher::read(&*stream).unwrap();
            note!("{}", said(wait::any(&[&data, &wait::after(ms(99))], None)));
        });
        thread::sleep(ms(1));
        child.kill();
        note!("{}", child.join().is_err());
        note!("{}", wait::any(&[], None).unwrap_err().kind() == ErrorKind::InvalidInput);
    });
    assert_eq!(played.done().told(), ["2 main: true", "3 main: true", "3 main: true"]);
}

#[test]
fn any_over_greenlets_that_wait_for_each_other_is_a_deadlock() {
    let played = play(ScriptHub::new(), || {
        let me = thread::current();
        let child = spawn("child", move || {
            let _keep = me;
            thread::park();
        });
        let other = spawn("other", thread::park);
        let _ = wait::any(&[&child, &other], None);
    });
    let stall = played.deadlock();
    assert_eq!((stall.stuck[0].op, stall.stuck[0].on.as_str()), ("any", "one of several things"));
}

#[test]
fn all_asks_again_where_what_was_named_went_to_others() {
    // All three streams are named at 2; who waits for the third runs first, and takes the second
    // one's byte. Another comes at 5.
    let hub = ScriptHub::new()
        .at(ms(2), Event::Bytes(3, b"z".into()))
        .at(ms(2), Event::Bytes(1, b"x".into()))
        .at(ms(2), Event::Bytes(2, b"y".into()))
        .at(ms(5), Event::Bytes(2, b"w".into()));
    let played = play(hub, || {
        let (one, two) = (dial(1), dial(2));
        let watchers = (Watcher::read(&*one).unwrap(), Watcher::read(&*two).unwrap());
        let (third, theirs) = (dial(3), two.clone());
        let taker = spawn("taker", move || {
            note!("{}", read(&third, 1));
            note!("{}", read(&theirs, 1));
        });
        thread::yield_now();
        note!("{}", said(wait::all(&[&watchers.0, &watchers.1], Some(ms(9)))));
        taker.join().unwrap();
    });
    let told = ["2 main/taker: [122]", "2 main/taker: [121]", "5 main: ()"];
    assert_eq!(played.done().told(), told);
}

#[test]
fn any_answers_the_first_in_the_list_of_those_that_are_ready() {
    let hub = ScriptHub::new().at(ms(2), Event::Bytes(1, b"x".into()));
    let played = play(hub, || {
        let stream = dial(1);
        let data = Watcher::read(&*stream).unwrap();
        let stop = Rc::new(Flag::new());
        let (theirs, same) = (stop.clone(), stream.clone());
        // It runs at the same tick, before the waiter does.
        spawn("setter", move || {
            let _ = wait_read(&*same, None);
            theirs.set();
        });
        thread::yield_now();
        note!("{}", said(wait::any(&[&*stop, &data], None)));
    });
    assert_eq!(played.done().told(), ["2 main: 0"]);
}
