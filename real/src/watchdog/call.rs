//! The call that a thread is in, as Linux tells under /proc.

use std::fs;
use std::path::{Path, PathBuf};

/// A thread, by its folder under /proc.
pub(super) struct Thread(PathBuf);

impl Thread {
    /// This one; `None` where the system has no such folder.
    pub(super) fn here() -> Option<Thread> {
        let link = fs::read_link("/proc/thread-self").ok()?;
        Some(Thread(Path::new("/proc").join(link)))
    }

    /// The call that it is in, as the end of a sentence; empty where that is not known.
    pub(super) fn in_call(&self) -> String {
        in_call(&self.0)
    }
}

fn in_call(thread: &Path) -> String {
    let Ok(said) = fs::read_to_string(thread.join("syscall")) else { return String::new() };
    let call = match said.split_whitespace().next().map(|first| (first, first.parse())) {
        Some(("running", _)) => return ", and computes".into(),
        Some((_, Ok(number))) => name_of(number),
        _ => return String::new(),
    };
    let place = fs::read_to_string(thread.join("wchan")).unwrap_or_default();
    match place.trim() {
        "" | "0" => format!(", in {call}"),
        place => format!(", in {call} ({place})"),
    }
}

/// The calls that hold a thread up; any other by its number.
fn name_of(call: i64) -> String {
    #[cfg(target_os = "linux")]
    {
        const NAMED: &[(i64, &str)] = &[
            (libc::SYS_futex, "futex: a lock, a channel or a join of std's"),
            (libc::SYS_clock_nanosleep, "a sleep of std's"),
            (libc::SYS_nanosleep, "a sleep of std's"),
            (libc::SYS_read, "read"),
            (libc::SYS_write, "write"),
            (libc::SYS_pread64, "pread"),
            (libc::SYS_pwrite64, "pwrite"),
            (libc::SYS_fsync, "fsync"),
            (libc::SYS_fdatasync, "fdatasync"),
            (libc::SYS_openat, "open"),
            (libc::SYS_flock, "flock"),
            (libc::SYS_wait4, "wait"),
            (libc::SYS_waitid, "wait"),
            (libc::SYS_ppoll, "poll"),
            (libc::SYS_recvfrom, "recv"),
            (libc::SYS_sendto, "send"),
            (libc::SYS_accept4, "accept"),
            (libc::SYS_connect, "connect"),
            (libc::SYS_close, "close"),
        ];
        if let Some((_, name)) = NAMED.iter().find(|(number, _)| *number == call) {
            return (*name).to_owned();
        }
    }
    format!("system call {call}")
}
