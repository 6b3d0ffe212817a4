//! The watchdog: a thread beside a hub that tells on stderr which greenlet holds the hub for too
//! long, and in which call: a `std` lock, a file that does not come, a loop without an end.
//!
//! Nobody else runs meanwhile, so nobody else could tell. A hub that waits in its poll is not held.
//! `GREENROOM_WATCHDOG` is `off` or so many milliseconds; without it the watchdog is on in debug
//! builds, at a second. When it is off it costs a hub one comparison a turn.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::iter;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use greenroom::hub::{Birth, GreenletId};

const VARIABLE: &str = "GREENROOM_WATCHDOG";
/// So often it looks before a turn has lasted too long. One that was looked at once and then
/// stopped, with the whole process, is not taken for one that held its hub all the while.
const LOOKS: u32 = 4;

/// The longest path that is told, in names. What it leaves out at the front shows as `…`.
const PARTS_MAX: usize = 16;

/// What a report is given to.
pub(crate) type Report = Box<dyn FnMut(String) + Send>;

/// The hub's side. Its thread ends after it is dropped, once what it reports to has taken the last.
pub(crate) struct Watchdog {
    patience: Duration,
    report: Option<Report>,
    held: Arc<Held>,
}

/// Who holds the hub, for its watchdog to see.
struct Held {
    /// The greenlet that runs; 0 while none does.
    by: AtomicU64,
    /// Which turn this is.
    turn: AtomicU64,
    names: Mutex<HashMap<GreenletId, Path>>,
    is_over: Mutex<bool>,
    over: Condvar,
}

/// The names down to a place in the spawn tree: its own is last, and [`PARTS_MAX`] are kept, for a
/// chain of spawns need not end.
type Path = Arc<[Arc<str>]>;

impl Watchdog {
    /// What the environment asks for.
    ///
    /// # Errors
    ///
    /// `InvalidInput` when that cannot be read.
    pub(crate) fn from_env() -> io::Result<Option<Watchdog>> {
        let asked = std::env::var_os(VARIABLE);
        let asked = asked.as_ref().map(|value| value.to_string_lossy());
        let patience = patience(asked.as_deref(), cfg!(debug_assertions))?;
        Ok(patience.map(|patience| Watchdog::new(patience, Box::new(|line| eprintln!("{line}")))))
    }

    pub(crate) fn new(patience: Duration, report: Report) -> Watchdog {
        let held = Held {
            by: AtomicU64::new(0),
            turn: AtomicU64::new(0),
            names: Mutex::default(),
            is_over: Mutex::new(false),
            over: Condvar::new(),
        };
        Watchdog { patience, report: Some(report), held: Arc::new(held) }
    }

    /// Begins to watch the hub of this thread. Without a thread to be had nothing is watched.
    pub(crate) fn start(&mut self) {
        let Some(report) = self.report.take() else { return };
        let (held, tick) = (self.held.clone(), self.patience / LOOKS);
        let patience = self.patience;
        // Its name under /proc is what the call it is in is asked for by.
        let hub = fs::read_link("/proc/thread-self").map(|link| PathBuf::from("/proc").join(link));
        let watch = move || held.watch(tick, patience, hub.ok(), report);
        let _ = thread::Builder::new().name("greenroom watchdog".into()).spawn(watch);
    }

    pub(crate) fn spawned(&self, greenlet: GreenletId, birth: &Birth<'_>) {
        let mut names = lock(&self.held.names);
        let above = birth.parent.and_then(|parent| names.get(&parent));
        let own = match birth.ordinal {
            1 => birth.label.into(),
            n => format!("{}#{n}", birth.label).into(),
        };
        let path = below(above.map_or(&[], |above| above), own);
        names.insert(greenlet, path);
    }

    pub(crate) fn entered(&self, greenlet: GreenletId) {
        self.held.by.store(greenlet.as_u64(), Ordering::Relaxed);
        self.held.next_turn();
    }

