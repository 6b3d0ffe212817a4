//! `thread::scope`: children that borrow are over before what they borrow goes.

use std::cell::{Cell, RefCell};
use std::panic::catch_unwind;
use std::rc::Rc;

use greenroom::driver;
use greenroom::sync::Mutex;
use greenroom::thread::{Builder, Killed, Scope, ScopedJoinHandle};
use greenroom::time::timeout;
use greenroom::{note, thread};

use crate::scripted::{Event, ScriptHub, client, ms, play, play_all, server};
use crate::spawn;

mod panics;

/// Says what it borrows when it is dropped.
struct Tells<'a>(&'static str, &'a Cell<u32>);

impl Drop for Tells<'_> {
    fn drop(&mut self) {
        self.1.set(self.1.get() + 1);
        note!("{} {}", self.0, self.1.get());
    }
}

fn named<'scope, T: 'scope>(
    s: &'scope Scope<'scope, '_>,
    name: &str,
    body: impl FnOnce() -> T + 'scope,
) -> ScopedJoinHandle<'scope, T> {
    Builder::new().name(name.into()).spawn_scoped(s, body).unwrap()
}

/// Three children that sleep, the last of which has not started when `then` is called.
fn with_three_children<T>(count: &Cell<u32>, then: impl FnOnce() -> T) -> T {
    let _outer = Tells("frame", count);
    thread::scope(|s| {
        for name in ["a", "b"] {
            named(s, name, move || {
                let _tells = Tells(name, count);
                thread::sleep(ms(50));
            });
        }
        thread::yield_now();
        let owned = Tells("c", count);
        named(s, "c", move || {
            let _owned = &owned;
            note!("c runs");
        });
        then()
    })
}

#[test]
pub fn children_borrow_and_the_scope_waits_for_them() {
    let played = play(ScriptHub::new(), || {
        let mut counts = [1u32, 2, 3];
        let total = Cell::new(0);
        let answer = thread::scope(|s| {
            for count in &mut counts {
                s.spawn(|| {
                    thread::sleep(ms(10 * u64::from(*count)));
                    *count *= 2;
                    total.set(total.get() + *count);
                });
            }
            named(s, "seven", || 7).join().unwrap()
        });
        note!("{answer} {counts:?} {}", total.get());
    });
    let played = played.done();
    assert_eq!(played.told(), ["30 main: 7 [2, 4, 6] 12"]);
    // Joining by hand and the end of the scope are waits like any other.
    let parks = ["0 main: parks in join", "0 main: parks in scope"];
    assert_eq!(played.traced(&["parks in join", "main: parks in scope"])[..2], parks);
}

#[test]
fn a_child_spawns_siblings_and_they_are_waited_for() {
    let played = play(ScriptHub::new(), || {
        let count = Cell::new(0);
        thread::scope(|s| {
            named(s, "first", || {
                named(s, "second", || {
                    let third = s.spawn(|| {
                        thread::sleep(ms(3));
                        count.set(count.get() + 1);
                    });
                    note!("{} {}", third.path(), third.thread().path());
                });
            });
        });
        note!("{}", count.get());
    });
    let name = "main/first/second/task";
    let told = [format!("0 main/first/second: {name} {name}"), "3 main: 1".into()];
    assert_eq!(played.done().told(), told);
}

#[test]
pub fn a_kill_in_the_body_or_in_the_wait_ends_the_children_in_one_turn() {
    for in_the_wait in [false, true] {
        let played = play(ScriptHub::new(), move || {
            let victim = spawn("victim", move || {
                let count = Cell::new(0);
                with_three_children(&count, || {
                    if !in_the_wait {
                        thread::park()
                    }
                });
                note!("not here");
            });
            thread::sleep(ms(1));
            victim.kill();
            note!("{}", victim.join().unwrap_err().is::<Killed>());
        });
        let told = [
            "0 main/victim/c: c runs",
            "0 main/victim/c: c 1",
            "1 main/victim/a: a 2",
            "1 main/victim/b: b 3",
            "1 main/victim: frame 4",
            "1 main: true",
        ];
        assert_eq!(played.done().told(), told, "{in_the_wait}");
    }
}

