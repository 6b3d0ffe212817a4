//! `check` as a user's test binary has it: which runs it plays, what it says, and that what it prints
//! plays the failure again. The first tests here are that binary's, and do nothing unless the others call
//! it.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use greenroom::check::Shared;
use greenroom::net::UdpSocket;
use greenroom::scenario::Scenario;
use greenroom::thread;
use greenroom_sim::{Weather, check, check_in};

/// Set for the user's tests.
const USER: &str = "GREENROOM_CHECK_USER";

fn is_users() -> bool {
    std::env::var_os(USER).is_some()
}

// The user's tests.

#[test]
fn always_fails() {
    if !is_users() {
        return;
    }
    check(&Scenario::new("always", "it fails whatever happens", |stage| {
        stage.client("cli", || Err(io::ErrorKind::Other.into()));
    }));
}

#[test]
fn every_other_run_fails() {
    if !is_users() {
        return;
    }
    let plays = AtomicU64::new(0);
    let plays = std::sync::Arc::new(plays);
    check(&Scenario::new("flip", "what ran before decides", move |stage| {
        let plays = plays.clone();
        stage.client("cli", move || match plays.fetch_add(1, Ordering::Relaxed) % 2 {
            0 => Ok(()),
            _ => Err(io::ErrorKind::Other.into()),
        });
    }));
}

/// It fails in the second play of every other run, and never where nothing deviates.
#[test]
fn some_runs_fail_when_played_again() {
    if !is_users() {
        return;
    }
    let last = Shared::new(None);
    check(&Scenario::new("again", "what ran before decides, in few runs", move |stage| {
        let last = last.clone();
        stage.client("cli", move || {
            let drawn = (0..8).map(|_| greenroom::rand::choose("byte", 256)).collect::<Vec<_>>();
            let is_again = last.with(|last| last.replace(drawn.clone()) == Some(drawn.clone()));
            let fails = is_again && drawn[0] > 0 && drawn[0] % 2 == 0;
            if fails { Err(io::ErrorKind::Other.into()) } else { Ok(()) }
        });
    }));
}

/// Only stormy weather has datagrams arrive twice.
fn once(name: &str, hears: fn(u32)) -> Scenario {
    Scenario::new(name, "a datagram is heard once", move |stage| {
        let heard = Shared::new(0_u32);
        let count = heard.clone();
        stage.server("srv", move || {
            let socket = UdpSocket::bind("0.0.0.0:9")?;
            loop {
                socket.recv_from(&mut [0; 8])?;
                count.with(|n| {
                    *n += 1;
                    hears(*n);
                });
            }
        });
        stage.client("cli", || {
            let socket = UdpSocket::bind("0.0.0.0:0")?;
            (0..20).try_for_each(|_| socket.send_to(b"x", "srv:9").map(drop))?;
            thread::sleep(Duration::from_secs(5));
            Ok(())
        });
        stage.judge("at most once", move || {
            heard.with(|n| if *n <= 20 { Ok(()) } else { Err("twice".into()) })
        });
    })
}

#[test]
fn heard_once() {
    if !is_users() {
        return;
    }
    check(&once("once", |_| ()));
}

#[test]
fn heard_once_in_my_weather() {
    if !is_users() {
        return;
    }
    let mine = Weather { name: "mine".into(), duplicate_ppm: 500_000, ..Weather::calm() };
    check_in(&once("once", |_| ()), &mine);
}

#[test]
fn claims_what_never_holds() {
    if !is_users() {
        return;
    }
    check(&Scenario::new("claims", "a claim that never holds", |stage| {
        stage.client("cli", || {
            greenroom::sometimes!(false, "two and two are five");
            greenroom::sometimes!(true, "two and two are four");
            Ok(())
        });
    }));
}

#[test]
fn spins_for_ever() {
    if !is_users() {
        return;
    }
    check(&Scenario::new("spins", "nothing of ours is called", |stage| {
        stage.client("cli", || {
            while std::hint::black_box(true) {}
            Ok(())
        });
    }));
}

/// Which of the plays ends the process.
const LAST_PLAY: &str = "GREENROOM_CHECK_LAST_PLAY";

#[test]
fn ends_the_process() {
    if !is_users() {
        return;
    }
    let last = std::env::var(LAST_PLAY).expect("it is told");
    let last: u64 = last.parse().expect("it is a number");
    let plays = std::sync::Arc::new(AtomicU64::new(0));
    check(&Scenario::new("ends/all", "a program may abort", move |stage| {
        let plays = plays.clone();
        stage.client("cli", move || {
            if plays.fetch_add(1, Ordering::Relaxed) + 1 == last {
                std::process::abort();
            }
            Ok(())
        });
    }));
}

