//! The watchdog: a thread that tells on stderr which greenlet holds its hub for too long, and in
//! which call: a `std` lock, a file that does not come, a loop without an end.
//!
//! Nobody else runs meanwhile, so nobody else could tell. A hub that waits in its poll is not held. One
//! thread watches all hubs of the process; a hub writes a number a turn for it, and who runs is asked of the
//! hub's thread once it has been at it for too long. `GREENROOM_WATCHDOG` is `off` or so many
//! milliseconds; without it they are a second.

mod call;
#[cfg(test)]
mod tests;

use std::cell::Cell;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use call::Thread;
use greenroom::driver::Probe;

const VARIABLE: &str = "GREENROOM_WATCHDOG";
/// Where the variable says nothing.
const PATIENCE: Duration = Duration::from_secs(1);
/// So often it looks before a turn has lasted too long. One that was looked at once and then
/// stopped, with the whole process, is not taken for one that held its hub all the while.
const LOOKS: u32 = 4;
/// How long it waits for the hub's thread to say who runs.
const ANSWER: Duration = Duration::from_millis(200);

/// What a report is given to.
pub(crate) type Report = Box<dyn FnMut(String) + Send>;

/// The hub's side; it is watched until this is dropped.
pub(crate) struct Watchdog {
    patience: Duration,
    report: Option<Report>,
    held: Arc<Held>,
    /// How many turns there were, twice.
    turns: Cell<u64>,
}

/// What a hub shows, on a line of the cache of its own: another thread looks at it.
#[repr(align(64))]
struct Held {
    /// Another number each turn, odd while a greenlet runs.
    turn: AtomicU64,
}

impl Watchdog {
    /// What the environment asks for.
    ///
    /// # Errors
    ///
    /// `InvalidInput` when that cannot be read.
    pub(crate) fn from_env() -> io::Result<Option<Watchdog>> {
        let asked = std::env::var_os(VARIABLE);
        let asked = asked.as_ref().map(|value| value.to_string_lossy());
        let patience = patience(asked.as_deref())?;
        Ok(patience.map(|patience| Watchdog::new(patience, Box::new(say))))
    }

    pub(crate) fn new(patience: Duration, report: Report) -> Watchdog {
        let held = Arc::new(Held { turn: AtomicU64::new(0) });
        Watchdog { patience, report: Some(report), held, turns: Cell::new(0) }
    }

    /// Begins to watch the hub of this thread. Without a thread to be had nothing is watched.
    pub(crate) fn start(&mut self) {
        let Some(report) = self.report.take() else { return };
        let tick = self.patience / LOOKS;
        let watched = Watched {
            held: Arc::downgrade(&self.held),
            hub: Probe::here(),
            thread: Thread::here(),
            patience: self.patience,
            due: Instant::now() + tick,
            looks: Looks::default(),
            report,
        };
        let watcher = || thread::Builder::new().name("greenroom watchdog".into()).spawn(watch);
        if lock(&ALL).add(watched, std::process::id(), || watcher().is_ok()) {
            CHANGED.notify_one();
        }
    }

    /// A greenlet has the turn.
    #[inline]
    pub(crate) fn entered(&self) {
        let turns = self.turns.get() + 2;
        self.turns.set(turns);
        self.held.turn.store(turns + 1, Ordering::Relaxed);
    }

    /// Nobody runs: the hub looks at the world.
    #[inline]
    pub(crate) fn left(&self) {
        self.held.turn.store(self.turns.get(), Ordering::Relaxed);
    }
}

/// Tells of it on stderr, if anybody reads that.
fn say(line: String) {
    use std::io::Write;
    let _ = writeln!(io::stderr(), "{line}");
}

/// The watcher's side of a hub.
struct Watched {
    held: Weak<Held>,
    hub: Probe,
    thread: Option<Thread>,
    patience: Duration,
    /// When to look next.
    due: Instant,
    looks: Looks,
    report: Report,
}

/// All hubs that are watched, but for the one that is being looked at.
static ALL: Mutex<All> = Mutex::new(All { watched: Vec::new(), watcher_of: None });
static CHANGED: Condvar = Condvar::new();

struct All {
    watched: Vec<Watched>,
    /// The process whose watcher there is.
    watcher_of: Option<u32>,
}

impl All {
    /// Has a hub of this process watched, by a new watcher where there is none; whether it is.
    fn add(&mut self, hub: Watched, process: u32, start: impl FnOnce() -> bool) -> bool {
        // The watcher may be held up, by whoever does not read its reports.
        self.watched.retain(Watched::is_there);
        // A child that fork(2) made has none of its parent's threads.
        if self.watcher_of != Some(process) {
            self.watcher_of = start().then_some(process);
        }
        let is_watched = self.watcher_of.is_some();
        if is_watched {
            self.watched.push(hub);
        }
        is_watched
    }
}

/// The watcher: looks at each hub when that is due, and waits where there is none.
fn watch() {
    let mut all = lock(&ALL);
    loop {
        all.watched.retain(Watched::is_there);
        let now = Instant::now();
        let next = (0..all.watched.len()).min_by_key(|&at| all.watched[at].due);
        all = match next {
            None => CHANGED.wait(all).unwrap_or_else(PoisonError::into_inner),
            Some(at) if all.watched[at].due > now => {
                let left = all.watched[at].due - now;
                let waited = CHANGED.wait_timeout(all, left);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
            Some(at) => {
                // Not under the lock: a report takes as long as whoever reads it.
                let mut due = all.watched.swap_remove(at);
                drop(all);
                due.look();
                let mut all = lock(&ALL);
                all.watched.push(due);
                all
            }
        };
    }
}

impl Watched {
    fn is_there(&self) -> bool {
        self.held.strong_count() > 0
    }

    fn look(&mut self) {
        let Some(held) = self.held.upgrade() else { return };
        if self.looks.look(held.turn.load(Ordering::Relaxed)) {
            let call = self.thread.as_ref().map(Thread::call).unwrap_or_default();
            let who = if call.may_be_interrupted { self.hub.ask_who(ANSWER) } else { None };
            let who = who.unwrap_or_else(|| "a greenlet".into());
            drop(held);
            (self.report)(format!("{who} has held its hub for {:?}{}", self.patience, call.told));
        }
        self.due = Instant::now() + self.patience / LOOKS;
    }
}

/// What one look after the other shows.
#[derive(Default)]
struct Looks {
    turn: u64,
    count: u32,
}

impl Looks {
    /// Whether this turn has now lasted too long; said once of each.
    fn look(&mut self, turn: u64) -> bool {
        let is_held = !turn.is_multiple_of(2);
        if turn != self.turn || !is_held {
            *self = Looks { turn, count: 0 };
            return false;
        }
        self.count = self.count.saturating_add(1);
        self.count == LOOKS
    }
}

/// The value of the variable.
fn patience(asked: Option<&str>) -> io::Result<Option<Duration>> {
    match asked.map(|asked| (asked, asked.parse())) {
        None => Ok(Some(PATIENCE)),
        Some(("off", _)) => Ok(None),
        Some((_, Ok(ms @ 1..))) => Ok(Some(Duration::from_millis(ms))),
        Some((asked, _)) => Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("{VARIABLE} is `off` or a number of milliseconds, not `{asked}`"),
        )),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