#[test]
fn an_expired_timeout_ends_the_children() {
    for in_the_wait in [false, true] {
        let played = play(ScriptHub::new(), move || {
            let count = Cell::new(0);
            let expired = timeout(ms(4), || {
                with_three_children(&count, || {
                    if !in_the_wait {
                        thread::sleep(ms(99))
                    }
                });
            });
            note!("{} {}", expired.is_err(), count.get());
        });
        let told = [
            "0 main/c: c runs",
            "0 main/c: c 1",
            "4 main/a: a 2",
            "4 main/b: b 3",
            "4 main: frame 4",
            "4 main: true 4",
        ];
        assert_eq!(played.done().told(), told, "{in_the_wait}");
    }
}

#[test]
fn children_that_end_in_time_are_waited_for_though_the_turn_comes_late() {
    for late in [5, 6] {
        let played = play(ScriptHub::new(), move || {
            // The children wake before their owner, whose time is up at the same tick.
            let waited = timeout(ms(5), || {
                thread::scope(|s| {
                    s.spawn(|| thread::sleep(ms(5)));
                    s.spawn(|| thread::sleep(ms(late)));
                    thread::yield_now();
                });
            });
            note!("{}", waited.is_ok());
        });
        assert_eq!(played.done().told(), [format!("5 main: {}", late == 5)]);
    }
}

#[test]
fn scopes_of_children_end_with_them_innermost_first() {
    let played = play(ScriptHub::new(), || {
        let victim = spawn("victim", || {
            let count = &Cell::new(0);
            thread::scope(|s| {
                named(s, "child", || {
                    let _tells = Tells("child", count);
                    thread::scope(|t| {
                        named(t, "grandchild", || {
                            let _tells = Tells("grandchild", count);
                            // Of the outer scope, born of the inner one's child.
                            named(s, "late", || {
                                let _tells = Tells("late", count);
                                thread::park();
                            });
                            thread::park();
                        });
                    });
                });
                named(s, "sibling", || {
                    let _tells = Tells("sibling", count);
                    thread::park();
                });
            });
        });
        thread::sleep(ms(1));
        victim.kill();
        note!("{}", victim.join().is_err());
    });
    let of = "1 main/victim/child";
    let told = [
        format!("{of}/grandchild: grandchild 1"),
        format!("{of}: child 2"),
        "1 main/victim/sibling: sibling 3".into(),
        format!("{of}/grandchild/late: late 4"),
        "1 main: true".into(),
    ];
    assert_eq!(played.done().told(), told);
}

/// Opens a scope when it is dropped.
struct OpensScope<'a>(&'a Cell<u32>);

impl Drop for OpensScope<'_> {
    fn drop(&mut self) {
        let owned = Tells("owned", self.0);
        thread::scope(|s| {
            named(s, "never", move || {
                let _owned = &owned;
                note!("not here");
            });
            thread::yield_now();
        });
        note!("closed");
    }
}

#[test]
fn a_scope_opened_while_unwinding_drops_what_its_children_own() {
    let played = play(ScriptHub::new(), || {
        let victim = spawn("victim", || {
            let count = Cell::new(0);
            let _opens = OpensScope(&count);
            thread::park();
        });
        thread::yield_now();
        victim.kill();
        note!("{}", victim.join().is_err());
    });
    let told = ["0 main/victim/never: owned 1", "0 main/victim: closed", "0 main: true"];
    assert_eq!(played.done().told(), told);
}

/// Swallows more kills than may cost no turn, and fewer than end the process; then lets go.
fn deaf_for_long() {
    for _ in 0..150 {
        let _ = catch_unwind(|| thread::sleep(ms(99)));
    }
}

#[test]
fn a_child_that_swallows_its_kill_is_raised_again_in_place_until_it_lets_go() {
    let played = play(ScriptHub::new(), || {
        let victim = spawn("victim", || {
            let count = Cell::new(0);
            let _frame = Tells("frame", &count);
            thread::scope(|s| {
                named(s, "deaf", || {
                    let _last = Tells("deaf", &count);
                    deaf_for_long();
                });
                named(s, "good", || {
                    let _tells = Tells("good", &count);
                    thread::park();
                });
            });
        });
        thread::sleep(ms(1));
        victim.kill();
        note!("{}", victim.join().is_err());
        thread::sleep(ms(500));
    });
    let victim = "1 main/victim";
    let told = [
        format!("{victim}/deaf: deaf 1"),
        format!("{victim}/good: good 2"),
        format!("{victim}: frame 3"),
        "1 main: true".into(),
    ];
    assert_eq!(played.done().told(), told);
}

