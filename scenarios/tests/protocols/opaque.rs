//! What `Stage::opaque_payload` is for: a library's own chance is left out of what two runs of a
//! seed are compared by, and nothing else is.

use std::io::Write;
use std::process::Command;

use greenroom::net::{TcpListener, TcpStream};
use greenroom::scenario::Scenario;
use greenroom_sim::run::{Outcome, Spec, run};
use greenroom_sim::sweep::play;
use greenroom_sim::trace::Level;

use crate::{tls, websocket};

const SEEDS: u64 = 10;
/// Set in the process that a test starts to be compared with.
const OTHER: &str = "GREENROOM_OTHER_PROCESS";

fn twice(story: &Scenario, seed: u64) -> Outcome {
    play(story, &Spec::seed(seed), true).0.outcome
}

#[test]
fn two_runs_of_a_seed_are_one_where_the_payload_is_opaque() {
    for seed in 0..SEEDS {
        for declared in [tls::story(true), websocket::story(true)] {
            assert_eq!(twice(&declared, seed), Outcome::Held, "{}", declared.name());
        }
    }
}

#[test]
fn without_the_declaration_they_are_two_and_the_check_names_it() {
    for seed in 0..SEEDS {
        for undeclared in [tls::story(false), websocket::story(false)] {
            let outcome = twice(&undeclared, seed);
            let Outcome::Nondeterministic(why) = &outcome else { panic!("seed {seed}: {outcome}") };
            assert!(why.contains("opaque_payload"), "{why}");
        }
    }
}

#[test]
fn a_trace_says_that_the_payload_is_opaque() {
    let spec = Spec { keeps_events: true, ..Spec::seed(0) };
    let text = |story| {
        let trace = run(&story, &spec).trace.expect("its events are kept");
        trace.text(Level::Api, "tls")
    };
    let sent = |text: &str, what: &str| {
        let mut writes = text.lines().filter(|line| line.contains(" write ")).peekable();
        assert!(writes.peek().is_some());
        writes.all(|line| line.ends_with(what))
    };
    assert!(sent(&text(tls::story(true)), "B opaque"));
    assert!(!text(tls::story(false)).contains("opaque"));
}

#[test]
fn another_process_plays_the_same_runs() {
    let hashes = || {
        let stories = [tls::story(true), websocket::story(true)];
        let runs =
            (0..SEEDS).flat_map(|seed| stories.iter().map(move |s| (s, seed)).collect::<Vec<_>>());
        runs.map(|(story, seed)| format!("{:016x} ", run(story, &Spec::seed(seed)).hash)).collect()
    };
    let here: String = hashes();
    if std::env::var_os(OTHER).is_some() {
        println!("hashes: {here}");
        return;
    }
    let mut other = Command::new(std::env::current_exe().expect("a test knows its program"));
    let name = "opaque::another_process_plays_the_same_runs";
    other.args(["--exact", name, "--nocapture"]).env(OTHER, "1");
    let output = other.output().expect("it starts once more");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains(&format!("hashes: {here}")), "{said}");
}

/// What a program does must not depend on the bytes: where it does, the check still says so.
#[test]
fn lengths_still_count() {
    let story = Scenario::new("lengths", "a length that no seed decides", |stage| {
        stage.opaque_payload();
        stage.server("srv", || TcpListener::bind("0.0.0.0:7050")?.accept().map(drop));
        stage.client("cli", || {
            static RUNS: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(1);
            let length = RUNS.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            TcpStream::connect("srv:7050")?.write_all(&vec![0; length])
        });
    });
    assert!(matches!(twice(&story, 0), Outcome::Nondeterministic(_)));
}
