//! Results, panics, and the end of a run.

use std::cell::Cell;
use std::rc::Rc;

use greenroom::driver::Stop;
use greenroom::{note, thread};

use crate::scripted::{Event, ScriptHub, client, ms, play, play_all, server};
use crate::{dial, read, spawn};

#[test]
fn join_answers_the_result_or_the_panic() {
    let played = play(ScriptHub::new(), || {
        note!("{}", thread::spawn(|| 1 + 1).join().unwrap());
        let panic = thread::spawn(|| panic!("on purpose")).join().unwrap_err();
        note!("{}", panic.downcast_ref::<&str>().unwrap());
    });
    assert_eq!(played.done().told(), ["0 main: 2", "0 main: on purpose"]);
}

#[test]
pub fn a_join_of_one_that_is_over_does_not_switch() {
    let played = play(ScriptHub::new(), || {
        let child = thread::spawn(|| 7);
        thread::yield_now();
        spawn("other", || note!("other"));
        note!("{}", child.join().unwrap());
    });
    assert_eq!(played.done().told(), ["0 main: 7"]);
}

#[test]
fn join_timeout_gives_the_handle_back() {
    let played = play(ScriptHub::new(), || {
        let slow = thread::spawn(|| thread::sleep(ms(10)));
        let slow = slow.join_timeout(ms(4)).unwrap_err();
        note!("not yet");
        let slow = slow.join_timeout(ms(0)).unwrap_err();
        slow.join_timeout(ms(40)).unwrap().unwrap();
        note!("done");
    });
    assert_eq!(played.done().told(), ["4 main: not yet", "10 main: done"]);
}

#[test]
fn a_panic_ends_nobody_else_and_is_reported_if_nobody_joins_it() {
    let played = play(ScriptHub::new(), || {
        drop(spawn("loud", || panic!("on {}", "purpose")));
        thread::sleep(ms(1));
        note!("still here");
    });
    assert!(matches!(played.ending.stop, Stop::Done));
    assert_eq!(played.told(), ["1 main: still here"]);
    let [panic] = &played.ending.panics[..] else { panic!("{:?}", played.ending) };
    let said = (panic.greenlet.as_str(), panic.message.as_str());
    assert_eq!(said, ("main/loud", "on purpose"));
}

#[test]
fn a_kill_nobody_joins_is_no_panic() {
    let played = play(ScriptHub::new(), || {
        let victim = spawn("victim", || thread::sleep(ms(9)));
        thread::yield_now();
        victim.kill();
        drop(victim);
        thread::yield_now();
    });
    played.done();
}

#[test]
fn a_panic_in_main_is_reported() {
    let played = play(ScriptHub::new(), || panic!("main fell"));
    assert_eq!(played.ending.panics[0].greenlet, "main");
    assert_eq!(played.ending.panics[0].message, "main fell");
}

/// Notes its own end.
struct End;
impl Drop for End {
    fn drop(&mut self) {
        note!("unwound");
    }
}

#[test]
fn the_run_ends_when_main_returns_and_the_rest_is_killed_in_the_order_of_birth() {
    let played = play(ScriptHub::new(), || {
        let short = spawn("short", || ());
        thread::yield_now();
        drop(short);
        // `a` has a new slot, `b` the freed one, which has a lower number.
        for name in ["a", "b", "c"] {
            spawn(name, || {
                let _end = End;
                thread::park();
            });
        }
        thread::yield_now();
        note!("returns");
    });
    let told = ["0 main: returns", "0 main/a: unwound", "0 main/b: unwound", "0 main/c: unwound"];
    assert_eq!(played.done().told(), told);
}

#[test]
fn the_run_waits_for_all_clients_and_for_no_server() {
    let hosts = vec![
        server("srv", || {
            let _end = End;
            thread::sleep(ms(1000));
        }),
        client("a", || thread::sleep(ms(5))),
        client("b", || {
            thread::sleep(ms(10));
            note!("last");
        }),
    ];
    let played = play_all(ScriptHub::new(), hosts).done();
    assert_eq!(played.told(), ["10 b: last", "10 srv: unwound"]);
}

#[test]
fn a_destructor_that_spawns_at_the_end_is_followed_up() {
    struct Spawns;
    impl Drop for Spawns {
        fn drop(&mut self) {
            spawn("late", || {
                note!("not here");
            });
        }
    }
    let played = play(ScriptHub::new(), || {
        spawn("parent", || {
            let _spawns = Spawns;
            thread::park();
        });
        thread::yield_now();
    });
    let played = played.done();
    assert!(played.told().is_empty());
    assert!(played.hub.alive.is_empty());
}

