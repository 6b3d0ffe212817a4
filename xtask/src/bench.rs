//! `cargo xtask bench [NAME…]`: release figures, medians of interleaved runs, beside a peer.
//!
//! Every measured thing is a process of its own (`xtask bench-child …`), pinned to one CPU by
//! `taskset` where it is installed. A repetition goes over all contestants before the next one
//! starts, so a disturbance hits them alike; ratios are taken within one run only.

mod crowds;
mod echo;
mod hub;
mod instr;
mod load;
mod machine;
mod mio_server;
mod parked;
mod process;
mod sim;

use std::process::Command;

use crate::{Usage, kin, steps};

/// How often each contestant is measured; figures are medians.
const REPETITIONS: usize = 5;

/// A benchmark: prints its table; an error is why it could not.
type Bench = fn() -> Result<(), String>;

const BENCHES: &[(&str, Bench)] = &[
    ("echo", echo::bench),
    ("instr", instr::bench),
    ("spawn", hub::spawn),
    ("yield", hub::yields),
    ("crowds", crowds::bench),
    ("parked", parked::bench),
    ("sim", sim::bench),
];

/// What there is to measure.
pub fn names() -> Vec<&'static str> {
    BENCHES.iter().map(|(name, _)| *name).collect()
}

/// Runs the named benchmarks, or all; returns whether all could be run.
pub fn main(names: &[String]) -> Result<bool, Usage> {
    if let Some(unknown) = names.iter().find(|name| !BENCHES.iter().any(|(b, _)| b == name)) {
        return Err(format!("no benchmark `{unknown}`; there are {}", self::names().join(", ")));
    }
    if !is_release() {
        return Ok(again_in_release(names));
    }
    Ok(measure(names))
}

/// As [`main`], as it is built: a process that `bench` started, and that ends with it.
pub fn again(names: &[String]) -> Result<bool, Usage> {
    kin::end_with_parent().map_err(|error| format!("bench-again: {error}"))?;
    Ok(measure(names))
}

fn measure(names: &[String]) -> bool {
    say!("{}", machine::description());
    let chosen = BENCHES.iter().filter(|(b, _)| names.is_empty() || names.iter().any(|n| n == b));
    let mut all = true;
    for (name, bench) in chosen {
        if let Err(error) = bench() {
            complain!("bench {name}: {error}");
            all = false;
        }
    }
    all
}

/// One measured process: what `bench` starts.
pub fn child(args: &[String]) -> Result<(), Usage> {
    kin::end_with_parent().map_err(|error| format!("bench-child: {error}"))?;
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match args[..] {
        ["serve-greenroom"] => echo::serve(),
        ["serve-mio"] => mio_server::serve(),
        ["load", port, server, connections, size, amount] => {
            load::run(port, server, connections, size, amount)
        }
        ["serve-parked"] => parked::serve(),
        ["park", port] => parked::park(port),
        ["sim", what] => sim::child(what),
        ["crowd", name, size] => crowds::child(name, size),
        ["spawn", alive, count] => hub::child_spawn(alive, count),
        ["yield", greenlets, count] => hub::child_yield(greenlets, count),
        _ => return Err(format!("`bench-child` does not know `{}`", args.join(" "))),
    };
    done.map_err(|error| format!("bench-child {}: {error}", args.join(" ")))
}

/// Whether this binary was built with the release profile, which figures are quoted for.
fn is_release() -> bool {
    let here = std::env::current_exe().unwrap_or_default();
    here.parent().and_then(|folder| folder.file_name()).is_some_and(|name| name == "release")
}

fn again_in_release(names: &[String]) -> bool {
    let mut cargo = Command::new(steps::cargo_path());
    cargo.args(["run", "--release", "--quiet", "--package", "xtask", "--", "bench-again"]);
    cargo.args(names);
    cargo.current_dir(steps::root());
    let ended = kin::start(&mut cargo).and_then(|(mut child, _tie)| child.wait());
    ended.is_ok_and(|status| status.success())
}
