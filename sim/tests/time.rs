//! Virtual time: it never leaps, and a loop that polls politely ends.

use std::io::{self, Read, Write};
use std::time::Duration;

use greenroom::check::Shared;
use greenroom::net::{TcpListener, TcpStream, UdpSocket};
use greenroom::scenario::Scenario;
use greenroom::sync::Event;
use greenroom::time::{Instant, timeout};
use greenroom::{thread, wait};
use greenroom_sim::faults::Weather;
use greenroom_sim::run::{Outcome, Run, Spec, run};

const HOUR: Duration = Duration::from_secs(3600);
const MS: Duration = Duration::from_millis(1);

/// What a program does on a host of its own, while another host sleeps for an hour.
#[track_caller]
fn beside_a_sleeper(program: fn() -> io::Result<()>) {
    let story = Scenario::new("polls", "no clock leaps", move |stage| {
        stage.server("sleeper", || {
            thread::sleep(HOUR);
            Ok(())
        });
        stage.client("cli", program);
    });
    for weather in [Weather::calm(), Weather::default(), Weather::stormy()] {
        for seed in 0..20 {
            let run = run(&story, &Spec { weather: weather.clone(), ..Spec::seed(seed) });
            assert!(run.outcome.held(), "seed {seed}, {} weather: {}", weather.name, run.outcome);
        }
    }
}

#[track_caller]
fn takes_at_most(most: Duration, what: impl FnOnce()) {
    let start = Instant::now();
    what();
    let took = start.elapsed();
    assert!(took <= most, "it took {took:?} of virtual time");
}

#[test]
fn waits_for_what_is_ready_take_little_time() {
    beside_a_sleeper(|| {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        // 1 us, 2 us, … 1 ms, and a millisecond each from then on.
        takes_at_most(42 * MS, || {
            for _ in 0..50 {
                wait::wait_write(&socket, Some(Duration::ZERO)).expect("it can be written to");
            }
        });
        let sockets: Vec<_> = (0..20).map(|_| UdpSocket::bind("127.0.0.1:0")).collect();
        for socket in sockets {
            let socket = socket?;
            takes_at_most(MS, || wait::wait_write(&socket, None).expect("it can be written to"));
        }
        Ok(())
    });
}

#[test]
fn whatever_is_ready_takes_little_time() {
    beside_a_sleeper(|| {
        let set = Event::new();
        set.set();
        thread::sleep(MS);
        takes_at_most(MS, || assert_eq!(wait::any(&[&set], None).expect("set"), 0));
        let over = thread::spawn(|| ());
        thread::sleep(MS);
        takes_at_most(MS, || assert_eq!(wait::any(&[&over], None).expect("over"), 0));
        let due = wait::after(Duration::ZERO);
        takes_at_most(MS, || assert_eq!(wait::any(&[&due], None).expect("due"), 0));
        takes_at_most(MS, thread::yield_now);
        takes_at_most(MS, || thread::sleep(Duration::ZERO));
        Ok(())
    });
}

#[test]
fn a_timeout_around_yields_is_not_over_early() {
    beside_a_sleeper(|| {
        let yields = timeout(Duration::from_secs(20), || (0..3).for_each(|_| thread::yield_now()));
        assert!(yields.is_ok());
        Ok(())
    });
}

/// It ends with its time-out, and not long after it.
#[test]
fn a_polite_polling_loop_ends() {
    beside_a_sleeper(|| {
        let start = Instant::now();
        let polls = timeout(Duration::from_secs(1), || {
            loop {
                thread::yield_now();
            }
        });
        assert!(polls.is_err());
        let took = start.elapsed();
        assert!((1000 * MS..=1001 * MS).contains(&took), "it took {took:?}");
        Ok(())
    });
}

/// A loop that polls goes on soon after what it polls for, whoever brings it about.
#[test]
fn a_polling_loop_sees_what_it_polls_for_within_a_millisecond() {
    beside_a_sleeper(|| {
        for pause in [10 * MS, 1700 * MS] {
            let done = Shared::new(None);
            let theirs = done.clone();
            thread::spawn(move || {
                thread::sleep(pause);
                theirs.with(|done| *done = Some(Instant::now()));
            });
            let done_at = loop {
                match done.with(|done| *done) {
                    Some(at) => break at,
                    None => thread::yield_now(),
                }
            };
            assert!(done_at.elapsed() <= MS);
        }
        Ok(())
    });
}