/// Swallows so many kills, then lets go.
fn swallow(kills: u32) {
    for _ in 0..kills {
        let _ = std::panic::catch_unwind(|| thread::sleep(ms(99)));
    }
}

#[test]
fn one_that_swallows_its_kill_for_long_lets_the_others_run_and_ends_when_it_lets_go() {
    let played = play(ScriptHub::new(), || {
        let stubborn = spawn("stubborn", || swallow(1000));
        let other = spawn("other", || {
            for _ in 0..500 {
                thread::yield_now();
            }
        });
        thread::sleep(ms(3));
        stubborn.kill();
        other.join().unwrap();
        note!("{}", stubborn.is_finished());
        note!("{:?}", stubborn.join().is_ok());
    });
    assert_eq!(played.done().told(), ["3 main: false", "3 main: true"]);
}

#[test]
fn a_run_ends_in_good_order_once_all_who_swallow_their_kills_let_go() {
    let ended = Rc::new(Cell::new(0));
    let ends = ended.clone();
    let played = play(ScriptHub::new(), move || {
        for _ in 0..3 {
            let ends = ends.clone();
            spawn("stubborn", move || {
                swallow(1000);
                ends.set(ends.get() + 1);
            });
        }
        thread::sleep(ms(3));
    });
    played.done();
    assert_eq!(ended.get(), 3);
}

/// A payload that panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("dropped");
    }
}

#[test]
fn a_panic_that_panics_when_it_is_dropped_ends_nobody_else() {
    let played = play(ScriptHub::new(), || {
        // In a body whose handle is gone, in one whose handle drops it, and in what is not run.
        spawn("a", || std::panic::panic_any(Bomb));
        let b = spawn("b", || std::panic::panic_any(Bomb));
        thread::yield_now();
        let dropped = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(b)));
        note!("{}", dropped.is_err());
        struct Throws;
        impl Drop for Throws {
            fn drop(&mut self) {
                std::panic::panic_any(Bomb);
            }
        }
        let throws = Throws;
        spawn("c", move || drop(throws)).kill();
        thread::yield_now();
        note!("on");
    });
    assert!(matches!(played.ending.stop, Stop::Done));
    assert_eq!(played.told(), ["0 main: true", "0 main: on"]);
    let mut said: Vec<String> = Vec::new();
    said.extend(played.ending.panics.iter().map(|p| format!("{}: {}", p.greenlet, p.message)));
    let nameless = "a panic without a message";
    let expected = ["a", "b", "c"].map(|who| format!("main/{who}: {nameless}"));
    assert!(expected.iter().all(|panic| said.contains(panic)), "{said:?}");
}

#[test]
fn a_stack_too_large_for_any_machine_is_no_stack() {
    for size in [1 << 40, usize::MAX] {
        let played = play(ScriptHub::new(), move || {
            let vast = thread::Builder::new().name("vast".into()).stack_size(size);
            let vast = vast.spawn(|| note!("not here")).unwrap();
            note!("{}", vast.join().unwrap_err().is::<thread::Killed>());
        });
        assert_eq!(played.told(), ["0 main: true"]);
        let [panicked] = &played.ending.panics[..] else { panic!("{:?}", played.ending.panics) };
        assert_eq!(panicked.greenlet, "main/vast");
        assert!(panicked.message.starts_with("no stack for it: "), "{}", panicked.message);
    }
}

#[test]
fn destructors_that_spawn_without_end_do_not_keep_the_run() {
    struct Spawns;
    impl Drop for Spawns {
        fn drop(&mut self) {
            let more = Spawns;
            spawn("more", move || drop(more));
        }
    }
    let played = play(ScriptHub::new(), || {
        let spawns = Spawns;
        spawn("first", move || drop(spawns));
    });
    assert!(matches!(played.ending.stop, Stop::Done));
    assert_eq!(played.ending.leaked, 1);
}

/// Counts its own end.
struct Ends(Rc<Cell<u32>>);
impl Drop for Ends {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
    }
}

