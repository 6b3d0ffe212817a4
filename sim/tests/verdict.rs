//! When a run is judged: what a dead program leaves behind is judged as it stands, and a violated claim
//! ends the run where it is made.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use greenroom::check::Shared;
use greenroom::net::TcpStream;
use greenroom::scenario::{Scenario, Stage};
use greenroom::signal::Kind;
use greenroom::thread;
use greenroom_sim::faults::Weather;
use greenroom_sim::run::{Outcome, Spec, run};
use greenroom_sim::trace::Level;

const MS: Duration = Duration::from_millis(1);
const HOUR: Duration = Duration::from_secs(3600);

/// Says so when it is dropped.
struct Guard(Shared<bool>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.with(|dropped| *dropped = true);
    }
}

greenroom::host_local! {
    static HELD: std::cell::RefCell<Option<Guard>> = std::cell::RefCell::new(None);
}

/// A server that guards something on its stack, and as a value of its host, until it is ended so.
fn guarded(end: fn(&mut Stage)) -> Scenario {
    Scenario::new("guarded", "no destructor runs where the program is dead", move |stage| {
        let dropped = Shared::new(false);
        let theirs = dropped.clone();
        stage.server("srv", move || {
            let _guard = Guard(theirs.clone());
            HELD.with(|held| *held.borrow_mut() = Some(Guard(theirs.clone())));
            thread::sleep(HOUR);
            Ok(())
        });
        stage.client("cli", || {
            thread::sleep(100 * MS);
            Ok(())
        });
        end(stage);
        stage.judge("nothing was dropped", move || match dropped.with(|dropped| *dropped) {
            true => Err("a destructor ran".into()),
            false => Ok(()),
        });
    })
}

#[test]
fn no_destructor_runs_at_a_power_cut_before_the_judges() {
    let story = guarded(|stage| stage.may_lose_power("srv", 20 * MS));
    let weather = Weather { power_cut_ppm: 1_000_000, ..Weather::calm() };
    for seed in 0..20 {
        let run = run(&story, &Spec { weather: weather.clone(), ..Spec::seed(seed) });
        assert!(run.outcome.held(), "seed {seed}: {}", run.outcome);
    }
}

#[test]
fn no_destructor_runs_at_a_fatal_signal_before_the_judges() {
    let story = guarded(|stage| stage.signal("srv", Kind::Terminate, 20 * MS));
    let run = run(&story, &Spec::seed(1));
    assert!(run.outcome.held(), "{}", run.outcome);
}

/// A server is ended with its destructors where the run ends, as ever.
#[test]
fn a_server_that_stands_is_unwound_before_the_judges() {
    let run = run(&guarded(|_| ()), &Spec::seed(1));
    assert!(matches!(run.outcome, Outcome::Violated(..)), "{}", run.outcome);
}

/// One claims what is not so; others would go on for an hour.
fn violates() -> Scenario {
    Scenario::new("violates", "a claim ends the run", |stage| {
        let (dropped, went_on) = (Shared::new(false), Shared::new(0));
        let theirs = dropped.clone();
        let counts = went_on.clone();
        stage.client("cli", move || {
            let _guard = Guard(theirs.clone());
            thread::sleep(5 * MS);
            greenroom::always!(1 + 1 == 3, "arithmetic");
            // No switch point: it goes on to the next.
            counts.with(|count| *count += 1);
            greenroom::always!(false, "nothing is claimed any more");
            thread::sleep(MS);
            counts.with(|count| *count += 100);
            Ok(())
        });
        stage.client("busy", || {
            for _ in 0..3600 {
                thread::sleep(Duration::from_secs(1));
            }
            Ok(())
        });
        stage.client("deaf", || {
            let _ = TcpStream::connect(SocketAddr::from(([10, 0, 0, 1], 1)));
            thread::sleep(HOUR);
            Ok(())
        });
        stage.judge("the state is as it was", move || {
            match (dropped.with(|dropped| *dropped), went_on.with(|count| *count)) {
                (false, 1) => Ok(()),
                other => Err(format!("{other:?}")),
            }
        });
    })
}

#[test]
fn a_violated_claim_ends_the_run_where_it_is_made() {
    let run =
        run(&violates(), &Spec { keeps_events: true, weather: Weather::calm(), ..Spec::seed(1) });
    assert_eq!(run.outcome, Outcome::Violated("arithmetic".into(), String::new()));
    assert_eq!((run.virtual_ns, run.failed_ns), (5_000_000, 5_000_000));
    let trace = run.trace.expect("its events are kept");
    let text = trace.text(Level::Sched, "violates");
    let last = text.lines().last().expect("there is one");
    assert!(last.contains("VIOLATED arithmetic"), "{text}");
    assert_eq!(run.findings, ["violated: arithmetic", "halted"]);
}

#[test]
fn the_headline_says_when_it_went_wrong() {
    type Fails = (fn() -> io::Result<()>, &'static str);
    let fails: [Fails; 2] = [
        (|| panic!("on purpose"), "PANICKED at 5ms of virtual time (the run went on to 3600s)"),
        (
            || Err(io::ErrorKind::Other.into()),
            "VIOLATED at 5ms of virtual time (the run went on to 3600s)",
        ),
    ];
    for (fail, headline) in fails {
        let story = Scenario::new("fails", "and the others go on", move |stage| {
            stage.client("cli", move || {
                thread::sleep(5 * MS);
                fail()
            });
            stage.client("busy", || {
                (0..100).for_each(|_| thread::sleep(Duration::from_secs(36)));
                Ok(())
            });
        });
        let spec = Spec { weather: Weather::calm(), ..Spec::seed(1) };
        let failing = run(&story, &spec);
        let report = greenroom_sim::search::report::report(&story, &spec, &failing, "xtask");
        let first = report.text.lines().next().unwrap_or_default();
        assert!(first.contains(headline), "{}", report.text);
        assert!(report.text.contains("main          slept 5ms"), "{}", report.text);
        assert!(!report.text.contains("slept 36s"), "{}", report.text);
    }
}

/// Under a dead hub a destructor's clock goes on.
#[test]
fn a_destructor_that_waits_by_its_clock_ends_after_the_verdict() {
    struct Waits;
    impl Drop for Waits {
        fn drop(&mut self) {
            let start = greenroom::time::Instant::now();
            while start.elapsed() < MS {}
        }
    }
    let story = Scenario::new("waits", "in a destructor", |stage| {
        stage.client("cli", || {
            let _waits = Waits;
            greenroom::always!(1 + 1 == 3, "arithmetic");
            thread::sleep(HOUR);
            Ok(())
        });
    });
    assert_eq!(run(&story, &Spec::seed(1)).outcome.name(), "violated");
}
