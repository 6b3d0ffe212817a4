//! A worker, seen from itself: this same program in a process of its own, which ends when its parent does.
//!
//! Its stdin is a socket that its parent made: the job comes over it, what is told goes over it, and its end is
//! the parent's. The programs that are played have `/dev/null` there. A worker that does nothing but spin ends
//! too: a thread of its own waits for that end, and the system sends a signal.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::OnceLock;
use std::thread;

use rustix::process::{Signal, getpid, kill_process, set_parent_process_death_signal};

use crate::search::job::{Job, Told};

/// The most that is read of a job: a token may have many deviations.
const JOB_MAX_BYTES: u64 = 256 << 20;

static PARENT: OnceLock<UnixStream> = OnceLock::new();

/// Becomes a worker: returns the job.
///
/// # Errors
///
/// When nobody gives one, as where a person calls it.
pub(crate) fn begin() -> io::Result<Job> {
    // It ends a worker that is stopped, too. By itself it is not enough: the parent may have ended before this.
    let _ = set_parent_process_death_signal(Some(Signal::KILL));
    let parent = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    let mut from_parent = BufReader::new(parent.try_clone()?);
    let mut line = String::new();
    from_parent.by_ref().take(JOB_MAX_BYTES).read_line(&mut line)?;
    let job = serde_json::from_str(&line)?;
    rustix::stdio::dup2_stdin(File::open("/dev/null")?)?;
    let outlives_nobody = move || {
        // Nothing else comes.
        let _ = from_parent.read_to_end(&mut Vec::new());
        end_at_once();
    };
    thread::Builder::new().name("greenroom parent".into()).spawn(outlives_nobody)?;
    let _ = PARENT.set(parent);
    Ok(job)
}

/// Tells the parent, if this is a worker.
pub(crate) fn tell(told: &Told) {
    let Some(mut parent) = PARENT.get() else { return };
    let mut line = serde_json::to_string(told).expect("plain values become JSON");
    line.push('\n');
    if parent.write_all(line.as_bytes()).is_err() {
        end_at_once();
    }
}

/// Ends the process, and its parent, with this code: nobody hears what they have to say.
pub(crate) fn end_unheard(code: i32) -> ! {
    tell(&Told::Unheard(code));
    std::process::exit(code);
}

/// Nobody is there any more to hear why, and the runs' thread may hold any lock.
fn end_at_once() {
    let _ = kill_process(getpid(), Signal::KILL);
}