#[test]
fn a_lock_that_a_child_held_is_free_and_sound_afterwards() {
    let played = play(ScriptHub::new(), || {
        let lock = Rc::new(Mutex::new(0));
        let theirs = lock.clone();
        let victim = spawn("victim", move || {
            let local = Mutex::new(0);
            thread::scope(|s| {
                s.spawn(|| {
                    let (_theirs, _local) = (theirs.lock().unwrap(), local.lock().unwrap());
                    thread::park();
                });
                // This one waits for the lock that the first holds.
                s.spawn(|| *local.lock().unwrap() += 1);
            });
        });
        thread::yield_now();
        let waits = lock.clone();
        let waiter = spawn("waiter", move || *waits.lock().unwrap() += 1);
        thread::sleep(ms(1));
        victim.kill();
        waiter.join().unwrap();
        note!("{} {}", *lock.lock().unwrap(), victim.join().is_err());
    });
    assert_eq!(played.done().told(), ["1 main: 1 true"]);
}

#[test]
fn ten_thousand_scopes_that_are_killed_leave_nothing_behind() {
    let played = play(ScriptHub::new().silent(), || {
        let round = || {
            let victim = thread::spawn(|| {
                let data = [Cell::new(1), Cell::new(2)];
                thread::scope(|s| {
                    let _parked = data.each_ref().map(|one| {
                        s.spawn(move || {
                            thread::park();
                            one.set(0);
                        })
                    });
                    thread::yield_now();
                    s.spawn(|| data[0].set(0));
                    thread::park();
                });
            });
            thread::yield_now();
            thread::yield_now();
            victim.kill();
            assert!(victim.join().is_err());
        };
        (0..10).for_each(|_| round());
        let before = driver::counts();
        (0..10_000).for_each(|_| round());
        assert_eq!(driver::counts(), before);
        let before = before.unwrap();
        assert_eq!((before.live, before.queued), (1, 0));
    });
    played.done();
}

#[test]
fn a_scope_sweeps_out_children_that_are_over() {
    let played = play(ScriptHub::new().silent(), || {
        let count = Cell::new(0);
        thread::scope(|s| {
            for _ in 0..10_000 {
                drop(s.spawn(|| count.set(count.get() + 1)));
                thread::yield_now();
            }
            assert!(s.children_listed() < 20, "{}", s.children_listed());
        });
        assert_eq!(count.get(), 10_000);
    });
    played.done();
}

#[test]
fn a_power_cut_in_a_scope_unwinds_it_at_the_end_of_the_world() {
    struct Says<'a>(&'a str, &'a RefCell<Vec<String>>, &'a Cell<u32>);
    impl Drop for Says<'_> {
        fn drop(&mut self) {
            self.2.set(self.2.get() + 1);
            self.1.borrow_mut().push(format!("{} {}", self.0, self.2.get()));
        }
    }
    let said: Rc<RefCell<Vec<String>>> = Rc::default();
    let (theirs, seen) = (said.clone(), said.clone());
    let dark = move || {
        let count = Cell::new(0);
        let _frame = Says("frame", &theirs, &count);
        thread::scope(|s| {
            for name in ["a", "b"] {
                let (said, count) = (&*theirs, &count);
                named(s, name, move || {
                    let _says = Says(name, said, count);
                    thread::park();
                });
            }
        });
    };
    let hub = ScriptHub::new().at(ms(5), Event::PowerCut(0)).at(ms(7), Event::Start(0));
    let looks = move || {
        thread::sleep(ms(6));
        note!("{:?}", seen.borrow());
        thread::sleep(ms(3));
    };
    let played = play_all(hub, vec![server("srv", dark), client("cli", looks)]);
    assert_eq!(played.done().told(), ["6 cli: []"]);
    // The second life ends by a kill, then the first one, which had no power.
    let life = ["a 1", "b 2", "frame 3"];
    assert_eq!(*said.borrow(), [life, life].concat());
}

