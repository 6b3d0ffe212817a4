//! Scopes and panics: of the body, and of children that nobody joined.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use greenroom::driver::panic_message;
use greenroom::sync::Mutex;
use greenroom::time::timeout;
use greenroom::{note, thread};

use super::{named, with_three_children};
use crate::scripted::{ScriptHub, ms, play};
use crate::spawn;

#[test]
fn a_body_that_panics_waits_for_its_children_as_stds_does() {
    let played = play(ScriptHub::new(), || {
        let count = Cell::new(0);
        let fell = catch_unwind(AssertUnwindSafe(|| {
            with_three_children(&count, || panic!("on purpose"));
        }));
        note!("{}", panic_message(&*fell.unwrap_err()));
    });
    let told = [
        "0 main/c: c runs",
        "0 main/c: c 1",
        "50 main/a: a 2",
        "50 main/b: b 3",
        "50 main: frame 4",
        "50 main: on purpose",
    ];
    assert_eq!(played.done().told(), told);
}

#[test]
fn a_kill_or_an_expiry_ends_the_wait_of_a_body_that_panicked() {
    for by_kill in [true, false] {
        let played = play(ScriptHub::new(), move || {
            let victim = spawn("victim", move || {
                let count = Cell::new(0);
                let lock = Mutex::new(());
                let body = || {
                    let fell = catch_unwind(AssertUnwindSafe(|| {
                        let _held = lock.lock().unwrap();
                        with_three_children(&count, || panic!("on purpose"));
                    }));
                    note!("{} {}", panic_message(&*fell.unwrap_err()), count.get());
                };
                let expired = timeout(ms(9), body).is_err();
                // A panic went on through the guard, whoever ended the wait for the children.
                note!("{expired} {}", lock.is_poisoned());
                thread::sleep(ms(1));
                note!("sleeps on");
            });
            thread::sleep(ms(5));
            if by_kill {
                victim.kill();
            }
            note!("{}", victim.join().is_err());
        });
        let at = if by_kill { 5 } else { 9 };
        let mut told = vec![
            "0 main/victim/c: c runs".to_owned(),
            "0 main/victim/c: c 1".into(),
            format!("{at} main/victim/a: a 2"),
            format!("{at} main/victim/b: b 3"),
            format!("{at} main/victim: frame 4"),
            format!("{at} main/victim: on purpose 4"),
            format!("{at} main/victim: {} true", !by_kill),
        ];
        if !by_kill {
            told.push("10 main/victim: sleeps on".into());
        }
        told.push(format!("{} main: {by_kill}", if by_kill { 5 } else { 10 }));
        assert_eq!(played.done().told(), told);
    }
}

#[test]
fn a_child_that_nobody_joined_panics_and_so_does_the_scope() {
    let played = play(ScriptHub::new(), || {
        let count = Cell::new(0);
        let fell = catch_unwind(AssertUnwindSafe(|| {
            thread::scope(|s| {
                named(s, "loud", || panic!("on {}", "purpose"));
                named(s, "late", || {
                    thread::sleep(ms(5));
                    count.set(1);
                });
            });
        }));
        note!("{} {}", panic_message(&*fell.unwrap_err()), count.get());
        // Joined by hand it is the handle's; the scope has nothing to say.
        let joined = thread::scope(|s| s.spawn(|| panic!("joined")).join().is_err());
        note!("{joined}");
    });
    let said = "a scoped thread panicked: main/loud: on purpose";
    assert_eq!(played.done().told(), [format!("5 main: {said} 1"), "5 main: true".into()]);
}

#[test]
fn a_childs_panic_that_the_scope_does_not_pass_on_is_told_to_the_run() {
    let played = play(ScriptHub::new(), || {
        let fell = catch_unwind(AssertUnwindSafe(|| {
            thread::scope(|s| {
                named(s, "loud", || panic!("the child's"));
                thread::yield_now();
                panic!("the body's");
            });
        }));
        note!("{}", panic_message(&*fell.unwrap_err()));
    });
    assert_eq!(played.told(), ["0 main: the body's"]);
    let [panic] = &played.ending.panics[..] else { panic!("{:?}", played.ending) };
    assert_eq!((&*panic.greenlet, &*panic.message), ("main/loud", "the child's"));
}
