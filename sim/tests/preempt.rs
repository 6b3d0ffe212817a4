//! `+preempt=sync`: greenlets are switched where nothing waits, as threads are, and a find says so.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use greenroom::scenario::Scenario;
use greenroom::sync::{Event, Mutex, Semaphore, mpsc};
use greenroom::thread;
use greenroom::time::Duration;
use greenroom_sim::Weather;
use greenroom_sim::report::report;
use greenroom_sim::run::{Outcome, Spec, run};
use greenroom_sim::token::Token;

/// Two who each add one to a number, which they read and write under the lock, but not at once.
fn lost_update() -> Scenario {
    Scenario::new("lost-update", "two additions are two", |stage| {
        stage.client("cli", || {
            let count = Arc::new(Mutex::new(0));
            let adders = [(); 2].map(|()| {
                let count = count.clone();
                thread::spawn(move || {
                    let read = *count.lock().unwrap();
                    *count.lock().unwrap() = read + 1;
                })
            });
            adders.into_iter().for_each(|adder| adder.join().unwrap());
            assert_eq!(*count.lock().unwrap(), 2, "an addition is lost");
            Ok(())
        });
    })
}

fn in_weather(name: &str, seed: u64) -> Spec {
    Spec { weather: Weather::by_name_or_file(name).unwrap(), ..Spec::seed(seed) }
}

#[test]
fn what_only_threads_can_do_is_found_with_it_alone_and_says_so() {
    let story = lost_update();
    for weather in Weather::NAMES {
        for seed in 0..100 {
            let run = run(&story, &in_weather(weather, seed));
            assert!(run.outcome.held(), "{weather}, {seed}: {}", run.outcome);
            assert_eq!(run.unasked_switches, 0);
        }
    }
    let find = |seed: &u64| !run(&story, &in_weather("calm+preempt=sync", *seed)).outcome.held();
    let seed = (0..100).find(find).expect("a switch between two locks");
    let spec = in_weather("calm+preempt=sync", seed);
    let failing = run(&story, &spec);
    assert!(failing.unasked_switches > 0);
    let said = report(&story, &spec, &failing, "it");
    let text = &said.text;
    assert!(text.contains("perhaps impossible on one real hub"), "{text}");
    assert!(text.contains("preempted before a call, run cli/task#2"), "{text}");
    assert!(text.contains(" deviations -> 1 in "), "{text}");
    // It is played again from what is printed.
    let token = Token::parse(&said.token.expect("a tape determines it").to_string()).unwrap();
    assert_eq!(token.weather, "calm+preempt=sync");
    let again = run(&story, &token.spec().unwrap());
    assert!(matches!(&again.outcome, Outcome::Panicked(_, what) if what.contains("is lost")));
    assert_eq!((again.matched, again.unasked_switches), (1, 1));
}

/// A weather made in a program has the word in its tokens as well.
#[test]
fn a_weather_of_the_program_s_own_is_named_with_it() {
    let weather = Weather { preempts_sync: true, ..Weather::calm() };
    let spec = Spec { weather, ..Spec::seed(1) };
    let token = Token::of(&lost_update(), &spec, &run(&lost_update(), &spec));
    assert_eq!(token.weather, "calm+preempt=sync");
}

/// The first of several decisions is boring: nobody is preempted.
#[test]
fn the_empty_tape_switches_where_it_did() {
    let story = lost_update();
    let plain = Spec { tape: Some(Vec::new()), ..in_weather("calm", 0) };
    let sync = Spec { tape: Some(Vec::new()), ..in_weather("calm+preempt=sync", 0) };
    let (plain, sync) = (run(&story, &plain), run(&story, &sync));
    assert!(sync.outcome.held());
    assert_eq!((plain.hash, plain.virtual_ns), (sync.hash, sync.virtual_ns));
    assert!(sync.turns > plain.turns, "more is asked");
}

/// A loop of calls that never wait gives way all the same, and one that unwinds is left alone.
#[test]
fn loops_end_and_destructors_run() {
    struct Locks(Arc<Mutex<u32>>);
    impl Drop for Locks {
        fn drop(&mut self) {
            *self.0.lock().unwrap() += 1;
        }
    }
    let story = Scenario::new("loops", "a loop of try_* ends", |stage| {
        stage.client("cli", || {
            let (done, dropped) = (Rc::new(Cell::new(false)), Arc::new(Mutex::new(0)));
            let theirs = (done.clone(), Locks(dropped.clone()));
            let victim = thread::spawn(move || {
                let _locks = theirs.1;
                thread::park();
            });
            thread::yield_now();
            victim.kill();
            let (sender, receiver) = mpsc::channel();
            let permits = Semaphore::new(1);
            thread::spawn(move || {
                sender.send(7).unwrap();
                theirs.0.set(true);
            });
            while !done.get() {
                let _ = permits.try_acquire();
            }
            assert_eq!(receiver.try_recv(), Ok(7));
            assert!(victim.join().is_err());
            assert_eq!(*dropped.lock().unwrap(), 1);
            Ok(())
        });
    });
    for seed in 0..50 {
        let run = run(&story, &in_weather("calm+preempt=sync", seed));
        assert!(run.outcome.held(), "{seed}: {}", run.outcome);
    }
    // Nobody is preempted here: the thousandth call in a row gives way.
    let boring = Spec { tape: Some(Vec::new()), ..in_weather("calm+preempt=sync", 0) };
    let boring = run(&story, &boring);
    assert!(boring.outcome.held(), "{}", boring.outcome);
}

