//! Between two looks at a lock another hub may hand it on.

use std::cell::Cell;
use std::rc::Rc;

use super::Mutex;
use crate::driver::{self, Program, Role, Stop};
use crate::hub::DeadHub;
use crate::thread;

/// Runs `main` where nothing happens but turns.
fn run(main: fn()) {
    let done = Rc::new(Cell::new(false));
    let told = done.clone();
    let body = Box::new(move || {
        main();
        told.set(true);
    });
    let program = Program { name: "main".into(), role: Role::Client, body };
    let (ending, _) = driver::run(DeadHub::that_starts(), vec![program]);
    assert!(matches!(ending.stop, Stop::Done) && ending.panics.is_empty(), "{ending:?}");
    assert!(done.get());
}

/// When it looked first, another hub's greenlet had the lock; by now one of its own has, which cannot run.
#[test]
fn who_stands_still_takes_what_one_of_its_hub_was_handed_meanwhile() {
    run(|| {
        let lock = Rc::new(Mutex::new(0));
        let (held, theirs) = (lock.lock(), lock.clone());
        let waiter = thread::spawn(move || *theirs.lock().unwrap() += 1);
        thread::yield_now();
        drop(held);
        lock.stand_still();
        *lock.guard().unwrap() = 10;
        waiter.join().unwrap();
        assert_eq!(*lock.lock().unwrap(), 11);
    });
}
