//! Several greenlets on one source: lines for calls, watchers who all wake.

use std::cell::RefCell;
use std::io::Write;
use std::rc::Rc;

use greenroom::net::{TcpListener, TcpStream};
use greenroom::wait::{Watcher, wait, wait_read};
use greenroom::{note, thread};

use crate::scripted::{Event, ScriptHub, ms, peer, play};
use crate::{dial, join_all, read, said, spawn};

fn readers(stream: &Rc<TcpStream>, names: &[&str]) -> Vec<thread::JoinHandle<()>> {
    let reader = |name: &&str| {
        let stream = stream.clone();
        spawn(name, move || note!("{}", read(&stream, 1)))
    };
    names.iter().map(reader).collect()
}

#[test]
fn readers_are_served_first_come_first_served() {
    let hub = ScriptHub::new()
        .at(ms(1), Event::Bytes(1, b"1".into()))
        .at(ms(2), Event::Bytes(1, b"2".into()))
        .at(ms(3), Event::Bytes(1, b"3".into()));
    let played = play(hub, || join_all(readers(&dial(1), &["a", "b", "c"])));
    assert_eq!(played.done().told(), ["1 main/a: [49]", "2 main/b: [50]", "3 main/c: [51]"]);
}

#[test]
pub fn one_event_wakes_one_reader_and_the_baton_is_passed() {
    let hub = ScriptHub::new().at(ms(1), Event::Bytes(1, b"123".into()));
    let played = play(hub, || join_all(readers(&dial(1), &["a", "b", "c"])));
    let played = played.done();
    assert_eq!(played.told(), ["1 main/a: [49]", "1 main/b: [50]", "1 main/c: [51]"]);
    // b is woken by a, not by the event: between the two stands what a read.
    let woken = played.traced(&["read woken", "*"]);
    assert_eq!(woken[1], "1 main/a: * [49]");
}

#[test]
fn acceptors_are_served_first_come_first_served() {
    let hub = ScriptHub::new().at(ms(1), Event::Dial(80)).at(ms(2), Event::Dial(80));
    let played = play(hub, || {
        let listener = Rc::new(TcpListener::bind("127.0.0.1:80").unwrap());
        let acceptors = ["a", "b"].map(|name| {
            let listener = listener.clone();
            spawn(name, move || note!("{}", said(listener.accept().map(|(_, from)| from))))
        });
        join_all(acceptors);
    });
    let told = ["1 main/a: 10.0.0.9:80", "2 main/b: 10.0.0.9:80"];
    assert_eq!(played.done().told(), told);
}

#[test]
fn a_newcomer_does_not_overtake_a_woken_reader() {
    // `first` is woken at 1, but the newcomer has been runnable for longer and runs before it.
    let hub = ScriptHub::new().at(ms(1), Event::Bytes(1, b"12".into())).picks(&[0, 1]);
    let played = play(hub, || {
        let stream = dial(1);
        let first = readers(&stream, &["first"]);
        let newcomer = spawn("newcomer", move || {
            thread::sleep(ms(1));
            note!("{}", read(&stream, 1));
        });
        join_all(first);
        newcomer.join().unwrap();
    });
    assert_eq!(played.done().told(), ["1 main/first: [49]", "1 main/newcomer: [50]"]);
}

#[test]
pub fn a_woken_reader_that_is_killed_passes_its_event_on() {
    let hub = ScriptHub::new()
        .at(ms(1), Event::Bytes(1, b"1".into()))
        .at(ms(1), Event::Bytes(2, b"now".into()));
    // The killer is woken second and runs first.
    let played = play(hub.picks(&[0, 1]), || {
        let stream = dial(1);
        let go = dial(2);
        let mut both = readers(&stream, &["victim", "heir"]);
        read(&go, 3);
        both.remove(0).kill();
        join_all(both);
    });
    assert_eq!(played.done().told(), ["1 main/heir: [49]"]);
}

#[test]
pub fn a_reader_that_timed_out_leaves_the_line() {
    let hub = ScriptHub::new().at(ms(10), Event::Bytes(1, b"1".into()));
    let played = play(hub, || {
        let stream = dial(1);
        let patient = stream.clone();
        stream.set_read_timeout(Some(ms(5))).unwrap();
        let hasty = readers(&stream, &["hasty"]);
        thread::yield_now();
        stream.set_read_timeout(None).unwrap();
        let patient = spawn("patient", move || note!("{}", read(&patient, 1)));
        join_all(hasty);
        patient.join().unwrap();
    });
    assert_eq!(played.done().told(), ["5 main/hasty: WouldBlock", "10 main/patient: [49]"]);
}

