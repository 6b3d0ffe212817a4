//! The workspace's tools, as `cargo xtask COMMAND`: `help.rs` has the help text.

/// As `println!`, for output that may be piped into `head`.
macro_rules! say {
    ($($text:tt)*) => {
        greenroom_sim::cli::print(&format!("{}\n", format_args!($($text)*)))
    };
}

/// As `eprintln!`, where nobody may be listening.
macro_rules! complain {
    ($($text:tt)*) => {
        greenroom_sim::cli::complain(&format!($($text)*))
    };
}

mod asan;
mod bench;
mod conform;
mod fuzz;
mod help;
mod instructions;
mod kin;
mod mutants;
mod soak;
mod steps;
mod tidy;
mod tsan;
mod worlds;

use std::ffi::OsString;
use std::process::ExitCode;

use greenroom_sim::cli::escaped;
use help::HELP;

/// How a command was ill-used: the one line that says so.
type Usage = String;

fn main() -> ExitCode {
    let args: Result<Vec<String>, OsString> =
        std::env::args_os().skip(1).map(OsString::into_string).collect();
    let done = args.map_err(|arg| format!("an argument is not UTF-8: `{}`", arg.to_string_lossy()));
    match done.and_then(|args| command(&args)) {
        Ok(code) => code,
        Err(usage) => {
            complain!("xtask: {}", escaped(&usage));
            ExitCode::from(2)
        }
    }
}

fn command(args: &[String]) -> Result<ExitCode, Usage> {
    let Some((name, rest)) = args.split_first() else {
        say!("{HELP}");
        return Ok(ExitCode::from(2));
    };
    if let Some(help) = help::asked_for(name, rest) {
        say!("{help}");
        return Ok(ExitCode::SUCCESS);
    }
    match name.as_str() {
        // The last is a process of a sweep's own.
        "sim" | "replay" | "real" | "worker" => Ok(ExitCode::from(worlds::main(args) as u8)),
        "snapshots" => {
            let given = flags(name, rest, &["--accept"])?;
            Ok(exit(steps::snapshots(!given.is_empty())))
        }
        "bench" => bench::main(rest).map(exit),
        // The same as it is built for figures, started by `bench`.
        "bench-again" => bench::as_built(rest).map(exit),
        // One measured process of a benchmark, started by `bench`.
        "bench-child" => bench::child(rest).map(|()| ExitCode::SUCCESS),
        "fuzz" => fuzz::main(rest).map(exit),
        // The process that reads the inputs, started by `fuzz`.
        "fuzz-child" => fuzz::child(rest).map(|()| ExitCode::SUCCESS),
        "conform" => conform::main(rest).map(exit),
        "soak" => soak::main(rest).map(exit),
        // The servers that are soaked, started by `soak`.
        "soak-child" => soak::child().map(exit),
        "instructions" => instructions::main(rest).map(exit),
        "growth" => instructions::growth::main(rest).map(exit),
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
            say!("{HELP}");
            Ok(ExitCode::SUCCESS)
        }
        unknown => Err(format!(
            "no command `{unknown}`; there are sim, replay, real, conform, snapshots, fuzz, \
             soak, bench, instructions, growth, test, asan, tsan, mutants, ci, tidy, unsafe"
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
