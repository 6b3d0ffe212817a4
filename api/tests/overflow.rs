//! A stack that overflows ends the process with a line that says whose it was.
//!
//! Each test starts this very program again, to run the one test that overflows on purpose.

mod scripted;

use std::hint::black_box;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;

use greenroom::thread::{self, Builder};
use scripted::{ScriptHub, play};

const WHICH: &str = "GREENROOM_OVERFLOW";

fn deep(n: u64) -> u64 {
    let frame = black_box([n; 64]);
    if black_box(true) { deep(n + 1) + frame[7] } else { 0 }
}

fn falls() {
    deep(0);
}

/// What the other tests start; by itself it does nothing.
#[test]
fn overflows_if_told_to() {
    let Ok(which) = std::env::var(WHICH) else { return };
    let hub = ScriptHub::new().silent();
    match which.as_str() {
        "root" => drop(play(hub, falls)),
        "nested" => drop(play(hub, || {
            let small = || Builder::new().name("conn".into()).stack_size(64 * 1024);
            let accept = Builder::new().name("accept".into()).spawn(move || {
                small().spawn(|| ()).unwrap();
                small().spawn(falls).unwrap().join()
            });
            let _ = accept.unwrap().join();
        })),
        "scoped" => drop(play(hub, || {
            // Ended in place, on its own stack, inside another's turn.
            struct Deep;
            impl Drop for Deep {
                fn drop(&mut self) {
                    deep(0);
                }
            }
            thread::scope(|s| {
                s.spawn(|| {
                    let _deep = Deep;
                    thread::park();
                });
                thread::yield_now();
                panic!("on purpose");
            });
        })),
        "panic" => {
            play(hub, || {
                let body = || panic!("with a backtrace");
                let small = Builder::new().stack_size(1).spawn(body).unwrap();
                assert!(small.join().is_err());
            })
            .done();
            return;
        }
        "second hub" => {
            play(hub, || thread::spawn(|| ()).join().unwrap()).done();
            let other = || drop(play(ScriptHub::new().silent(), falls));
            std::thread::spawn(other).join().unwrap();
        }
        "thread" => {
            play(hub, || thread::spawn(|| ()).join().unwrap()).done();
            std::thread::Builder::new()
                .name("plain".into())
                .spawn(|| deep(0))
                .unwrap()
                .join()
                .unwrap();
        }
        unknown => panic!("{unknown}"),
    }
    panic!("it did not overflow");
}

/// Plays one of the above; what it said on stderr, last. It must abort.
fn overflow(which: &str) -> String {
    let ended = start(which).output().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!(ended.status.signal(), Some(libc::SIGABRT), "{:?}: {said}", ended.status);
    said
}

fn start(which: &str) -> Command {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["overflows_if_told_to", "--exact", "--nocapture"]).env(WHICH, which);
    child
}

#[track_caller]
fn says(which: &str, line: &str) {
    let said = overflow(which);
    let expected = line.replace("HERE", file!());
    // Lines and columns of the spawn are the compiler's to count.
    let told = said.lines().map(|line| {
        let digits = |c: char| c.is_ascii_digit() || c == ':';
        match line.split_once(concat!(file!(), ":")) {
            Some((before, after)) => {
                format!("{before}{}{}", file!(), after.trim_start_matches(digits))
            }
            None => line.to_owned(),
        }
    });
    assert!(told.into_iter().any(|line| line == expected), "{said}");
}

#[test]
fn of_a_hosts_root() {
    says(
        "root",
        "greenlet main overflowed its stack of 256 KiB; give it more with thread::Builder::stack_size",
    );
}

#[test]
fn of_a_greenlet_far_down_the_tree() {
    says(
        "nested",
        "greenlet main/accept/conn#2 overflowed its stack of 64 KiB (spawned at HERE); \
         give it more with thread::Builder::stack_size",
    );
}

#[test]
fn of_a_child_that_its_scope_ends() {
    says(
        "scoped",
        "greenlet main/task overflowed its stack of 256 KiB (spawned at HERE); \
         give it more with thread::Builder::stack_size",
    );
}

#[test]
fn of_a_greenlet_on_a_thread_with_a_hub_of_its_own() {
    says(
        "second hub",
        "greenlet main overflowed its stack of 256 KiB; give it more with thread::Builder::stack_size",
    );
}

/// The floor of stack sizes is what a panic takes that prints the calls that led to it.
#[test]
fn a_panic_with_a_backtrace_fits_the_smallest_stack() {
    for backtrace in ["1", "full"] {
        let mut child = start("panic");
        let ended = child.env("RUST_BACKTRACE", backtrace).output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        assert!(ended.status.success(), "{said}");
        assert!(said.contains("with a backtrace\nstack backtrace:\n"), "{said}");
    }
}

/// Ours is not the only handler: std's still tells of a thread's own stack.
#[test]
#[cfg_attr(feature = "sanitizer", ignore = "the sanitizer tells of it, and not std")]
fn of_a_thread_is_still_told_by_std() {
    let said = overflow("thread");
    assert!(
        said.contains("thread 'plain' (") && said.contains("has overflowed its stack"),
        "{said}"
    );
}
