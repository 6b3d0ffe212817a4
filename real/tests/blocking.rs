//! Work that blocks, done elsewhere, while greenlets go on.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, mpsc};
use std::time::Duration;

use greenroom::thread::{self, Killed, spawn_blocking, yield_now};
use greenroom::time::timeout;
use greenroom_real::run;

#[test]
fn greenlets_go_on_while_a_job_blocks() {
    run(|| {
        let (tell, told) = mpsc::channel::<()>();
        let job = spawn_blocking(move || told.recv().map(|()| 7));
        let turns = Rc::new(Cell::new(0));
        let counted = turns.clone();
        let other = thread::spawn(move || {
            for _ in 0..100 {
                yield_now();
                counted.set(counted.get() + 1);
            }
        });
        other.join().unwrap();
        assert!(!job.is_finished());
        tell.send(()).unwrap();
        assert_eq!(job.join().unwrap(), Ok(7));
        assert_eq!(turns.get(), 100);
    });
}

#[test]
fn jobs_run_beside_each_other() {
    run(|| {
        // Each waits for all: one after the other they would never be done.
        let together = Arc::new(Barrier::new(8));
        let jobs: Vec<_> = (0..8)
            .map(|n| {
                let together = together.clone();
                spawn_blocking(move || {
                    together.wait();
                    n
                })
            })
            .collect();
        let sum: i32 = jobs.into_iter().map(|job| job.join().unwrap()).sum();
        assert_eq!(sum, 28);
    });
}

#[test]
fn the_pool_is_bounded_and_serves_all() {
    static NOW: AtomicUsize = AtomicUsize::new(0);
    static MOST: AtomicUsize = AtomicUsize::new(0);
    run(|| {
        let jobs: Vec<_> = (0..500)
            .map(|_| {
                spawn_blocking(|| {
                    MOST.fetch_max(NOW.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    std::thread::yield_now();
                    NOW.fetch_sub(1, Ordering::SeqCst);
                })
            })
            .collect();
        jobs.into_iter().for_each(|job| job.join().unwrap());
    });
    assert!(MOST.load(Ordering::SeqCst) <= 64);
}

#[test]
fn a_panic_of_a_job_is_its_result() {
    run(|| {
        let payload = spawn_blocking(|| panic!("no such file")).join().unwrap_err();
        assert_eq!(payload.downcast_ref(), Some(&"no such file"));
    });
}

#[test]
fn a_job_that_is_killed_or_out_of_time_is_left_to_itself() {
    run(|| {
        let (tell, told) = mpsc::channel::<()>();
        let (done, is_done) = mpsc::channel();
        let (begin, has_begun) = mpsc::channel();
        let job = spawn_blocking(move || {
            begin.send(()).unwrap();
            let _ = told.recv();
            done.send(()).unwrap();
        });
        yield_now();
        // One that no thread has taken up yet would be given up with its greenlet.
        has_begun.recv().unwrap();
        let job = job.join_timeout(Duration::from_millis(1)).expect_err("it waits to be told");
        job.kill();
        assert!(job.join().unwrap_err().is::<Killed>());
        tell.send(()).unwrap();
        is_done.recv().expect("it went on by itself");
    });
}

greenroom::greenlet_local! {
    static OWN: Cell<u32> = Cell::new(7);
}
greenroom::host_local! {
    static SHARED: Cell<u32> = Cell::new(0);
}

#[test]
fn values_belong_to_a_greenlet_or_to_all_of_a_host() {
    for _ in 0..2 {
        run(|| {
            OWN.with(|own| own.set(1));
            SHARED.with(|shared| shared.set(shared.get() + 1));
            let other = thread::spawn(|| {
                SHARED.with(|shared| shared.set(shared.get() + 1));
                OWN.with(Cell::get)
            });
            assert_eq!(other.join().unwrap(), 7);
            assert_eq!((OWN.with(Cell::get), SHARED.with(Cell::get)), (1, 2));
        });
    }
    assert!(OWN.try_with(|_| ()).is_err() && SHARED.try_with(|_| ()).is_err());
}

struct Last(Rc<Cell<u32>>);

impl Drop for Last {
    fn drop(&mut self) {
        // In the greenlet's own turn: it may still look at others of its values.
        self.0.set(OWN.with(Cell::get));
        yield_now();
    }
}

greenroom::greenlet_local! {
    static LAST: std::cell::RefCell<Option<Last>> = std::cell::RefCell::new(None);
}

#[test]
fn a_value_is_dropped_when_its_greenlet_is_over_even_if_it_was_killed() {
    run(|| {
        for kills in [false, true] {
            let seen = Rc::new(Cell::new(0));
            let theirs = seen.clone();
            let greenlet = thread::spawn(move || {
                LAST.with(|last| *last.borrow_mut() = Some(Last(theirs)));
                thread::park();
            });
            yield_now();
            if kills {
                greenlet.kill()
            } else {
                greenlet.thread().unpark()
            }
            let _ = greenlet.join();
            assert_eq!(seen.get(), 7);
        }
    });
}

/// What a job leaves is dropped on a helper thread where nobody waits any more. Its panic must not
/// cost the pool that thread: there are 64 in a process.
#[test]
fn destructors_that_panic_on_helper_threads_cost_the_pool_nothing() {
    struct Bang;
    impl Drop for Bang {
        fn drop(&mut self) {
            panic!("on purpose");
        }
    }
    run(|| {
        for _ in 0..100 {
            let (go, may_go) = mpsc::channel::<()>();
            let (ends, has_ended) = mpsc::channel::<()>();
            let job = move || {
                let _ends = ends;
                let _ = may_go.recv();
                Bang
            };
            let late = timeout(Duration::from_millis(1), || thread::run_blocking(job).is_err());
            assert!(late.is_err());
            drop(go);
            let _ = has_ended.recv();
        }
        assert_eq!(thread::run_blocking(|| 5).unwrap(), 5);
    });
}