/// Loops of calls that never wait end though each preempts the other, and so does finite work.
#[test]
fn loops_that_preempt_each_other_let_time_pass() {
    let polls = Scenario::new("polls", "two who poll see what a third tells", |stage| {
        stage.client("cli", || {
            let told = Rc::new(Event::new());
            let pollers = [(); 2].map(|()| {
                let told = told.clone();
                thread::spawn(move || while !told.is_set() {})
            });
            thread::sleep(Duration::from_millis(1));
            told.set();
            pollers.into_iter().for_each(|poller| poller.join().unwrap());
            Ok(())
        });
    });
    let works = Scenario::new("works", "two count to many under a lock", |stage| {
        stage.client("cli", || {
            let count = Arc::new(Mutex::new(0));
            let workers = [(); 2].map(|()| {
                let count = count.clone();
                thread::spawn(move || (0..600_000).for_each(|_| *count.lock().unwrap() += 1))
            });
            workers.into_iter().for_each(|worker| worker.join().unwrap());
            assert_eq!(*count.lock().unwrap(), 1_200_000);
            Ok(())
        });
    });
    for (story, seeds) in [(&polls, 0..8), (&works, 0..2)] {
        for seed in seeds {
            let run = run(story, &in_weather("calm+preempt=sync", seed));
            assert!(run.outcome.held(), "{seed}: {}", run.outcome);
        }
    }
}

/// Who waits in the call before which it was preempted is not marked: it would not have gone on either.
#[test]
fn a_switch_before_a_call_that_waits_is_no_mark() {
    let story = Scenario::new("parks", "one parks", |stage| {
        stage.client("cli", || {
            let parker = thread::spawn(thread::park);
            let other = thread::spawn(|| ());
            thread::sleep(Duration::from_millis(1));
            parker.thread().unpark();
            thread::sleep(Duration::from_millis(1));
            parker.join().unwrap();
            other.join().unwrap();
            Ok(())
        });
    });
    let mut preempted = 0;
    for seed in 0..40 {
        let run = run(&story, &in_weather("calm+preempt=sync", seed).traced());
        assert!(run.outcome.held(), "{seed}: {}", run.outcome);
        assert_eq!(run.unasked_switches, 0, "{seed}");
        preempted += u32::from(run.deviation_count() > 0);
    }
    assert!(preempted > 0, "somebody is preempted before it parks");
}

/// A destructor that unwinds, and calls, leaves what comes after it as it was.
#[test]
fn calls_after_a_destructor_that_unwound_are_preempted() {
    struct Tries(Arc<Mutex<u32>>);
    impl Drop for Tries {
        fn drop(&mut self) {
            drop(self.0.try_lock());
        }
    }
    let story = Scenario::new("after", "two additions are two", |stage| {
        stage.client("cli", || {
            let count = Arc::new(Mutex::new(0));
            let adders = [(); 2].map(|()| {
                let count = count.clone();
                thread::spawn(move || {
                    let tries = Tries(count.clone());
                    let unwound = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                        let _tries = tries;
                        std::panic::resume_unwind(Box::new(()));
                    }));
                    assert!(unwound.is_err());
                    let read = *count.lock().unwrap();
                    *count.lock().unwrap() = read + 1;
                })
            });
            adders.into_iter().for_each(|adder| adder.join().unwrap());
            assert_eq!(*count.lock().unwrap(), 2, "an addition is lost");
            Ok(())
        });
    });
    let is_lost = |seed: &u64| !run(&story, &in_weather("calm+preempt=sync", *seed)).outcome.held();
    assert!((0..100).any(|seed| is_lost(&seed)), "a switch between two locks");
}

#[test]
fn another_word_behind_a_weather_is_told() {
    let told = |name: &str| Weather::by_name_or_file(name).unwrap_err();
    assert!(told("calm+preempt=all").starts_with("no weather `calm+preempt=all`: it is neither"));
    assert!(told("calm+preempt=sync+preempt=sync").starts_with("no weather `calm+preempt=sync+"));
    assert!(told("clam+preempt=sync").starts_with("no weather `clam`: it is neither one of calm"));
    assert!(told("clam").ends_with("behind either may stand +preempt=sync"));
}
