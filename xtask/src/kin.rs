//! Processes that this program starts of itself: they end when the one that started them does, however that
//! ended.
//!
//! A child's stdin is a pipe that its parent holds the other end of and never writes to. It is passed on by
//! whatever stands between the two (`taskset`, `unshare`, a profiler), so it says more than who the parent is.

use std::io::{self, Read};
use std::os::fd::AsFd;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread;

use rustix::fs::{FileType, fstat};
use rustix::process::{Signal, getpid, kill_process, set_parent_process_death_signal};

/// What a child lives by: it ends once this is dropped.
#[must_use = "the child ends when it is dropped"]
pub struct Tie(#[allow(dead_code, reason = "held, not used")] ChildStdin);

/// Starts a command that becomes this program and is to end with it.
pub fn start(command: &mut Command) -> io::Result<(Child, Tie)> {
    let mut child = command.stdin(Stdio::piped()).spawn()?;
    // Waiting for a child would close it.
    let tie = Tie(child.stdin.take().expect("it is piped"));
    Ok((child, tie))
}

/// Has this process end when the one that started it does. It ends one that is stopped, too.
///
/// # Errors
///
/// When no parent is there for it, as where a person calls it.
pub fn end_with_parent() -> io::Result<()> {
    if FileType::from_raw_mode(fstat(io::stdin().as_fd())?.st_mode) != FileType::Fifo {
        return Err(io::Error::other("it is started by another command, not by hand"));
    }
    let _ = set_parent_process_death_signal(Some(Signal::KILL));
    let outlives_nobody = || {
        // Nothing ever comes. It takes no descriptor: rows of tables count them.
        let _ = io::stdin().lock().read_to_end(&mut Vec::new());
        let _ = kill_process(getpid(), Signal::KILL);
    };
    thread::Builder::new().name("xtask parent".into()).spawn(outlives_nobody)?;
    Ok(())
}
