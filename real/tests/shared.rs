//! Statics between two hubs on two threads, and a thread without one, under load: everybody comes to
//! the end, so no wake is lost, and nothing that was guarded is.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{Scope, scope};

use greenroom::sync::{Event, GetError, Mutex, Queue, ReentrantLock, RwLock, Semaphore, mpsc};
use greenroom::thread::{JoinHandle, spawn, yield_now};
use greenroom_real::run;

/// Greenlets of each hub.
const GREENLETS: usize = 4;

/// Runs `work` in greenlets of a hub, on a thread of its own.
fn hub<'a>(scope: &'a Scope<'a, '_>, work: fn(usize)) {
    scope.spawn(move || {
        run(move || {
            let working: Vec<JoinHandle<()>> =
                (0..GREENLETS).map(|number| spawn(move || work(number))).collect();
            working.into_iter().for_each(|worker| worker.join().unwrap());
        });
    });
}

/// Now and then lets others run, in the middle of things.
fn sometimes_yield(round: usize) {
    if round.is_multiple_of(64) {
        yield_now();
    }
}

/// Lets others run until somebody says so.
fn until(flag: &AtomicBool) {
    while !flag.load(Ordering::SeqCst) {
        yield_now();
    }
}

#[test]
fn a_mutex_of_two_hubs_is_handed_on_a_million_times() {
    const ROUNDS: usize = 1_000_000 / (2 * GREENLETS);
    static COUNT: Mutex<usize> = Mutex::new(0);
    scope(|scope| {
        for _ in 0..2 {
            hub(scope, |_| {
                for round in 0..ROUNDS {
                    let mut count = COUNT.lock().unwrap();
                    *count += 1;
                    sometimes_yield(round);
                }
            });
        }
    });
    assert_eq!(*COUNT.lock().unwrap(), ROUNDS * 2 * GREENLETS);
}

#[test]
fn a_mutex_is_handed_between_two_hubs_and_a_thread() {
    const ROUNDS: usize = 5000;
    static COUNT: Mutex<usize> = Mutex::new(0);
    let work = |_| {
        for round in 0..ROUNDS {
            let mut count = COUNT.lock().unwrap();
            *count += 1;
            sometimes_yield(round);
        }
    };
    scope(|scope| {
        hub(scope, work);
        hub(scope, work);
        scope.spawn(|| (0..ROUNDS).for_each(|_| *COUNT.lock().unwrap() += 1));
    });
    assert_eq!(*COUNT.lock().unwrap(), ROUNDS * (2 * GREENLETS + 1));
}

/// In a destructor that unwinds nobody waits, so the thread stands still until another hub lets go, and has
/// the lock before those of its own hub who came earlier: they cannot run.
#[test]
fn a_lock_wanted_in_a_destructor_comes_from_another_hub_before_who_waits_here() {
    static LOCK: Mutex<Vec<&str>> = Mutex::new(Vec::new());
    static HELD: AtomicBool = AtomicBool::new(false);
    static WANTED: AtomicBool = AtomicBool::new(false);
    struct Wants;
    impl Drop for Wants {
        fn drop(&mut self) {
            WANTED.store(true, Ordering::SeqCst);
            LOCK.lock().unwrap().push("unwound");
        }
    }
    for _ in 0..20 {
        LOCK.lock().unwrap().clear();
        HELD.store(false, Ordering::SeqCst);
        WANTED.store(false, Ordering::SeqCst);
        scope(|scope| {
            scope.spawn(|| {
                run(|| {
                    let guard = LOCK.lock().unwrap();
                    HELD.store(true, Ordering::SeqCst);
                    until(&WANTED);
                    drop(guard);
                });
            });
            scope.spawn(|| {
                run(|| {
                    until(&HELD);
                    let early = spawn(|| LOCK.lock().unwrap().push("waited"));
                    let unwound = spawn(|| {
                        let _wants = Wants;
                        greenroom::thread::park();
                    });
                    yield_now();
                    unwound.kill();
                    assert!(unwound.join().is_err());
                    early.join().unwrap();
                });
            });
        });
        assert_eq!(*LOCK.lock().unwrap(), ["unwound", "waited"]);
    }
}

