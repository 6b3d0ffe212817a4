//! `kill`: unwinding at the switch point.

use std::cell::RefCell;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use greenroom::net::TcpStream;
use greenroom::sync::Mutex;
use greenroom::thread::{Killed, panicking};
use greenroom::time::timeout;
use greenroom::wait::wait_read;
use greenroom::{note, thread};

use crate::scripted::{Event, ScriptHub, ms, play};
use crate::{dial, read, said, spawn};

/// Says so when it is dropped.
struct Tells<F: FnMut() -> String>(F);

impl<F: FnMut() -> String> Drop for Tells<F> {
    fn drop(&mut self) {
        note!("{}", self.0());
    }
}

#[test]
fn a_kill_or_an_expiry_that_passes_a_timeout_poisons_no_lock_around_it() {
    for by_kill in [true, false] {
        let played = play(ScriptHub::new(), move || {
            let lock = Rc::new(Mutex::new(()));
            let theirs = lock.clone();
            let victim = spawn("victim", move || {
                timeout(ms(5), || {
                    let _held = theirs.lock().unwrap();
                    let _ = timeout(ms(9), || thread::sleep(ms(99)));
                })
            });
            thread::sleep(ms(1));
            if by_kill {
                victim.kill();
            }
            note!("{:?}", victim.join().map(|ended| ended.is_err()).is_err());
            assert!(!lock.is_poisoned());
        });
        let at = if by_kill { 1 } else { 5 };
        assert_eq!(played.done().told(), [format!("{at} main: {by_kill}")]);
    }
}

#[test]
fn kill_unwinds_at_the_switch_point_and_never_switches_the_killer() {
    let played = play(ScriptHub::new(), || {
        let stream = dial(1);
        let reads = stream.clone();
        type Call = Box<dyn FnOnce()>;
        let calls: Vec<(&str, Call)> = vec![
            ("read", Box::new(move || drop(read(&reads, 1)))),
            ("wait", Box::new(move || drop(wait_read(&*stream, None)))),
            ("sleep", Box::new(|| thread::sleep(ms(99)))),
            ("park", Box::new(thread::park)),
            ("yield", Box::new(thread::yield_now)),
        ];
        for (name, call) in calls {
            let victim = spawn(name, move || {
                let _tells = Tells(|| format!("unwinds: {}", panicking()));
                call();
                note!("not here");
            });
            thread::yield_now();
            victim.kill();
            note!("ordered");
            note!("{}", victim.join().unwrap_err().is::<Killed>());
        }
    });
    let told = played.done().told();
    for (three, name) in told.chunks(3).zip(["read", "wait", "sleep", "park", "yield"]) {
        assert_eq!(three[0], "0 main: ordered");
        assert_eq!(three[1], format!("0 main/{name}: unwinds: true"));
        assert_eq!(three[2], "0 main: true");
    }
    assert_eq!(told.len(), 15);
}

#[test]
fn killed_before_its_start_it_never_runs_and_what_it_owned_is_dropped() {
    let played = play(ScriptHub::new(), || {
        let stream = TcpStream::connect(crate::scripted::peer(1)).unwrap();
        let child = thread::spawn(|| ());
        let victim = spawn("victim", move || {
            let _owned = (stream, child);
            note!("not here");
        });
        victim.kill();
        note!("{}", victim.join().unwrap_err().is::<Killed>());
    });
    let played = played.done();
    assert_eq!(played.told(), ["0 main: true"]);
    assert_eq!(played.hub.open(), 0);
    // The close is charged to the greenlet that owned the handle.
    assert_eq!(played.traced(&["closes"]), ["0 main/victim: closes"]);
}

#[test]
fn a_swallowed_kill_is_met_again() {
    let played = play(ScriptHub::new(), || {
        let victim = spawn("victim", || {
            for _ in 0..2 {
                let caught = catch_unwind(AssertUnwindSafe(|| thread::sleep(ms(99))));
                note!("{}", caught.unwrap_err().is::<Killed>());
            }
            7
        });
        thread::yield_now();
        victim.kill();
        note!("{:?}", victim.join().unwrap());
    });
    let told = ["0 main/victim: true", "0 main/victim: true", "0 main: 7"];
    assert_eq!(played.done().told(), told);
}

