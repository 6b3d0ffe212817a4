//! The keeper: a thread beside the runs of this process that finds the one which takes no turn any more.
//!
//! A greenlet that spins without a call of ours, or stands in a lock of std's, has its thread for good, and
//! nobody can unwind it. The keeper looks every so often whether the run still takes turns; where none was
//! taken for [`PATIENCE`] it has the thread say who it is and where, and hands that to whoever watches the
//! run, to end the process. It is wall time that it goes by, so its verdict is part of no hash.
//!
//! `GREENROOM_WATCHDOG` is `off` or the patience in milliseconds.

use std::cell::RefCell;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Once, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use greenroom::driver::Probe;

/// Wall time without a turn after which a run is stuck.
const PATIENCE: Duration = Duration::from_secs(5);
/// So often the keeper looks meanwhile: a process that was stopped for a time is not stuck by that.
const LOOKS: u32 = 5;
/// Judges take no turns, and may take their time: so many times the patience.
const JUDGES_LOOKS: u32 = 12 * LOOKS;
/// How long it waits for the thread's answer.
const ANSWER: Duration = Duration::from_secs(2);
const VARIABLE: &str = "GREENROOM_WATCHDOG";

/// A thread whose runs are watched, until it is dropped.
pub(crate) struct Watching;

/// What is done when a run of this seed, or of a tape, is stuck, which is said in words. It runs on the keeper's
/// thread and ends the process.
pub(crate) type Verdict = Box<dyn Fn(Option<u64>, &str) + Send>;

/// Whose code a run is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Phase {
    /// Nobody's: between runs.
    Rest,
    /// The function's that sets the stage.
    Stage,
    Programs,
    Judges,
}

/// What a run shows its keeper.
pub(crate) struct Beat {
    probe: Probe,
    /// Turns of all its runs.
    turns: AtomicU64,
    /// A [`Phase`].
    phase: AtomicU8,
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
    let Some(patience) = patience()? else {
        return Ok(Watching);
    };
    let beat = Arc::new(Beat {
        probe: Probe::here(),
        turns: AtomicU64::new(0),
        phase: AtomicU8::new(Phase::Rest as u8),
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

/// The patience that the variable asks for; none where nothing is watched.
///
/// # Errors
///
/// One line, if the variable cannot be read.
pub(crate) fn patience() -> Result<Option<Duration>, String> {
    let Some(asked) = std::env::var_os(VARIABLE) else { return Ok(Some(PATIENCE)) };
    match asked.to_str().map(|asked| (asked, asked.parse())) {
        Some(("off", _)) => Ok(None),
        Some((_, Ok(ms @ 1..))) => Ok(Some(Duration::from_millis(ms))),
        _ => {
            let asked = asked.to_string_lossy();
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
        running.phase(Phase::Stage);
        running
    }

    pub(crate) fn phase(&self, phase: Phase) {
        if let Some(beat) = &self.0 {
            beat.turn();
            beat.phase.store(phase as u8, Ordering::Release);
        }
    }

    pub(crate) fn beat(&self) -> Option<Arc<Beat>> {
        self.0.clone()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.phase(Phase::Rest);
    }
}

impl Beat {
    /// A turn begins. Its own thread alone counts.
    #[inline]
    pub(crate) fn turn(&self) {
        self.turns.store(self.turns.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }

    fn phase(&self) -> Phase {
        let all = [Phase::Rest, Phase::Stage, Phase::Programs, Phase::Judges];
        all[usize::from(self.phase.load(Ordering::Acquire))]
    }

    fn say(&self, phase: Phase, lasted: Duration) {
        let seed = *self.seed.lock().unwrap_or_else(PoisonError::into_inner);
        let (who, calls) = match self.probe.ask(ANSWER) {
            Some(found) => (found.greenlet, found.calls),
            None => ("a greenlet".to_owned(), "      (it does not say where)\n".to_owned()),
        };
        let hangs = match phase {
            Phase::Stage => "the function that sets the stage has not returned".to_owned(),
            Phase::Judges => "a judge has not returned".to_owned(),
            _ if who.is_empty() => "the simulator has not let go of its turn".to_owned(),
            _ => format!("{who} has not let go of its turn"),
        };
        let what = format!("{hangs} for {lasted:?}; it stands in\n{calls}");
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
            let phase = beat.phase();
            let stands = phase != Phase::Rest && now == *turns;
            (*turns, *looks) = (now, if stands { *looks + 1 } else { 0 });
            let patience = if phase == Phase::Judges { JUDGES_LOOKS } else { LOOKS };
            if *looks == patience {
                beat.say(phase, tick * patience);
            }
            true
        });
    }
}
