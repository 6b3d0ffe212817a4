//! Try, check the deadline, park: what one blocking call does.

use std::io::Write;

use greenroom::hub::Turn;
use greenroom::net::{TcpListener, TcpStream};
use greenroom::wait::{wait_read, wait_write};
use greenroom::{note, thread, time};

use crate::scripted::{Event, ScriptHub, ms, peer, play};
use crate::{dial, read, said, spawn};

#[test]
fn a_call_that_can_finish_does_not_switch() {
    let hub = ScriptHub::new().at(ms(0), Event::Bytes(1, b"x".into()));
    let played = play(hub, || {
        let stream = dial(1);
        thread::sleep(ms(1));
        thread::spawn(|| note!("other"));
        note!("{}", read(&stream, 1));
        note!("{}", said((&*stream).write(b"y")));
    });
    let played = played.done();
    assert_eq!(played.told(), ["1 main: [120]", "1 main: 1"]);
    assert_eq!(played.hub.written(1), b"y");
}

#[test]
fn a_wait_on_something_ready_switches_once() {
    let played = play(ScriptHub::new(), || {
        let stream = dial(1);
        spawn("a", || note!("runs"));
        note!("{}", said(wait_write(&*stream, None)));
    });
    assert_eq!(played.done().told(), ["0 main/a: runs", "0 main: ()"]);
}

#[test]
fn zero_timeout_tries_once() {
    let hub = ScriptHub::new().at(ms(0), Event::Bytes(1, b"x".into()));
    let played = play(hub, || {
        let (full, empty) = (dial(1), dial(2));
        thread::sleep(ms(1));
        note!("{}", said(wait_read(&*full, Some(ms(0)))));
        note!("{}", said(wait_read(&*empty, Some(ms(0)))));
        note!("{:?}", time::timeout(ms(0), || read(&full, 1)));
        note!("{:?}", time::timeout(ms(0), || note!("{}", read(&empty, 1))).is_err());
    });
    let told = ["1 main: ()", "1 main: TimedOut", "1 main: Ok(\"[120]\")", "1 main: Elapsed"];
    assert_eq!(played.done().told(), [&told[..], &["1 main: true"]].concat());
}

#[test]
pub fn data_wins_a_tie_with_the_clock() {
    let hub = [10, 20, 30]
        .into_iter()
        .fold(ScriptHub::new(), |hub, at| hub.at(ms(at), Event::Bytes(1, b"x".into())));
    let played = play(hub, || {
        let stream = dial(1);
        stream.set_read_timeout(Some(ms(10))).unwrap();
        note!("{}", read(&stream, 1));
        note!("{}", said(wait_read(&*stream, Some(ms(10)))));
        note!("{}", read(&stream, 1));
        stream.set_read_timeout(None).unwrap();
        note!("{:?}", time::timeout(ms(10), || read(&stream, 1)));
    });
    let told = ["10 main: [120]", "20 main: ()", "20 main: [120]", "30 main: Ok(\"[120]\")"];
    assert_eq!(played.done().told(), told);
}

#[test]
fn read_timeout_covers_the_whole_call() {
    let hub = ScriptHub::new().at(ms(4), Event::Spurious(1)).at(ms(8), Event::Spurious(1));
    let played = play(hub, || {
        let stream = dial(1);
        stream.set_read_timeout(Some(ms(10))).unwrap();
        note!("{}", read(&stream, 1));
    });
    assert_eq!(played.done().told(), ["10 main: WouldBlock"]);
}

#[test]
fn accept_timeout_covers_the_whole_call() {
    let played = play(ScriptHub::new(), || {
        let listener = TcpListener::bind("127.0.0.1:80").unwrap();
        listener.set_accept_timeout(Some(ms(10))).unwrap();
        note!("{}", said(listener.accept()));
    });
    assert_eq!(played.done().told(), ["10 main: WouldBlock"]);
}

#[test]
fn write_without_room_waits_for_it_or_times_out() {
    let hub = ScriptHub::new().room(1, 2).at(ms(5), Event::Room(1, 1));
    let played = play(hub, || {
        let stream = dial(1);
        stream.set_write_timeout(Some(ms(10))).unwrap();
        for _ in 0..3 {
            note!("{}", said((&*stream).write(b"abc")));
        }
    });
    assert_eq!(played.done().told(), ["0 main: 2", "5 main: 1", "15 main: WouldBlock"]);
}

