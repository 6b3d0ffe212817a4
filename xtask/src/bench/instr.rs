//! User-space instructions, counted by valgrind: figures that do not wobble with the machine.

use super::echo::{SERVERS, load};
use super::machine::{ANOTHER_DAY, figure, table};
use super::process::{self, Running};

/// Two sizes of the same work: the difference, divided, leaves out start and end.
const MESSAGES: [u32; 2] = [5_000, 25_000];
const COUNTS: [u32; 2] = [20_000, 120_000];

/// Prints instructions per message of both servers, and per spawn and yield of ours.
pub fn bench() -> Result<(), String> {
    if !process::has("valgrind") {
        say!("\ninstr: skipped: valgrind");
        return Ok(());
    }
    let mut rows = Vec::new();
    for (name, serve) in SERVERS {
        let mut row = vec![name.to_owned()];
        for connections in [1, 64] {
            row.push(figure(each(MESSAGES, |count| echoed(serve, connections, count))?));
        }
        rows.push(row);
    }
    let title = "instr: user-space instructions per echoed message (aim ≤ 900 at 64)";
    table(title, &["server", "1 connection", "64 connections"], &rows);
    say!("  {ANOTHER_DAY}, same method: tokio 1 646 and 968, may 1 311 and 693, mio 119 and 99");

    let mut rows = Vec::new();
    for (name, work, greenlets) in [
        ("spawn + join, one at a time", "spawn", "1"),
        ("spawn + join, 10 000 alive", "spawn", "10000"),
        ("yield, 100 greenlets", "yield", "100"),
    ] {
        let run = |count: u32| start(&[work, greenlets, &count.to_string()]).and_then(counted);
        // A child does a tenth more, to warm up.
        rows.push(vec![name.to_owned(), figure(each(COUNTS, run)? / 1.1)]);
    }
    table("instr: user-space instructions of greenlets", &["", "instructions"], &rows);
    Ok(())
}

/// What one more of something costs, by running two sizes of it.
fn each(counts: [u32; 2], run: impl Fn(u32) -> Result<f64, String>) -> Result<f64, String> {
    let [few, many] = counts;
    Ok((run(many)? - run(few)?) / f64::from(many - few))
}

fn echoed(serve: &str, connections: u32, messages: u32) -> Result<f64, String> {
    let mut server = start(&[serve])?;
    let port = server.line()?;
    load(&port, server.id(), connections, &messages.to_string())?;
    counted(server)
}

fn start(args: &[&str]) -> Result<Running, String> {
    let valgrind =
        ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"];
    process::start(0, &valgrind, args)
}

/// The instructions of a child that is done or about to be.
fn counted(child: Running) -> Result<f64, String> {
    let said = child.finish()?;
    // `==123== I   refs:      1,234,567`
    said.lines()
        .find_map(|line| line.split_once(" refs:")?.1.replace(',', "").trim().parse().ok())
        .ok_or_else(|| format!("valgrind counted nothing: {said}"))
}
