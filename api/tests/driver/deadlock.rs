//! Deadlock: judged while a client is unfinished, and told as a table.

use std::rc::Rc;

use greenroom::hub::Tick;
use greenroom::sync::{Event as Flag, Mutex};
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

#[test]
fn by_joins_is_found_at_once() {
    use std::cell::RefCell;
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
