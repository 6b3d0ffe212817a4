//! The keeper: a thread beside the runs of this process that finds the one which takes no turn any more.
//!
//! A greenlet that spins without a call of ours, or stands in a lock of std's, has its thread for good, and
//! nobody can unwind it. The keeper looks every so often whether the run still takes turns; where none was
//! taken for [`PATIENCE`] it has the thread say who it is and where, and hands that to whoever watches the
//! run, to end the process. It is wall time that it goes by, so its verdict is part of no hash.
//!
//! `GREENROOM_WATCHDOG` is `off` or the patience in milliseconds.

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Once, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use greenroom::driver::Probe;

/// Wall time without a turn after which a run is stuck.
const PATIENCE: Duration = Duration::from_secs(5);
/// So often the keeper looks meanwhile: a process that was stopped for a time is not stuck by that.
const LOOKS: u32 = 5;
/// How long it waits for the thread's answer.
const ANSWER: Duration = Duration::from_secs(2);
const VARIABLE: &str = "GREENROOM_WATCHDOG";

/// A thread whose runs are watched, until it is dropped.
pub(crate) struct Watching;

/// What is done when a run of this seed, or of a tape, is stuck, which is said in words. It runs on the keeper's
/// thread and ends the process.
pub(crate) type Verdict = Box<dyn Fn(Option<u64>, &str) + Send>;

/// What a run shows its keeper.
pub(crate) struct Beat {
    probe: Probe,
    /// Turns of all its runs.
    turns: AtomicU64,
    runs: AtomicBool,
    seed: Mutex<Option<u64>>,
    verdict: Mutex<Verdict>,
}

thread_local! {
    static BEAT: RefCell<Option<Arc<Beat>>> = const { RefCell::new(None) };
}

static WATCHED: Mutex<Vec<Weak<Beat>>> = Mutex::new(Vec::new());

/// Has the runs of this thread watched from now on.
///
/// # Errors
///
/// One line, if the variable cannot be read.
pub(crate) fn watch(verdict: Verdict) -> Result<Watching, String> {
    let Some(patience) = patience(std::env::var(VARIABLE).ok().as_deref())? else {
        return Ok(Watching);
    };
    let beat = Arc::new(Beat {
        probe: Probe::here(),
        turns: AtomicU64::new(0),
        runs: AtomicBool::new(false),
        seed: Mutex::default(),
        verdict: Mutex::new(verdict),
    });
    watched(|all| all.push(Arc::downgrade(&beat)));
    BEAT.set(Some(beat));
    static KEEPER: Once = Once::new();
    KEEPER.call_once(|| {
        let keep = move || keep(patience / LOOKS);
        // Without a thread to be had nothing is watched.
        let _ = thread::Builder::new().name("greenroom keeper".into()).spawn(keep);
    });
    Ok(Watching)
}

impl Drop for Watching {
    fn drop(&mut self) {
        BEAT.set(None);
    }
}

fn patience(asked: Option<&str>) -> Result<Option<Duration>, String> {
    match asked.map(|asked| (asked, asked.parse())) {
        None => Ok(Some(PATIENCE)),
        Some(("off", _)) => Ok(None),
        Some((_, Ok(ms @ 1..))) => Ok(Some(Duration::from_millis(ms))),
        Some((asked, _)) => {
            Err(format!("{VARIABLE} is `off` or a number of milliseconds, not `{asked}`"))
        }
    }
}

fn watched<T>(f: impl FnOnce(&mut Vec<Weak<Beat>>) -> T) -> T {
    f(&mut WATCHED.lock().unwrap_or_else(PoisonError::into_inner))
}

/// A run on this thread, while it lives; nothing where nobody watches.
pub(crate) struct Running(Option<Arc<Beat>>);

impl Running {
    pub(crate) fn begin(seed: Option<u64>) -> Running {
        let beat = BEAT.with_borrow(Clone::clone);
        if let Some(beat) = &beat {
            *beat.seed.lock().unwrap_or_else(PoisonError::into_inner) = seed;
        }
        let running = Running(beat);
        running.resume();
        running
    }

    /// What takes no turns meanwhile is not stuck.
    pub(crate) fn pause(&self) {
        if let Some(beat) = &self.0 {
            beat.runs.store(false, Ordering::Release);
        }
    }

    pub(crate) fn resume(&self) {
        if let Some(beat) = &self.0 {
            beat.turn();
            beat.runs.store(true, Ordering::Release);
        }
    }

    pub(crate) fn beat(&self) -> Option<Arc<Beat>> {
        self.0.clone()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.pause();
    }
}

impl Beat {
    /// A turn begins. Its own thread alone counts.
    #[inline]
    pub(crate) fn turn(&self) {
        self.turns.store(self.turns.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }

    fn say(&self, lasted: Duration) {
        let seed = *self.seed.lock().unwrap_or_else(PoisonError::into_inner);
        let (who, calls) = match self.probe.ask(ANSWER) {
            Some(found) if !found.greenlet.is_empty() => (found.greenlet, found.calls),
            Some(found) => ("the simulator".to_owned(), found.calls),
            None => ("a greenlet".to_owned(), "      (it does not say where)\n".to_owned()),
        };
        let what =
            format!("{who} has not let go of its turn for {lasted:?}; it stands in\n{calls}");
        (self.verdict.lock().unwrap_or_else(PoisonError::into_inner))(seed, what.trim_end());
    }
}

fn keep(tick: Duration) {
    let mut seen: Vec<(Weak<Beat>, u64, u32)> = Vec::new();
    loop {
        thread::sleep(tick);
        seen.extend(watched(std::mem::take).into_iter().map(|beat| (beat, 0, 0)));
        seen.retain_mut(|(beat, turns, looks)| {
            let Some(beat) = beat.upgrade() else { return false };
            let now = beat.turns.load(Ordering::Relaxed);
            let stands = beat.runs.load(Ordering::Acquire) && now == *turns;
            (*turns, *looks) = (now, if stands { *looks + 1 } else { 0 });
            if *looks == LOOKS {
                beat.say(tick * LOOKS);
            }
            true
        });
    }
}
