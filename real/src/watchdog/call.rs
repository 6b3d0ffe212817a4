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

    /// The call that it is in.
    pub(super) fn call(&self) -> Call {
        let said = fs::read_to_string(self.0.join("syscall")).unwrap_or_default();
        let number = match said.split_whitespace().next().map(|first| (first, first.parse())) {
            Some(("running", _)) => {
                return Call { told: ", and computes".into(), may_be_interrupted: true };
            }
            Some((_, Ok(number))) => number,
            _ => return Call::default(),
        };
        let (name, place) = (name_of(number), self.place());
        let told = match place.trim() {
            "" | "0" => format!(", in {name}"),
            place => format!(", in {name} ({place})"),
        };
        Call { told, may_be_interrupted: is_restarted(number) }
    }

    /// Where in the kernel it waits.
    fn place(&self) -> String {
        fs::read_to_string(self.0.join("wchan")).unwrap_or_default()
    }
}

/// A call that a thread is in.
pub(super) struct Call {
    /// As the end of a sentence; empty where it is not known.
    pub(super) told: String,
    /// A signal ends it with no error that the program would see.
    pub(super) may_be_interrupted: bool,
}

impl Default for Call {
    /// One that is not known.
    fn default() -> Call {
        Call { told: String::new(), may_be_interrupted: true }
    }
}

/// Whether the call goes on after a signal (`SA_RESTART`, signal(7)), or std makes it again. Waits for
/// sockets and polls end with `EINTR` where they have a time limit.
fn is_restarted(call: i64) -> bool {
    #[cfg(target_os = "linux")]
    {
        const ENDED: &[i64] = &[
            libc::SYS_ppoll,
            libc::SYS_pselect6,
            libc::SYS_epoll_pwait,
            libc::SYS_recvfrom,
            libc::SYS_recvmsg,
            libc::SYS_sendto,
            libc::SYS_sendmsg,
            libc::SYS_accept4,
            libc::SYS_connect,
        ];
        #[cfg(target_arch = "x86_64")]
        if [libc::SYS_poll, libc::SYS_select, libc::SYS_epoll_wait, libc::SYS_accept]
            .contains(&call)
        {
            return false;
        }
        return !ENDED.contains(&call);
    }
    #[allow(unreachable_code, reason = "elsewhere nothing is known")]
    {
        let _ = call;
        true
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
