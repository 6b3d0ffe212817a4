//! `thread::park` and `unpark`: one token.

use std::cell::RefCell;
use std::rc::Rc;

use greenroom::thread::Thread;
use greenroom::wait::wait_read;
use greenroom::{note, thread};

use crate::scripted::{Event, ScriptHub, ms, play};
use crate::{dial, said, spawn};

#[test]
pub fn an_unpark_before_the_park_is_kept_but_only_one() {
    let played = play(ScriptHub::new(), || {
        let me = thread::current();
        me.unpark();
        me.unpark();
        thread::park();
        note!("first");
        thread::park_timeout(ms(5));
        note!("second");
    });
    assert_eq!(played.done().told(), ["0 main: first", "5 main: second"]);
}

#[test]
fn unpark_wakes_the_parked() {
    let played = play(ScriptHub::new(), || {
        let me = thread::current();
        spawn("waker", move || {
            thread::sleep(ms(3));
            me.unpark();
        });
        thread::park();
        note!("woken");
    });
    assert_eq!(played.done().told(), ["3 main: woken"]);
}

#[test]
fn unpark_after_a_park_that_timed_out_wakes_no_other_wait() {
    let played = play(ScriptHub::new(), || {
        let stream = dial(1);
        let handle: Rc<RefCell<Option<Thread>>> = Rc::default();
        let theirs = handle.clone();
        let parker = spawn("parker", move || {
            *theirs.borrow_mut() = Some(thread::current());
            thread::park_timeout(ms(1));
            note!("{}", said(wait_read(&*stream, Some(ms(9)))));
            thread::park();
            note!("by the token");
        });
        thread::sleep(ms(5));
        handle.borrow().as_ref().unwrap().unpark();
        parker.join().unwrap();
    });
    assert_eq!(played.done().told(), ["10 main/parker: TimedOut", "10 main/parker: by the token"]);
}

#[test]
fn unpark_after_a_park_of_no_time_wakes_no_other_wait() {
    let played = play(ScriptHub::new(), || {
        let stream = dial(1);
        let me = thread::current();
        thread::park_timeout(ms(0));
        spawn("waker", move || me.unpark());
        note!("{}", said(wait_read(&*stream, Some(ms(9)))));
    });
    assert_eq!(played.done().told(), ["9 main: TimedOut"]);
}

#[test]
fn unpark_from_another_thread_arrives_with_the_mail() {
    let played = play(ScriptHub::new(), || {
        let me = thread::current();
        std::thread::spawn(move || me.unpark()).join().unwrap();
        thread::park();
        let me = thread::current();
        spawn("helper", || std::thread::spawn(move || me.unpark()).join().unwrap());
        thread::park();
        note!("woken twice");
    });
    assert_eq!(played.done().told(), ["0 main: woken twice"]);
}

#[test]
pub fn a_timer_of_an_earlier_wait_does_not_end_a_park() {
    let hub = ScriptHub::new().at(ms(1), Event::Bytes(1, b"x".into()));
    let played = play(hub, || {
        let stream = dial(1);
        wait_read(&*stream, Some(ms(5))).unwrap();
        let main = thread::current();
        spawn("waker", move || {
            thread::sleep(ms(8));
            main.unpark();
        });
        thread::park();
        note!("unparked");
    });
    assert_eq!(played.done().told(), ["9 main: unparked"]);
}
