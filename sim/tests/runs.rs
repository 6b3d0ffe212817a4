//! Whole runs: what a seed determines, how runs end, what the network does to programs.

use std::io::{ErrorKind, Read, Write};
use std::time::Duration;

use greenroom::net::{TcpListener, TcpStream};
use greenroom::sync::{Arc, Event, Mutex};
use greenroom::{thread, time};
use greenroom_sim::trace::Level;
use greenroom_sim::{Outcome, Run, Sim, Weather};

fn echo_world() -> Sim {
    Sim::new()
        .server("srv", || {
            let listener = TcpListener::bind("0.0.0.0:7")?;
            loop {
                let (mut stream, _) = listener.accept()?;
                let serve = move || {
                    let mut buf = [0; 64];
                    while let Ok(n @ 1..) = stream.read(&mut buf) {
                        if stream.write_all(&buf[..n]).is_err() {
                            break;
                        }
                    }
                };
                thread::Builder::new().name("conn".into()).spawn(serve)?;
            }
        })
        .client("cli", || {
            let mut stream = TcpStream::connect("srv:7")?;
            let mut echo = [0; 5];
            for _ in 0..3 {
                stream.write_all(b"hello")?;
                stream.read_exact(&mut echo)?;
            }
            Ok(())
        })
}

fn text(run: &Run, level: Level) -> String {
    run.trace.as_ref().expect("a traced run").text(level, "")
}

#[test]
fn a_seed_is_the_same_run_whatever_ran_before() {
    let first = echo_world().seed(7).traced().run();
    for seed in 0..50 {
        echo_world().seed(seed).run();
    }
    let again = echo_world().seed(7).traced().run();
    assert_eq!(first.hash, again.hash);
    for level in [Level::Api, Level::Sched, Level::Wire] {
        assert_eq!(text(&first, level), text(&again, level));
    }
    assert_ne!(first.hash, echo_world().seed(8).run().hash);
}

#[test]
fn keeping_events_changes_nothing() {
    assert_eq!(echo_world().seed(3).run().hash, echo_world().seed(3).traced().run().hash);
}

#[test]
fn an_unrelated_host_leaves_the_other_lanes_as_they_were() {
    let before = echo_world().seed(5).traced().run();
    let after = echo_world()
        .client("other", || {
            for _ in 0..5 {
                thread::sleep(Duration::from_millis(3));
            }
            Ok(())
        })
        .seed(5)
        .traced()
        .run();
    assert_eq!(before.host_hashes[..2], after.host_hashes[..2]);
    let ours = |run: &Run| -> Vec<String> {
        let all = text(run, Level::Api);
        let body = all.lines().skip(2).map(str::to_owned);
        body.filter(|line| !line.contains("slept") && line.len() < 110).collect()
    };
    let (before, after) = (ours(&before), ours(&after));
    assert!(before.iter().all(|line| after.contains(line)), "{before:#?}\n{after:#?}");
}

#[test]
fn two_greenlets_that_wait_for_each_others_sockets_are_named() {
    let run = Sim::new()
        .server("srv", || {
            let listener = TcpListener::bind("0.0.0.0:7")?;
            let (mut stream, _) = listener.accept()?;
            stream.read_exact(&mut [0; 1])
        })
        .client("cli", || {
            let mut stream = TcpStream::connect("srv:7")?;
            stream.read_exact(&mut [0; 1])
        })
        .run();
    let Outcome::Deadlocked(stall) = &run.outcome else { panic!("{}", run.outcome) };
    let stuck: Vec<(&str, &str)> =
        stall.stuck.iter().map(|stuck| (stuck.greenlet.as_str(), stuck.op)).collect();
    assert_eq!(stuck, [("srv", "read"), ("cli", "read")]);
    let shown = run.outcome.to_string();
    assert!(shown.contains("from srv:7, since"), "{shown}");
}

#[test]
fn locks_taken_in_opposite_order_deadlock_with_their_holders() {
    let run = Sim::new()
        .client("cli", || {
            let (a, b) = (Arc::new(Mutex::new(())), Arc::new(Mutex::new(())));
            let (a2, b2) = (a.clone(), b.clone());
            let other = thread::Builder::new().name("other".into()).spawn(move || {
                let _b = b2.lock().unwrap();
                thread::yield_now();
                let _a = a2.lock().unwrap();
            })?;
            let _a = a.lock().unwrap();
            thread::sleep(Duration::from_millis(1));
            let _b = b.lock().unwrap();
            other.join().unwrap();
            Ok(())
        })
        .weather(Weather::calm())
        .run();
    let shown = run.outcome.to_string();
    assert_eq!(run.outcome.name(), "deadlock", "{shown}");
    assert!(shown.contains("cli: in lock on a lock held by cli/other"), "{shown}");
    assert!(shown.contains("cli/other: in lock on a lock held by cli"), "{shown}");
}