#[test]
fn a_child_without_power_takes_those_along_from_whose_frames_it_borrows() {
    let (started, count) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    let (starts, counts) = (started.clone(), count.clone());
    let hub = ScriptHub::new()
        .at(ms(5), Event::End("main/victim/a".into(), greenroom::hub::How::Abandon));
    let played = play(hub, move || {
        let (starts, counts) = (starts.clone(), counts.clone());
        let watched = counts.clone();
        let victim = spawn("victim", move || {
            let (starts, counts) = (&*starts, &*counts);
            thread::scope(|s| {
                named(s, "a", move || {
                    let _tells = Tells("not here", counts);
                    starts.set(starts.get() + 1);
                    thread::park();
                });
                thread::sleep(ms(7));
                note!("not here");
            });
        });
        thread::sleep(ms(9));
        victim.kill();
        note!("{:?} {}", victim.join_timeout(ms(9)).is_ok(), watched.get());
    });
    // They are unwound after the world: nothing of it is told.
    assert_eq!(played.done().told(), ["18 main: false 0"]);
    assert_eq!((started.get(), count.get()), (1, 1));
}

#[test]
fn what_a_child_without_power_would_have_run_with_is_dropped_after_the_world() {
    let count = Rc::new(Cell::new(0));
    let counts = count.clone();
    let end = |whom: &str, how| Event::End(whom.into(), how);
    let hub = ScriptHub::new()
        .interrupts(&[greenroom::hub::Turn::Advance])
        .at(ms(5), end("main/victim/never", greenroom::hub::How::Abandon))
        .at(ms(5), end("main/victim", greenroom::hub::How::Unwind));
    let played = play(hub, move || {
        let counts = counts.clone();
        spawn("victim", move || {
            let frame = Tells("frame", &counts);
            thread::scope(|s| {
                let owned = Tells("not here", frame.1);
                named(s, "never", move || drop(owned));
                // Finishes at once, and yet time moves on before the child has its turn.
                crate::dial(1);
                thread::yield_now();
                note!("not here");
            });
        });
        thread::sleep(ms(9));
    });
    assert!(played.done().told().is_empty());
    assert_eq!(count.get(), 2);
}

#[test]
fn a_run_that_ends_unwinds_scopes_wherever_they_stand() {
    let played = play(ScriptHub::new(), || {
        for name in ["one", "two"] {
            spawn(name, || {
                let count = Cell::new(0);
                let _opens = OpensScope(&count);
                with_three_children(&count, thread::park);
            });
        }
        // Killed before it ran: its destructors run, the one that opens a scope too.
        thread::sleep(ms(1));
        let count = Box::leak(Box::new(Cell::new(0)));
        let opens = OpensScope(count);
        spawn("never", move || drop(opens));
    });
    let told = played.done().told();
    let tail = |who: &str| {
        let told = told.iter().filter_map(|line| line.strip_prefix(&format!("1 main/{who}")));
        told.map(str::to_owned).collect::<Vec<_>>()
    };
    let all = ["/a: a 2", "/b: b 3", ": frame 4", "/never: owned 5", ": closed"];
    assert_eq!(
        (tail("one"), tail("two")),
        (all.map(String::from).into(), all.map(String::from).into())
    );
    // Its kill is met by never having run: its destructors' calls try once and go on.
    assert_eq!(tail("never"), ["/never: owned 1", ": closed"]);
}

#[test]
fn a_deadlock_inside_a_scope_names_the_scope() {
    let played = play_all(
        ScriptHub::new(),
        vec![client("main", || {
            let lock = Mutex::new(());
            let _held = lock.lock().unwrap();
            thread::scope(|s| {
                named(s, "waits", || drop(lock.lock().unwrap()));
            });
        })],
    );
    let stuck = played.deadlock().stuck.iter().map(|stuck| format!("{} {}", stuck.op, stuck.on));
    let stuck: Vec<String> = stuck.collect();
    assert_eq!(stuck, ["scope the end of main/waits", "lock a lock held by main"]);
}

