//! Memory that all connections of a server share: each counts what it holds, and where they would
//! hold too much together, the one that holds the most has to go. Knows no protocol.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use greenroom::net::TcpStream;
use greenroom::sync::{Arc, Event};
use greenroom::time::Duration;
use greenroom::wait::{Watcher, any, readiness};

/// Who holds no more than this is never asked to go for somebody else's sake, and costs nothing to
/// be able to.
const SMALL_BYTES: usize = 32 * 1024;

/// A bound on what connections hold together, in bytes.
#[derive(Clone, Debug)]
pub(crate) struct Budget(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    bytes_max: usize,
    /// Std's lock, for a look or a change that calls nothing: a call of greenroom's may switch, and
    /// whoever runs next would wait for this lock with the whole thread.
    ledger: Mutex<Ledger>,
    /// Set when somebody holds less than before, or has to go.
    changed: Event,
}

#[derive(Debug, Default)]
struct Ledger {
    latest: u64,
    held: usize,
    /// How much of that is about to be given back.
    leaving: usize,
    holders: BTreeMap<u64, Holder>,
    /// Those who may be asked to go, the largest last.
    large: BTreeSet<(usize, u64)>,
}

#[derive(Debug, Default)]
struct Holder {
    bytes: usize,
    eviction: Arc<Eviction>,
}

/// Whether a connection has to go.
#[derive(Debug)]
struct Eviction {
    is_asked: AtomicBool,
    told: Event,
}

impl Default for Eviction {
    fn default() -> Eviction {
        Eviction { is_asked: AtomicBool::new(false), told: Event::new() }
    }
}

impl Eviction {
    fn is_asked(&self) -> bool {
        self.is_asked.load(Ordering::Relaxed)
    }
}

impl Budget {
    /// A budget of so many bytes; `None` counts nothing and asks nobody to go.
    pub(crate) fn new(bytes_max: Option<usize>) -> Budget {
        let bytes_max = bytes_max.unwrap_or(usize::MAX);
        let (ledger, changed) = (Mutex::default(), Event::new());
        Budget(Arc::new(Shared { bytes_max, ledger, changed }))
    }

    /// The account of a new connection, which holds nothing yet.
    pub(crate) fn open(&self) -> Account {
        let holder = Holder::default();
        let (of, eviction, mut number) = (self.0.clone(), holder.eviction.clone(), 0);
        if !of.is_unlimited() {
            let mut ledger = of.lock();
            ledger.latest += 1;
            number = ledger.latest;
            ledger.holders.insert(number, holder);
        }
        Account { of, number, eviction, parts: Default::default() }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
    fn is_unlimited(&self) -> bool {
        self.bytes_max == usize::MAX
    }
}

impl Ledger {
    /// This one holds so many bytes now.
    fn set(&mut self, number: u64, bytes: usize) {
        let Some(holder) = self.holders.get_mut(&number) else { return };
        let before = std::mem::replace(&mut holder.bytes, bytes);
        self.held = self.held - before + bytes;
        if holder.eviction.is_asked() {
            self.leaving = self.leaving - before + bytes;
            return;
        }
        if before > SMALL_BYTES {
            self.large.remove(&(before, number));
        }
        if bytes > SMALL_BYTES {
            self.large.insert((bytes, number));
        }
    }

    /// Has the largest go, if there is one that holds more than `bytes`; returns whom to tell.
    fn evict_larger_than(&mut self, bytes: usize) -> Option<Arc<Eviction>> {
        let &(largest, number) = self.large.last().filter(|(largest, _)| *largest > bytes)?;
        self.large.remove(&(largest, number));
        self.leaving += largest;
        let eviction = self.holders[&number].eviction.clone();
        eviction.is_asked.store(true, Ordering::Relaxed);
        Some(eviction)
    }
}

/// What one connection holds: of requests, and of replies.
#[derive(Debug)]
pub(crate) struct Account {
    of: Arc<Shared>,
    number: u64,
    eviction: Arc<Eviction>,
    parts: [Cell<usize>; 2],
}

impl Account {
    /// An account that nobody looks at.
    pub(crate) fn unlimited() -> Account {
        Budget::new(None).open()
    }

    /// It is to hold so many bytes of requests. Where that is more than there is, others that hold
    /// more have to go first, which is waited for.
    ///
    /// # Errors
    ///
    /// `QuotaExceeded` when it is this one that has to go.
    pub(crate) fn hold_requests(&self, bytes: usize) -> io::Result<()> {
        self.hold(0, bytes)
    }

    /// As [`hold_requests`](Account::hold_requests), of replies.
    pub(crate) fn hold_replies(&self, bytes: usize) -> io::Result<()> {
        self.hold(1, bytes)
    }

    /// Whether it was asked to go.
    fn is_evicted(&self) -> bool {
        self.eviction.is_asked()
    }

    fn held(&self) -> usize {
        self.parts[0].get() + self.parts[1].get()
    }

    fn hold(&self, part: usize, bytes: usize) -> io::Result<()> {
        let before = self.parts[part].get();
        if bytes == before || self.of.is_unlimited() {
            return Ok(());
        }
        let total = self.held() - before + bytes;
        if bytes < before {
            self.of.lock().set(self.number, total);
            self.of.changed.set();
        } else {
            self.grow(total)?;
        }
        self.parts[part].set(bytes);
        Ok(())
    }

