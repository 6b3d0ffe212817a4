//! Signals in the simulator: heard where somebody listens, else the end of the program.

use std::io::{Read, Write};

use greenroom::check::Shared;
use greenroom::net::TcpStream;
use greenroom::scenario::{Scenario, Stage};
use greenroom::server::StreamServer;
use greenroom::signal::{Interrupt, Kind, Signal};
use greenroom::thread::sleep;
use greenroom::time::{Duration, timeout};
use greenroom::wait::{Watcher, any};
use greenroom_sim::faults::Weather;
use greenroom_sim::run::{Run, Spec, run};

const PORT: &str = "0.0.0.0:80";

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn calm(seed: u64) -> Spec {
    Spec { weather: Weather::calm(), ..Spec::seed(seed) }
}

fn holds(scenario: &Scenario) {
    for seed in 0..8 {
        let run: Run = run(scenario, &calm(seed));
        assert!(run.outcome.held(), "seed {seed}: {}", run.outcome);
    }
}

#[test]
fn a_server_that_is_asked_to_stop_answers_whom_it_serves() {
    holds(&Scenario::new("stopped", "SIGTERM amid a request", |stage: &mut Stage| {
        let stopped = Shared::new(false);
        let theirs = stopped.clone();
        stage.server("srv", move || {
            let server = StreamServer::bind(PORT, |mut stream, _| {
                let mut request = [0; 2];
                if stream.read_exact(&mut request).is_ok() {
                    stream.write_all(&request).unwrap();
                }
            })?;
            server.start()?;
            let (interrupt, terminate) = (Interrupt::new()?, Signal::new(Kind::Terminate)?);
            let which = any(&[&Watcher::read(&interrupt)?, &Watcher::read(&terminate)?], None)?;
            assert_eq!(which, 1);
            assert_eq!(server.stop(None).killed, 0);
            theirs.with(|stopped| *stopped = true);
            Ok(())
        });
        stage.signal("srv", Kind::Terminate, ms(500));
        stage.client("cli", move || {
            sleep(ms(300));
            let mut stream = TcpStream::connect("srv:80")?;
            stream.write_all(b"a")?;
            sleep(ms(400));
            assert!(TcpStream::connect("srv:80").is_err(), "nobody new is served");
            stream.write_all(b"b")?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer)?;
            assert_eq!(answer, "ab");
            sleep(ms(100));
            assert!(stopped.with(|stopped| *stopped));
            Ok(())
        });
    }));
}

#[test]
fn a_signal_that_nobody_hears_ends_the_program_and_closes_what_it_had() {
    holds(&Scenario::new("ended", "SIGINT unheard", |stage: &mut Stage| {
        stage.server("srv", || {
            let (_stream, _) = greenroom::net::TcpListener::bind(PORT)?.accept()?;
            // It listens for another kind.
            Signal::new(Kind::HangUp)?.wait()?;
            unreachable!("it is not there any more");
        });
        stage.signal("srv", Kind::Interrupt, ms(500));
        stage.client("cli", || {
            sleep(ms(100));
            let mut stream = TcpStream::connect("srv:80")?;
            assert_eq!(stream.read(&mut [0])?, 0, "the system closes it");
            assert!(TcpStream::connect("srv:80").is_err());
            Ok(())
        });
    }));
}

#[test]
fn several_that_were_not_heard_yet_are_one() {
    holds(&Scenario::new("several", "SIGHUP twice", |stage: &mut Stage| {
        stage.client("host", || {
            let hang_up = Signal::new(Kind::HangUp)?;
            sleep(ms(100));
            hang_up.wait()?;
            assert!(timeout(ms(100), || hang_up.wait()).is_err());
            hang_up.wait()
        });
        for at in [10, 20, 500] {
            stage.signal("host", Kind::HangUp, ms(at));
        }
    }));
}

#[test]
fn performing_a_scenario_with_signals_fails_at_the_start() {
    let scenario = Scenario::new("signalled", "a signal", |stage: &mut Stage| {
        stage.client("host", || unreachable!("it is not played"));
        stage.signal("host", Kind::User1, ms(1));
    });
    let violations = greenroom_real::try_perform(&scenario).violations;
    assert_eq!(violations.len(), 1);
    assert!(violations[0].contains("`signal`"), "{violations:?}");
}
