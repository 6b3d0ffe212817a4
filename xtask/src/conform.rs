//! `cargo xtask conform`: socket programs, a step at a time, on the operating system and in the
//! simulator. They see the same, or the smallest program that does not is printed with both
//! columns.
//!
//! Random programs here; what free law leaves open is written alike: ports by the order in which
//! they show up, names without their prefix. What depends on timers or on the sizes of buffers is
//! not drawn. Programs with what they must come to, in [`truth`].

mod draw;
mod options;
mod parse;
mod play;
mod program;
mod stage;
mod survey;
#[cfg(test)]
mod tests;
mod truth;

use std::fmt;
use std::time::{Duration, Instant};

use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

use play::Outcome;
use program::{Program, Step};
use stage::Manner;

const CASES: u32 = 2000;

/// `conform [--cases N] [--seed S] [--survey]`, `conform --truth [ROW…]` or `conform --play FILE…`;
/// answers whether no program differs.
pub fn main(args: &[String]) -> Result<bool, String> {
    match args.split_first() {
        Some((flag, rows)) if flag == "--truth" => return truth::main(rows),
        Some((flag, files)) if flag == "--play" => return play_files(files),
        // One row in a network of its own, started by `--truth`.
        Some((flag, rest)) if flag == "--truth-child" => return truth::child(rest).map(|()| true),
        _ => {}
    }
    let (mut cases, mut seed, mut surveys) = (CASES, 0, false);
    let mut rest = args.iter();
    while let Some(flag) = rest.next() {
        let value = || format!("`conform` wants a number after `{flag}`");
        match flag.as_str() {
            "--cases" => cases = rest.next().and_then(|n| n.parse().ok()).ok_or_else(value)?,
            "--seed" => seed = rest.next().and_then(|n| n.parse().ok()).ok_or_else(value)?,
            "--survey" => surveys = true,
            _ => {
                let known = "--truth [ROW…], or --play FILE…, or --cases, --seed, --survey";
                return Err(format!("`conform` does not know `{flag}`; it takes {known}"));
            }
        }
    }
    Ok(if surveys { survey::survey(&mut runner(cases, seed), cases) } else { conform(cases, seed) })
}

/// Plays programs from files and prints both columns of each; answers whether none differs.
fn play_files(files: &[String]) -> Result<bool, String> {
    let mut held = true;
    for file in files {
        let text = std::fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?;
        let program = parse::program(&text).map_err(|why| format!("{file}: {why}"))?;
        let manner = |ms| Manner { settle: Duration::from_millis(ms), ..Manner::default() };
        let columns = Columns::of(
            &program,
            &stage::on_real(&program, manner(5)),
            &stage::in_sim(&program, manner(5)),
        );
        println!("{columns}");
        held &= columns.0.iter().all(|(_, real, sim)| real == sim);
    }
    Ok(held)
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

/// What each step came to on either side: the system, the simulator.
struct Columns(Vec<(String, Outcome, Outcome)>);

impl Columns {
    fn of(program: &Program, real: &[Outcome], sim: &[Outcome]) -> Columns {
        // A run that does not end in order has fewer outcomes, and one that is not a step's.
        let at = |outcomes: &[Outcome], index: usize| {
            outcomes.get(index).cloned().unwrap_or_else(|| Err("nothing".into()))
        };
        let lines = program.0.iter().enumerate();
        let line =
            |(index, step): (usize, &Step)| (step.to_string(), at(real, index), at(sim, index));
        Columns(lines.map(line).collect())
    }
}

impl fmt::Display for Columns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (step, real, sim) in &self.0 {
            let mark = if real == sim { ' ' } else { '!' };
            let (Ok(real) | Err(real), Ok(sim) | Err(sim)) = (real, sim);
            writeln!(f, "{mark} {step:<34} real: {real:<34} sim: {sim}")?;
        }
        Ok(())
    }
}

/// Both columns, if they differ. The system may deliver late on a busy machine: only what differs
/// however much time it is given does.
fn compare(program: &Program) -> Option<Columns> {
    const SETTLE_MS: [u64; 3] = [0, 1, 20];
    let manner =
        |ms| Manner { settle: Duration::from_millis(ms), is_lenient: true, ..Manner::default() };
    let sim = stage::in_sim(program, manner(1));
    let mut real = Vec::new();
    for settle_ms in SETTLE_MS {
        real = stage::on_real(program, manner(settle_ms));
        if real == sim {
            return None;
        }
    }
    Some(Columns::of(program, &real, &sim))
}
