//! Jobs that block, in the simulator: each takes a time of the seed's, and the same seed the same.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use greenroom::check::Shared;
use greenroom::scenario::{Scenario, Stage};
use greenroom::thread::{JoinHandle, Killed, spawn, spawn_blocking, yield_now};
use greenroom::time::{Duration, Instant, timeout};
use greenroom_sim::run::{Spec, run};

use crate::on_both;

/// Several jobs at once, and the order in which they were done.
fn race(order: Shared<Vec<usize>>) -> Scenario {
    Scenario::new("jobs", "several at once", move |stage: &mut Stage| {
        let order = order.clone();
        order.with(Vec::clear);
        stage.client("host", move || {
            let waits: Vec<JoinHandle<()>> = (0..4)
                .map(|n| {
                    let order = order.clone();
                    let job = spawn_blocking(move || n);
                    spawn(move || {
                        let n = job.join().unwrap();
                        order.with(|order| order.push(n));
                    })
                })
                .collect();
            waits.into_iter().for_each(|wait| wait.join().unwrap());
            Ok(())
        });
    })
}

#[test]
fn a_seed_decides_how_long_jobs_take() {
    let order = Shared::new(Vec::new());
    let scenario = race(order.clone());
    let mut seen = BTreeSet::new();
    for seed in 0..20 {
        let one = run(&scenario, &Spec::seed(seed));
        assert!(one.outcome.held(), "seed {seed}: {}", one.outcome);
        let first = order.with(|order| order.clone());
        assert_eq!(first.len(), 4);
        let again = run(&scenario, &Spec::seed(seed));
        assert_eq!((one.hash, one.virtual_ns), (again.hash, again.virtual_ns));
        assert_eq!(first, order.with(|order| order.clone()));
        assert!(one.virtual_ns <= 100_000_000, "none takes longer than a tenth of a second");
        seen.insert(first);
    }
    assert!(seen.len() > 5, "seeds differ: {seen:?}");
}

#[test]
fn with_nothing_unusual_a_job_takes_a_millisecond() {
    let took = Shared::new(Duration::ZERO);
    let theirs = took.clone();
    let scenario = Scenario::new("job", "one", move |stage: &mut Stage| {
        let took = theirs.clone();
        stage.client("host", move || {
            let start = Instant::now();
            let payload = spawn_blocking(|| panic!("no such file")).join().unwrap_err();
            assert_eq!(payload.downcast_ref(), Some(&"no such file"));
            took.with(|took| *took = start.elapsed());
            Ok(())
        });
    });
    let run = run(&scenario, &Spec { tape: Some(Vec::new()), ..Spec::seed(0) });
    assert!(run.outcome.held(), "{}", run.outcome);
    assert_eq!(took.with(|took| *took), Duration::from_millis(1));
}

#[test]
fn a_job_that_is_killed_in_time_is_never_done() {
    let scenario = Scenario::new("killed", "before it is due", |stage: &mut Stage| {
        stage.client("host", || {
            let was_done = Arc::<AtomicBool>::default();
            let theirs = was_done.clone();
            let job = spawn_blocking(move || theirs.store(true, Ordering::Relaxed));
            yield_now();
            job.kill();
            assert!(job.join().unwrap_err().is::<Killed>());
            greenroom::thread::sleep(Duration::from_secs(1));
            assert!(!was_done.load(Ordering::Relaxed));
            assert_eq!(Arc::strong_count(&was_done), 1, "it is dropped");
            Ok(())
        });
    });
    let run = run(&scenario, &Spec { tape: Some(Vec::new()), ..Spec::seed(0) });
    assert!(run.outcome.held(), "{}", run.outcome);
}

#[test]
fn who_waits_for_a_job_may_run_out_of_time() {
    on_both(|| {
        let (tell, told) = std::sync::mpsc::channel::<()>();
        let job = spawn_blocking(move || told.recv_timeout(Duration::from_secs(5)).is_err());
        assert!(timeout(Duration::from_micros(1), || job.join()).is_err());
        drop(tell);
    });
}