/// Readers with a limit each, in line in this order.
fn limited(stream: &Rc<TcpStream>, readers: &[(&'static str, Option<u64>)]) {
    let readers: Vec<_> = readers
        .iter()
        .map(|&(name, limit)| {
            let stream = stream.clone();
            let reader = spawn(name, move || {
                stream.set_read_timeout(limit.map(ms)).unwrap();
                note!("{}", read(&stream, 1));
            });
            thread::yield_now();
            reader
        })
        .collect();
    join_all(readers);
}

#[test]
pub fn a_reader_whose_time_is_up_keeps_its_place_until_it_has_run() {
    let hub = ScriptHub::new().at(ms(4), Event::Bytes(1, b"12".into()));
    let played = play(hub, || {
        let stream = dial(1);
        let twice = stream.clone();
        let first = spawn("first", move || {
            note!("{}", read(&twice, 1));
            twice.set_read_timeout(Some(ms(5))).unwrap();
            note!("{}", read(&twice, 1));
        });
        thread::yield_now();
        limited(&stream, &[("due", Some(4))]);
        first.join().unwrap();
    });
    let told = ["4 main/first: [49]", "4 main/due: [50]", "9 main/first: WouldBlock"];
    assert_eq!(played.done().told(), told);
}

#[test]
fn a_reader_whose_time_is_up_overtakes_nobody_who_was_called_before() {
    // The turn at 4 goes to the second of the two who are runnable then.
    let hub = ScriptHub::new().at(ms(4), Event::Bytes(1, b"1".into()));
    let played = play(hub.picks(&[0, 0, 1]), || {
        limited(&dial(1), &[("first", None), ("due", Some(4))]);
    });
    assert_eq!(played.done().told(), ["4 main/first: [49]", "4 main/due: WouldBlock"]);
}

#[test]
fn what_nobody_has_named_yet_goes_down_the_line_to_one_whose_time_is_up() {
    let played = play(ScriptHub::new(), || {
        let stream = dial(1);
        let ends = stream.clone();
        // It wakes at 4 as the reader does, and before it.
        let clock = spawn("clock", move || {
            thread::sleep(ms(4));
            ends.shutdown(std::net::Shutdown::Read).unwrap();
        });
        thread::yield_now();
        limited(&stream, &[("first", None), ("due", Some(4))]);
        clock.join().unwrap();
    });
    assert_eq!(played.done().told(), ["4 main/first: []", "4 main/due: []"]);
}

#[test]
fn one_whose_time_is_up_and_who_is_killed_passes_on_what_it_was_given() {
    let hub = ScriptHub::new().at(ms(4), Event::Bytes(1, b"12".into()));
    let played = play(hub, || {
        let stream = dial(1);
        let theirs = stream.clone();
        let due: Rc<RefCell<Option<thread::JoinHandle<()>>>> = Rc::default();
        let victim = due.clone();
        let first = spawn("first", move || {
            note!("{}", read(&theirs, 1));
            // Its time is up, and the turn was passed on to it; it has not run yet.
            victim.take().unwrap().kill();
        });
        thread::yield_now();
        let theirs = stream.clone();
        *due.borrow_mut() = Some(spawn("due", move || {
            theirs.set_read_timeout(Some(ms(4))).unwrap();
            note!("{}", read(&theirs, 1));
        }));
        thread::yield_now();
        stream.set_read_timeout(None).unwrap();
        join_all(readers(&stream, &["heir"]));
        first.join().unwrap();
    });
    assert_eq!(played.done().told(), ["4 main/first: [49]", "4 main/heir: [50]"]);
}

#[test]
fn a_reader_and_a_writer_never_conflict() {
    let hub = ScriptHub::new()
        .room(1, 0)
        .at(ms(1), Event::Room(1, 1))
        .at(ms(2), Event::Bytes(1, b"r".into()));
    let played = play(hub, || {
        let stream = dial(1);
        let reads = readers(&stream, &["reader"]);
        let writer = spawn("writer", move || note!("{}", said((&*stream).write(b"w"))));
        join_all(reads);
        writer.join().unwrap();
    });
    assert_eq!(played.done().told(), ["1 main/writer: 1", "2 main/reader: [114]"]);
}

#[test]
fn all_watchers_of_a_source_wake_and_then_one_reader() {
    let hub = ScriptHub::new().at(ms(1), Event::Bytes(1, b"1".into()));
    let played = play(hub, || {
        let stream = dial(1);
        let reads = readers(&stream, &["reader", "second"]);
        let watchers = ["a", "b"].map(|name| {
            let stream = stream.clone();
            spawn(name, move || note!("{}", said(wait_read(&*stream, None))))
        });
        join_all(watchers);
        reads[1].kill();
        join_all(reads.into_iter().take(1));
    });
    assert_eq!(played.done().told(), ["1 main/a: ()", "1 main/b: ()", "1 main/reader: [49]"]);
}

#[test]
fn a_second_wait_on_the_same_watcher_is_refused_at_once() {
    let hub = ScriptHub::new().at(ms(5), Event::Bytes(1, b"1".into()));
    let played = play(hub, || {
        let stream = dial(1);
        let watcher = Rc::new(Watcher::read(&*stream).unwrap());
        let same = watcher.clone();
        let first = spawn("first", move || note!("{}", said(wait(&same, None))));
        thread::yield_now();
        note!("{}", said(wait(&watcher, None)));
        first.join().unwrap();
        note!("{}", said(wait(&watcher, None)));
    });
    let told = ["0 main: ResourceBusy", "5 main/first: ()", "5 main: ()"];
    assert_eq!(played.done().told(), told);
}

#[test]
fn a_connection_in_the_same_hub_carries_bytes_both_ways() {
    let played = play(ScriptHub::new(), || {
        let listener = TcpListener::bind("127.0.0.1:80").unwrap();
        let server = spawn("server", move || {
            let (stream, _) = listener.accept().unwrap();
            note!("{}", read(&stream, 9));
            (&stream).write_all(b"b").unwrap();
        });
        let stream = TcpStream::connect("127.0.0.1:80").unwrap();
        (&stream).write_all(b"a").unwrap();
        note!("{}", read(&stream, 9));
        note!("{}", read(&stream, 9));
        server.join().unwrap();
    });
    let told = ["0 main/server: [97]", "0 main: [98]", "0 main: []"];
    assert_eq!(played.done().told(), told);
    assert_eq!(peer(1).port(), 1);
}