/// A child that is deaf to kills, with a grandchild that borrows from the owner's frame.
fn deaf_child_between<'a>(count: &'a Cell<u32>, s: &'a Scope<'a, '_>) {
    named(s, "deaf", move || {
        thread::scope(move |s| {
            named(s, "grandchild", move || {
                let _tells = Tells("grandchild", count);
                thread::scope(move |s| {
                    named(s, "low", move || {
                        let _tells = Tells("low", count);
                        thread::park();
                    });
                });
            });
            deaf_for_long();
        })
    });
}

#[test]
fn a_child_that_swallows_its_kill_takes_the_children_it_owns_with_it() {
    let told =
        ["1 main/victim/deaf/grandchild/low: low 1", "1 main/victim/deaf/grandchild: grandchild 2"];
    let body = || {
        let count = Cell::new(0);
        let _frame = Tells("frame", &count);
        thread::scope(|s| {
            deaf_child_between(&count, s);
            thread::park();
        });
    };
    // The owner is killed.
    let played = play(ScriptHub::new(), move || {
        let victim = spawn("victim", body);
        thread::sleep(ms(1));
        victim.kill();
        note!("{}", victim.join().is_err());
        thread::sleep(ms(500));
    });
    let tail = ["1 main/victim: frame 3", "1 main: true"];
    assert_eq!(played.done().told(), [&told[..], &tail].concat());
    // The run ends around it.
    let played = play(ScriptHub::new(), move || {
        spawn("victim", body);
        thread::sleep(ms(1));
    });
    assert_eq!(played.done().told(), [&told[..], &tail[..1]].concat());
    // The child alone is killed, and its owner goes on.
    let played = play(ScriptHub::new(), || {
        spawn("victim", || {
            let count = Cell::new(0);
            let _frame = Tells("frame", &count);
            thread::scope(|s| {
                let deaf = named(s, "deaf", || {
                    thread::scope(|s| {
                        named(s, "grandchild", || {
                            let _tells = Tells("grandchild", &count);
                            thread::park();
                        });
                        deaf_for_long();
                    })
                });
                thread::sleep(ms(1));
                deaf.kill();
            });
        });
        thread::sleep(ms(5));
    });
    // Time goes on while it swallows: each turn that it gives away is a vain one.
    let deaf = "5 main/victim/deaf";
    let told = [format!("{deaf}/grandchild: grandchild 1"), "5 main/victim: frame 2".into()];
    assert_eq!(played.done().told(), told);
}

#[test]
fn a_child_without_power_of_its_own_does_not_leave_its_children_behind() {
    let hub = ScriptHub::new()
        .at(ms(5), Event::End("main/victim/dark".into(), greenroom::hub::How::Abandon));
    let played = play(hub, || {
        let victim = spawn("victim", || {
            let count = Cell::new(0);
            let _frame = Tells("frame", &count);
            thread::scope(|s| {
                named(s, "dark", || {
                    thread::scope(|s| {
                        named(s, "lit", || {
                            let _tells = Tells("lit", &count);
                            thread::park();
                        });
                    });
                });
            });
        });
        thread::sleep(ms(9));
        note!("{}", victim.is_finished());
    });
    // What runs still ends in the world, what has no power after it.
    let told = ["9 main: false", "9 main/victim/dark/lit: lit 1"];
    assert_eq!(played.done().told(), told);
}

#[test]
fn what_a_power_cut_left_ends_with_its_children_at_the_end_of_the_world() {
    let said: Rc<RefCell<Vec<u32>>> = Rc::default();
    struct Says(Rc<RefCell<Vec<u32>>>, u32);
    impl Drop for Says {
        fn drop(&mut self) {
            self.0.borrow_mut().push(self.1);
        }
    }
    let theirs = said.clone();
    let dark = move || {
        let frame = Says(theirs.clone(), 1);
        let frame = &frame;
        thread::scope(|s| {
            named(s, "deaf", move || {
                thread::scope(move |s| {
                    named(s, "grandchild", move || {
                        let _says = Says(frame.0.clone(), frame.1 + 1);
                        thread::park();
                    });
                    deaf_for_long();
                })
            });
        });
    };
    let hub = ScriptHub::new().at(ms(5), Event::PowerCut(0));
    let played = play_all(hub, vec![server("srv", dark), client("cli", || thread::sleep(ms(9)))]);
    played.done();
    assert_eq!(*said.borrow(), [2, 1]);
}
