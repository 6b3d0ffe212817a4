//! Hubs that are held, and what is kept of hubs.

use std::cell::RefCell;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::UdpSocket;
use std::process::{Command, Stdio};
use std::sync::mpsc;

use greenroom::driver::{self, Program, Role, Stop};
use greenroom::thread::Builder;
use rustix::process::{Pid, WaitOptions, waitpid};

use super::*;
use crate::{RealHub, sys};

#[test]
fn a_turn_is_told_of_once_and_a_poll_never() {
    let mut all = Looks::default();
    let mut looks = |turn| (0..10).filter(|_| all.look(turn)).count();
    assert_eq!(looks(3), 1);
    assert_eq!(looks(4), 0);
    assert_eq!(looks(5), 1);
    // Each look finds another turn.
    assert_eq!((6..40).map(|turn| all.look(2 * turn + 1)).filter(|&told| told).count(), 0);
}

#[test]
fn the_variable_is_off_or_milliseconds() {
    let asked = |asked| patience(asked).map_err(|error| error.kind());
    assert_eq!(asked(None), Ok(Some(Duration::from_secs(1))));
    assert_eq!(asked(Some("off")), Ok(None));
    assert_eq!(asked(Some("250")), Ok(Some(Duration::from_millis(250))));
    for odd in ["", "0", "on", "-1", "1s"] {
        assert_eq!(asked(Some(odd)), Err(io::ErrorKind::InvalidInput), "{odd}");
    }
}

#[test]
fn a_report_that_nobody_takes_holds_the_end_of_a_hub_up_no_longer() {
    let (reporting, begun) = mpsc::channel();
    let (let_go, gate) = mpsc::channel::<()>();
    let report = move |_| {
        let _ = reporting.send(());
        // Until the hub is gone.
        let _ = gate.recv();
    };
    let watchdog = Watchdog::new(Duration::from_millis(20), Box::new(report));
    let hub = RealHub::new().unwrap().watched_by(watchdog);
    let begun = RefCell::new(Some(begun));
    let body = Box::new(move || begun.borrow_mut().take().unwrap().recv().unwrap());
    let program = Program { name: "main".into(), role: Role::Client, body };
    drop(driver::run(hub, vec![program]));
    let_go.send(()).unwrap();
}

/// Runs `main` on a watched hub; what is reported comes out of the channel it is given.
fn watched(main: impl FnOnce(mpsc::Receiver<String>) + 'static) {
    let (tell, told) = mpsc::channel();
    let report = Box::new(move |line| drop(tell.send(line)));
    let watchdog = Watchdog::new(Duration::from_millis(20), report);
    let hub = RealHub::new().unwrap().watched_by(watchdog);
    let main = RefCell::new(Some((main, told)));
    let body = Box::new(move || {
        let (main, told) = main.borrow_mut().take().expect("it runs once");
        main(told);
    });
    let program = Program { name: "main".into(), role: Role::Client, body };
    let (ending, _) = driver::run(hub, vec![program]);
    assert!(matches!(ending.stop, Stop::Done) && ending.panics.is_empty(), "{ending:?}");
}

#[test]
fn who_holds_the_hub_in_a_call_is_named_with_it() {
    watched(|told| {
        let holds = move || {
            // A channel of std's holds the thread up, until the very report comes. A busy
            // machine may have had others held before.
            let start = "greenlet main/accept/conn#2 (spawned at real/src/watchdog/tests.rs:";
            let line = told.iter().find(|line| line.starts_with(start)).unwrap();
            // Not every system, nor every Linux, says what a thread is in.
            let (_, call) = line.split_once(") has held its hub for 20ms").unwrap();
            assert!(["", ", and computes"].contains(&call) || call.contains("futex"), "{line}");
        };
        let conn = || Builder::new().name("conn".into());
        let accept = Builder::new().name("accept".into()).spawn(move || {
            conn().spawn(|| ()).unwrap().join().unwrap();
            conn().spawn(holds).unwrap().join().unwrap();
        });
        accept.unwrap().join().unwrap();
    });
}

#[test]
fn who_computes_is_told_of_too() {
    watched(|told| {
        let line = loop {
            if let Ok(line) = told.try_recv() {
                break line;
            }
        };
        // Nobody else runs.
        assert!(line.starts_with("greenlet main has held its hub for 20ms"), "{line}");
    });
}

