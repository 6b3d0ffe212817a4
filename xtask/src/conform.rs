//! `cargo xtask conform`: random socket programs, one operation at a time, on the operating system
//! and in the simulator. They see the same, or the smallest program that does not is printed with
//! both columns.
//!
//! What is free by law is written alike: ports by the order in which they show up, names without
//! their prefix. What depends on timers or on the sizes of buffers is not drawn.

mod draw;
mod play;
mod program;

use std::fmt::Write;
use std::time::{Duration, Instant};

use greenroom::check::Shared;
use greenroom::scenario::{Scenario, Stage};
use greenroom_sim::faults::Weather;
use greenroom_sim::run::{Spec, run};
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

use play::{World, play};
use program::Program;

const CASES: u32 = 2000;

/// `conform [--cases N] [--seed S]`; answers whether no program differs.
pub fn main(args: &[String]) -> Result<bool, String> {
    let (mut cases, mut seed) = (CASES, 0);
    let mut rest = args.iter();
    while let Some(flag) = rest.next() {
        let value = || format!("`conform` wants a number after `{flag}`");
        match flag.as_str() {
            "--cases" => cases = rest.next().and_then(|n| n.parse().ok()).ok_or_else(value)?,
            "--seed" => seed = rest.next().and_then(|n| n.parse().ok()).ok_or_else(value)?,
            _ => {
                return Err(format!("`conform` does not know `{flag}`; it takes --cases, --seed"));
            }
        }
    }
    Ok(conform(cases, seed))
}

/// Plays so many programs, the same ones for the same seed; answers whether none differs.
fn conform(cases: u32, seed: u64) -> bool {
    let start = Instant::now();
    let config = Config { cases, failure_persistence: None, verbose: 0, ..Config::default() };
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &key);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let found = runner.run(&draw::programs(), |program| match compare(&program) {
        None => Ok(()),
        Some(columns) => Err(TestCaseError::fail(columns)),
    });
    match found {
        Ok(()) => {
            println!("{cases} programs see the same on both hubs, in {:.1?}", start.elapsed());
            true
        }
        Err(TestError::Fail(_, program)) => {
            println!("{}", compare(&program).unwrap_or_else(|| "it does not differ again".into()));
            false
        }
        Err(TestError::Abort(reason)) => {
            println!("aborted: {reason}");
            false
        }
    }
}

/// Both columns, if they differ. The system may deliver late on a busy machine: only what differs
/// every time does.
fn compare(program: &Program) -> Option<String> {
    const TRIES: u32 = 3;
    let sim = in_sim(program);
    let mut real = Vec::new();
    for _ in 0..TRIES {
        real = on_real(program);
        if real == sim {
            return None;
        }
    }
    let mut columns = String::new();
    for ((op, real), sim) in program.0.iter().zip(&real).zip(&sim) {
        let mark = if real == sim { ' ' } else { '!' };
        let op = op.to_string();
        let _ = writeln!(columns, "{mark} {op:<34} real: {real:<34} sim: {sim}");
    }
    Some(columns)
}

fn on_real(program: &Program) -> Vec<String> {
    use std::sync::atomic::{AtomicU64, Ordering};
    static PLAYED: AtomicU64 = AtomicU64::new(0);
    let number = PLAYED.fetch_add(1, Ordering::Relaxed);
    let prefix = format!("conform-{}-{number}-", std::process::id());
    let program = program.clone();
    greenroom_real::run(move || play(&program, &World { prefix, settle: || {} }))
}

fn in_sim(program: &Program) -> Vec<String> {
    let lines = Shared::new(Vec::new());
    let told = lines.clone();
    let program = program.clone();
    let scenario = Scenario::new("conform", "a program of sockets", move |stage: &mut Stage| {
        let (program, told) = (program.clone(), told.clone());
        stage.client("host", move || {
            let settle = || greenroom::thread::sleep(Duration::from_millis(1));
            let played = play(&program, &World { prefix: "conform-".into(), settle });
            told.with(|told| *told = played);
            Ok(())
        });
    });
    let spec = Spec { tape: Some(vec![]), weather: Weather::calm(), ..Spec::seed(0) };
    let run = run(&scenario, &spec);
    let mut lines = lines.with(|lines| lines.clone());
    if !run.outcome.held() {
        lines.push(run.outcome.to_string());
    }
    lines
}