#[test]
fn a_child_that_a_hub_panicked_over_never_runs() {
    let ended = Rc::new(Cell::new(0));
    let ends = ended.clone();
    let played = play(ScriptHub::new().panics_at_the_birth_of("child"), move || {
        let borrowed = Ends(ends.clone());
        let unwound = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            thread::scope(|s| {
                let owned = Ends(ends.clone());
                let child = thread::Builder::new().name("child".into());
                let borrowed = &borrowed;
                let body = move || {
                    note!("not here {}", owned.0.get() + borrowed.0.get());
                };
                child.spawn_scoped(s, body).unwrap();
            });
        }));
        note!("{} {}", unwound.is_err(), ends.get());
        drop(borrowed);
        thread::sleep(ms(1));
    });
    assert_eq!(played.done().told(), ["0 main: true 1"]);
    assert_eq!(ended.get(), 2);
}

#[test]
fn children_that_destructors_make_without_end_do_not_keep_their_scope() {
    fn one_more<'scope>(s: &'scope thread::Scope<'scope, '_>) {
        struct Again<'s, F: Fn()>(F, std::marker::PhantomData<&'s ()>);
        impl<F: Fn()> Drop for Again<'_, F> {
            fn drop(&mut self) {
                (self.0)();
            }
        }
        let again = Again(move || one_more(s), std::marker::PhantomData);
        s.spawn(move || drop(again));
    }
    let played = play(ScriptHub::new(), || {
        let owner = spawn("owner", || {
            thread::scope(|s| {
                one_more(s);
                thread::park();
            })
        });
        thread::yield_now();
        owner.kill();
        note!("{}", owner.join().is_err());
    });
    assert_eq!(played.told(), ["0 main: true"]);
    assert_eq!(played.ending.leaked, 1);
}

#[test]
fn values_that_a_destructor_made_go_with_the_greenlet_that_never_ran() {
    greenroom::greenlet_local! {
        static KEY: Cell<u32> = Cell::new(0);
    }
    struct Touches;
    impl Drop for Touches {
        fn drop(&mut self) {
            KEY.with(|value| value.set(43));
        }
    }
    let played = play(ScriptHub::new(), || {
        let touches = Touches;
        spawn("never", move || drop(touches)).kill();
        thread::yield_now();
        note!("{}", spawn("next", || KEY.with(Cell::get)).join().unwrap());
    });
    assert_eq!(played.done().told(), ["0 main: 0"]);
}

/// As std's: one that is dropped is not made again, others are.
#[test]
fn a_value_that_is_dropped_is_gone_for_good() {
    struct Looks(&'static str);
    greenroom::greenlet_local! {
        static FIRST: Looks = Looks("first");
        static SECOND: Looks = Looks("second");
        static LATE: Cell<u32> = Cell::new(0);
    }
    impl Drop for Looks {
        fn drop(&mut self) {
            let [first, second] = [&FIRST, &SECOND].map(|key| key.try_with(|_| ()).is_ok());
            LATE.with(|count| count.set(count.get() + 1));
            note!("{} {first} {second} {}", self.0, LATE.with(Cell::get));
        }
    }
    let played = play(ScriptHub::new(), || {
        let looks = spawn("looks", || {
            FIRST.with(|_| ());
            SECOND.with(|_| ());
        });
        looks.join().unwrap();
    });
    let told = ["0 main/looks: first false true 1", "0 main/looks: second false false 2"];
    assert_eq!(played.done().told(), told);
}

#[test]
fn a_hosts_value_whose_destructor_panics_is_the_runs_affair() {
    greenroom::host_local! {
        static KEY: Bomb = Bomb;
    }
    let played = play(ScriptHub::new(), || KEY.with(|_| ()));
    assert!(matches!(played.ending.stop, Stop::Done));
    let [panicked] = &played.ending.panics[..] else { panic!("{:?}", played.ending.panics) };
    assert_eq!((&*panicked.greenlet, &*panicked.message), ("main", "dropped"));
}

#[test]
fn a_handle_names_nobody_in_another_run() {
    let kept: Rc<Cell<Option<thread::JoinHandle<()>>>> = Rc::default();
    let theirs = kept.clone();
    play(ScriptHub::new(), move || {
        theirs.set(Some(spawn("gone", || ())));
        thread::yield_now();
    })
    .done();
    let handle = Rc::new(kept.take().unwrap());
    let played = play(ScriptHub::new(), move || {
        spawn("innocent", thread::park);
        note!("[{}] {}", handle.path(), handle.is_finished());
    });
    assert_eq!(played.done().told(), ["0 main: [] true"]);
}

#[test]
fn a_hub_that_panics_leaves_no_frame_behind() {
    let ended = Rc::new(Cell::new(0));
    let ends = ended.clone();
    let hub = ScriptHub::new().at(ms(2), Event::Panic);
    let run = std::panic::AssertUnwindSafe(|| {
        play(hub, move || {
            let (mine, theirs) = (Ends(ends.clone()), Ends(ends.clone()));
            spawn("waits", move || {
                let _ends = theirs;
                swallow(150);
                thread::park();
            });
            thread::sleep(ms(9));
            drop(mine);
        })
    });
    let panic = std::panic::catch_unwind(run).err().expect("a hub's panic goes on");
    assert_eq!(greenroom::driver::panic_message(&*panic), "the script says so");
    assert_eq!(ended.get(), 2);
    // The thread can run another.
    play(ScriptHub::new(), || ()).done();
}

#[test]
fn names_are_places_in_the_spawn_tree() {
    let played = play(ScriptHub::new(), || {
        for _ in 0..2 {
            spawn("accept", || {
                spawn("conn", || note!("{}", thread::current().path()));
                let last = thread::spawn(|| note!("{}", thread::current().path()));
                let _ = last.join();
            });
        }
        thread::sleep(ms(1));
    });
    let told = [
        "0 main/accept/conn: main/accept/conn",
        "0 main/accept/task: main/accept/task",
        "0 main/accept#2/conn: main/accept#2/conn",
        "0 main/accept#2/task: main/accept#2/task",
    ];
    assert_eq!(played.done().told(), told);
}

#[test]
fn after_the_run_handles_err_and_drop_in_peace() {
    use std::sync::{Arc, Mutex};
    let kept: Arc<Mutex<Vec<greenroom::net::TcpStream>>> = Arc::default();
    let theirs = kept.clone();
    let played = play(ScriptHub::new(), move || {
        theirs.lock().unwrap().push(dial(1).try_clone().unwrap());
    });
    played.done();
    let stream = kept.lock().unwrap().pop().unwrap();
    assert_eq!(read(&stream, 1), "NotConnected");
    drop(stream);
}

#[test]
fn outside_any_hub_calls_err_and_name_run() {
    let error = greenroom::net::TcpStream::connect("10.0.0.9:1").unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::NotConnected);
    assert!(error.to_string().contains("run"), "{error}");
}