    pub(crate) fn exited(&self, greenlet: GreenletId) {
        lock(&self.held.names).remove(&greenlet);
        self.left();
    }

    /// Nobody runs: the hub looks at the world.
    pub(crate) fn left(&self) {
        self.held.by.store(0, Ordering::Relaxed);
        self.held.next_turn();
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        *lock(&self.held.is_over) = true;
        // Not waited for: it may be in a report that nobody takes.
        self.held.over.notify_all();
    }
}

impl Held {
    fn next_turn(&self) {
        self.turn.store(self.turn.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }

    fn watch(&self, tick: Duration, patience: Duration, hub: Option<PathBuf>, mut report: Report) {
        let mut watch = Watch::default();
        while !self.is_over_within(tick) {
            let by = self.by.load(Ordering::Relaxed);
            if watch.look(self.turn.load(Ordering::Relaxed), by) {
                let name = self.name(by);
                let call = hub.as_ref().map_or_else(String::new, |hub| in_call(hub));
                report(format!("greenlet {name} has held its hub for {patience:?}{call}"));
            }
        }
    }

    fn is_over_within(&self, tick: Duration) -> bool {
        let waited = self.over.wait_timeout_while(lock(&self.is_over), tick, |is_over| !*is_over);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }

    fn name(&self, by: u64) -> String {
        let id = GreenletId::new(by as u32, (by >> 32) as u32);
        let path = lock(&self.names).get(&id).cloned();
        path.map_or_else(String::new, |path| path.join("/"))
    }
}

/// The path of a child by this name.
fn below(above: &[Arc<str>], own: Arc<str>) -> Path {
    match above.len() {
        PARTS_MAX.. => {
            let kept = above[above.len() + 2 - PARTS_MAX..].iter().cloned();
            iter::once("…".into()).chain(kept).chain([own]).collect()
        }
        _ => above.iter().cloned().chain([own]).collect(),
    }
}

/// What one look after the other shows.
#[derive(Default)]
struct Watch {
    turn: u64,
    looks: u32,
}

impl Watch {
    /// Whether this turn has now lasted too long; said once of each.
    fn look(&mut self, turn: u64, by: u64) -> bool {
        if turn != self.turn || by == 0 {
            *self = Watch { turn, looks: 0 };
            return false;
        }
        self.looks = self.looks.saturating_add(1);
        self.looks == LOOKS
    }
}

/// The value of the variable; a second where none is given and `by_default` says so.
fn patience(asked: Option<&str>, by_default: bool) -> io::Result<Option<Duration>> {
    match asked.map(|asked| (asked, asked.parse())) {
        None => Ok(by_default.then_some(Duration::from_secs(1))),
        Some(("off", _)) => Ok(None),
        Some((_, Ok(ms @ 1..))) => Ok(Some(Duration::from_millis(ms))),
        Some((asked, _)) => Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("{VARIABLE} is `off` or a number of milliseconds, not `{asked}`"),
        )),
    }
}

