//! A run's beginning and end, and what crosses between hubs: deadlocks, panics, fairness, handles
//! in strange hands, locks of two threads.

use std::cell::Cell;
use std::io::{ErrorKind, Read, Write};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use greenroom::net::{TcpListener, TcpStream};
use greenroom::sync::{Event, Mutex};
use greenroom::thread;
use greenroom_real::{RunError, run, try_run};

fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let accepting = thread::spawn(move || listener.accept().unwrap().0);
    (TcpStream::connect(address).unwrap(), accepting.join().unwrap())
}

fn named(name: &str, body: impl FnOnce() + 'static) -> thread::JoinHandle<()> {
    thread::Builder::new().name(name.into()).spawn(body).unwrap()
}

#[test]
fn greenlets_that_hold_each_others_lock_are_a_deadlock_that_names_them() {
    let stuck = try_run(|| {
        let (left, right) = (Rc::new(Mutex::new(())), Rc::new(Mutex::new(())));
        let (other_left, other_right) = (left.clone(), right.clone());
        let one = named("one", move || {
            let _held = left.lock();
            thread::yield_now();
            let _never = right.lock();
        });
        named("two", move || {
            let _held = other_right.lock();
            thread::yield_now();
            let _never = other_left.lock();
        });
        one.join().unwrap();
    });
    let Err(RunError::Deadlock(stall)) = stuck else { panic!("not a deadlock: {stuck:?}") };
    let parked: Vec<_> =
        stall.stuck.iter().map(|stuck| (&*stuck.greenlet, stuck.op, &*stuck.on)).collect();
    assert_eq!(
        parked,
        [
            ("main", "join", "the end of main/one"),
            ("main/one", "lock", "a lock held by main/two"),
            ("main/two", "lock", "a lock held by main/one"),
        ]
    );
}

#[test]
fn greenlets_that_join_each_other_are_a_deadlock() {
    let stuck = try_run(|| {
        let theirs: Rc<Cell<Option<thread::JoinHandle<()>>>> = Rc::default();
        let handle = theirs.clone();
        let one = named("one", move || handle.take().unwrap().join().unwrap());
        theirs.set(Some(named("two", move || one.join().unwrap())));
        loop {
            // Main has nobody to wait for but them, who wait for each other.
            let held = Rc::new(Mutex::new(()));
            std::mem::forget(held.lock());
            let _never = held.lock();
        }
    });
    let text = stuck.unwrap_err().to_string();
    assert!(text.contains("main/one: in join on the end of main/two"), "{text}");
    assert!(text.contains("main/two: in join on the end of main/one"), "{text}");
}

#[test]
#[should_panic(expected = "nothing can happen any more")]
fn run_panics_with_the_table_of_a_deadlock() {
    run(|| {
        let lock = Mutex::new(());
        let _held = lock.lock();
        let _never = lock.lock();
    });
}

#[test]
fn a_panic_in_main_goes_on_from_run_and_one_elsewhere_ends_nobody() {
    let outcome = std::panic::catch_unwind(|| {
        run(|| {
            thread::spawn(|| panic!("nobody joins this"));
            thread::yield_now();
            std::panic::resume_unwind(Box::new("main's own"));
        })
    });
    assert_eq!(*outcome.unwrap_err().downcast::<&str>().unwrap(), "main's own");
}

#[test]
fn what_is_left_when_main_returns_is_unwound_in_order() {
    struct Tells(u32, Rc<Cell<Vec<u32>>>);
    impl Drop for Tells {
        fn drop(&mut self) {
            let mut told = self.1.take();
            told.push(self.0);
            self.1.set(told);
        }
    }
    let told = run(|| {
        let told: Rc<Cell<Vec<u32>>> = Rc::default();
        for number in 0..3 {
            let tells = Tells(number, told.clone());
            thread::spawn(move || {
                let _tells = tells;
                thread::sleep(Duration::from_secs(3600));
            });
        }
        thread::yield_now();
        told
    });
    assert_eq!(told.take(), [0, 1, 2]);
}

#[test]
fn a_sleep_is_never_short() {
    run(|| {
        for micros in [1, 300, 1_000, 2_500] {
            let start = std::time::Instant::now();
            thread::sleep(Duration::from_micros(micros));
            assert!(start.elapsed() >= Duration::from_micros(micros));
        }
    });
}

#[test]
fn sleepers_wake_in_the_order_of_their_deadlines() {
    run(|| {
        let order: Rc<Cell<Vec<u64>>> = Rc::default();
        let sleepers: Vec<_> = [9, 3, 6]
            .map(|millis| {
                let order = order.clone();
                thread::spawn(move || {
                    thread::sleep(Duration::from_millis(millis));
                    let mut woken = order.take();
                    woken.push(millis);
                    order.set(woken);
                })
            })
            .into();
        for sleeper in sleepers {
            sleeper.join().unwrap();
        }
        assert_eq!(order.take(), [3, 6, 9]);
    });
}

#[test]
fn a_greenlet_that_never_waits_starves_neither_io_nor_timers() {
    run(|| {
        let (ours, mut theirs) = pair();
        theirs.write_all(b"x").unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let done = Rc::new(Cell::new(0));
        let (accepted, slept) = (done.clone(), done.clone());
        thread::spawn(move || {
            listener.accept().unwrap();
            accepted.set(accepted.get() + 1);
        });
        thread::spawn(move || {
            thread::sleep(Duration::from_nanos(1));
            slept.set(slept.get() + 1);
        });
        thread::yield_now();
        let _client = std::net::TcpStream::connect(address).unwrap();
        let mut calls = 0;
        while done.get() < 2 {
            ours.peek(&mut [0]).unwrap();
            calls += 1;
            // Two budgets at most: what was left of one, and one in which both have a turn.
            assert!(calls <= 2 * 64, "no turn for the others in {calls} calls");
        }
    });
}

