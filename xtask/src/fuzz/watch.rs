//! An eye on the input that is being read: how long it takes, and how much memory the process has had.

use std::fs;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::failed;

/// No input takes longer.
const PATIENCE: Duration = Duration::from_secs(10);
/// The process takes no more memory than this beside what it had.
const MORE_KIB_MAX: u64 = 256 * 1024;

pub struct Watch {
    now: Arc<Mutex<Now>>,
    resident_kib: u64,
}

#[derive(Default)]
struct Now {
    input: Vec<u8>,
    count: u64,
    is_over: bool,
}

impl Watch {
    pub fn start(target: &'static str) -> Watch {
        let now = Arc::<Mutex<Now>>::default();
        let theirs = now.clone();
        // The peak of what was before is none of this target's.
        let _ = fs::write("/proc/self/clear_refs", "5");
        std::thread::spawn(move || look(target, &theirs));
        Watch { now, resident_kib: peak_kib() }
    }

    pub fn begins(&self, input: &[u8]) {
        let mut now = lock(&self.now);
        now.input.clear();
        now.input.extend_from_slice(input);
        now.count += 1;
    }

    /// Whether this input or one of the last took no more memory than it may.
    pub fn takes_little(&self) -> Result<(), String> {
        match self.more_kib() {
            more if more <= MORE_KIB_MAX => Ok(()),
            more => Err(format!("this input, or one of 63 before it, took {more} KiB")),
        }
    }

    /// How many KiB of memory the process had more, at most.
    pub fn more_kib(&self) -> u64 {
        peak_kib().saturating_sub(self.resident_kib)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        lock(&self.now).is_over = true;
    }
}

fn look(target: &'static str, now: &Mutex<Now>) {
    let mut seen = u64::MAX;
    loop {
        {
            let now = lock(now);
            if now.is_over {
                return;
            }
            if now.count == seen {
                let told = failed(target, &now.input, &format!("not read within {PATIENCE:?}"));
                told.unwrap_or_else(|error| complain!("fuzz: {error}"));
                std::process::exit(1);
            }
            seen = now.count;
        }
        std::thread::sleep(PATIENCE);
    }
}

fn lock(now: &Mutex<Now>) -> MutexGuard<'_, Now> {
    now.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The most memory that the process ever had, in KiB; 0 where the system does not say.
fn peak_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse().ok()).unwrap_or(0)
}
