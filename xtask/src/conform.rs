//! `cargo xtask conform`: socket programs, a step at a time, on the operating system and in the
//! simulator. They see the same, or the smallest program that does not is printed with both
//! columns.
//!
//! Random programs here; what free law leaves open is written alike: ports by the order in which
//! they show up, names without their prefix. What depends on timers or on the sizes of buffers is
//! not drawn. Programs with what they must come to, in [`truth`].

mod across;
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

use std::time::Instant;

use greenroom_sim::cli::read_text;

use crate::kin;
use hunt::{Columns, Draw, Ground, Leniency};

const CASES: usize = 2000;
/// The most that is read of a file after `--play`.
const PROGRAM_MAX_BYTES: u64 = 1 << 20;

/// A program as it is written when it is read.
///
/// # Errors
///
/// In a line that names the line that is none.
pub fn rewritten(text: &str) -> Result<String, String> {
    parse::program(text).map(|program| program.to_string())
}

/// What is asked for.
#[derive(Clone, Copy)]
struct Wish {
    cases: usize,
    seed: u64,
    surveys: bool,
    grows: bool,
}

/// `conform [--cases N] [--seed S] [--survey]` or `conform --play FILE…`, both of two hosts after
/// `--across`, of one with four ports after `--few-ports`; or `conform --truth [ROW…]`; returns whether no program differs.
pub fn main(args: &[String]) -> Result<bool, String> {
    match args.split_first() {
        Some((flag, rows)) if flag == "--truth" => return truth::main(rows),
        Some((flag, files)) if flag == "--play" => return play_files(&Ground::Loopback, files),
        // One row in a network of its own, started by `--truth`.
        Some((flag, rest)) if flag == "--truth-child" => return truth::child(rest).map(|()| true),
        Some((flag, rest)) if flag == "--across" => return apart("--across-child", rest),
        Some((flag, rest)) if flag == "--few-ports" => return apart("--few-ports-child", rest),
        // In a network of its own, started by one of these two.
        Some((flag, rest)) if flag == "--across-child" => {
            kin::end_with_parent().map_err(|error| format!("conform {flag}: {error}"))?;
            return on(&Ground::Across(across::child()?), rest);
        }
        Some((flag, rest)) if flag == "--few-ports-child" => {
            kin::end_with_parent().map_err(|error| format!("conform {flag}: {error}"))?;
            across::give_few_ports(hunt::FEW_PORTS)?;
            return on(&Ground::FewPorts, rest);
        }
        _ => {}
    }
    match wish(args)? {
        Wish { grows: true, cases, seed, .. } => corpus::grow(cases, seed),
        wish => conform(&Ground::Loopback, &wish),
    }
}

fn wish(args: &[String]) -> Result<Wish, String> {
    let mut wish = Wish { cases: CASES, seed: 0, surveys: false, grows: false };
    let mut rest = args.iter();
    while let Some(flag) = rest.next() {
        let value = || format!("`conform` wants a number after `{flag}`");
        match flag.as_str() {
            "--cases" => wish.cases = rest.next().and_then(|n| n.parse().ok()).ok_or_else(value)?,
            "--seed" => wish.seed = rest.next().and_then(|n| n.parse().ok()).ok_or_else(value)?,
            "--grow" => {
                wish.grows = true;
                wish.cases = rest.next().and_then(|n| n.parse().ok()).ok_or_else(value)?;
            }
            "--survey" => wish.surveys = true,
            _ => {
                let known = "--truth [ROW…], or --play FILE…, or --across or --few-ports and then, or \
                             without them, --cases, --seed, --survey, --grow";
                return Err(format!("`conform` does not know `{flag}`; it takes {known}"));
            }
        }
    }
    Ok(wish)
}

/// Programs that need a network of their own.
fn apart(child: &str, args: &[String]) -> Result<bool, String> {
    match across::run(child, args)? {
        Some(held) => Ok(held),
        None => {
            say!("skipped (no namespaces): programs that need a network of their own");
            Ok(std::env::var_os("GREENROOM_REQUIRE_TOOLS").is_none())
        }
    }
}

/// Random programs, or those in files after `--play`.
fn on(ground: &Ground, args: &[String]) -> Result<bool, String> {
    match args.split_first() {
        Some((flag, files)) if flag == "--play" => play_files(ground, files),
        _ => conform(ground, &wish(args)?),
    }
}

/// Plays programs from files and prints both columns of each; returns whether none differs.
fn play_files(ground: &Ground, files: &[String]) -> Result<bool, String> {
    const SETTLE_MS: u64 = 5;
    let mut held = true;
    for file in files {
        let text =
            read_text(file, PROGRAM_MAX_BYTES).map_err(|error| format!("{file}: {error}"))?;
        let program = parse::program(&text).map_err(|why| format!("{file}: {why}"))?;
        let (real, sim) = ground.play(&program, SETTLE_MS, Leniency::None);
        let columns = Columns::of(&program, &real, &sim);
        say!("{columns}");
        held &= !columns.differ();
    }
    Ok(held)
}

/// Plays the programs that are kept, then so many random ones; returns whether none differs.
///
/// # Errors
///
/// In a line, where those that are kept cannot be read.
fn conform(ground: &Ground, wish: &Wish) -> Result<bool, String> {
    let start = Instant::now();
    let (kept, drawn) = match ground {
        Ground::Loopback => (corpus::programs()?, Draw::new(wish.seed)),
        Ground::FewPorts => (Vec::new(), Draw::few_ports(wish.seed)),
        Ground::Across(_) => (corpus::programs_across()?, Draw::across(wish.seed)),
    };
    let drawn = drawn.take(wish.cases);
    if wish.surveys {
        return Ok(survey::survey(ground, drawn));
    }
    let count = kept.len();
    match hunt::hunt(ground, kept.into_iter().chain(drawn)) {
        None => {
            let (took, cases) = (start.elapsed(), wish.cases);
            say!("{count} + {cases} programs see the same on both hubs, in {took:.1?}");
            Ok(true)
        }
        Some(found) => {
            say!("program {} differs:\n{}", found.case, found.columns);
            Ok(false)
        }
    }
}