#[test]
fn a_swallowed_kill_is_met_before_the_error_of_an_expired_scope() {
    let played = play(ScriptHub::new(), || {
        let stream = dial(1);
        let own: Rc<RefCell<Option<thread::JoinHandle<()>>>> = Rc::default();
        let mine = own.clone();
        let victim = spawn("victim", move || {
            let _ = timeout(ms(1), || {
                note!("{}", read(&stream, 1));
                let own = mine.borrow_mut().take().unwrap();
                let _ = catch_unwind(AssertUnwindSafe(|| own.kill()));
                note!("not here {}", read(&stream, 1));
            });
        });
        *own.borrow_mut() = Some(victim);
        thread::sleep(ms(2));
    });
    assert_eq!(played.done().told(), ["1 main/victim: Elapsed"]);
}

#[test]
fn one_killed_amid_yields_ends_before_time_moves() {
    let played = play(ScriptHub::new(), || {
        spawn("clock", || thread::sleep(ms(50)));
        let victim = spawn("victim", || {
            loop {
                thread::yield_now();
            }
        });
        thread::sleep(ms(1));
        victim.kill();
        let () = victim.join().unwrap_or(());
        note!("joined");
    });
    assert_eq!(played.done().told(), ["1 main: joined"]);
}

#[test]
fn a_blocking_call_in_a_destructor_tries_once_and_errs() {
    let hub = ScriptHub::new().at(ms(0), Event::Bytes(1, b"x".into()));
    let played = play(hub, || {
        let (full, empty) = (dial(1), dial(2));
        let victim = spawn("victim", move || {
            let _tells = Tells(|| {
                thread::sleep(ms(99));
                thread::yield_now();
                let written = said((&*empty).write(b"bye"));
                format!("{} {} {written}", read(&full, 1), read(&empty, 1) != "[]")
            });
            thread::sleep(ms(99));
        });
        thread::sleep(ms(1));
        victim.kill();
        note!("{}", victim.join().is_err());
    });
    let played = played.done();
    assert_eq!(played.told(), ["1 main/victim: [120] true 3", "1 main: true"]);
    assert_eq!(played.hub.written(2), b"bye");
}

#[test]
fn so_it_does_where_the_victim_never_ran() {
    let hub = ScriptHub::new().at(ms(0), Event::Bytes(1, b"x".into()));
    let played = play(hub, || {
        let (full, empty) = (dial(1), dial(2));
        thread::sleep(ms(1));
        let tells = Tells(move || {
            thread::sleep(ms(99));
            thread::yield_now();
            let written = said((&*empty).write(b"bye"));
            format!("{} {} {written}", read(&full, 1), read(&empty, 1) != "[]")
        });
        let victim = spawn("victim", move || drop(tells));
        victim.kill();
        note!("{}", victim.join().unwrap_err().is::<Killed>());
    });
    let played = played.done();
    assert_eq!(played.told(), ["1 main/victim: [120] true 3", "1 main: true"]);
    assert_eq!(played.hub.written(2), b"bye");
}

#[test]
fn a_destructor_tries_even_where_others_are_in_line() {
    let played = play(ScriptHub::new().at(ms(5), Event::Eof(1)), || {
        let stream = dial(1);
        let reads = stream.clone();
        let reader = spawn("reader", move || drop(read(&reads, 1)));
        thread::yield_now();
        let victim = spawn("victim", move || {
            // The tries are seen by what the hub answers: the shutdown makes the end readable.
            let _tells = Tells(|| {
                stream.shutdown(std::net::Shutdown::Read).unwrap();
                read(&stream, 1)
            });
            thread::sleep(ms(99));
        });
        thread::yield_now();
        victim.kill();
        note!("{}", victim.join().is_err());
        reader.join().unwrap();
    });
    assert_eq!(played.done().told(), ["0 main/victim: []", "0 main: true"]);
}

