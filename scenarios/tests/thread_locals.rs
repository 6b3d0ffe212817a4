//! Std's thread-locals and greenlets: greenroom and what it is built on hold none across a switch,
//! a program that does is named where frames show it, and what no frame shows is known.
//!
//! `GREENROOM_THREAD_LOCALS=find` is read once, so each test starts this binary again.

use std::cell::{Cell, RefCell};
use std::process::Command;
use std::time::Duration;

use greenroom::thread::{self, sleep};
use greenroom_sim::Sim;
use greenroom_sim::run::{Spec, run};

const WHICH: &str = "GREENROOM_THREAD_LOCALS_OF";
const MOMENT: Duration = Duration::from_millis(1);

/// What the tests below start; by itself it does nothing.
#[test]
fn plays_what_it_is_told_to() {
    let Ok(which) = std::env::var(WHICH) else { return };
    let (hub, program) = which.split_once(' ').expect("a hub and a program");
    let program: fn() = match program {
        "laws" => return play_the_laws(hub),
        "initialiser" => initialiser,
        "with" => with,
        "guard" => guard,
        "stdout" => stdout,
        unknown => panic!("{unknown}"),
    };
    if hub == "real" {
        return greenroom_real::run(program);
    }
    let client = move || {
        program();
        Ok(())
    };
    assert!(Sim::new().client("cli", client).run().outcome.held());
}

/// Together they wait in every call that there is.
fn play_the_laws(hub: &str) {
    for law in greenroom_scenarios::laws() {
        let held = match hub {
            "real" => greenroom_real::try_perform(&law).held(),
            _ => run(&law, &Spec::seed(0)).outcome.held(),
        };
        assert!(held, "{}", law.name());
    }
}

/// Another greenlet makes the value meanwhile, and std drops that one when this one is done.
fn initialiser() {
    thread_local!(static KEY: Cell<u32> = {
        sleep(MOMENT);
        Cell::new(1)
    });
    let first = thread::spawn(|| KEY.with(|value| value.set(value.get() + 1)));
    first.join().unwrap();
}

fn with() {
    thread_local!(static KEY: RefCell<Vec<u32>> = const { RefCell::new(Vec::new()) });
    KEY.with_borrow_mut(|list| {
        sleep(MOMENT);
        list.push(1);
    });
}

/// A crate that enters a context and leaves it by a guard: between the two no frame is the key's.
fn guard() {
    thread_local!(static CONTEXT: Cell<u32> = const { Cell::new(0) });
    struct Leaves(u32);
    impl Drop for Leaves {
        fn drop(&mut self) {
            CONTEXT.set(self.0);
        }
    }
    let _leaves = Leaves(CONTEXT.replace(7));
    let other = thread::spawn(|| CONTEXT.get());
    assert_eq!(other.join().unwrap(), 7, "the other greenlet's context leaks into this one");
}

/// Its lock is a thread's, and so lets the thread's other greenlets in.
fn stdout() {
    let held = std::io::stdout().lock();
    let other = thread::spawn(|| println!("printed by another"));
    other.join().unwrap();
    drop(held);
}

/// Plays a program on a hub with the look on; what was said on stderr.
fn said_by(hub: &str, program: &str) -> String {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["plays_what_it_is_told_to", "--exact", "--nocapture"]);
    child.env(WHICH, format!("{hub} {program}"));
    child.env("GREENROOM_THREAD_LOCALS", "find").env("GREENROOM_WATCHDOG", "off");
    let ended = child.output().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(ended.status.success(), "{said}");
    said
}

const FOUND: &str = "waits inside a thread_local! of std";

#[track_caller]
fn is_found(program: &str, is_found: bool) {
    for hub in ["real", "sim"] {
        let said = said_by(hub, program);
        assert_eq!(said.contains(FOUND), is_found, "{program} on {hub}: {said}");
        if is_found {
            // The call that waits, and who called into the thread-local.
            let told = ["src/thread.rs:", "tests/thread_locals.rs:"];
            assert!(told.iter().all(|place| said.contains(place)), "{program} on {hub}: {said}");
        }
    }
}

#[test]
fn greenroom_and_its_dependencies_hold_none_across_a_switch() {
    is_found("laws", false);
}

#[test]
fn a_program_that_waits_inside_one_is_named() {
    is_found("initialiser", true);
    is_found("with", true);
}

#[test]
fn a_guard_that_lives_across_a_switch_is_not_found() {
    is_found("guard", false);
}

#[test]
fn stdouts_lock_may_be_held_across_a_switch() {
    is_found("stdout", false);
}

#[test]
fn a_value_that_means_nothing_is_told() {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["plays_what_it_is_told_to", "--exact", "--nocapture"]);
    child.env(WHICH, "real stdout").env("GREENROOM_THREAD_LOCALS", "yes");
    let said = String::from_utf8(child.output().unwrap().stderr).unwrap();
    assert!(said.contains("GREENROOM_THREAD_LOCALS=yes is ignored: `find`"), "{said}");
}
