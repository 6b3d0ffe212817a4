//! `time::timeout`: scopes that nest, stick, and are told apart.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use greenroom::sync::{Event as Flag, Mutex};
use greenroom::time::{Elapsed, timeout};
use greenroom::wait::wait_read;
use greenroom::{note, thread};

use crate::scripted::{Event, ScriptHub, ms, play};
use crate::{dial, read, said, spawn};

fn elapsed_of(error: &std::io::Error) -> Option<Elapsed> {
    error.get_ref()?.downcast_ref().copied()
}

#[test]
fn expiry_answers_the_parked_call_and_sticks() {
    let hub = ScriptHub::new().at(ms(20), Event::Bytes(1, b"x".into()));
    let played = play(hub, || {
        let stream = dial(1);
        let outcome = timeout(ms(10), || {
            note!("{}", read(&stream, 1));
            note!("{}", said(wait_read(&*stream, None)));
            note!("{}", read(&stream, 1));
            7
        });
        note!("{}", outcome.is_err());
        note!("{}", read(&stream, 1));
    });
    let told = ["10 main: Elapsed", "10 main: Elapsed", "10 main: Elapsed", "10 main: true"];
    assert_eq!(played.done().told(), [&told[..], &["20 main: [120]"]].concat());
}

#[test]
pub fn later_calls_err_even_if_there_is_data() {
    let hub = ScriptHub::new().at(ms(0), Event::Bytes(2, b"x".into()));
    let played = play(hub, || {
        let (empty, full) = (dial(1), dial(2));
        let outcome = timeout(ms(10), || {
            note!("{}", read(&empty, 1));
            note!("{}", read(&full, 1));
        });
        note!("{}", outcome.is_err());
    });
    assert_eq!(played.done().told(), ["10 main: Elapsed", "10 main: Elapsed", "10 main: true"]);
}

#[test]
fn a_call_begun_after_the_time_is_up_errs_though_there_is_data() {
    // The bytes come in time, the turn does not: the call that waited has them, the next is late.
    let hub = ScriptHub::new()
        .at(ms(3), Event::Pause(0))
        .at(ms(3), Event::Bytes(1, b"xy".into()))
        .at(ms(9), Event::Resume(0));
    let played = play(hub, || {
        let stream = dial(1);
        let outcome = timeout(ms(5), || {
            note!("{}", read(&stream, 1));
            note!("{}", read(&stream, 1));
        });
        note!("{}", outcome.is_err());
    });
    assert_eq!(played.done().told(), ["9 main: [120]", "9 main: Elapsed", "9 main: true"]);
}

#[test]
fn in_time_is_in_time() {
    let played = play(ScriptHub::new(), || {
        note!("{:?}", timeout(ms(10), || thread::sleep(ms(9))));
        thread::sleep(ms(9));
        note!("still here");
    });
    assert_eq!(played.done().told(), ["9 main: Ok(())", "18 main: still here"]);
}

