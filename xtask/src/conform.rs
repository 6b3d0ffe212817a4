//! `cargo xtask conform`: random socket programs, one operation at a time, on the operating system
//! and in the simulator. They see the same, or the smallest program that does not is printed with
//! both columns.
//!
//! What is free by law is written alike: ports by the order in which they show up, names without
//! their prefix. What depends on timers or on the sizes of buffers is not drawn.

mod draw;
mod play;
mod program;
mod survey;
#[cfg(test)]
mod tests;

use std::fmt;
use std::time::{Duration, Instant};

use greenroom::check::Shared;
use greenroom::scenario::{Scenario, Stage};
use greenroom_sim::faults::Weather;
use greenroom_sim::run::{Spec, run};
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

use play::{World, play};
use program::{Op, Program};

const CASES: u32 = 2000;

/// `conform [--cases N] [--seed S] [--survey]`; answers whether no program differs.
pub fn main(args: &[String]) -> Result<bool, String> {
    let (mut cases, mut seed, mut surveys) = (CASES, 0, false);
    let mut rest = args.iter();
    while let Some(flag) = rest.next() {
        let value = || format!("`conform` wants a number after `{flag}`");
        match flag.as_str() {
            "--cases" => cases = rest.next().and_then(|n| n.parse().ok()).ok_or_else(value)?,
            "--seed" => seed = rest.next().and_then(|n| n.parse().ok()).ok_or_else(value)?,
            "--survey" => surveys = true,
            _ => {
                let known = "--cases, --seed, --survey";
                return Err(format!("`conform` does not know `{flag}`; it takes {known}"));
            }
        }
    }
    Ok(if surveys { survey::survey(&mut runner(cases, seed), cases) } else { conform(cases, seed) })
}

/// Draws the same programs for the same seed.
fn runner(cases: u32, seed: u64) -> TestRunner {
    let config = Config { cases, failure_persistence: None, verbose: 0, ..Config::default() };
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &key);
    TestRunner::new_with_rng(config, rng)
}

/// Plays so many programs; answers whether none differs.
fn conform(cases: u32, seed: u64) -> bool {
    let start = Instant::now();
    let found = runner(cases, seed).run(&draw::programs(), |program| match compare(&program) {
        None => Ok(()),
        Some(columns) => Err(TestCaseError::fail(columns.to_string())),
    });
    match found {
        Ok(()) => {
            println!("{cases} programs see the same on both hubs, in {:.1?}", start.elapsed());
            true
        }
        Err(TestError::Fail(_, program)) => {
            match compare(&program) {
                Some(columns) => println!("{columns}"),
                None => println!("it does not differ again"),
            }
            false
        }
        Err(TestError::Abort(reason)) => {
            println!("aborted: {reason}");
            false
        }
    }
}

/// What each operation came to on either side: the system, the simulator.
struct Columns(Vec<(Op, String, String)>);

impl fmt::Display for Columns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (op, real, sim) in &self.0 {
            let mark = if real == sim { ' ' } else { '!' };
            let op = op.to_string();
            writeln!(f, "{mark} {op:<34} real: {real:<34} sim: {sim}")?;
        }
        Ok(())
    }
}

/// Both columns, if they differ. The system may deliver late on a busy machine: only what differs
/// however much time it is given does.
fn compare(program: &Program) -> Option<Columns> {
    const SETTLE_MS: [u64; 3] = [0, 1, 20];
    let sim = in_sim(program);
    let mut real = Vec::new();
    for settle_ms in SETTLE_MS {
        real = on_real(program, Duration::from_millis(settle_ms));
        if real == sim {
            return None;
        }
    }
    let lines = program.0.iter().zip(real.iter().zip(&sim));
    Some(Columns(lines.map(|(op, (real, sim))| (*op, real.clone(), sim.clone())).collect()))
}

fn on_real(program: &Program, settle: Duration) -> Vec<String> {
    use std::sync::atomic::{AtomicU64, Ordering};
    static PLAYED: AtomicU64 = AtomicU64::new(0);
    let number = PLAYED.fetch_add(1, Ordering::Relaxed);
    let prefix = format!("conform-{}-{number}-", std::process::id());
    let program = program.clone();
    let directory = std::env::temp_dir().join(format!("{prefix}paths"));
    let has_paths = program.0.iter().any(|op| format!("{op:?}").contains("Path("));
    if !has_paths {
        let world = World { prefix, directory, settle };
        return greenroom_real::run(move || play(&program, &world));
    }
    if let Err(error) = std::fs::create_dir(&directory) {
        return vec![format!("no directory for its paths: {error}")];
    }
    let own = directory.clone();
    let lines =
        greenroom_real::run(move || play(&program, &World { prefix, directory: own, settle }));
    // One that cannot be removed is in nobody's way.
    let _ = std::fs::remove_dir_all(directory);
    lines
}

fn in_sim(program: &Program) -> Vec<String> {
    let lines = Shared::new(Vec::new());
    let told = lines.clone();
    let program = program.clone();
    let scenario = Scenario::new("conform", "a program of sockets", move |stage: &mut Stage| {
        let (program, told) = (program.clone(), told.clone());
        stage.client("host", move || {
            let settle = Duration::from_millis(1);
            let (prefix, directory) = ("conform-in-sim-".into(), "/conform-in-sim".into());
            let played = play(&program, &World { prefix, directory, settle });
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