#[test]
fn connect_waits_until_the_peer_answers() {
    let played = play(ScriptHub::new().dial_takes(1, ms(7)), || {
        dial(1);
        note!("connected");
    });
    assert_eq!(played.done().told(), ["7 main: connected"]);
}

#[test]
fn connect_timeout_is_total_and_closes() {
    let played = play(ScriptHub::new().dial_hangs(1), || {
        note!("{}", said(TcpStream::connect_timeout(&peer(1), ms(10))));
        let refused = TcpStream::connect_timeout(&"127.0.0.1:9".parse().unwrap(), ms(10));
        note!("{}", said(refused));
    });
    let played = played.done();
    assert_eq!(played.told(), ["10 main: TimedOut", "10 main: ConnectionRefused"]);
    assert_eq!(played.hub.open(), 0);
}

#[test]
fn nonblocking_call_answers_would_block_without_switching() {
    let played = play(ScriptHub::new(), || {
        let stream = dial(1);
        stream.set_nonblocking(true).unwrap();
        spawn("a", || note!("runs"));
        note!("{}", read(&stream, 1));
        thread::yield_now();
    });
    assert_eq!(played.done().told(), ["0 main: WouldBlock", "0 main/a: runs"]);
}

#[test]
fn a_name_is_waited_for() {
    let address = crate::scripted::PEER.into();
    let played = play(ScriptHub::new().name("srv", ms(3), &[address]), || {
        note!("{}", TcpStream::connect("srv:7").unwrap().peer_addr().unwrap());
        note!("{}", said(TcpStream::connect("nobody:7")));
    });
    assert_eq!(played.done().told(), ["3 main: 10.0.0.9:7", "3 main: NotFound"]);
}

#[test]
fn a_nonblocking_call_that_is_refused_is_a_switch_point() {
    let played = play(ScriptHub::new().interrupts(&[Turn::Run(0), Turn::Run(1)]), || {
        let stream = dial(1);
        stream.set_nonblocking(true).unwrap();
        spawn("a", || note!("runs"));
        note!("{}", read(&stream, 1));
    });
    assert_eq!(played.done().told(), ["0 main/a: runs", "0 main: WouldBlock"]);
}

#[test]
fn a_call_that_finished_may_be_made_to_yield() {
    let played = play(ScriptHub::new().interrupts(&[Turn::Run(0), Turn::Yield]), || {
        dial(1);
        spawn("a", || note!("runs"));
        spawn("b", || note!("runs too"));
        dial(2);
        note!("goes on");
    });
    let told = ["0 main/a: runs", "0 main/b: runs too", "0 main: goes on"];
    assert_eq!(played.done().told(), told);
}

#[test]
fn a_timeout_set_amid_a_wait_counts_from_the_next() {
    let played = play(ScriptHub::new(), || {
        let stream = dial(1);
        stream.set_read_timeout(Some(ms(10))).unwrap();
        let reads = stream.clone();
        let reader = spawn("reader", move || {
            note!("{}", read(&reads, 1));
            note!("{}", read(&reads, 1));
        });
        thread::sleep(ms(1));
        stream.set_read_timeout(Some(ms(2))).unwrap();
        reader.join().unwrap();
    });
    let told = ["10 main/reader: WouldBlock", "12 main/reader: WouldBlock"];
    assert_eq!(played.done().told(), told);
}

#[test]
fn what_is_accepted_does_not_inherit_the_listeners_timeout() {
    let played = play(ScriptHub::new().at(ms(1), Event::Dial(80)), || {
        let listener = TcpListener::bind("127.0.0.1:80").unwrap();
        listener.set_accept_timeout(Some(ms(10))).unwrap();
        let (accepted, _) = listener.accept().unwrap();
        note!("{:?}", accepted.read_timeout().unwrap());
        accepted.set_read_timeout(Some(ms(30))).unwrap();
        note!("{}", read(&accepted, 1));
    });
    assert_eq!(played.done().told(), ["1 main: None", "31 main: WouldBlock"]);
}