/// Backlog 128 holds 129; all last ACKs arrive in one instant, and those left over try again.
#[test]
fn connections_of_one_instant_that_overrun_the_backlog_are_served_later() {
    const CALLERS: usize = 140;
    let run = Sim::new()
        .weather(Weather::calm())
        .server("srv", || {
            let listener = TcpListener::bind("0.0.0.0:7")?;
            thread::sleep(Duration::from_secs(5));
            loop {
                listener.accept()?.0.write_all(b"x")?;
            }
        })
        .client("cli", || {
            let call = || TcpStream::connect("srv:7")?.read_exact(&mut [0; 1]);
            let callers: Vec<_> = (0..CALLERS).map(|_| thread::spawn(call)).collect();
            callers.into_iter().try_for_each(|caller| caller.join().unwrap())
        })
        .run();
    assert!(run.outcome.held(), "{}", run.outcome);
}

#[test]
fn a_connect_to_a_port_nobody_listens_on_is_refused() {
    let run = Sim::new()
        .server("srv", || Ok(()))
        .client("cli", || {
            let refused = TcpStream::connect("srv:7").expect_err("nobody listens");
            assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
            Ok(())
        })
        .run();
    assert!(run.outcome.held(), "{}", run.outcome);
}

#[test]
fn a_spinning_yielder_inside_a_timeout_ends_in_virtual_time() {
    let run = Sim::new()
        .client("cli", || {
            let start = time::Instant::now();
            let spun = time::timeout(Duration::from_secs(1), || {
                loop {
                    thread::yield_now();
                }
            });
            assert!(spun.is_err());
            assert_eq!(start.elapsed(), Duration::from_secs(1));
            Ok(())
        })
        .run();
    assert!(run.outcome.held(), "{}", run.outcome);
}

#[test]
fn two_greenlets_that_keep_each_other_busy_are_stuck_and_named() {
    let run = Sim::new()
        .client("cli", || {
            let (ping, pong) = (Arc::new(Event::new()), Arc::new(Event::new()));
            let (ping2, pong2) = (ping.clone(), pong.clone());
            thread::spawn(move || {
                loop {
                    ping2.wait(None);
                    ping2.clear();
                    pong2.set();
                }
            });
            loop {
                ping.set();
                pong.wait(None);
                pong.clear();
            }
        })
        .weather(Weather::calm())
        .run();
    assert_eq!(run.outcome.name(), "stuck");
    assert!(run.outcome.to_string().contains("spins"), "{}", run.outcome);
}

/// Who makes greenlets and joins them gets on, though no time passes; who never ends spins all the same.
#[test]
fn a_million_spawned_and_joined_at_one_instant_are_no_spinning() {
    let run = |count: u64| {
        let spawns = move || {
            for at in 0..count {
                assert_eq!(thread::spawn(move || at).join().unwrap(), at);
            }
            Ok(())
        };
        Sim::new().client("cli", spawns).weather(Weather::calm()).run()
    };
    let held = run(1_000_000);
    assert!(held.outcome.held(), "{}", held.outcome);
    assert_eq!(held.virtual_ns, 0);
    let endless = run(u64::MAX);
    assert!(endless.outcome.to_string().contains("spins: a million turns"), "{}", endless.outcome);
}

#[test]
fn a_thread_from_outside_makes_the_run_nondeterministic() {
    let run = Sim::new()
        .client("cli", || {
            let event = Arc::new(Event::new());
            let outside = event.clone();
            thread::spawn(move || std::thread::spawn(move || outside.set()).join());
            event.wait(Some(Duration::from_secs(1)));
            Ok(())
        })
        .weather(Weather::calm())
        .run();
    assert_eq!(run.outcome.name(), "nondeterministic");
}

#[test]
fn a_panic_nobody_joins_is_the_runs_outcome() {
    let run = Sim::new()
        .client("cli", || {
            drop(thread::Builder::new().name("worker".into()).spawn(|| panic!("no {}", "luck")));
            thread::sleep(Duration::from_secs(1));
            Ok(())
        })
        .run();
    assert_eq!(run.outcome, Outcome::Panicked("cli/worker".into(), "no luck".into()));
}

#[test]
fn random_bytes_come_from_the_seed() {
    let drawn = |seed| {
        let bytes = Arc::new(std::sync::Mutex::new(0));
        let kept = bytes.clone();
        let run = Sim::new()
            .seed(seed)
            .client("cli", move || {
                *kept.lock().unwrap() = greenroom::rand::next_u64();
                Ok(())
            })
            .run();
        assert!(run.drew_entropy);
        std::mem::take(&mut *bytes.lock().unwrap())
    };
    assert_eq!(drawn(1), drawn(1));
    assert_ne!(drawn(1), drawn(2));
}
