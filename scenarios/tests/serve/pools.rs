//! Pools: no more at once than they have room for, and many items mapped in them.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use greenroom::pool::{Group, Pool};
use greenroom::sync::Event;
use greenroom::thread::{Killed, sleep};
use greenroom::time::Duration;

use crate::on_both;

const SHORT: Option<Duration> = Some(Duration::from_millis(1));

#[test]
fn a_pool_maps_items_in_order_and_never_more_at_once_than_it_has_room_for() {
    on_both(|| {
        let (now, most) = (Rc::<Cell<usize>>::default(), Rc::<Cell<usize>>::default());
        let (their_now, their_most) = (now.clone(), most.clone());
        let pool = Pool::new(3);
        let squares = pool.map(0..20u32, move |n| {
            their_now.set(their_now.get() + 1);
            their_most.set(their_most.get().max(their_now.get()));
            sleep(Duration::from_millis(1));
            their_now.set(their_now.get() - 1);
            n * n
        });
        assert_eq!(squares, (0..20u32).map(|n| n * n).collect::<Vec<_>>());
        assert_eq!(most.get(), 3);
        assert!(pool.join(None));
        assert_eq!((pool.len(), pool.free_count()), (0, 3));
    });
}

#[test]
fn answers_come_in_order_or_as_they_come() {
    on_both(|| {
        let after = |ms: u64| {
            sleep(Duration::from_millis(ms));
            ms
        };
        let pool = Pool::new(3);
        assert_eq!(pool.imap([30, 1, 15], after).collect::<Vec<_>>(), [30, 1, 15]);
        assert_eq!(pool.imap_unordered([30, 1, 15], after).collect::<Vec<_>>(), [1, 15, 30]);
        assert_eq!(Group::new().imap_unordered([30, 1, 15], after).next(), Some(1));
    });
}

#[test]
fn a_call_in_a_pool_answers_or_panics_as_it_does() {
    on_both(|| {
        let pool = Pool::new(1);
        assert_eq!(pool.apply(|| 6 * 7), 42);
        let payload = catch_unwind(AssertUnwindSafe(|| pool.apply(|| panic!("no")))).unwrap_err();
        assert_eq!(payload.downcast_ref(), Some(&"no"));
        let panicked =
            catch_unwind(AssertUnwindSafe(|| pool.map([1, 0], |n| assert!(n > 0, "none"))));
        assert_eq!(panicked.unwrap_err().downcast_ref(), Some(&"none"));
        assert!(pool.join(None), "what panicked has left its place");
        assert_eq!(pool.free_count(), 1);
    });
}

#[test]
fn who_finds_a_pool_full_waits_or_is_told() {
    on_both(|| {
        let (pool, go) = (Pool::new(1), Rc::<Event>::default());
        let theirs = go.clone();
        let first = pool.spawn(move || theirs.wait(None));
        assert!(pool.is_full());
        assert!(pool.try_spawn(|| ()).is_err());
        assert!(pool.spawn_timeout(SHORT.unwrap(), || ()).is_err());
        assert!(!pool.join(SHORT));
        assert_eq!(pool.wait_available(SHORT), 0);
        go.set();
        assert_eq!(pool.spawn(|| 2).join().unwrap(), 2);
        assert!(first.join().unwrap());
    });
}

#[test]
fn a_pool_that_is_killed_is_empty_and_may_be_used_again() {
    on_both(|| {
        let pool = Pool::new(3);
        let begun = Rc::new(Event::new());
        let theirs = begun.clone();
        let waits = pool.spawn(move || {
            theirs.set();
            Event::new().wait(None)
        });
        begun.wait(None);
        // One that waits, and one that never began.
        let never = pool.spawn(|| unreachable!("killed before its turn"));
        pool.kill();
        assert!(pool.join(None));
        assert_eq!((pool.len(), pool.free_count()), (0, 3));
        assert!(waits.join().unwrap_err().is::<Killed>());
        let ended: Result<(), _> = never.join();
        assert!(ended.unwrap_err().is::<Killed>());
        assert_eq!(pool.apply(|| 1), 1);
    });
}