#[test]
fn greenlets_that_only_yield_let_a_timeout_end_them() {
    run(|| {
        let forever = greenroom::time::timeout(Duration::from_millis(2), || {
            loop {
                thread::yield_now();
            }
        });
        let _: greenroom::time::Elapsed = forever.map(|never: ()| never).unwrap_err();
    });
}

#[test]
fn outside_a_hub_a_call_errs_and_names_run() {
    let outside = TcpStream::connect("127.0.0.1:9").unwrap_err();
    assert_eq!(outside.kind(), ErrorKind::NotConnected);
    assert!(outside.to_string().contains("greenroom_real::run"), "{outside}");
    let ended = run(|| TcpListener::bind("127.0.0.1:0").unwrap());
    assert_eq!(ended.accept().unwrap_err().kind(), ErrorKind::NotConnected);
    let other = run(move || ended.accept().map(|_| ()).unwrap_err());
    assert!(other.to_string().contains("has ended"), "{other}");
}

#[test]
fn a_handle_used_under_another_hub_errs_and_says_so() {
    run(|| {
        let listener = Arc::new(TcpListener::bind("127.0.0.1:0").unwrap());
        let theirs = listener.clone();
        let foreign = std::thread::spawn(move || {
            run(move || {
                let used = theirs.accept().map(|_| ()).unwrap_err();
                let waited = greenroom::wait::wait_read(&*theirs, None).unwrap_err();
                (used, waited)
            })
        });
        let (used, waited) = foreign.join().unwrap();
        for error in [used, waited] {
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert!(error.to_string().contains("another hub"), "{error}");
        }
        // Nothing happened to it here.
        let address = listener.local_addr().unwrap();
        let _client = std::net::TcpStream::connect(address).unwrap();
        listener.accept().unwrap();
    });
}

#[test]
fn a_handle_dropped_on_another_thread_closes_the_socket() {
    run(|| {
        let (ours, mut theirs) = pair();
        std::thread::spawn(move || drop(ours));
        assert_eq!(theirs.read(&mut [0; 4]).unwrap(), 0);
    });
}

#[test]
fn a_lock_excludes_greenlets_of_two_hubs() {
    const ROUNDS: u32 = 500;
    let (count, inside) = (Arc::new(Mutex::new(0)), Arc::new(std::sync::atomic::AtomicU32::new(0)));
    let threads: Vec<_> = (0..2)
        .map(|_| {
            let (count, inside) = (count.clone(), inside.clone());
            std::thread::spawn(move || {
                run(move || {
                    let greenlets: Vec<_> = (0..2)
                        .map(|_| {
                            let (count, inside) = (count.clone(), inside.clone());
                            thread::spawn(move || {
                                for _ in 0..ROUNDS {
                                    let mut count = count.lock().unwrap();
                                    let order = std::sync::atomic::Ordering::SeqCst;
                                    assert_eq!(inside.fetch_add(1, order), 0);
                                    thread::yield_now();
                                    assert_eq!(inside.fetch_sub(1, order), 1);
                                    *count += 1;
                                }
                            })
                        })
                        .collect();
                    for greenlet in greenlets {
                        greenlet.join().unwrap();
                    }
                })
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(*count.lock().unwrap(), 4 * ROUNDS);
}

#[test]
fn an_event_set_on_one_thread_wakes_a_greenlet_of_another() {
    static READY: Event = Event::new();
    let (waits, is_waiting) = channel();
    let waiter = std::thread::spawn(move || {
        run(move || {
            let waiting = thread::spawn(|| READY.wait(None));
            thread::yield_now();
            waits.send(()).unwrap();
            waiting.join().unwrap()
        })
    });
    is_waiting.recv().unwrap();
    READY.set();
    assert!(waiter.join().unwrap());
}

#[test]
fn unpark_reaches_another_thread() {
    let (sends, receives) = channel();
    let parked = std::thread::spawn(move || {
        run(move || {
            sends.send(thread::current()).unwrap();
            thread::park();
        })
    });
    receives.recv().unwrap().unpark();
    parked.join().unwrap();
}

#[test]
fn a_hub_is_not_entered_twice_and_a_thread_runs_one_after_another() {
    let twice = std::panic::catch_unwind(|| run(|| run(|| ())));
    assert!(twice.is_err());
    assert_eq!(run(|| 1) + run(|| 2), 3);
}

/// Threads that come and go, each with a hub of greenlets: what they had serves the next.
#[cfg(target_os = "linux")]
#[test]
fn a_thread_that_ran_a_hub_leaves_nothing_behind() {
    let hub = || {
        let thread = std::thread::spawn(|| {
            run(|| {
                let tasks: Vec<_> = (0..10).map(|_| thread::spawn(thread::yield_now)).collect();
                tasks.into_iter().for_each(|task| task.join().unwrap());
            });
        });
        thread.join().unwrap();
    };
    (0..50).for_each(|_| hub());
    let before = pages();
    (0..500).for_each(|_| hub());
    let after = pages();
    // A slab is 4 GiB, and what was touched of it some eleven pages.
    assert!(after.0 < before.0 + (1 << 20), "of address space, in pages: {before:?}, {after:?}");
    assert!(after.1 < before.1 + 500, "in memory, in pages: {before:?}, {after:?}");
}

/// How many pages of address space this process has, and how many of them are in memory.
#[cfg(target_os = "linux")]
fn pages() -> (u64, u64) {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let mut numbers = statm.split(' ').map(|number| number.parse().unwrap());
    (numbers.next().unwrap(), numbers.next().unwrap())
}