/// The call that a thread is in, as far as the system says: Linux does, under /proc.
fn in_call(thread: &std::path::Path) -> String {
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

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::sync::mpsc;

    use greenroom::driver::{self, Program, Role, Stop};
    use greenroom::thread::Builder;

    use super::*;
    use crate::RealHub;

    #[test]
    fn a_turn_is_told_of_once_and_a_poll_never() {
        let mut watch = Watch::default();
        let mut looks = |turn, by| (0..10).filter(|_| watch.look(turn, by)).count();
        assert_eq!(looks(1, 7), 1);
        assert_eq!(looks(2, 0), 0);
        assert_eq!(looks(3, 7), 1);
        // Each look finds another turn.
        assert_eq!((4..40).map(|turn| watch.look(turn, 7)).filter(|&told| told).count(), 0);
    }

    #[test]
    fn the_variable_is_off_or_milliseconds() {
        let asked = |asked| patience(asked, true).map_err(|error| error.kind());
        assert_eq!(asked(None), Ok(Some(Duration::from_secs(1))));
        assert_eq!(asked(Some("off")), Ok(None));
        assert_eq!(asked(Some("250")), Ok(Some(Duration::from_millis(250))));
        for odd in ["", "0", "on", "-1", "1s"] {
            assert_eq!(asked(Some(odd)), Err(io::ErrorKind::InvalidInput), "{odd}");
        }
        assert_eq!(patience(None, false).unwrap(), None);
    }

    #[test]
    fn a_path_stays_as_long_as_a_report_can_show() {
        let mut path: Path = Arc::new([]);
        for n in 1..=40 {
            path = below(&path, n.to_string().into());
            assert!(path.len() <= PARTS_MAX && *path[path.len() - 1] == *n.to_string());
            if n <= PARTS_MAX {
                assert_eq!((path.len(), &*path[0]), (n, "1"));
            }
        }
        let last: Vec<_> = (26..=40).map(|n| n.to_string()).collect();
        assert_eq!(path.join("/"), format!("…/{}", last.join("/")));
    }

    #[test]
    fn a_report_that_nobody_takes_holds_the_end_of_a_hub_up_no_longer() {
        let (reporting, begun) = mpsc::channel();
        let (let_go, gate) = mpsc::channel::<()>();
        let report = move |_| {
            let _ = reporting.send(());
            // Until the hub is gone.
            let _ = gate.recv();
        };
        let watchdog = Watchdog::new(Duration::from_millis(20), Box::new(report));
        let hub = RealHub::new().unwrap().watched_by(watchdog);
        let begun = RefCell::new(Some(begun));
        let body = Box::new(move || begun.borrow_mut().take().unwrap().recv().unwrap());
        let program = Program { name: "main".into(), role: Role::Client, body };
        drop(driver::run(hub, vec![program]));
        let_go.send(()).unwrap();
    }

    /// Runs `main` on a watched hub; what is reported comes out of the channel it is given.
    fn watched(main: impl FnOnce(mpsc::Receiver<String>) + 'static) {
        let (tell, told) = mpsc::channel();
        let report = Box::new(move |line| drop(tell.send(line)));
        let watchdog = Watchdog::new(Duration::from_millis(20), report);
        let hub = RealHub::new().unwrap().watched_by(watchdog);
        let main = RefCell::new(Some((main, told)));
        let body = Box::new(move || {
            let (main, told) = main.borrow_mut().take().expect("it runs once");
            main(told);
        });
        let program = Program { name: "main".into(), role: Role::Client, body };
        let (ending, _) = driver::run(hub, vec![program]);
        assert!(matches!(ending.stop, Stop::Done) && ending.panics.is_empty(), "{ending:?}");
    }

    #[test]
    fn who_holds_the_hub_in_a_call_is_named_with_it() {
        watched(|told| {
            let holds = move || {
                // A channel of std's holds the thread up, until the very report comes. A busy
                // machine may have had others held before.
                let start = "greenlet main/accept/conn#2 has held its hub for 20ms";
                let line = told.iter().find(|line| line.starts_with(start)).unwrap();
                // Not every system, nor every Linux, says what a thread is in.
                let call = &line[start.len()..];
                assert!(["", ", and computes"].contains(&call) || call.contains("futex"), "{line}");
            };
            let conn = || Builder::new().name("conn".into());
            let accept = Builder::new().name("accept".into()).spawn(move || {
                conn().spawn(|| ()).unwrap().join().unwrap();
                conn().spawn(holds).unwrap().join().unwrap();
            });
            accept.unwrap().join().unwrap();
        });
    }

    #[test]
    fn who_computes_is_told_of_too() {
        watched(|told| {
            let line = loop {
                if let Ok(line) = told.try_recv() {
                    break line;
                }
            };
            // Nobody else runs.
            assert!(line.starts_with("greenlet main has held its hub for 20ms"), "{line}");
        });
    }
}