/// One of another hub goes before those who wait here, from a destructor. Whoever they waited for has let go,
/// and yet nobody of this hub holds the lock: that is no deadlock.
#[test]
fn who_is_passed_over_by_another_hub_waits_for_that_one() {
    static LOCK: Mutex<()> = Mutex::new(());
    static HELD: AtomicBool = AtomicBool::new(false);
    static LINED_UP: AtomicBool = AtomicBool::new(false);
    static WANTED: AtomicBool = AtomicBool::new(false);
    struct Wants;
    impl Drop for Wants {
        fn drop(&mut self) {
            WANTED.store(true, Ordering::SeqCst);
            let guard = LOCK.lock();
            // Long enough for the other hub to find that it has nothing to do.
            std::thread::yield_now();
            let (_sender, nothing) = std::sync::mpsc::channel::<()>();
            let _ = nothing.recv_timeout(std::time::Duration::from_millis(50));
            drop(guard);
        }
    }
    scope(|scope| {
        scope.spawn(|| {
            let ended = greenroom_real::try_run(|| {
                let guard = LOCK.lock();
                HELD.store(true, Ordering::SeqCst);
                let waits = spawn(|| drop(LOCK.lock()));
                yield_now();
                LINED_UP.store(true, Ordering::SeqCst);
                until(&WANTED);
                drop(guard);
                waits.join().unwrap();
            });
            ended.unwrap_or_else(|error| panic!("{error}"));
        });
        scope.spawn(|| {
            run(|| {
                until(&LINED_UP);
                let unwound = spawn(|| {
                    let _wants = Wants;
                    greenroom::thread::park();
                });
                yield_now();
                unwound.kill();
                assert!(unwound.join().is_err());
            });
        });
    });
}

/// A thread that runs no hub sends and receives as it would with std's own.
#[test]
fn a_channel_is_one_of_threads_as_well() {
    const MESSAGES: usize = 2000;
    for bound in [0, 1, 16] {
        let (to_hub, from_thread) = mpsc::sync_channel(bound);
        let (to_thread, from_hub) = mpsc::sync_channel(bound);
        scope(|scope| {
            scope.spawn(move || {
                run(move || {
                    for message in from_thread.iter() {
                        to_thread.send(message + 1).unwrap();
                    }
                });
            });
            scope.spawn(move || (0..MESSAGES).for_each(|number| to_hub.send(number).unwrap()));
            let back: Vec<usize> = from_hub.iter().collect();
            assert!(back.into_iter().eq(1..=MESSAGES), "bound {bound}");
        });
    }
}

#[test]
fn a_lock_for_readers_and_writers_keeps_two_hubs_and_a_thread_apart() {
    const ROUNDS: usize = 5000;
    /// Both are always the same for whoever may look.
    static PAIR: RwLock<(usize, usize)> = RwLock::new((0, 0));
    fn write() {
        let mut pair = PAIR.write().unwrap();
        pair.0 += 1;
        pair.1 += 1;
    }
    fn read() {
        let pair = PAIR.read().unwrap();
        assert_eq!(pair.0, pair.1);
    }
    let work = |number| {
        for round in 0..ROUNDS {
            if (round + number) % 4 == 0 {
                write()
            } else {
                read()
            }
            sometimes_yield(round);
        }
    };
    scope(|scope| {
        hub(scope, work);
        hub(scope, work);
        scope.spawn(move || {
            (0..ROUNDS).for_each(|round| if round % 4 == 0 { write() } else { read() })
        });
    });
    assert_eq!(PAIR.read().unwrap().0, ROUNDS / 4 * (2 * GREENLETS + 1));
}

#[test]
fn a_reentrant_lock_belongs_to_one_greenlet_of_all_hubs() {
    const ROUNDS: usize = 5000;
    static LOCK: ReentrantLock<()> = ReentrantLock::new(());
    static INSIDE: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    fn once() {
        use std::sync::atomic::Ordering::SeqCst;
        let _outer = LOCK.lock();
        let _inner = LOCK.lock();
        assert_eq!(INSIDE.fetch_add(1, SeqCst), 0);
        assert_eq!(INSIDE.fetch_sub(1, SeqCst), 1);
    }
    let work = |_| {
        for round in 0..ROUNDS {
            once();
            sometimes_yield(round);
        }
    };
    scope(|scope| {
        hub(scope, work);
        hub(scope, work);
        scope.spawn(|| (0..ROUNDS).for_each(|_| once()));
    });
}