/// A hub that is there as long as the first of these is.
fn hub() -> (Arc<Held>, Watched) {
    let held = Arc::new(Held { turn: AtomicU64::new(0) });
    let watched = Watched {
        held: Arc::downgrade(&held),
        hub: Probe::here(),
        thread: None,
        patience: PATIENCE,
        due: Instant::now(),
        looks: Looks::default(),
        report: Box::new(|_| {}),
    };
    (held, watched)
}

const NONE: All = All { watched: Vec::new(), watcher_of: None };

#[test]
fn of_hubs_that_nobody_watches_nothing_is_kept() {
    let mut all = NONE;
    let (_held, watched) = hub();
    assert!(!all.add(watched, 1, || false), "no thread is to be had");
    assert_eq!((all.watched.len(), all.watcher_of), (0, None));
    let (_other, watched) = hub();
    assert!(all.add(watched, 1, || true), "one is, later");
    assert_eq!((all.watched.len(), all.watcher_of), (1, Some(1)));
}

#[test]
fn of_hubs_that_are_over_nothing_is_kept_though_the_watcher_is_held_up() {
    let mut all = NONE;
    for _ in 0..100 {
        let (_held, watched) = hub();
        assert!(all.add(watched, 1, || true));
    }
    assert_eq!(all.watched.len(), 1, "the last was there when it came");
}

#[test]
fn each_process_has_a_watcher_of_its_own_and_one() {
    let mut all = NONE;
    let mut started = Vec::new();
    let mut kept = Vec::new();
    for process in [1, 1, 2, 2] {
        let (held, watched) = hub();
        kept.push(held);
        all.add(watched, process, || {
            started.push(process);
            true
        });
    }
    assert_eq!(started, [1, 2]);
}

/// A call with a time limit is not made again after a signal: the program would see an error that is none.
#[test]
fn a_call_that_a_signal_would_end_is_let_be() {
    if fs::read_to_string("/proc/thread-self/syscall").is_err() {
        println!("skipped: this system does not say which call a thread is in");
        return;
    }
    watched(|told| {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let (address, sender) = (socket.local_addr().unwrap(), socket.try_clone().unwrap());
        // Once it was told of, and not before.
        let sends = thread::spawn(move || {
            let line = told.iter().find(|line| line.contains("in recv")).unwrap();
            sender.send_to(b"late", address).unwrap();
            line
        });
        let received = socket.recv(&mut [0; 8]);
        let line = sends.join().unwrap();
        assert_eq!(received.map_err(|error| error.kind()), Ok(4), "{line}");
        assert!(line.starts_with("a greenlet has held its hub for 20ms, in recv"), "{line}");
    });
}

const FORKS: &str = "GREENROOM_FORKS";

/// What the test below starts; by itself it does nothing.
#[test]
fn forks_if_told_to() {
    if std::env::var_os(FORKS).is_none() {
        return;
    }
    crate::run(|| ());
    // The watcher of this process does not hold it, in the copy, for ever.
    let all = lock(&ALL);
    let child = sys::fork().unwrap();
    drop(all);
    if child == 0 {
        // Until whoever started us has read the line.
        crate::run(|| io::stdin().read_to_end(&mut Vec::new()).map(drop)).unwrap();
        std::process::exit(0);
    }
    let ended = waitpid(Pid::from_raw(child), WaitOptions::empty()).unwrap();
    assert_eq!(ended.and_then(|(_, status)| status.exit_status()), Some(0));
}

#[test]
fn a_forked_child_is_watched() {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["watchdog::tests::forks_if_told_to", "--exact", "--nocapture"])
        .env(FORKS, "1")
        .env(VARIABLE, "20")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (tell, told) = mpsc::channel();
    let stderr = BufReader::new(child.stderr.take().unwrap());
    let hears = thread::spawn(move || {
        stderr.lines().map_while(Result::ok).for_each(|line| drop(tell.send(line)));
    });
    // Long enough for any machine: nothing else would end the wait.
    let line = told.recv_timeout(Duration::from_secs(30));
    drop(child.stdin.take());
    let start = "greenlet main has held its hub for 20ms";
    assert!(line.as_ref().is_ok_and(|line| line.starts_with(start)), "{line:?}");
    assert!(child.wait().unwrap().success());
    hears.join().unwrap();
}
