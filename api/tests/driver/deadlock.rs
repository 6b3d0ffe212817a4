//! Deadlock: judged while a client is unfinished, and told as a table.

use std::cell::RefCell;
use std::rc::Rc;

use greenroom::hub::Tick;
use greenroom::sync::{Event as Flag, Mutex, MutexGuard};
use greenroom::time::timeout;
use greenroom::{note, thread};

use crate::scripted::{ScriptHub, client, ms, play, play_all, server};
use crate::{dial, read, spawn};

#[test]
fn by_locks_names_who_holds_what() {
    let played = play(ScriptHub::new(), || {
        let (a, b) = (Rc::new(Mutex::new(())), Rc::new(Mutex::new(())));
        let cross = |name, first: &Rc<Mutex<()>>, second: &Rc<Mutex<()>>| {
            let (first, second) = (first.clone(), second.clone());
            spawn(name, move || {
                let _first = first.lock().unwrap();
                thread::sleep(ms(1));
                let _second = second.lock().unwrap();
            })
        };
        let one = cross("one", &a, &b);
        let two = cross("two", &b, &a);
        one.join().unwrap();
        two.join().unwrap();
    });
    let stall = played.deadlock();
    let at = Tick::from_ns(1_000_000);
    assert_eq!(stall.at, at);
    let rows: Vec<_> = stall
        .stuck
        .iter()
        .map(|row| (row.greenlet.as_str(), row.op, row.on.as_str(), row.since))
        .collect();
    let expected = [
        ("main", "join", "the end of main/one", Tick::default()),
        ("main/one", "lock", "a lock held by main/two", at),
        ("main/two", "lock", "a lock held by main/one", at),
    ];
    assert_eq!(rows, expected);
    let text = stall.to_string();
    assert!(text.contains("main/one: in lock on a lock held by main/two, since 1ms"), "{text}");
}

/// Takes a lock while its scope is unwound, and leaves it to its greenlet.
struct Takes<'l, 'k>(&'l Mutex<()>, &'k RefCell<Option<MutexGuard<'l, ()>>>);

impl Drop for Takes<'_, '_> {
    fn drop(&mut self) {
        self.1.replace(self.0.lock().ok());
    }
}

/// Who waited first was handed the lock, and had not run when a destructor took it.
#[test]
fn by_a_lock_that_was_taken_back_names_who_has_it_now() {
    let played = play(ScriptHub::new(), || {
        let lock = Rc::new(Mutex::new(()));
        let (waiters, takers) = (lock.clone(), lock.clone());
        let held = lock.lock();
        let waiter = spawn("waiter", move || drop(waiters.lock()));
        let _taker = spawn("taker", move || {
            let kept = RefCell::new(None);
            let over = timeout(ms(1), || {
                let _takes = Takes(&takers, &kept);
                thread::sleep(ms(5));
            });
            note!("{}", over.is_err() && kept.borrow().is_some());
            thread::park();
        });
        // Time is up for both at once, and this one runs first.
        thread::sleep(ms(1));
        drop(held);
        waiter.join().unwrap();
    });
    let on: Vec<&str> = played.deadlock().stuck.iter().map(|row| row.on.as_str()).collect();
    assert_eq!(on, ["the end of main/waiter", "a lock held by main/taker", "an unpark"]);
    assert_eq!(played.told(), ["1 main/taker: true"]);
}

#[test]
fn by_joins_is_found_at_once() {
    let played = play(ScriptHub::new(), || {
        let own: Rc<RefCell<Option<thread::JoinHandle<()>>>> = Rc::default();
        let theirs = own.clone();
        let one = spawn("one", move || {
            thread::yield_now();
            let other = theirs.borrow_mut().take().unwrap();
            let _ = other.join();
        });
        let two = spawn("two", move || drop(one.join()));
        *own.borrow_mut() = Some(two);
        thread::park();
    });
    let on: Vec<&str> = played.deadlock().stuck.iter().map(|row| row.on.as_str()).collect();
    assert_eq!(on, ["an unpark", "the end of main/two", "the end of main/one"]);
}

#[test]
fn on_a_source_names_its_peer() {
    let played = play(ScriptHub::new(), || {
        let stream = dial(7);
        thread::sleep(ms(3));
        note!("{}", read(&stream, 1));
    });
    let [row] = &played.deadlock().stuck[..] else { panic!("{:?}", played.ending) };
    assert_eq!((row.op, row.since, row.deadline), ("read", Tick::from_ns(3_000_000), None));
    assert!(row.on.contains("from 10.0.0.9:7"), "{}", row.on);
}

#[test]
fn the_stuck_are_unwound_afterwards() {
    struct End;
    impl Drop for End {
        fn drop(&mut self) {
            note!("unwound");
        }
    }
    let played = play(ScriptHub::new(), || {
        let _end = End;
        Flag::new().wait(None);
    });
    played.deadlock();
    assert_eq!(played.told(), ["0 main: unwound"]);
}

#[test]
fn a_timer_of_anyone_puts_it_off() {
    let played = play(ScriptHub::new(), || {
        let flag = Rc::new(Flag::new());
        let theirs = flag.clone();
        spawn("late", move || {
            thread::sleep(ms(50));
            theirs.set();
        });
        note!("{}", flag.wait(None));
    });
    assert_eq!(played.done().told(), ["50 main: true"]);
}

#[test]
fn servers_alone_are_never_in_deadlock() {
    let hosts = vec![server("srv", thread::park), client("cli", || thread::sleep(ms(1)))];
    play_all(ScriptHub::new(), hosts).done();
}