#[test]
fn a_hub_that_stops_halts_the_run() {
    use greenroom::hub::Turn;
    let played = play(ScriptHub::new().interrupts(&[Turn::Stop]), || {
        let _end = End;
        dial(1);
        // The call had its connection; whoever goes on for ever with calls that never wait ends at
        // the next one.
        note!("connected");
        loop {
            dial(2);
        }
    });
    assert!(matches!(played.ending.stop, Stop::Halted(_)));
    assert_eq!(played.told(), ["0 main: connected", "0 main: unwound"]);
    assert_eq!(played.hub.open(), 0);
}

#[test]
fn a_panic_of_a_destructor_is_reported_as_any_other() {
    struct Loud(&'static str);
    impl Drop for Loud {
        fn drop(&mut self) {
            panic!("on {}", self.0)
        }
    }
    let played = play(ScriptHub::new(), || {
        // Nobody keeps the handle: the result goes with the greenlet.
        drop(spawn("result", || Loud("result")));
        let owned = Loud("killed before it ran");
        let never = spawn("never", move || drop(owned));
        never.kill();
        note!("{}", never.join().unwrap_err().is::<thread::Killed>());
    });
    assert_eq!(played.told(), ["0 main: true"]);
    let said = played.ending.panics.iter();
    let said: Vec<_> = said.map(|panic| format!("{}: {}", panic.greenlet, panic.message)).collect();
    assert_eq!(said, ["main/result: on result", "main/never: on killed before it ran"]);
}

#[test]
fn a_place_far_down_the_spawn_tree_keeps_its_last_names() {
    fn again(links: u32) {
        match links {
            0 => note!("{}", thread::current().path()),
            _ => drop(thread::spawn(move || again(links - 1))),
        }
    }
    for (links, name) in [
        (64, format!("main/{}task", "task/".repeat(63))),
        (65, format!("…/{}task", "task/".repeat(33))),
        (100, format!("…/{}task", "task/".repeat(36))),
    ] {
        let played = play(ScriptHub::new(), move || {
            again(links);
            thread::sleep(ms(1));
        });
        let told = played.done().told().join("");
        assert_eq!(told.split_once(": ").unwrap().1, name, "{links}");
    }
}