    fn grow(&self, total: usize) -> io::Result<()> {
        loop {
            if self.is_evicted() {
                return Err(over_budget());
            }
            // Before the look, so that no change goes unseen after it.
            self.of.changed.clear();
            let mut ledger = self.of.lock();
            let then = ledger.held - self.held() + total;
            if then <= self.of.bytes_max {
                ledger.set(self.number, total);
                return Ok(());
            }
            if then - ledger.leaving > self.of.bytes_max {
                let eviction = ledger.evict_larger_than(total);
                drop(ledger);
                eviction.ok_or_else(over_budget)?.told.set();
                // Perhaps it waits here, as we do.
                self.of.changed.set();
                continue;
            }
            drop(ledger);
            self.of.changed.wait(None);
        }
    }

    /// Waits until the stream can be read from, or written to, where this one may be asked to go
    /// meanwhile.
    fn wait(&self, watch: Watcher, timeout: Option<Duration>) -> io::Result<()> {
        any(&[&watch, &self.eviction.told], timeout)?;
        if self.is_evicted() { Err(over_budget()) } else { Ok(()) }
    }

    fn may_be_asked_to_go(&self) -> bool {
        !self.of.is_unlimited() && self.held() > SMALL_BYTES
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        if self.of.is_unlimited() {
            return;
        }
        let mut ledger = self.of.lock();
        ledger.set(self.number, 0);
        ledger.holders.remove(&self.number);
        drop(ledger);
        self.of.changed.set();
    }
}

/// A connection's stream. When the connection has to go, a wait for something to read ends with
/// `QuotaExceeded`, and one for room to write with `ConnectionAborted`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counted<'a> {
    stream: &'a TcpStream,
    account: &'a Account,
}

impl<'a> Counted<'a> {
    pub(crate) fn new(stream: &'a TcpStream, account: &'a Account) -> Counted<'a> {
        Counted { stream, account }
    }
}

impl Read for Counted<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        // Where something is there already, nobody waits.
        let is_ready = || readiness(self.stream).is_ok_and(|ready| ready.is_readable());
        if self.account.may_be_asked_to_go() && !is_ready() {
            self.account.wait(Watcher::read(self.stream)?, self.stream.read_timeout()?)?;
        }
        let mut stream = self.stream;
        stream.read(buf)
    }
}

impl Write for Counted<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.account.may_be_asked_to_go() {
            let waited =
                self.account.wait(Watcher::write(self.stream)?, self.stream.write_timeout()?);
            // A part of a reply is out: there is nothing to be said any more.
            waited.map_err(|error| match is_over_budget(&error) {
                true => io::ErrorKind::ConnectionAborted.into(),
                false => error,
            })?;
        }
        let mut stream = self.stream;
        stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Whether this error is the budget's.
pub(crate) fn is_over_budget(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::QuotaExceeded
}

fn over_budget() -> io::Error {
    io::Error::new(io::ErrorKind::QuotaExceeded, "the connections' memory is used up")
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIB: usize = 1024;

    #[test]
    fn what_is_held_is_counted_until_it_is_given_back() {
        let budget = Budget::new(Some(100 * KIB));
        let (one, other) = (budget.open(), budget.open());
        one.hold_requests(40 * KIB).unwrap();
        other.hold_replies(60 * KIB).unwrap();
        assert!(other.hold_requests(KIB).is_err(), "nobody holds more than it would");
        one.hold_requests(20 * KIB).unwrap();
        other.hold_requests(20 * KIB).unwrap();
        drop(other);
        one.hold_replies(80 * KIB).unwrap();
        assert_eq!(budget.0.lock().held, 100 * KIB);
        drop(one);
        let ledger = budget.0.lock();
        assert_eq!((ledger.held, ledger.leaving, ledger.large.len()), (0, 0, 0));
    }

    #[test]
    fn the_largest_has_to_go_for_a_smaller_one() {
        greenroom_real::run(|| {
            let budget = Budget::new(Some(100 * KIB));
            let (large, small) = (budget.open(), budget.open());
            large.hold_requests(90 * KIB).unwrap();
            let holding = greenroom::thread::spawn(move || {
                large.eviction.told.wait(None);
                assert!(is_over_budget(&large.hold_requests(91 * KIB).unwrap_err()));
                large.hold_requests(0).unwrap();
                large
            });
            small.hold_requests(50 * KIB).unwrap();
            let large = holding.join().unwrap();
            assert!(large.hold_requests(1).is_err(), "it has to go for good");
            assert_eq!(budget.0.lock().held, 50 * KIB);
        });
    }

    #[test]
    fn who_holds_little_goes_for_nobody() {
        let budget = Budget::new(Some(64 * KIB));
        let many: Vec<Account> = (0..4).map(|_| budget.open()).collect();
        many.iter().for_each(|account| account.hold_requests(16 * KIB).unwrap());
        assert!(budget.open().hold_requests(1).is_err());
        assert!(many.iter().all(|account| !account.is_evicted()));
    }
}
