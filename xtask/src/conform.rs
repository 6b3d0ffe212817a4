//! `cargo xtask conform`: socket programs, a step at a time, on the operating system and in the
//! simulator. They see the same, or the smallest program that does not is printed with both
//! columns.
//!
//! Random programs here; what free law leaves open is written alike: ports by the order in which
//! they show up, names without their prefix. What depends on timers or on the sizes of buffers is
//! not drawn. Programs with what they must come to, in [`truth`].

mod corpus;
mod draw;
mod hunt;
mod options;
mod parse;
mod play;
mod program;
mod stage;
mod survey;
#[cfg(test)]
mod tests;
mod truth;

use std::time::{Duration, Instant};

use hunt::{Columns, Draw};
use stage::Manner;

const CASES: usize = 2000;

/// `conform [--cases N] [--seed S] [--survey]`, `conform --truth [ROW…]` or `conform --play FILE…`;
/// returns whether no program differs.
pub fn main(args: &[String]) -> Result<bool, String> {
    match args.split_first() {
        Some((flag, rows)) if flag == "--truth" => return truth::main(rows),
        Some((flag, files)) if flag == "--play" => return play_files(files),
        // One row in a network of its own, started by `--truth`.
        Some((flag, rest)) if flag == "--truth-child" => return truth::child(rest).map(|()| true),
        _ => {}
    }
    let (mut cases, mut seed, mut surveys, mut grows) = (CASES, 0, false, false);
    let mut rest = args.iter();
    while let Some(flag) = rest.next() {
        let value = || format!("`conform` wants a number after `{flag}`");
        match flag.as_str() {
            "--cases" => cases = rest.next().and_then(|n| n.parse().ok()).ok_or_else(value)?,
            "--seed" => seed = rest.next().and_then(|n| n.parse().ok()).ok_or_else(value)?,
            "--grow" => {
                grows = true;
                cases = rest.next().and_then(|n| n.parse().ok()).ok_or_else(value)?;
            }
            "--survey" => surveys = true,
            _ => {
                let known = "--truth [ROW…], or --play FILE…, or --cases, --seed, --survey, --grow";
                return Err(format!("`conform` does not know `{flag}`; it takes {known}"));
            }
        }
    }
    match (grows, surveys) {
        (true, _) => corpus::grow(cases, seed),
        (_, true) => Ok(survey::survey(cases, seed)),
        _ => conform(cases, seed),
    }
}

/// Plays programs from files and prints both columns of each; returns whether none differs.
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
        held &= !columns.differ();
    }
    Ok(held)
}

/// Plays the programs that are kept, then so many random ones; returns whether none differs.
///
/// # Errors
///
/// In a line, where those that are kept cannot be read.
fn conform(cases: usize, seed: u64) -> Result<bool, String> {
    let start = Instant::now();
    let kept = corpus::programs()?;
    let count = kept.len();
    match hunt::hunt(kept.into_iter().chain(Draw::new(seed).take(cases))) {
        None => {
            let took = start.elapsed();
            println!("{count} + {cases} programs see the same on both hubs, in {took:.1?}");
            Ok(true)
        }
        Some(found) => {
            println!("program {} differs:\n{}", found.case, found.columns);
            Ok(false)
        }
    }
}