#[test]
fn permits_go_round_between_two_hubs_and_a_thread() {
    const ROUNDS: usize = 5000;
    static PERMITS: Semaphore = Semaphore::new(3);
    let work = |_| {
        for round in 0..ROUNDS {
            let _permit = PERMITS.permit();
            sometimes_yield(round);
        }
    };
    scope(|scope| {
        hub(scope, work);
        hub(scope, work);
        scope.spawn(|| (0..ROUNDS).for_each(|_| drop(PERMITS.permit())));
    });
    assert_eq!(PERMITS.available(), 3);
}

#[test]
fn a_queue_carries_every_item_once_between_two_hubs_and_threads() {
    const ITEMS: usize = 5000;
    static QUEUE: Queue<usize> = Queue::bounded(5);
    static SEEN: Mutex<BTreeSet<usize>> = Mutex::new(BTreeSet::new());
    fn get_all() {
        loop {
            match QUEUE.get() {
                Ok(item) => {
                    assert!(SEEN.lock().unwrap().insert(item), "it came a second time");
                    QUEUE.task_done().unwrap();
                }
                Err(GetError::ShutDown) => return,
                Err(GetError::Empty) => unreachable!("it waits for as long as it takes"),
            }
        }
    }
    scope(|scope| {
        hub(scope, |_| get_all());
        scope.spawn(get_all);
        scope.spawn(|| {
            run(|| {
                let putting: Vec<JoinHandle<()>> = (0..GREENLETS)
                    .map(|number| {
                        spawn(move || {
                            (0..ITEMS).for_each(|n| QUEUE.put(number * ITEMS + n).unwrap());
                        })
                    })
                    .collect();
                putting.into_iter().for_each(|putter| putter.join().unwrap());
            });
            (0..ITEMS).for_each(|n| QUEUE.put(GREENLETS * ITEMS + n).unwrap());
            QUEUE.join();
            QUEUE.shut_down();
        });
    });
    assert_eq!(SEEN.lock().unwrap().len(), (GREENLETS + 1) * ITEMS);
}

#[test]
fn a_channel_carries_from_a_hub_and_a_thread_to_another_hub() {
    const ITEMS: usize = 20_000;
    let (sender, receiver) = mpsc::channel::<usize>();
    let (bounded, bounded_receiver) = mpsc::sync_channel::<usize>(3);
    let their_sender = sender.clone();
    let start = Barrier::new(3);
    scope(|scope| {
        scope.spawn(|| {
            start.wait();
            run(move || {
                let sending = spawn(move || (0..ITEMS).for_each(|n| bounded.send(n).unwrap()));
                (0..ITEMS).for_each(|n| sender.send(n).unwrap());
                sending.join().unwrap();
            });
        });
        scope.spawn(|| {
            start.wait();
            (0..ITEMS).for_each(|n| their_sender.send(n).unwrap());
            drop(their_sender);
        });
        start.wait();
        run(move || {
            let counting =
                spawn(move || bounded_receiver.iter().enumerate().all(|(at, n)| at == n));
            assert_eq!(receiver.iter().sum::<usize>(), ITEMS * (ITEMS - 1));
            assert!(counting.join().unwrap(), "each after the one before");
        });
    });
}

/// Whoever waits may be killed in the middle of it, on either hub.
#[test]
fn those_who_are_killed_in_line_lose_no_permit_of_the_others() {
    const ROUNDS: usize = 2000;
    static PERMITS: Semaphore = Semaphore::new(1);
    let work = |_| {
        let taken = Rc::<Cell<usize>>::default();
        for _ in 0..ROUNDS {
            let theirs = taken.clone();
            let victim = spawn(move || {
                let _permit = PERMITS.permit();
                theirs.set(theirs.get() + 1);
            });
            yield_now();
            victim.kill();
            let _ = victim.join();
            drop(PERMITS.permit());
        }
    };
    scope(|scope| {
        hub(scope, work);
        hub(scope, work);
    });
    assert_eq!(PERMITS.available(), 1);
}

#[test]
fn an_event_of_two_hubs_is_heard_each_time() {
    const ROUNDS: usize = 5000;
    static PING: Event = Event::new();
    static PONG: Event = Event::new();
    scope(|scope| {
        scope.spawn(|| {
            run(|| {
                for _ in 0..ROUNDS {
                    PING.set();
                    PONG.wait(None);
                    PONG.clear();
                }
            });
        });
        run(|| {
            for _ in 0..ROUNDS {
                PING.wait(None);
                PING.clear();
                PONG.set();
            }
        });
    });
}
