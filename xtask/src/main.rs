//! The workspace's tools, as `cargo xtask COMMAND`: the list below is the help text.

mod asan;
mod bench;
mod conform;
mod mutants;
mod soak;
mod steps;
mod tidy;
mod tsan;
mod worlds;

use std::process::ExitCode;

const HELP: &str = "\
cargo xtask COMMAND

  sim [SCENARIO…] --seed N | --seeds A..B   rehearse scenarios in the simulated network
  replay TOKEN|FILE                         run a failure again from its token
  real [SCENARIO…]                          perform scenarios on the operating system, over loopback
  real kv --serve ADDR [--maxmemory SIZE …] a key-value server for Redis's clients; --help lists what
                                            it grants them
  conform [--cases N] [--seed S]            kept and random socket programs on both hubs; any
                                            difference fails
  conform --across [--cases N] [--seed S]   likewise of two hosts, in two network namespaces
  conform --few-ports [--cases N] …         likewise of a host that has four ports to give out
  conform --grow N                          keeps programs that reach what no kept one does
  conform --truth [ROW…]                    what Linux does, row by row, on both hubs
  conform --play FILE…                      programs from files, and both columns
  snapshots [--accept]                      golden traces and reports against snapshots/
  bench [NAME…]                             the benchmark tables, beside a peer in the same run
  soak [--for TIME]                         honest and hostile clients at the kv and http servers;
                                            fails where descriptors or memory grow (not in ci)
  test                                      every test (nextest where installed, else cargo test)
  asan                                      the driver's tests under AddressSanitizer
  tsan                                      locks, scopes and queues under ThreadSanitizer, with a
                                            thread for each greenlet
  mutants                                   faults patched into a copy of the tree, each caught by
                                            its tests
  ci [--no-test]                            fmt, clippy, test, asan, tsan, mutants, doc, tidy,
                                            snapshots, a short sweep
  tidy                                      crate arrows, and what may stand in which file
  tidy --floors [CRATE]                     what does not yet hold of the floors, counted
  unsafe                                    every `unsafe` with the argument that makes it sound

Exit code: 0 held, 1 failed, 2 usage. No scenario or name given: all of them.";

/// How a command was ill-used: the one line that says so.
type Usage = String;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match command(&args) {
        Ok(code) => code,
        Err(usage) => {
            eprintln!("xtask: {usage}");
            ExitCode::from(2)
        }
    }
}

fn command(args: &[String]) -> Result<ExitCode, Usage> {
    let Some((name, rest)) = args.split_first() else {
        println!("{HELP}");
        return Ok(ExitCode::from(2));
    };
    match name.as_str() {
        "sim" | "replay" | "real" => Ok(ExitCode::from(worlds::main(args) as u8)),
        "snapshots" => {
            let given = flags(name, rest, &["--accept"])?;
            Ok(exit(steps::snapshots(!given.is_empty())))
        }
        "bench" => bench::main(rest).map(exit),
        // One measured process of a benchmark, started by `bench`.
        "bench-child" => bench::child(rest).map(|()| ExitCode::SUCCESS),
        "conform" => conform::main(rest).map(exit),
        "soak" => soak::main(rest).map(exit),
        // The servers that are soaked, started by `soak`.
        "soak-child" => soak::child().map(exit),
        "test" => flags(name, rest, &[]).map(|_| exit(steps::test())),
        "asan" => flags(name, rest, &[]).map(|_| exit(asan::run())),
        "tsan" => flags(name, rest, &[]).map(|_| exit(tsan::run())),
        "mutants" => flags(name, rest, &[]).map(|_| exit(mutants::run())),
        "ci" => {
            let given = flags(name, rest, &["--no-test"])?;
            Ok(exit(steps::ci(given.is_empty())))
        }
        "tidy" => tidy::main(rest).map(exit),
        "unsafe" => {
            flags(name, rest, &[])?;
            let argued = tidy::unsafety::report(&steps::root());
            argued.map(exit).map_err(|error| format!("unsafe: the tree can't be read: {error}"))
        }
        "help" | "--help" | "-h" => {
            println!("{HELP}");
            Ok(ExitCode::SUCCESS)
        }
        unknown => Err(format!(
            "no command `{unknown}`; there are sim, replay, real, conform, snapshots, bench, \
             soak, test, asan, tsan, mutants, ci, tidy, unsafe"
        )),
    }
}

fn exit(held: bool) -> ExitCode {
    if held { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The flags given to a command that knows only these.
fn flags<'a>(command: &str, given: &'a [String], accepted: &[&str]) -> Result<&'a [String], Usage> {
    match given.iter().find(|flag| !accepted.contains(&flag.as_str())) {
        None => Ok(given),
        Some(flag) if accepted.is_empty() => {
            Err(format!("`{command}` does not know `{flag}`; it takes nothing"))
        }
        Some(flag) => {
            Err(format!("`{command}` does not know `{flag}`; it takes {}", accepted.join(", ")))
        }
    }
}
