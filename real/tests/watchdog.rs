//! The watchdog as a program meets it: a line on stderr, steered by the environment.
//!
//! A test starts this very program again, to run the one test that holds its hub on purpose.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

use greenroom::thread::Builder;

const HOLDS: &str = "GREENROOM_HOLDS";

/// What the other tests start; by itself it does nothing.
#[test]
fn holds_its_hub_if_told_to() {
    if std::env::var_os(HOLDS).is_none() {
        return;
    }
    let held = greenroom_real::try_run(|| {
        let conn = Builder::new().name("conn".into());
        // Until whoever started us has read the line, and lets go.
        let holds = || std::io::stdin().read_to_end(&mut Vec::new()).map(drop);
        conn.spawn(holds).unwrap().join().unwrap().unwrap();
    });
    if let Err(error) = held {
        eprintln!("no run: {error}");
    }
}

fn start(watchdog: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["holds_its_hub_if_told_to", "--exact", "--nocapture"])
        .env(HOLDS, "1")
        .env("GREENROOM_WATCHDOG", watchdog)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The first line on stderr that begins so, before the program is let go. A busy machine may have
/// others held before.
fn line_that_begins(child: &mut Child, start: &str) -> Option<String> {
    let lines = BufReader::new(child.stderr.as_mut().unwrap()).lines();
    lines.map(Result::unwrap).find(|line| line.starts_with(start))
}

#[test]
fn it_names_the_greenlet_while_it_still_holds() {
    let mut child = start("20");
    let start = "greenlet main/conn (spawned at real/tests/watchdog.rs:";
    let line = line_that_begins(&mut child, start).unwrap();
    assert!(line.contains(") has held its hub for 20ms"), "{line}");
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_value_that_is_neither_is_an_error() {
    let mut child = start("soon");
    let line = line_that_begins(&mut child, "no run: ").unwrap();
    let said = "GREENROOM_WATCHDOG is `off` or a number of milliseconds, not `soon`";
    assert!(line.contains(said), "{line}");
    assert!(child.wait().unwrap().success());
}
