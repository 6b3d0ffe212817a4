//! `cargo xtask bench [NAME…] [--peers DIR]`: release figures, medians of interleaved runs, beside a peer.
//!
//! Every measured thing is a process of its own (`xtask bench-child …`), pinned to one CPU by
//! `taskset` where it is installed. A repetition goes over all contestants before the next one
//! starts, so a disturbance hits them alike; ratios are taken within one run only.

mod crowds;
pub mod echo;
mod hub;
mod instr;
mod load;
pub mod machine;
mod mio_server;
mod parked;
mod peers;
pub mod process;
pub mod sim;

use std::process::Command;

use peers::Peers;

use crate::instructions::work;
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

/// What `--help` says of `--peers`.
pub const PEERS_HELP: &str = "\
--peers DIR has a folder with a `with-ours.sh` build other libraries and us in target/bench-peers, and prints
what its sections measure of all in one run. It takes five minutes at most to build, or is left out.";

/// Names and the folder of peers, as they are given.
fn parse(arguments: &[String]) -> Result<(Vec<&str>, Option<Peers>), Usage> {
    let (mut names, mut peers) = (Vec::new(), None);
    let mut arguments = arguments.iter().map(String::as_str);
    while let Some(argument) = arguments.next() {
        match argument {
            "--peers" => {
                let folder = arguments.next().ok_or("`--peers` takes a folder, `--peers DIR`")?;
                peers = Some(Peers::at(folder)?);
            }
            name if BENCHES.iter().any(|(known, _)| *known == name) => names.push(name),
            unknown => {
                let known = self::names().join(", ");
                return Err(format!(
                    "no benchmark `{unknown}`; there are {known}, and --peers DIR"
                ));
            }
        }
    }
    if names.is_empty() {
        names = self::names();
    }
    Ok((names, peers))
}

/// Runs the named benchmarks, or all; returns whether all could be run.
pub fn main(arguments: &[String]) -> Result<bool, Usage> {
    let (names, peers) = parse(arguments)?;
    // The one that figures are quoted for.
    if !is_of("release") {
        return Ok(again("release", "bench-again", arguments));
    }
    Ok(measure(&names, peers))
}

/// As [`main`], as it is built: a process that `bench` started, and that ends with it.
pub fn as_built(arguments: &[String]) -> Result<bool, Usage> {
    kin::end_with_parent().map_err(|error| format!("bench-again: {error}"))?;
    let (names, peers) = parse(arguments)?;
    Ok(measure(&names, peers))
}

fn measure(names: &[&str], peers: Option<Peers>) -> bool {
    say!("{}", machine::description());
    let mut all = true;
    for (name, bench) in BENCHES.iter().filter(|(name, _)| names.contains(name)) {
        if let Err(error) = bench() {
            complain!("bench {name}: {error}");
            all = false;
        }
    }
    match peers.map(|peers| peers.bench(names)) {
        None => say!("\npeers of this run: none; --peers DIR builds them"),
        Some(Ok(())) => {}
        // Our own figures stand without them.
        Some(Err(error)) => say!("\npeers of this run: none: {error}"),
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
        ["count", work, size, times] => work::child(work, size, times),
        _ => return Err(format!("`bench-child` does not know `{}`", args.join(" "))),
    };
    done.map_err(|error| format!("bench-child {}: {error}", args.join(" ")))
}

/// Whether this binary was built with that profile.
pub fn is_of(profile: &str) -> bool {
    let here = std::env::current_exe().unwrap_or_default();
    here.parent().and_then(|folder| folder.file_name()).is_some_and(|name| name == profile)
}

/// Runs a command of this tool as that profile builds it; returns whether it held.
pub fn again(profile: &str, command: &str, arguments: &[String]) -> bool {
    let mut cargo = Command::new(steps::cargo_path());
    cargo.args(["run", "--profile", profile, "--quiet", "--package", "xtask", "--", command]);
    cargo.args(arguments);
    cargo.current_dir(steps::root());
    let ended = kin::start(&mut cargo).and_then(|(mut child, _tie)| child.wait());
    ended.is_ok_and(|status| status.success())
}
