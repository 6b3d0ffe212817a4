//! Hosts that die and come back, and their clocks.

use std::cell::Cell;
use std::rc::Rc;

use greenroom::hub::How;
use greenroom::net::{TcpListener, TcpStream};
use greenroom::sync::Event as Flag;
use greenroom::time::{Instant, SystemTime};
use greenroom::{note, thread};

use crate::scripted::{Event, ScriptHub, client, ms, play_all, server};
use crate::{read, spawn};

/// Notes and counts its own end.
struct End(Rc<Cell<u32>>);
impl Drop for End {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
        note!("unwound");
    }
}

#[test]
fn a_power_cut_leaves_destructors_unrun_until_the_end_of_the_world() {
    let hub = ScriptHub::new().at(ms(5), Event::PowerCut(0));
    let (ends, flag) = (Rc::new(Cell::new(0)), Rc::new(Flag::new()));
    let (ended, theirs, seen) = (ends.clone(), flag, ends.clone());
    let hosts = vec![
        server("srv", move || {
            let _end = End(ended.clone());
            let child = ended.clone();
            spawn("child", move || {
                let _end = End(child);
                thread::sleep(ms(7));
            });
            theirs.wait(None);
        }),
        client("cli", move || {
            thread::sleep(ms(20));
            note!("{}", seen.get());
        }),
    ];
    let played = play_all(hub, hosts).done();
    // Unwound in the end, under a hub that records nothing.
    assert_eq!(played.told(), ["20 cli: 0"]);
    assert_eq!(ends.get(), 2);
}

#[test]
fn nobody_waits_for_a_client_without_power() {
    let hub = ScriptHub::new().at(ms(5), Event::PowerCut(0));
    let hosts =
        vec![client("dark", || thread::sleep(ms(100))), client("cli", || thread::sleep(ms(20)))];
    assert_eq!(play_all(hub, hosts).done().ended_at(), 20);
}

#[test]
fn a_power_cut_sends_nothing_and_its_handles_stay_as_they_are() {
    let hub = ScriptHub::new().at(ms(5), Event::PowerCut(0));
    let hosts = vec![
        server("srv", || {
            let listener = TcpListener::bind("127.0.0.1:80").unwrap();
            let (stream, _) = listener.accept().unwrap();
            read(&stream, 1);
        }),
        client("cli", || {
            thread::sleep(ms(1));
            let stream = TcpStream::connect("127.0.0.1:80").unwrap();
            stream.set_read_timeout(Some(ms(50))).unwrap();
            note!("{}", read(&stream, 1));
        }),
    ];
    let played = play_all(hub, hosts).done();
    assert_eq!(played.told(), ["51 cli: WouldBlock"]);
    assert_eq!(played.hub.open(), 2);
}

#[test]
fn an_exit_unwinds_and_its_handles_close() {
    let hub = ScriptHub::new().at(ms(5), Event::Exit(0));
    let hosts = vec![
        server("srv", || {
            let listener = TcpListener::bind("127.0.0.1:80").unwrap();
            let (stream, _) = listener.accept().unwrap();
            read(&stream, 1);
        }),
        client("cli", || {
            thread::sleep(ms(1));
            let stream = TcpStream::connect("127.0.0.1:80").unwrap();
            note!("{}", read(&stream, 1));
        }),
    ];
    assert_eq!(play_all(hub, hosts).done().told(), ["5 cli: []"]);
}

#[test]
fn end_names_one_greenlet() {
    let ends = Rc::new(Cell::new(0));
    let ended = ends.clone();
    let hub = ScriptHub::new().at(ms(5), Event::End("srv/child".into(), How::Unwind));
    let hosts = vec![
        server("srv", move || {
            let child = ended.clone();
            let child = spawn("child", move || {
                let _end = End(child);
                thread::park();
            });
            note!("{}", child.join().unwrap_err().is::<thread::Killed>());
        }),
        client("cli", || thread::sleep(ms(20))),
    ];
    assert_eq!(play_all(hub, hosts).done().told(), ["5 srv/child: unwound", "5 srv: true"]);
}

#[test]
fn start_runs_a_program_again_after_a_power_cut() {
    let hub = ScriptHub::new().at(ms(5), Event::PowerCut(0)).at(ms(8), Event::Start(0));
    let hosts = vec![
        server("srv", || {
            note!("up");
            thread::park();
        }),
        client("cli", || thread::sleep(ms(20))),
    ];
    assert_eq!(play_all(hub, hosts).done().told(), ["0 srv: up", "8 srv: up"]);
}

#[test]
fn start_runs_a_program_again_after_its_end() {
    let hub = ScriptHub::new()
        .at(ms(5), Event::Exit(0))
        .at(ms(8), Event::Start(0))
        .at(ms(9), Event::Exit(0))
        .at(ms(9), Event::Start(0));
    let hosts = vec![
        client("flaky", || {
            note!("up");
            thread::sleep(ms(100));
        }),
        client("cli", || thread::sleep(ms(20))),
    ];
    let played = play_all(hub, hosts).done();
    assert_eq!(played.told(), ["0 flaky: up", "8 flaky: up", "9 flaky: up"]);
    // The last of its lives is a client's like any other, and ends by itself.
    assert_eq!(played.ended_at(), 109);
}

#[test]
fn instants_drift_and_calendars_step_host_by_host() {
    let hub = ScriptHub::new().drift(1, 100_000).at(ms(50), Event::StepClock(1, -3_600_000));
    let tells = || {
        let (start, then) = (Instant::now(), SystemTime::now());
        thread::sleep(ms(100));
        let stepped = SystemTime::now().duration_since(then).map_err(|back| back.duration());
        note!("{:?} {stepped:?}", start.elapsed());
    };
    let played = play_all(hub, vec![client("true", tells), client("fast", tells)]).done();
    assert_eq!(played.told(), ["100 true: 100ms Ok(100ms)", "100 fast: 110ms Err(3599.89s)"]);
}