/// Two move a mebibyte each way, with timeouts; a third peeks and yields.
#[test]
fn a_polite_peeker_makes_nobodys_timeout_expire() {
    let story = Scenario::new("peeker", "timeouts hold beside one who polls", |stage| {
        stage.server("srv", || {
            let (stream, _) = TcpListener::bind("0.0.0.0:7")?.accept()?;
            both_ways(&stream)
        });
        stage.client("cli", || {
            let stream = std::rc::Rc::new(TcpStream::connect("srv:7")?);
            let idle = UdpSocket::bind("127.0.0.1:0")?;
            idle.set_nonblocking(true)?;
            let peeker = thread::spawn(move || {
                loop {
                    let _ = idle.peek(&mut [0; 8]);
                    thread::yield_now();
                }
            });
            let outcome = both_ways(&stream);
            peeker.kill();
            outcome
        });
    });
    for seed in 0..20 {
        let run = run(&story, &Spec { weather: Weather::calm(), ..Spec::seed(seed) });
        assert!(run.outcome.held(), "seed {seed}: {}", run.outcome);
        assert!(run.virtual_ns < 10_000_000_000, "{} ns", run.virtual_ns);
    }
}

fn both_ways(stream: &TcpStream) -> io::Result<()> {
    const LENGTH: usize = 1 << 20;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    stream.set_write_timeout(Some(Duration::from_secs(5)))?;
    let theirs = stream.try_clone()?;
    let writer = thread::spawn(move || (&theirs).write_all(&vec![1; LENGTH]));
    (&*stream).read_exact(&mut vec![0; LENGTH])?;
    writer.join().expect("it does not panic")
}

/// With nothing left to happen, a loop that waits for another greenlet waits for ever.
#[test]
fn who_polls_for_what_cannot_come_is_named() {
    let story = Scenario::new("forever", "somebody polls for ever", |stage| {
        stage.client("cli", || {
            loop {
                thread::yield_now();
            }
        });
    });
    let run: Run = run(&story, &Spec::seed(1));
    let Outcome::Stuck(what) = &run.outcome else { panic!("{}", run.outcome) };
    assert!(what.starts_with("cli spins: all did nothing but yield"), "{what}");
}

/// One host spins on its clock; the others' deadlines come when they should, and what it sends afterwards
/// is of the time that it has by then.
#[test]
fn clock_reads_of_one_host_move_no_other() {
    let story = Scenario::new("reads", "a busy host is its own affair", |stage| {
        stage.client("busy", || {
            let start = Instant::now();
            while start.elapsed() < 50 * MS {}
            let sent = greenroom::time::SystemTime::now();
            let since = sent.duration_since(greenroom::time::UNIX_EPOCH).expect("it is later");
            let socket = UdpSocket::bind("0.0.0.0:0")?;
            socket.send_to(&(since.as_nanos() as u64).to_be_bytes(), "reader:7")?;
            Ok(())
        });
        stage.server("sleeper", || {
            let socket = UdpSocket::bind("0.0.0.0:0")?;
            for _ in 0..10 {
                takes_at_most(2 * MS, || thread::sleep(MS));
            }
            socket.send_to(b"x", "reader:7").map(drop)
        });
        stage.client("reader", || {
            let socket = UdpSocket::bind("0.0.0.0:7")?;
            socket.set_read_timeout(Some(30 * MS))?;
            let mut stamp = [0; 8];
            assert_eq!(socket.recv(&mut stamp)?, 1);
            socket.set_read_timeout(None)?;
            assert_eq!(socket.recv(&mut stamp)?, 8);
            let now = greenroom::time::SystemTime::now();
            let now = now.duration_since(greenroom::time::UNIX_EPOCH).expect("it is later");
            assert!(now.as_nanos() as u64 >= u64::from_be_bytes(stamp), "from the future");
            Ok(())
        });
    });
    for seed in 0..20 {
        let run = run(&story, &Spec { weather: Weather::calm(), ..Spec::seed(seed) });
        assert!(run.outcome.held(), "seed {seed}: {}", run.outcome);
    }
}

/// It waits for a time, which comes, however late.
#[test]
fn a_loop_that_yields_and_reads_the_clock_is_not_stuck() {
    let story = Scenario::new("patient", "an hour of yields", |stage| {
        stage.client("cli", || {
            let start = Instant::now();
            while start.elapsed() < HOUR {
                thread::yield_now();
            }
            Ok(())
        });
    });
    let run = run(&story, &Spec::seed(1));
    assert!(run.outcome.held(), "{}", run.outcome);
}
