//! The tools end in one clear line, whatever they are given and whoever ends them.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::ffi::OsStringExt;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};

fn command<S: AsRef<OsStr>>(args: &[S]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.args(args).env("RUST_BACKTRACE", "0").stdin(Stdio::null());
    command
}

fn xtask<S: AsRef<OsStr>>(args: &[S]) -> Output {
    command(args).output().expect("xtask runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

fn code(output: &Output) -> Option<i32> {
    output.status.code()
}

// Item by item: workers and their parent.

/// Kills a sweep of two workers that do nothing but spin, or are stopped at it, and waits until neither is left.
fn workers_end_with(signal: Signal, are_stopped: bool) {
    let mut sweep = command(&["sim", "drill/spins", "--seeds", "0..600", "--jobs", "2"])
        .env("GREENROOM_WATCHDOG", "off")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("xtask runs");
    let mut said = BufReader::new(sweep.stderr.take().expect("it is piped"));
    for _ in 0..2 {
        let mut line = String::new();
        said.read_line(&mut line).expect("it is text");
        assert_eq!(line, "spinning\n");
    }
    let workers = children_of(&sweep);
    assert_eq!(workers.len(), 2, "{workers:?}");
    let handles: Vec<_> = workers
        .iter()
        .map(|pid| pidfd_open(*pid, PidfdFlags::empty()).expect("it lives"))
        .collect();
    if are_stopped {
        workers.iter().for_each(|pid| kill_process(*pid, Signal::STOP).expect("it lives"));
    }
    kill_process(pid_of(&sweep), signal).expect("it lives");
    sweep.wait().expect("it ends");
    let bound = Timespec { tv_sec: 20, tv_nsec: 0 };
    let ends = |handle| poll(&mut [PollFd::new(handle, PollFlags::IN)], Some(&bound)) == Ok(1);
    let outlives: Vec<Pid> = workers
        .iter()
        .zip(&handles)
        .filter(|(_, handle)| !ends(*handle))
        .map(|(worker, _)| *worker)
        .collect();
    // Not to leave them to everybody else.
    for worker in &outlives {
        let _ = kill_process(*worker, Signal::KILL);
    }
    assert!(outlives.is_empty(), "workers outlive their parent: {outlives:?}");
    let mut more = String::new();
    said.read_to_string(&mut more).expect("it is text");
    assert_eq!(more, "", "they end silently");
}

fn pid_of(child: &Child) -> Pid {
    Pid::from_raw(child.id().cast_signed()).expect("a process")
}

fn children_of(parent: &Child) -> Vec<Pid> {
    let threads = format!("/proc/{}/task", parent.id());
    let mut all = Vec::new();
    for thread in std::fs::read_dir(threads).expect("it lives") {
        let file = thread.expect("it lives").path().join("children");
        let children = std::fs::read_to_string(file).expect("the kernel tells");
        let pids = children.split_whitespace().map(|pid| pid.parse().expect("a number"));
        all.extend(pids.map(|pid| Pid::from_raw(pid).expect("a process")));
    }
    all
}

#[test]
fn workers_that_spin_end_with_a_parent_that_is_killed() {
    workers_end_with(Signal::KILL, false);
}

#[test]
fn workers_that_spin_end_with_a_parent_that_is_terminated() {
    workers_end_with(Signal::TERM, false);
}

#[test]
fn workers_that_are_stopped_end_with_their_parent() {
    workers_end_with(Signal::KILL, true);
}

/// Time that is up ends a seed that would take for ever, and that is nothing against the seed.
#[test]
fn a_sweep_for_a_time_ends_in_time_whatever_a_seed_does() {
    for drill in ["drill/spins", "drill/sleeps", "drill/stage-spins"] {
        let start = Instant::now();
        let mut sweep = command(&["sim", drill, "--for", "500ms", "--jobs", "2"]);
        let output = sweep.env("GREENROOM_WATCHDOG", "off").output().expect("xtask runs");
        let took = start.elapsed();
        assert_eq!(code(&output), Some(0), "{drill}: {}", text(&output.stdout));
        assert!(text(&output.stdout).contains("0 seeds  held"), "{}", text(&output.stdout));
        let bounds = Duration::from_millis(500)..Duration::from_millis(1500);
        assert!(bounds.contains(&took), "{drill}: {took:?}");
    }
}

// What a seed does is its result.

/// One seed, many, and a token, in words and as JSON: exit code 1, and what was wrong.
fn is_a_result_of_its_seed(drill: &str, outcome: &str, cause: &str) {
    let token = format!("v2:{drill}");
    for args in [
        vec!["sim", drill, "--seed", "1"],
        vec!["sim", drill, "--seeds", "0..3"],
        vec!["sim", drill, "--seed", "1", "--check"],
        vec!["sim", drill, "--seed", "1", "--json"],
        vec!["sim", drill, "--seeds", "0..3", "--json"],
        vec!["replay", &token],
    ] {
        let output = command(&args).env("GREENROOM_WATCHDOG", "500").output().expect("xtask runs");
        let said = text(&output.stdout);
        assert_eq!(code(&output), Some(1), "{args:?}: {said}");
        if args.contains(&"--json") {
            let line = said.lines().next().expect("a result");
            assert!(line.contains(&format!("\"outcome\":\"{outcome}\"")), "{line}");
            assert!(line.contains(cause) && line.ends_with('}'), "{cause}: {line}");
        } else {
            assert!(said.contains(cause), "{args:?}: {said}");
        }
    }
}

#[test]
fn a_stage_that_cannot_be_set_is_a_result_of_its_seed() {
    is_a_result_of_its_seed("drill/stage-panics", "panicked", "the stage panicked: the stage");
    let name = "two hosts are not both called `cli`";
    is_a_result_of_its_seed("drill/two-of-a-name", "panicked", name);
}

#[test]
fn too_many_hosts_are_a_result_of_their_seed() {
    let output = xtask(&["sim", "drill/too-many-hosts", "--seed", "1", "--json"]);
    let said = text(&output.stdout);
    assert_eq!(code(&output), Some(1), "{said}");
    assert!(said.contains("the stage panicked: a world has at most 65535 hosts"), "{said}");
}

#[test]
fn a_stage_that_spins_or_exits_is_a_result_of_its_seed() {
    let cause = "the function that sets the stage has not returned for 500ms";
    is_a_result_of_its_seed("drill/stage-spins", "stuck", cause);
    is_a_result_of_its_seed("drill/stage-exits", "crashed", "the process ended: exit status: 0");
}

#[test]
fn a_judge_that_panics_is_a_result_of_its_seed() {
    is_a_result_of_its_seed("drill/judge-panics", "violated", "its judge panicked: no verdict");
}

/// A judge may take twelve times as long as a program.
#[test]
fn a_judge_that_does_not_return_is_a_result_of_its_seed() {
    let mut sim = command(&["sim", "drill/judge-spins", "--seed", "1"]);
    let output = sim.env("GREENROOM_WATCHDOG", "100").output().expect("xtask runs");
    let said = text(&output.stdout);
    assert_eq!(code(&output), Some(1), "{said}");
    assert!(said.contains("seed 1 stuck: a judge has not returned for 1.2s"), "{said}");
}

#[test]
fn a_stage_that_cannot_be_set_fails_on_the_system_too() {
    for (drill, what) in [
        ("drill/stage-panics", r"the stage\nis not to be had"),
        ("drill/two-of-a-name", "two hosts are not both called `cli`"),
    ] {
        let output = xtask(&["real", drill, "echo"]);
        let said = text(&output.stdout);
        assert_eq!(code(&output), Some(1), "{said}");
        assert!(said.contains(what) && said.contains("echo"), "{said}");
    }
}

#[test]
fn a_performance_that_ends_its_process_is_told_and_the_next_is_played() {
    let output = xtask(&["real", "drill/exits", "echo"]);
    let said = text(&output.stdout);
    assert_eq!(code(&output), Some(1), "{said}");
    let lines: Vec<&str> = said.lines().collect();
    assert!(lines.len() == 2 && lines[1].contains("held"), "{said}");
    let told: Vec<&str> = lines[0].split_whitespace().collect();
    assert_eq!(told.join(" "), "drill/exits crashed: the process ended: exit status: 0");
    let here = xtask(&["real", "drill/exits", "echo", "--here"]);
    assert_eq!((code(&here), text(&here.stdout)), (Some(0), String::new()), "it ends all");
}

#[test]
fn a_destructor_that_panics_while_its_greenlet_is_ended_has_its_text_in_the_result() {
    is_a_result_of_its_seed("drill/last-words", "crashed", "the guard's last words");
}

/// What is made of a failure is played in a process of its own, too.
#[test]
fn a_process_that_ends_while_a_report_is_made_is_told_with_the_seed() {
    let output = xtask(&["sim", "drill/exit-later", "--seed", "1"]);
    let said = text(&output.stdout);
    assert_eq!(code(&output), Some(1), "{said}");
    let what = "while what it came to was looked into, the process ended: exit status: 0";
    assert!(said.contains(what), "{said}");
    assert!(said.contains("again, by seed:   cargo xtask sim drill/exit-later --seed 1"), "{said}");
    let output = xtask(&["sim", "drill/exit-later", "--seeds", "0..2"]);
    assert_eq!(code(&output), Some(1), "{}", text(&output.stdout));
    assert!(text(&output.stdout).contains(what), "{}", text(&output.stdout));
}

/// For debuggers: the same run, and its end is the command's.
#[test]
fn a_run_can_be_played_in_the_commands_own_process() {
    let apart = xtask(&["sim", "echo", "--seed", "1", "--token"]);
    let here = xtask(&["sim", "echo", "--seed", "1", "--token", "--here"]);
    assert_eq!((code(&here), text(&here.stdout)), (Some(0), text(&apart.stdout)));
    let replayed = xtask(&["replay", "v2:echo", "--here"]);
    assert_eq!(text(&replayed.stdout), text(&xtask(&["replay", "v2:echo"]).stdout));
    let ended = xtask(&["sim", "drill/stage-exits", "--seed", "1", "--here"]);
    assert_eq!((code(&ended), text(&ended.stdout)), (Some(0), String::new()));
}

// What a command line may be given.

#[test]
fn an_argument_that_is_not_text_is_refused_in_a_line() {
    for args in [&["sim"][..], &["replay"], &["bench"], &["conform", "--play"], &["sim", "--knob"]]
    {
        let mut args: Vec<OsString> = args.iter().map(OsString::from).collect();
        args.push(OsString::from_vec(b"caf\xe9".to_vec()));
        let output = xtask(&args);
        assert_eq!(code(&output), Some(2));
        let said = text(&output.stderr);
        assert!(said.contains("an argument is not UTF-8") && said.lines().count() == 1, "{said}");
    }
}

#[test]
fn what_an_error_quotes_is_one_line_that_no_terminal_obeys() {
    let odd = "a\x1b[31mb\nc\u{9b}d";
    let unknown = format!("--{odd}");
    let token = format!("v2:{odd}");
    for args in [
        vec!["sim", odd],
        vec!["sim", &unknown],
        vec!["sim", "echo", "--weather", odd],
        vec!["sim", "echo", "--seed", odd],
        vec!["sim", "echo", "--knob", odd],
        vec!["replay", odd],
        vec!["replay", &token],
        vec!["real", odd],
        vec!["real", "kv", "--serve", odd],
        vec!["bench", odd],
        vec!["conform", "--play", odd],
        vec!["conform", odd],
        vec![odd],
    ] {
        let output = xtask(&args);
        let said = text(&output.stderr);
        assert_eq!(code(&output), Some(2), "{args:?}: {said}");
        let line = said.trim_end_matches('\n');
        assert!(!line.contains(char::is_control), "{args:?}: {line:?}");
        assert!(line.contains(r"a\u{1b}[31mb"), "{args:?}: {line:?}");
    }
}

#[test]
fn files_without_an_end_are_read_to_a_limit() {
    for (args, limit) in [
        ("sim --weather /dev/zero", "over 1048576 bytes"),
        ("conform --play /dev/zero", "over 1048576 bytes"),
        ("replay /dev/zero", "over 67108864 bytes"),
    ] {
        // What goes wrong here is not to take the machine's memory.
        let script = format!("ulimit -v 4000000; exec \"$0\" {args}");
        let mut shell = Command::new("bash");
        shell.args(["-c", &script, env!("CARGO_BIN_EXE_xtask")]);
        let output = shell.output().expect("a shell");
        let said = text(&output.stderr);
        assert_eq!(code(&output), Some(2), "{said}");
        assert!(said.contains(limit) && said.lines().count() == 1, "{said}");
    }
    for args in [["sim", "--weather", "/"], ["conform", "--play", "/"], ["replay", "--quiet", "/"]]
    {
        let output = xtask(&args);
        assert_eq!(code(&output), Some(2));
        assert!(text(&output.stderr).contains("Is a directory"), "{}", text(&output.stderr));
    }
}

/// A weather may be a pipe, which can be read once: workers are told what was in it.
#[test]
fn a_weather_out_of_a_pipe_reaches_every_worker() {
    let play = |weather: &str| {
        let script = format!("exec \"$0\" sim echo --seeds 0..20 --json --weather {weather}");
        let mut shell = Command::new("bash");
        shell.args(["-c", &script, env!("CARGO_BIN_EXE_xtask")]);
        text(&shell.output().expect("a shell").stdout)
    };
    let said = play("<(printf '{\"loss_ppm\":0,\"split_ppm\":0}')");
    assert_eq!(said.matches("\"outcome\":\"held\"").count(), 21, "{said}");
    assert!(said.contains("\"lost\":0"), "{said}");
    assert_ne!(said, play("default"));
}

#[test]
fn a_worker_is_not_called_by_hand() {
    let output = xtask(&["worker"]);
    assert_eq!(code(&output), Some(2));
    let said = text(&output.stderr);
    assert!(said.contains("`worker` is called by a sweep") && said.lines().count() == 1, "{said}");
}

// Where output goes.

/// Ends of pipes and devices that take no output.
#[test]
fn a_closed_pipe_is_silent_and_a_full_disk_is_said() {
    for args in [
        &["--help"][..],
        &["sim", "--help"],
        &["conform", "--help"],
        // Every story is a process of its own.
        &["sim", "--seed", "1"],
        &["sim", "--seeds", "0..20", "--json"],
        &["sim", "planted/lost-wakeup", "--seeds", "0..500"],
        &["replay", "v2:echo"],
    ] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let output = command(args).stdout(writer).output().expect("xtask runs");
        assert_eq!(code(&output), Some(141), "{args:?}");
        assert_eq!(text(&output.stderr), "", "{args:?}");
        let full = File::options().write(true).open("/dev/full").expect("it is there");
        let output = command(args).stdout(full).output().expect("xtask runs");
        assert_eq!(code(&output), Some(1), "{args:?}");
        let said = text(&output.stderr);
        assert!(said.starts_with("error: the output can't be written: No space left"), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
}

/// What can't be said is no reason to panic.
#[test]
fn errors_that_nobody_hears_keep_their_code() {
    for args in [["sim", "no-such"], ["bench", "no-such"], ["replay", "v3:"]] {
        let full = File::options().write(true).open("/dev/full").expect("it is there");
        let output = command(&args).stderr(full).output().expect("xtask runs");
        assert_eq!(code(&output), Some(2), "{args:?}");
    }
    for closed in [">&-", "2>&-", "<&-", "<&- >&- 2>&-"] {
        let script = format!("exec \"$0\" sim echo --seed 1 {closed}");
        let mut shell = Command::new("bash");
        shell.args(["-c", &script, env!("CARGO_BIN_EXE_xtask")]);
        let output = shell.output().expect("a shell");
        assert_eq!(code(&output), Some(0), "{closed}: {}", text(&output.stderr));
    }
}

#[test]
fn every_command_says_what_it_ends_with() {
    let help = |args: &[&str]| {
        let output = xtask(args);
        assert_eq!(code(&output), Some(0), "{args:?}: {}", text(&output.stderr));
        text(&output.stdout).split_whitespace().collect::<Vec<_>>().join(" ")
    };
    for (command, codes) in [
        ("sim", &["0 held", "1 a property", "2 usage", "3 not det", "101 an", "141 who"][..]),
        ("replay", &["0 held", "1 a", "2 usage", "3 not det", "4 nothing", "101 an", "141 who"]),
        ("real", &["0 held", "1 a property", "ended its process", "2 usage", "101 an", "141 who"]),
        ("conform", &["0 held", "1 failed", "2 usage", "101 an", "141 who"]),
        (
            "bench",
            &["0 held", "1 failed", "2 usage", "101 an", "141 who", "echo, instr", "--peers DIR"],
        ),
        ("instructions", &["0 held", "--accept", "3 %", "valgrind"]),
        ("growth", &["0 held", "1.3 times", "valgrind"]),
        ("snapshots", &["0 held", "--accept"]),
        ("tidy", &["0 held", "--floors"]),
        ("ci", &["0 held", "--no-test"]),
        ("test", &["0 held"]),
        ("asan", &["0 held"]),
        ("tsan", &["0 held"]),
        ("mutants", &["0 held"]),
        ("unsafe", &["0 held"]),
    ] {
        let said = help(&[command, "--help"]);
        for code in codes {
            assert!(said.contains(code), "{command} does not say {code}: {said}");
        }
    }
}