#[test]
fn guards_do_not_poison_on_kill_or_expiry_but_on_panic() {
    let played = play(ScriptHub::new(), || {
        let lock = Rc::new(Mutex::new(0));
        let hold = |then: fn()| {
            let lock = lock.clone();
            move || {
                let _held = lock.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
                then();
            }
        };
        let victim = thread::spawn(hold(|| thread::sleep(ms(99))));
        thread::yield_now();
        victim.kill();
        note!("killed {}", victim.join().is_err());
        note!("{}", lock.is_poisoned());
        let expired = timeout(ms(1), hold(|| thread::sleep(ms(99))));
        note!("expired {}", expired.is_err());
        note!("{}", lock.is_poisoned());
        let panicked = thread::spawn(hold(|| panic!("on purpose"))).join();
        note!("panicked {}", panicked.is_err());
        note!("{}", lock.is_poisoned());
    });
    let told = [
        "0 main: killed true",
        "0 main: false",
        "1 main: expired true",
        "1 main: false",
        "1 main: panicked true",
        "1 main: true",
    ];
    assert_eq!(played.done().told(), told);
}

#[test]
fn a_panic_of_the_programs_own_inside_an_expired_scope_poisons() {
    let played = play(ScriptHub::new(), || {
        let (lock, stream) = (Rc::new(Mutex::new(0)), dial(1));
        let theirs = lock.clone();
        let task = thread::spawn(move || {
            timeout(ms(1), || {
                let _held = theirs.lock().unwrap();
                wait_read(&*stream, None).expect("data in time");
            })
        });
        note!("{}", task.join().is_err());
        note!("{}", lock.is_poisoned());
    });
    assert_eq!(played.done().told(), ["1 main: true", "1 main: true"]);
}

#[test]
fn killing_oneself_unwinds_at_once() {
    let played = play(ScriptHub::new(), || {
        let own: Rc<RefCell<Option<thread::JoinHandle<()>>>> = Rc::default();
        let mine = own.clone();
        let handle = spawn("suicide", move || {
            mine.borrow().as_ref().unwrap().kill();
            note!("not here");
        });
        *own.borrow_mut() = Some(handle);
        thread::yield_now();
        let handle = own.borrow_mut().take().unwrap();
        note!("{} {}", handle.is_finished(), handle.join().unwrap_err().is::<Killed>());
    });
    assert_eq!(played.done().told(), ["0 main: true true"]);
}

#[test]
fn killing_one_that_is_over_does_nothing_even_if_its_slot_is_reused() {
    let played = play(ScriptHub::new(), || {
        let over = thread::spawn(|| 1);
        thread::yield_now();
        let next = thread::spawn(|| {
            thread::sleep(ms(1));
            2
        });
        over.kill();
        note!("{} {}", over.join().unwrap(), next.join().unwrap());
    });
    assert_eq!(played.done().told(), ["1 main: 1 2"]);
}

#[test]
pub fn what_a_call_took_is_its_callers_even_if_a_kill_comes_before_it_returns() {
    use greenroom::hub::Turn;
    let hub = ScriptHub::new().at(ms(0), Event::Bytes(1, b"x".into()));
    // The read finishes at once, and the killer runs before its greenlet goes on.
    let played = play(hub.interrupts(&[Turn::Run(0), Turn::Run(1)]), || {
        let stream = dial(1);
        thread::sleep(ms(1));
        let reader = spawn("reader", move || {
            note!("{}", read(&stream, 1));
            note!("{}", read(&stream, 1));
        });
        thread::yield_now();
        reader.kill();
        note!("killed");
        note!("{}", reader.join().unwrap_err().is::<Killed>());
    });
    let told = ["1 main: killed", "1 main/reader: [120]", "1 main: true"];
    assert_eq!(played.done().told(), told);
}

#[test]
fn one_killed_amid_a_connect_leaves_no_socket() {
    let played = play(ScriptHub::new().dial_hangs(1), || {
        let victim = spawn("victim", || drop(dial(1)));
        thread::sleep(ms(1));
        victim.kill();
        note!("{}", victim.join().is_err());
        thread::sleep(ms(1));
    });
    let played = played.done();
    assert_eq!(played.told(), ["1 main: true"]);
    assert_eq!(played.traced(&["closes"]), ["1 main/victim: closes"]);
    assert_eq!(played.hub.open(), 0);
}
