//! What guards, lazy values and iterators of std's can do beside holding, making and receiving.
#![allow(deprecated)]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use greenroom::sync::{Condvar, LazyLock, Mutex, RwLock, RwLockWriteGuard, TryLockError, mpsc};
use greenroom::time::Duration;
use greenroom::{note, thread};

use crate::scripted::{ScriptHub, ms, play};
use crate::{join_all, spawn};

#[test]
fn a_writer_that_goes_on_reading_lets_readers_in_and_no_writer_between() {
    let played = play(ScriptHub::new(), || {
        let lock = Rc::new(RwLock::new(0));
        let mut writing = lock.write().unwrap();
        let waits = |name: &'static str, write: bool| {
            let lock = lock.clone();
            spawn(name, move || match write {
                true => {
                    *lock.write().unwrap() += 1;
                    note!("wrote");
                }
                false => note!("read {}", *lock.read().unwrap()),
            })
        };
        let all = [waits("r1", false), waits("w", true), waits("r2", false)];
        thread::yield_now();
        *writing = 7;
        let reading = RwLockWriteGuard::downgrade(writing);
        thread::yield_now();
        note!("still {}", *reading);
        assert!(matches!(lock.try_write(), Err(TryLockError::WouldBlock)));
        drop(reading);
        join_all(all);
        assert!(!lock.is_poisoned());
    });
    let told = ["0 main/r1: read 7", "0 main: still 7", "0 main/w: wrote", "0 main/r2: read 8"];
    assert_eq!(played.done().told(), told);
}

#[test]
fn a_downgrade_while_a_panic_unwinds_poisons_nothing() {
    struct Downgrades<'a>(Option<RwLockWriteGuard<'a, u32>>);
    impl Drop for Downgrades<'_> {
        fn drop(&mut self) {
            drop(RwLockWriteGuard::downgrade(self.0.take().unwrap()));
        }
    }
    let lock = RwLock::new(3);
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let _guard = Downgrades(Some(lock.write().unwrap()));
        panic!("on purpose");
    }));
    assert!(panicked.is_err() && !lock.is_poisoned());
    let poisoned = catch_unwind(AssertUnwindSafe(|| {
        let _guard = lock.write().unwrap();
        panic!("on purpose");
    }));
    assert!(poisoned.is_err() && lock.is_poisoned());
    // One that was poisoned stays so.
    let guard = lock.write().unwrap_err().into_inner();
    assert_eq!(*RwLockWriteGuard::downgrade(guard), 3);
    assert!(lock.is_poisoned() && lock.try_write().is_err());
}

#[test]
fn a_lazy_value_is_looked_at_without_making_it() {
    let mut lazy = LazyLock::new(|| vec![1]);
    assert!(LazyLock::get(&lazy).is_none() && LazyLock::get_mut(&mut lazy).is_none());
    LazyLock::force_mut(&mut lazy).push(2);
    assert_eq!(LazyLock::get(&lazy), Some(&vec![1, 2]));
    LazyLock::get_mut(&mut lazy).unwrap().push(3);
    assert_eq!(*lazy, [1, 2, 3]);
    let mut broken: LazyLock<u32> = LazyLock::new(|| panic!("on purpose"));
    for _ in 0..2 {
        assert!(catch_unwind(AssertUnwindSafe(|| *LazyLock::force_mut(&mut broken))).is_err());
        assert!(LazyLock::get(&broken).is_none() && LazyLock::get_mut(&mut broken).is_none());
    }
}

#[test]
fn what_is_there_is_received_without_waiting() {
    let (tx, rx) = mpsc::channel();
    [1, 2].iter().for_each(|n| tx.send(*n).unwrap());
    let mut there: mpsc::TryIter<'_, i32> = rx.try_iter();
    assert_eq!((there.next(), there.next(), there.next()), (Some(1), Some(2), None));
    tx.send(3).unwrap();
    // It is not fused, as std's is not.
    assert_eq!(there.next(), Some(3));
    assert_eq!(format!("{there:?}"), "TryIter { receiver: Receiver { .. } }");
    assert_eq!(format!("{:?}", rx.iter()), "Iter { receiver: Receiver { .. } }");
    assert_eq!(format!("{:?}", rx.into_iter()), "IntoIter { receiver: Receiver { .. } }");
}

#[test]
fn calls_that_std_has_in_milliseconds_are_there() {
    let played = play(ScriptHub::new(), || {
        thread::sleep_ms(2);
        note!("slept");
        thread::park_timeout_ms(3);
        note!("parked");
        let (lock, told) = (Rc::new(Mutex::new(())), Rc::new(Condvar::new()));
        let (guard, in_time) = told.wait_timeout_ms(lock.lock().unwrap(), 4).unwrap();
        note!("{in_time}");
        let theirs = told.clone();
        spawn("teller", move || {
            thread::sleep(ms(1));
            theirs.notify_one();
        });
        let (_guard, in_time) = told.wait_timeout_ms(guard, 4).unwrap();
        note!("{in_time}");
    });
    let told = ["2 main: slept", "5 main: parked", "9 main: false", "10 main: true"];
    assert_eq!(played.done().told(), told);
}

#[test]
fn an_elapsed_timeout_is_an_error_like_any_other() {
    let played = play(ScriptHub::new(), || {
        let call = |nap: Duration| -> std::io::Result<u32> {
            let value = greenroom::time::timeout(ms(5), || {
                thread::sleep(nap);
                std::io::Result::Ok(7)
            })??;
            Ok(value)
        };
        note!("{:?}", call(ms(1)).unwrap());
        let error = call(ms(9)).unwrap_err();
        note!("{:?}: {error}", error.kind());
    });
    let told = ["1 main: 7", "6 main: TimedOut: the enclosing timeout has elapsed"];
    assert_eq!(played.done().told(), told);
}