/// The seed decides whether it ends the process: only stormy weather has datagrams arrive twice.
#[test]
fn ends_the_process_in_a_storm() {
    if !is_users() {
        return;
    }
    check(&once("ends", |heard| {
        if heard > 20 {
            std::process::abort()
        }
    }));
}

#[test]
fn the_second_check_fails() {
    if !is_users() {
        return;
    }
    check(&Scenario::new("first", "nothing happens", |stage| stage.client("cli", || Ok(()))));
    check(&once("once", |_| ()));
}

// What becomes of them.

/// Runs tests of this binary in a directory of their own, with these variables.
fn user_runs(tests: &[&str], place: &str, variables: &[(&str, &str)]) -> Output {
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("check").join(place);
    std::fs::create_dir_all(&directory).expect("it may write below its target");
    let _ = std::fs::remove_dir_all(directory.join("greenroom-regressions"));
    let mut command = Command::new(std::env::current_exe().expect("a test knows its program"));
    command.arg("--exact").args(tests).current_dir(directory).env(USER, "1");
    for name in ["SEED", "TOKEN", "RUNS", "JOBS", "WEATHER", "TRACE"] {
        command.env_remove(format!("GREENROOM_{name}"));
    }
    command.envs(variables.iter().copied()).output().expect("it starts")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned()
}

/// The variables and the arguments of a printed command.
fn command<'a>(said: &'a str, by: &str) -> (Vec<(&'a str, &'a str)>, Vec<&'a str>) {
    let line = said.lines().find_map(|line| line.strip_prefix(by));
    let line = line.unwrap_or_else(|| panic!("no command {by}:\n{said}")).trim();
    let (variables, arguments) = line.split_once(" cargo test ").expect("a command of cargo's");
    let variables = variables.split(' ').filter_map(|it| it.split_once('='));
    let variables = variables.map(|(name, value)| (name, value.trim_matches('\'')));
    (variables.collect(), arguments.split(' ').collect())
}

#[test]
fn the_boring_run_comes_first() {
    let output = user_runs(&["always_fails"], "boring", &[]);
    let said = said(&output);
    assert!(!output.status.success());
    assert!(said.contains("always  the boring run  VIOLATED"), "{said}");
    assert!(!said.contains("xtask"), "{said}");
}

/// It cannot be unwound: seed and stack are said, past the capture of a test's output, and the process ends.
#[test]
fn a_run_that_spins_ends_the_test_with_its_stack() {
    let output = user_runs(&["spins_for_ever"], "spins", &[("GREENROOM_WATCHDOG", "500")]);
    let said = said(&output);
    assert_eq!(output.status.code(), Some(101), "{said}");
    assert!(
        said.contains("spins: a run of a tape is stuck: greenlet cli has not let go"),
        "{said}"
    );
    assert!(said.contains("it stands in\n") && said.contains("{closure#0}"), "{said}");
}

/// The boring run and seeds 0 and 8 are played twice.
#[test]
fn the_run_that_ended_the_process_stands_in_its_diary_alone() {
    for (play, run) in [("2", "the boring run"), ("3", "0"), ("9", "5"), ("15", "10")] {
        let output = user_runs(&["ends_the_process"], "diary", &[(LAST_PLAY, play)]);
        assert!(!output.status.success(), "{}", said(&output));
        let kept = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("check/diary");
        let kept = std::fs::read_dir(kept.join("greenroom-regressions")).expect("it is there");
        let files: Vec<PathBuf> = kept.map(|entry| entry.expect("a name").path()).collect();
        let [file] = &files[..] else { panic!("one diary: {files:?}") };
        assert!(file.to_string_lossy().contains("ends-all."), "{file:?}");
        assert_eq!(std::fs::read_to_string(file).expect("a text"), format!("{run}\n"));
    }
}

/// The same failure of the same seed, and the same claims, however many processes look for it.
#[test]
fn what_several_processes_find_is_what_one_finds() {
    for test in ["heard_once", "the_second_check_fails", "claims_what_never_holds"] {
        let told = |jobs| {
            let variables = [("GREENROOM_JOBS", jobs), ("RUST_BACKTRACE", "0")];
            let output = user_runs(&[test], &format!("jobs-{test}"), &variables);
            let said = said(&output);
            assert!(!said.contains("no other process"), "{said}");
            let of_ours = |line: &&str| !line.contains("finished in") && !line.contains("thread '");
            let said: Vec<&str> = said.lines().filter(of_ours).collect();
            (output.status.code(), said.join("\n"))
        };
        let alone = told("1");
        assert!(alone.1.contains("at most once") || alone.1.contains("never held in 201 runs"));
        for jobs in ["2", "7", "500"] {
            assert_eq!(told(jobs), alone, "{test} in {jobs}");
        }
    }
}

