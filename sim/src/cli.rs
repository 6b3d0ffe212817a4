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
//! let arguments: Vec<String> = std::env::args().skip(1).collect();
//! std::process::exit(cli::main(&suite, &arguments));
//! ```
//!
//! Exit codes: 0 held, 1 a property failed, 2 usage, 3 not deterministic, 4 a token's deviations
//! did not all match and nothing failed, 101 an error of the tool itself.

/// As `println!`, for output that may be piped into `head`.
macro_rules! say {
    ($($text:tt)*) => {
        $crate::cli::say_text(&format!("{}\n", format_args!($($text)*)))
    };
}

mod replay;
mod shown;
mod sim;

use std::io::Write;

use clap::{Args, Parser};
use greenroom::scenario::Scenario;

use crate::keeper;
pub use sim::SimArgs;

use crate::search::report::Report;

/// What the command line knows.
pub struct Suite {
    /// Played when no scenario is named.
    pub scenarios: Vec<Scenario>,
    /// Played only by name: planted bugs, laws.
    pub by_name: Vec<Scenario>,
    /// Other worlds to play scenarios in, by the name of their subcommand.
    pub runners: Vec<Runner>,
    /// How the user calls this program: `cargo xtask`.
    pub command: String,
}

/// A world other than the simulator.
pub struct Runner {
    /// The subcommand.
    pub name: &'static str,
    /// Plays a scenario once: whether it held, and a line about it.
    pub play: fn(&Scenario) -> (bool, String),
}

impl Suite {
    /// These scenarios, in the simulator alone. `command` is how the user calls this program.
    pub fn new(command: &str, scenarios: Vec<Scenario>) -> Suite {
        Suite { scenarios, by_name: Vec::new(), runners: Vec::new(), command: command.into() }
    }

    /// The scenario of exactly this name.
    fn exactly(&self, name: &str) -> Result<Scenario, String> {
        let mut all = self.scenarios.iter().chain(&self.by_name);
        let found = all.find(|scenario| scenario.name() == name).cloned();
        found.ok_or_else(|| self.unknown(name))
    }

    fn unknown(&self, name: &str) -> String {
        let all = self.scenarios.iter().chain(&self.by_name).map(Scenario::name);
        format!("no scenario `{name}`; there are: {}", all.collect::<Vec<_>>().join(", "))
    }

    /// The scenarios meant by these names; one that is no scenario's may be a group's, as `planted`.
    fn named(&self, names: &[String]) -> Result<Vec<Scenario>, String> {
        if names.is_empty() {
            return Ok(self.scenarios.clone());
        }
        let mut found = Vec::new();
        for name in names {
            if let Ok(scenario) = self.exactly(name) {
                found.push(scenario);
                continue;
            }
            let group = format!("{}/", name.trim_end_matches('/'));
            let all = self.scenarios.iter().chain(&self.by_name);
            let before = found.len();
            found.extend(all.filter(|scenario| scenario.name().starts_with(&group)).cloned());
            if found.len() == before {
                return Err(self.unknown(name));
            }
        }
        Ok(found)
    }
}

#[derive(Args, Clone, Debug, Default)]
struct Knobs {
    /// Sets a knob of the scenario
    #[arg(long = "knob", value_name = "NAME=N")]
    knobs: Vec<String>,
}

impl Knobs {
    fn turn(&self, mut scenario: Scenario) -> Result<Scenario, String> {
        for knob in &self.knobs {
            let parsed = knob.split_once('=').and_then(|(name, n)| Some((name, n.parse().ok()?)));
            let (name, value) =
                parsed.ok_or_else(|| format!("`--knob {knob}`: a knob is NAME=NUMBER"))?;
            scenario = scenario.with_knob(name, value)?;
        }
        Ok(scenario)
    }
}

/// Plays scenarios in a world that is not simulated, once each.
#[derive(Args, Debug)]
struct RunnerArgs {
    /// Scenarios to play; none is all
    scenarios: Vec<String>,
    #[command(flatten)]
    knobs: Knobs,
}

/// Reads the arguments after the program's name and does what they say; returns the exit code.
pub fn main(suite: &Suite, arguments: &[String]) -> i32 {
    let (command, rest) = match arguments.split_first() {
        Some((command, rest)) => (command.as_str(), rest),
        None => return usage(&format!("a subcommand is missing: {}", subcommands(suite))),
    };
    let called = format!("{} {command}", suite.command);
    let watching = keeper::watch(Box::new(|seed, what| {
        let which = seed.map_or("a run of a tape".to_owned(), |seed| format!("seed {seed}"));
        eprintln!("{which} is stuck: {what}");
        std::process::exit(1);
    }));
    let _watching = match watching {
        Ok(watching) => watching,
        Err(error) => return usage(&error),
    };
    let done = match command {
        "help" | "--help" | "-h" => {
            say_text(&help(suite));
            return 0;
        }
        "sim" => parse(&called, rest).and_then(|args| sim::sim(suite, &args)),
        "replay" => parse(&called, rest).and_then(|args| replay::replay(suite, &args)),
        name => match suite.runners.iter().find(|runner| runner.name == name) {
            Some(runner) => parse(&called, rest).and_then(|args| perform(suite, runner, &args)),
            None => Err(format!("no subcommand `{name}`; there are: {}", subcommands(suite))),
        },
    };
    done.unwrap_or_else(|error| usage(&error))
}

/// The names of the subcommands.
pub fn subcommands(suite: &Suite) -> String {
    let runners = suite.runners.iter().map(|runner| runner.name);
    ["sim", "replay"].into_iter().chain(runners).collect::<Vec<_>>().join(", ")
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
        "\nExit code: 0 held, 1 failed, 2 usage, 3 not deterministic, 4 a token did not match.\n",
    );
    text
}

fn perform(suite: &Suite, runner: &Runner, args: &RunnerArgs) -> Result<i32, String> {
    let mut code = 0;
    let scenarios = suite.named(&args.scenarios)?;
    let turned: Result<Vec<Scenario>, String> =
        scenarios.into_iter().map(|scenario| args.knobs.turn(scenario)).collect();
    for scenario in turned? {
        let (held, line) = (runner.play)(&scenario);
        say!("{:<24} {line}", scenario.name());
        code |= i32::from(!held);
    }
    Ok(code)
}

/// Prints. Whoever read our output may have seen enough of it: that ends the program quietly, with
/// the code a shell gives to a closed pipe.
fn say_text(text: &str) {
    const CLOSED_PIPE: i32 = 141;
    let mut out = std::io::stdout().lock();
    if out.write_all(text.as_bytes()).and_then(|()| out.flush()).is_err() {
        std::process::exit(CLOSED_PIPE);
    }
}

/// The exit code of a run that failed, by its report.
fn code_of(report: &Report) -> i32 {
    if report.token.is_some() { 1 } else { 3 }
}

fn usage(error: &str) -> i32 {
    eprintln!("error: {error}");
    2
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
    let command = Command::<T>::command().bin_name(called);
    match command.try_get_matches_from(arguments).and_then(|it| T::from_arg_matches(&it)) {
        Ok(args) => Ok(args),
        Err(error) if error.kind() == ErrorKind::DisplayHelp => {
            say_text(&error.to_string());
            std::process::exit(0);
        }
        Err(error) => {
            let text = error.to_string();
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
