//! What `cargo xtask` says of itself, and each command of itself.

/// Commands, what each takes, and what it does. A line that begins with two blanks begins a row.
pub const HELP: &str = "\
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
  fuzz [TARGET…] [--inputs N | --for 30s]   mutated inputs to what reads others' text and bytes
  fuzz TARGET --play FILE…                  inputs from files
  bench [NAME…] [--peers DIR]               the benchmark tables, beside peers in the same run
  instructions [--accept]                   what an echo, a yield, a small world … cost in instructions,
                                            against snapshots/
  growth                                    what one of many costs, in crowds that double
  soak [--for TIME]                         honest and hostile clients at the kv and http servers;
                                            fails where descriptors or memory grow (not in ci)
  test                                      every test (nextest where installed, else cargo test)
  asan                                      the driver's tests under AddressSanitizer
  tsan                                      locks, scopes and queues under ThreadSanitizer, with a
                                            thread for each greenlet
  mutants                                   faults patched into a copy of the tree, each caught by
                                            its tests
  ci [--no-test]                            fmt, clippy, test, asan, tsan, mutants, doc, tidy,
                                            fuzz, snapshots, a short sweep, instructions, growth
  tidy                                      crate arrows, and what may stand in which file
  tidy --floors [CRATE]                     what does not yet hold of the floors, counted
  unsafe                                    every `unsafe` with the argument that makes it sound

No scenario or name given: all of them. Each command takes --help.

Exit code: 0 held; 1 failed, or the output could not be written; 2 usage; 3 a seed is not
deterministic, and 4 not all of a token matched (sim and replay); 101 an error of this tool; 141
whoever read the output closed it.";

const CODES: &str = "\
Exit code: 0 held; 1 failed, or the output could not be written; 2 usage; 101 an error of this tool;
141 whoever read the output closed it.";

/// The help of a command, if its arguments ask for it. Those that play stories have their own.
pub fn asked_for(command: &str, arguments: &[String]) -> Option<String> {
    let asks = arguments.iter().any(|argument| argument == "--help" || argument == "-h");
    let has_own = ["sim", "replay", "real", "soak"].contains(&command);
    let rows = rows(command);
    (asks && !has_own && !rows.is_empty()).then(|| {
        let more = more(command);
        format!("cargo xtask {command}\n\n{rows}\n{more}{CODES}")
    })
}

/// The rows of a command.
fn rows(command: &str) -> String {
    let mut is_its_own = false;
    let of_command = |line: &&str| {
        if let Some(row) = line.strip_prefix("  ").filter(|row| !row.starts_with(' ')) {
            is_its_own = row.split(' ').next() == Some(command);
        } else if !line.starts_with(' ') {
            is_its_own = false;
        }
        is_its_own
    };
    HELP.lines().filter(of_command).map(|line| format!("{line}\n")).collect()
}

/// What rows have no room for.
fn more(command: &str) -> String {
    match command {
        "conform" => "\
--cases N random programs are played, 2000 unless it says otherwise, drawn from seed --seed S, 0.
--survey counts what they come to. --play may follow --across or --few-ports. A ROW is a number, an
id, or a section's letter.\n\n"
            .into(),
        "fuzz" => format!(
            "The kept inputs of each target, and then mutated ones, the same for each --seed S: N of each\n\
             target, or for so long in all. One that fails is written to target/fuzz.\n\
             TARGET is one of {}.\n\n",
            crate::fuzz::names()
        ),
        "bench" => format!(
            "NAME is one of {}.\n{}\n\n",
            crate::bench::names().join(", "),
            crate::bench::PEERS_HELP
        ),
        "instructions" => "\
A row that grew by more than 3 % fails, and the functions that grew are named; one that shrank by as much is
to be written down by --accept. Takes valgrind.\n\n"
            .into(),
        "growth" => "\
Hosts, greenlets, waiters and connections become twice and four times as many: what one costs may grow by
less than 1.3 times each time. Takes valgrind.\n\n"
            .into(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_has_its_own_rows_and_every_exit_code() {
        let asked = asked_for("conform", &["--help".to_owned()]).expect("it is asked");
        assert!(asked.contains("--play FILE") && asked.contains("difference fails"), "{asked}");
        assert!(!asked.contains("snapshots"), "{asked}");
        for command in [
            "bench",
            "growth",
            "instructions",
            "conform",
            "fuzz",
            "tidy",
            "ci",
            "snapshots",
            "test",
            "unsafe",
        ] {
            let help = asked_for(command, &["-h".to_owned()]).expect("it is asked");
            for code in [" 0 ", " 1 ", " 2 ", " 101 ", "141 "] {
                assert!(help.contains(code), "{command}: {help}");
            }
        }
        assert_eq!(asked_for("sim", &["--help".to_owned()]), None);
        assert_eq!(asked_for("bench", &["echo".to_owned()]), None);
    }
}