#[test]
fn a_seed_that_ends_a_worker_ends_the_test() {
    let ended_by = |jobs| {
        let place = "ended-worker";
        let storm = ["ends_the_process_in_a_storm"];
        let output = user_runs(&storm, place, &[("GREENROOM_JOBS", jobs)]);
        let kept = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("check").join(place);
        let kept = std::fs::read_dir(kept.join("greenroom-regressions")).expect("it is there");
        let kept: Vec<PathBuf> = kept.map(|entry| entry.expect("a name").path()).collect();
        let diary = std::fs::read_to_string(&kept[0]).expect("a text");
        (output.status.signal(), kept.len(), diary)
    };
    let alone = ended_by("1");
    assert!(alone.0.is_some() && alone.1 == 1, "{alone:?}");
    assert_eq!(ended_by("3"), alone);
}

#[test]
fn a_seed_that_holds_in_one_process_and_not_in_another_fails() {
    let variables = [(LAST_PLAY, "9"), ("GREENROOM_JOBS", "2")];
    let output = user_runs(&["ends_the_process"], "elsewhere", &variables);
    let said = said(&output);
    assert_eq!(output.status.code(), Some(101), "{said}");
    assert!(said.contains("holds here, and not in another process"), "{said}");
}

#[test]
fn a_verdict_that_flips_is_not_deterministic() {
    let output = user_runs(&["every_other_run_fails"], "flip", &[]);
    let said = said(&output);
    assert!(!output.status.success());
    assert!(said.contains("NOT DETERMINISTIC"), "{said}");
    assert!(said.contains("every property held") && said.contains("violated: cli ends"), "{said}");
}

/// Not the boring run alone: what no seed determines may need what a seed decides.
#[test]
fn a_share_of_the_seeds_is_played_twice() {
    let output = user_runs(&["some_runs_fail_when_played_again"], "again", &[]);
    let said = said(&output);
    assert!(!output.status.success());
    assert!(said.contains("NOT DETERMINISTIC") && said.contains("seed "), "{said}");
    assert!(!said.contains("the boring run"), "{said}");
}

#[test]
fn a_storm_is_among_the_weathers_and_printed_commands_play_it_again() {
    let first = user_runs(&["heard_once"], "storm", &[]);
    let report = said(&first);
    assert!(report.contains("violated: at most once"), "{report}");
    for by in ["again, by seed:", "again, by token:"] {
        let (variables, arguments) = command(&report, by);
        assert_eq!(arguments, ["heard_once", "--", "--exact"]);
        let again = user_runs(&["heard_once"], "again", &variables);
        assert!(!again.status.success());
        assert!(said(&again).contains("violated: at most once"), "{}", said(&again));
    }
    let (variables, _) = command(&report, "again, by seed:");
    assert!(variables.contains(&("GREENROOM_WEATHER", "stormy")), "{variables:?}");
}

#[test]
fn one_weather_can_be_asked_for() {
    let calm = user_runs(&["heard_once"], "calm", &[("GREENROOM_WEATHER", "calm")]);
    assert!(calm.status.success(), "{}", said(&calm));
    let mine = user_runs(&["heard_once_in_my_weather"], "mine", &[]);
    let report = said(&mine);
    let (variables, _) = command(&report, "again, by token:");
    assert!(variables[0].1.contains(";weather=mine;"), "{variables:?}");
    let again = user_runs(&["heard_once_in_my_weather"], "mine again", &variables);
    assert!(said(&again).contains("violated: at most once"), "{}", said(&again));
}

#[test]
fn a_claim_that_never_held_is_named_where_the_test_passes() {
    let output = user_runs(&["claims_what_never_holds"], "claims", &[("GREENROOM_RUNS", "20")]);
    let said = said(&output);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("never held in 21 runs: two and two are five"), "{said}");
    assert!(!said.contains("are four"), "{said}");
}

#[test]
fn a_token_of_another_scenario_is_skipped_and_said_once() {
    let first = user_runs(&["always_fails"], "token", &[]);
    let report = said(&first);
    let (variables, _) = command(&report, "again, by token:");
    let all = ["always_fails", "claims_what_never_holds", "heard_once"];
    let output = user_runs(&all, "all", &variables);
    let said = said(&output);
    assert!(said.contains("2 passed; 1 failed"), "{said}");
    assert_eq!(said.matches("GREENROOM_TOKEN is of `always`").count(), 1, "{said}");
}

#[test]
fn a_trace_can_be_asked_for() {
    let variables = [("GREENROOM_SEED", "2"), ("GREENROOM_TRACE", "wire")];
    let output = user_runs(&["claims_what_never_holds"], "trace", &variables);
    assert!(said(&output).contains("# sim-trace v1  test=claims"), "{}", said(&output));
    let output = user_runs(&["claims_what_never_holds"], "trace", &[("GREENROOM_SEED", "two")]);
    assert!(said(&output).contains("it is to be a number"), "{}", said(&output));
}
