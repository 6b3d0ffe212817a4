//! The command line over any set of scenarios: `sim`, `replay` and whatever runners are given.
//!
//! A user's own is three lines, as `examples/rehearse.rs` of this crate is:
//!
//! ```no_run
//! # use greenroom::scenario::Scenario;
//! use greenroom_sim::cli::{self, Suite};
//!
//! # let echo = Scenario::new("echo", "bytes come back", |_| {});
//! let suite = Suite::new("cargo run --bin rehearse --", vec![echo]);
//! std::process::exit(cli::main(&suite, std::env::args_os().skip(1)));
//! ```
//!
//! Exit codes: 0 held, 1 a property failed, a run hung or ended its process, or the output could not be
//! written, 2 usage, 3 not deterministic, 4 a token's deviations did not all match and nothing failed, 101 an
//! error of the tool itself, 141 whoever read the output closed it.

#[macro_use]
mod out;
mod apart;
mod args;
mod codes;
mod failure;
mod many;
mod one;
mod perform;
mod player;
mod replay;
mod show;
mod shown;
mod sim;
mod suite;

use std::ffi::OsString;

use clap::{Args, Parser};

use crate::keeper;
use crate::search::process::WORKER;
pub use crate::text::{escaped, read_text};
pub use args::SimArgs;
use out::usage;
pub use out::{complain, print};
use perform::perform_all;
pub use suite::{Runner, Suite};

/// Reads the arguments after the program's name and does what they say; returns the exit code.
///
/// Runs are played by this same program in processes of their own, called as `worker`: it is to hand its arguments
/// on as they are, and do little before.
pub fn main(suite: &Suite, arguments: impl IntoIterator<Item = impl Into<OsString>>) -> i32 {
    let arguments: Result<Vec<String>, OsString> =
        arguments.into_iter().map(|argument| argument.into().into_string()).collect();
    let done = arguments
        .map_err(|argument| format!("an argument is not UTF-8: `{}`", argument.to_string_lossy()));
    done.and_then(|arguments| dispatch(suite, &arguments)).unwrap_or_else(|error| usage(&error))
}

fn dispatch(suite: &Suite, arguments: &[String]) -> Result<i32, String> {
    let Some((command, rest)) = arguments.split_first() else {
        return Err(format!("a subcommand is missing: {}", subcommands(suite)));
    };
    if command == WORKER {
        return player::worker(suite);
    }
    let called = format!("{} {command}", suite.command);
    let _watching = keeper::watch(Box::new(|seed, what| {
        let which = seed.map_or("a run of a tape".to_owned(), |seed| format!("seed {seed}"));
        complain(&format!("{which} is stuck: {what}"));
        std::process::exit(1);
    }))?;
    match command.as_str() {
        "help" | "--help" | "-h" => {
            print(&help(suite));
            Ok(0)
        }
        "sim" => sim::sim(suite, &parse(&called, rest)?),
        "replay" => replay::replay(suite, &parse(&called, rest)?),
        name => perform_all(suite, suite.runner(name)?, &parse(&called, rest)?),
    }
}

/// The names of the subcommands.
pub fn subcommands(suite: &Suite) -> String {
    suite.subcommands().join(", ")
}

/// What there is to call, and to play.
fn help(suite: &Suite) -> String {
    let mut text = format!("{} COMMAND\n\n", suite.command);
    let mut row = |call: &str, what: &str| text.push_str(&format!("  {call:<28}{what}\n"));
    row("sim [SCENARIO…]", "rehearse scenarios in the simulated network");
    row("replay TOKEN|FILE", "run a failure again from its token");
    for runner in &suite.runners {
        row(&format!("{} [SCENARIO…]", runner.name), "play scenarios there, once");
    }
    text.push_str("\nEach takes --help. Scenarios:\n\n");
    for scenario in suite.scenarios.iter().chain(&suite.by_name) {
        text.push_str(&format!("  {:<28}{}\n", scenario.name(), scenario.about()));
    }
    text.push_str(
        "\nExit code: 0 held, 1 failed, 2 usage, 3 not deterministic, 4 a token did not match, 101 an error of \
         this tool, 141 the output was closed.\n",
    );
    text
}

#[derive(Parser, Debug)]
#[command(no_binary_name = true, disable_help_subcommand = true)]
struct Command<T: Args> {
    #[command(flatten)]
    args: T,
}

/// Parses a subcommand's arguments. Help is printed; anything amiss is one line.
fn parse<T: Args>(called: &str, arguments: &[String]) -> Result<T, String> {
    use clap::CommandFactory;
    use clap::error::ErrorKind;
    let parsed = |arguments: &[String]| {
        let command = Command::<T>::command().bin_name(called);
        command.try_get_matches_from(arguments).and_then(|it| T::from_arg_matches(&it))
    };
    match parsed(arguments) {
        Ok(args) => Ok(args),
        Err(error) if error.kind() == ErrorKind::DisplayHelp => {
            print(&error.to_string());
            std::process::exit(0);
        }
        Err(error) => {
            // The same of arguments that are a line each.
            let shown: Vec<String> = arguments.iter().map(|argument| escaped(argument)).collect();
            let text = parsed(&shown).err().unwrap_or(error).to_string();
            let first = text.lines().next().unwrap_or_default();
            let what = first.strip_prefix("error: ").unwrap_or(first);
            let command = Command::<T>::command();
            let flags: Vec<String> = command
                .get_arguments()
                .filter(|arg| !arg.is_hide_set())
                .filter_map(|arg| arg.get_long().map(|long| format!("--{long}")))
                .collect();
            let name = called.rsplit(' ').next().unwrap_or(called);
            Err(format!("{name}: {what}; accepted: {}", flags.join(" ")))
        }
    }
}