#[test]
fn infallible_calls_unwind_to_the_scope_and_destructors_run() {
    struct Tells(&'static str);
    impl Drop for Tells {
        fn drop(&mut self) {
            note!("{}", self.0);
        }
    }
    let played = play(ScriptHub::new(), || {
        let lock = Rc::new(Mutex::new(()));
        let (theirs, flag) = (lock.clone(), Rc::new(Flag::new()));
        let holder = spawn("holder", move || {
            let _held = theirs.lock().unwrap();
            thread::sleep(ms(100));
        });
        thread::yield_now();
        let calls: [&dyn Fn(); 4] = [
            &|| thread::sleep(ms(99)),
            &|| drop(lock.lock().unwrap()),
            &|| _ = flag.wait(None),
            &|| thread::park(),
        ];
        for call in calls {
            let outcome = timeout(ms(10), || {
                let _tells = Tells("dropped");
                call();
                note!("not here");
            });
            note!("{}", outcome.is_err());
        }
        note!("{}", timeout(ms(10), || holder.join()).is_err());
    });
    let told = played.done().told();
    let expected: Vec<String> = (1..=4)
        .flat_map(|n| [format!("{n}0 main: dropped"), format!("{n}0 main: true")])
        .chain(["50 main: true".into()])
        .collect();
    assert_eq!(told, expected);
}

#[test]
fn ignoring_the_error_a_hundred_times_unwinds() {
    let played = play(ScriptHub::new(), || {
        let stream = dial(1);
        let ignored = Cell::new(0);
        let outcome = timeout(ms(10), || {
            loop {
                let _ = read(&stream, 1);
                ignored.set(ignored.get() + 1);
            }
        });
        let _: Result<(), _> = outcome;
        note!("{}", (100..=102).contains(&ignored.get()));
    });
    assert_eq!(played.done().told(), ["10 main: true"]);
}

#[test]
fn inner_expiry_leaves_the_outer_alone() {
    let hub = ScriptHub::new().at(ms(8), Event::Bytes(1, b"x".into()));
    let played = play(hub, || {
        let stream = dial(1);
        let outer = timeout(ms(10), || {
            let inner = timeout(ms(5), || {
                let error = std::io::Read::read(&mut &*stream, &mut [0]).unwrap_err();
                elapsed_of(&error)
            });
            note!("{}", inner.is_err());
            read(&stream, 1)
        });
        note!("{outer:?}");
    });
    assert_eq!(played.done().told(), ["5 main: true", "8 main: Ok(\"[120]\")"]);
}

#[test]
fn outer_expiry_goes_through_the_inner_scope_and_names_the_outer() {
    let played = play(ScriptHub::new(), || {
        let stream = dial(1);
        let seen = Cell::new(None);
        let outer = timeout(ms(5), || {
            let inner = timeout(ms(10), || {
                let error = std::io::Read::read(&mut &*stream, &mut [0]).unwrap_err();
                seen.set(elapsed_of(&error));
            });
            note!("{}", inner.is_ok());
            let inner = timeout(ms(10), || thread::sleep(ms(1)));
            note!("not here {inner:?}");
        });
        note!("{}", outer.err() == seen.get() && seen.get().is_some());
    });
    assert_eq!(played.done().told(), ["5 main: true", "5 main: true"]);
}

#[test]
fn equal_deadlines_belong_to_the_outer() {
    let played = play(ScriptHub::new(), || {
        let outer = timeout(ms(5), || {
            let inner = timeout(ms(5), || thread::sleep(ms(9)));
            note!("not here {inner:?}");
        });
        note!("{}", outer.is_err());
    });
    assert_eq!(played.done().told(), ["5 main: true"]);
}

#[test]
fn a_swallowed_unwind_is_met_again() {
    let played = play(ScriptHub::new(), || {
        let outcome = timeout(ms(5), || {
            for _ in 0..3 {
                let swallowed = catch_unwind(AssertUnwindSafe(|| thread::sleep(ms(9))));
                note!("{}", swallowed.is_err());
            }
            7
        });
        note!("{}", outcome.is_err());
        thread::sleep(ms(1));
        note!("free");
    });
    let told = ["5 main: true", "5 main: true", "5 main: true", "5 main: true", "6 main: free"];
    assert_eq!(played.done().told(), told);
}

#[test]
fn a_panic_inside_goes_through() {
    let played = play(ScriptHub::new(), || {
        let task = thread::spawn(|| timeout(ms(5), || panic!("{}", "mine")));
        let panic = task.join().unwrap_err();
        note!("{}", panic.downcast_ref::<String>().unwrap());
    });
    assert_eq!(played.done().told(), ["0 main: mine"]);
}

#[test]
fn a_wait_on_something_ready_inside_an_expiring_scope_answers_and_does_not_unwind() {
    // The one switch of the wait lasts until the scope's time is up: its source was ready.
    let hub = ScriptHub::new()
        .at(ms(1), Event::Bytes(1, b"x".into()))
        .at(ms(2), Event::Pause(0))
        .at(ms(20), Event::Resume(0));
    let played = play(hub, || {
        let stream = dial(1);
        thread::sleep(ms(1));
        let outcome = timeout(ms(10), || {
            let spinner = spawn("spinner", || (0..9).for_each(|_| thread::yield_now()));
            note!("{}", said(wait_read(&*stream, None)));
            spinner.kill();
            while said(wait_read(&*stream, None)) == "()" {}
            note!("{}", said(wait_read(&*stream, None)));
        });
        note!("{}", outcome.is_err());
    });
    let told = played.done().told();
    assert_eq!(told[0], "1 main: ()");
    assert!(told[1].ends_with("Elapsed") && told[2].ends_with("true"), "{told:?}");
}

#[test]
fn a_lock_that_was_let_go_in_time_is_taken_though_the_turn_comes_late() {
    // The waiter is woken at 4 and held back past its deadline of 5: the lock is there, it wins.
    let hub = ScriptHub::new().at(ms(4), Event::Pause(1)).at(ms(9), Event::Resume(1));
    let lock = Rc::new(Mutex::new(()));
    let (a, b, c) = (lock.clone(), lock.clone(), lock);
    let hosts = vec![
        crate::scripted::client("holder", move || {
            let held = a.lock().unwrap();
            thread::sleep(ms(4));
            drop(held);
        }),
        crate::scripted::client("hasty", move || {
            thread::yield_now();
            let outcome = timeout(ms(5), || drop(b.lock().unwrap()));
            note!("{}", outcome.is_ok());
        }),
        crate::scripted::client("patient", move || {
            thread::sleep(ms(1));
            drop(c.lock().unwrap());
            note!("got it");
        }),
    ];
    let played = crate::scripted::play_all(hub, hosts);
    assert_eq!(played.done().told(), ["9 hasty: true", "9 patient: got it"]);
}

#[test]
fn an_end_or_an_unpark_in_time_is_told_though_the_turn_comes_late() {
    let played = play(ScriptHub::new(), || {
        let target: Rc<Cell<Option<thread::Thread>>> = Rc::default();
        let theirs = target.clone();
        // It wakes at 5, before the two scopes are looked at, and runs before those inside them.
        let child = thread::spawn(move || {
            thread::sleep(ms(5));
            theirs.take().unwrap().unpark();
        });
        thread::yield_now();
        let parked = spawn("parked", move || {
            target.set(Some(thread::current()));
            note!("{}", timeout(ms(5), thread::park).is_ok());
        });
        thread::yield_now();
        note!("{}", timeout(ms(5), || child.join().is_ok()).unwrap());
        parked.join().unwrap();
    });
    assert_eq!(played.done().told(), ["5 main/parked: true", "5 main: true"]);
}

#[test]
pub fn a_deadline_of_a_wait_that_is_over_does_not_end_the_next() {
    let hub = ScriptHub::new()
        .at(ms(2), Event::Bytes(1, b"x".into()))
        .at(ms(9), Event::Bytes(2, b"y".into()));
    let played = play(hub, || {
        let (soon, later) = (dial(1), dial(2));
        note!("{}", said(wait_read(&*soon, Some(ms(5)))));
        // The first wait's time would be up amid this one.
        note!("{}", said(wait_read(&*later, None)));
    });
    assert_eq!(played.done().told(), ["2 main: ()", "9 main: ()"]);
}

#[test]
fn the_timeout_of_one_that_ended_ends_nobody() {
    let played = play(ScriptHub::new(), || {
        let ended = thread::spawn(|| timeout(ms(5), || thread::sleep(ms(99))).is_ok());
        thread::yield_now();
        ended.kill();
        note!("{}", ended.join().is_err());
        // It takes the place of the one that ended.
        let next = thread::spawn(|| thread::park_timeout(ms(9)));
        next.join().unwrap();
        note!("in its own time");
    });
    assert_eq!(played.done().told(), ["0 main: true", "9 main: in its own time"]);
}

#[test]
fn a_shorter_timeout_goes_through_a_calls_own_limit() {
    let played = play(ScriptHub::new(), || {
        let stream = dial(1);
        stream.set_read_timeout(Some(ms(9))).unwrap();
        note!("{}", timeout(ms(1), || read(&stream, 1)).is_err());
        note!("{}", timeout(ms(1), || said(wait_read(&*stream, Some(ms(9))))).is_err());
        note!("{}", timeout(ms(1), || Flag::new().wait(Some(ms(9)))).is_err());
        let child = thread::spawn(thread::park);
        note!("{}", timeout(ms(1), || child.join_timeout(ms(9)).is_ok()).is_err());
    });
    let told = ["1 main: true", "2 main: true", "3 main: true", "4 main: true"];
    assert_eq!(played.done().told(), told);
}

#[test]
fn who_swallows_an_expiry_again_and_again_lets_the_others_run() {
    let played = play(ScriptHub::new(), || {
        let enough = Rc::new(Cell::new(false));
        let theirs = enough.clone();
        let deaf = spawn("deaf", move || {
            let late = timeout(ms(1), || {
                while !theirs.get() {
                    let _ = catch_unwind(|| thread::sleep(ms(9)));
                }
            });
            note!("{}", late.is_err());
        });
        thread::sleep(ms(5));
        enough.set(true);
        deaf.join().unwrap();
    });
    assert_eq!(played.done().told(), ["5 main/deaf: true"]);
}
