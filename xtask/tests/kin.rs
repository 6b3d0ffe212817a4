//! Processes that the tools start of themselves end with them, though nobody but the parent is told to end.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::OwnedFd;
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};

/// What a test waits for no longer.
const PATIENCE: Duration = Duration::from_secs(60);

/// A process below the one that is tested, which nothing reaps before it is looked at.
struct Kin {
    pid: Pid,
    handle: OwnedFd,
}

/// All processes below this one whose command lines have this word, and that look after their parents; empty where it has ended meanwhile.
fn below(pid: Pid, word: &str) -> Vec<Kin> {
    let threads = format!("/proc/{}/task", pid.as_raw_nonzero());
    let mut found = Vec::new();
    for thread in fs::read_dir(threads).into_iter().flatten().flatten() {
        let children = fs::read_to_string(thread.path().join("children")).unwrap_or_default();
        let pids = children.split_whitespace().filter_map(|pid| Pid::from_raw(pid.parse().ok()?));
        for pid in pids {
            let Ok(handle) = pidfd_open(pid, PidfdFlags::empty()) else { continue };
            let has = has_word(pid, word) && (word == "cat" || is_tied(pid));
            found.extend(has.then_some(Kin { pid, handle }));
            found.extend(below(pid, word));
        }
    }
    found
}

fn has_word(pid: Pid, word: &str) -> bool {
    let line = fs::read(format!("/proc/{}/cmdline", pid.as_raw_nonzero())).unwrap_or_default();
    line.split(|byte| *byte == 0).any(|arg| arg == word.as_bytes())
}

/// Whether it has got as far as to look after its parent, which takes it a thread.
fn is_tied(pid: Pid) -> bool {
    let threads = fs::read_dir(format!("/proc/{}/task", pid.as_raw_nonzero()));
    let mut names = threads.into_iter().flatten().flatten();
    names.any(|thread| {
        fs::read(thread.path().join("comm")).is_ok_and(|comm| comm == b"xtask parent\n")
    })
}

/// Waits until there is a process with each of these words; `None` where the tool ends before.
fn wait_for(tool: &mut Child, words: &[&str]) -> Option<Vec<Kin>> {
    let (start, pid) = (Instant::now(), Pid::from_child(tool));
    while start.elapsed() < PATIENCE {
        let found: Vec<Vec<Kin>> = words.iter().map(|word| below(pid, word)).collect();
        if found.iter().all(|of_word| !of_word.is_empty()) {
            return Some(found.into_iter().flatten().collect());
        }
        if tool.try_wait().expect("it is ours").is_some() {
            return None;
        }
        std::thread::yield_now();
    }
    let _ = tool.kill();
    panic!("none of {words:?} within {PATIENCE:?}");
}

/// Ends the tool by this signal, with its processes stopped or not; none of them is left.
fn ends_with(args: &[&str], words: &[&str], signal: Signal, are_stopped: bool) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut tool = command.spawn().expect("xtask runs");
    let Some(kin) = wait_for(&mut tool, words) else {
        let required = std::env::var_os("GREENROOM_REQUIRE_TOOLS").is_some();
        assert!(!required && args[0] == "conform", "{args:?} starts no other process");
        println!("skipped: no namespaces");
        return;
    };
    if are_stopped {
        // One may have done its part just now.
        for kin in &kin {
            let _ = kill_process(kin.pid, Signal::STOP);
        }
    }
    kill_process(Pid::from_child(&tool), signal).expect("it lives");
    let bound = Timespec { tv_sec: 20, tv_nsec: 0 };
    let ends =
        |kin: &&Kin| poll(&mut [PollFd::new(&kin.handle, PollFlags::IN)], Some(&bound)) == Ok(1);
    let outlives: Vec<Pid> = kin.iter().filter(|kin| !ends(kin)).map(|kin| kin.pid).collect();
    // Not to leave them to everybody else.
    for pid in &outlives {
        let _ = kill_process(*pid, Signal::KILL);
    }
    tool.wait().expect("it is ours");
    assert!(outlives.is_empty(), "{args:?} is outlived by {outlives:?}");
}

/// As `bench` calls itself, once it is built for figures.
const BENCH: [&str; 2] = ["bench-again", "echo"];
const ACROSS: [&str; 4] = ["conform", "--across", "--cases", "1000000"];
const FUZZ: [&str; 4] = ["fuzz", "hosts", "--for", "600s"];

#[test]
fn what_a_benchmark_measures_ends_with_it() {
    ends_with(&BENCH, &["bench-child"], Signal::KILL, false);
    ends_with(&BENCH, &["bench-child"], Signal::TERM, false);
    ends_with(&BENCH, &["bench-child"], Signal::KILL, true);
}

#[test]
fn both_hosts_of_conform_end_with_it() {
    let both = ["--across-child", "cat"];
    ends_with(&ACROSS, &both, Signal::KILL, false);
    ends_with(&ACROSS, &both, Signal::TERM, false);
}

#[test]
fn a_host_of_conform_that_is_stopped_ends_with_it() {
    ends_with(&ACROSS, &["--across-child"], Signal::KILL, true);
}

#[test]
fn what_reads_the_inputs_of_fuzz_ends_with_it() {
    ends_with(&FUZZ, &["fuzz-child"], Signal::KILL, false);
    ends_with(&FUZZ, &["fuzz-child"], Signal::TERM, true);
}

/// `bench` is a cargo that builds, and then the bench itself: that one ends with the first, too.
#[test]
fn a_benchmark_ends_with_the_one_that_had_it_built() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.args(BENCH).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut bench = command.spawn().expect("xtask runs");
    let kin = wait_for(&mut bench, &["bench-child"]).expect("it measures");
    drop(bench.stdin.take());
    let bound = Timespec { tv_sec: 20, tv_nsec: 0 };
    for Kin { pid, handle } in kin {
        let ended = poll(&mut [PollFd::new(&handle, PollFlags::IN)], Some(&bound)) == Ok(1);
        assert!(ended, "{pid:?} is left");
    }
    let status = bench.wait().expect("it is ours");
    assert!(!status.success(), "{status}");
}
