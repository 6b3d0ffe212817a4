//! What ThreadSanitizer must report and what it must not, where each greenlet has a thread of its own:
//! `cargo xtask tsan`.
#![allow(unsafe_code)]

use std::cell::{Cell, UnsafeCell};
use std::rc::Rc;
use std::thread::scope;

use greenroom::sync::{Event, Mutex, mpsc};
use greenroom::thread::{spawn, yield_now};
use greenroom_real::run;

const ROUNDS: usize = 100;

/// Greenlets of a hub share what is not `Sync`: one runs at a time, each after the one before.
#[test]
fn what_greenlets_of_a_hub_leave_to_each_other_is_no_race() {
    run(|| {
        let count = Rc::new(Cell::new(0));
        let working: Vec<_> = (0..3)
            .map(|_| {
                let count = count.clone();
                spawn(move || {
                    for _ in 0..ROUNDS {
                        count.set(count.get() + 1);
                        yield_now();
                    }
                })
            })
            .collect();
        working.into_iter().for_each(|one| one.join().unwrap());
        assert_eq!(count.get(), 3 * ROUNDS);
    });
}

/// Lets any thread at it.
struct Shared(UnsafeCell<usize>);

// SAFETY: the value is handed over from one thread to the next, but for the race that is planted.
unsafe impl Sync for Shared {}

impl Shared {
    fn add_one(&self) {
        // SAFETY: as above.
        unsafe { *self.0.get() += 1 }
    }
}

/// Two hubs, each on its thread.
fn two_hubs(first: impl FnOnce() + Send + 'static, second: impl FnOnce() + Send + 'static) {
    scope(|scope| {
        scope.spawn(|| run(first));
        scope.spawn(|| run(second));
    });
}

/// A lock, a message and an event say that what came before them is done, to greenlets of another hub too.
#[test]
fn what_is_handed_from_hub_to_hub_is_no_race() {
    static LOCKED: Mutex<()> = Mutex::new(());
    static UNDER_LOCK: Shared = Shared(UnsafeCell::new(0));
    fn locks() {
        for round in 0..ROUNDS {
            let _guard = LOCKED.lock().unwrap();
            UNDER_LOCK.add_one();
            if round.is_multiple_of(8) {
                yield_now();
            }
        }
    }
    two_hubs(locks, locks);

    static SENT: Shared = Shared(UnsafeCell::new(0));
    let (sender, receiver) = mpsc::channel();
    static BACK: Event = Event::new();
    two_hubs(
        move || {
            SENT.add_one();
            sender.send(()).unwrap();
            BACK.wait(None);
            SENT.add_one();
        },
        move || {
            receiver.recv().unwrap();
            SENT.add_one();
            BACK.set();
        },
    );
}

/// The tool has to see this one: two hubs write to one place, and nothing orders them.
#[cfg(greenroom_threads)]
#[test]
fn a_planted_race() {
    use std::sync::atomic::{AtomicUsize, Ordering};

    static RACED: Shared = Shared(UnsafeCell::new(0));
    static THERE: AtomicUsize = AtomicUsize::new(0);
    fn races() {
        THERE.fetch_add(1, Ordering::Relaxed);
        while THERE.load(Ordering::Relaxed) < 2 {
            yield_now();
        }
        (0..ROUNDS).for_each(|_| RACED.add_one());
    }
    two_hubs(races, races);
}
