//! Names to addresses, by the system's resolver: it blocks, so it runs on a few helper threads of
//! the process, made on demand and gone after some idle seconds. It knows no hub; it has an inbox
//! to answer to.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, ToSocketAddrs};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::task::Waker;
use std::thread;
use std::time::Duration;

use greenroom::hub::Io;

/// Look-ups under way at a time; more wait their turn.
const THREADS_MAX: usize = 4;
const IDLE: Duration = Duration::from_secs(10);

/// The place of one answer. Dropping it gives the question up.
#[derive(Default)]
pub(crate) struct Answer(Mutex<Option<io::Result<Vec<IpAddr>>>>);

impl Answer {
    /// An answer that was known before it was asked for.
    pub(crate) fn known(addresses: Vec<IpAddr>) -> Answer {
        Answer(Mutex::new(Some(Ok(addresses))))
    }
    pub(crate) fn is_there(&self) -> bool {
        lock(&self.0).is_some()
    }
    pub(crate) fn take(&self) -> Option<io::Result<Vec<IpAddr>>> {
        lock(&self.0).take()
    }
}

/// Which questions of a hub were answered since it last looked.
pub(crate) struct Inbox {
    answered: Mutex<Vec<Io>>,
    waker: Waker,
}

impl Inbox {
    pub(crate) fn new(waker: Waker) -> Inbox {
        Inbox { answered: Mutex::default(), waker }
    }
    pub(crate) fn waker(&self) -> Waker {
        self.waker.clone()
    }
    pub(crate) fn take(&self) -> Vec<Io> {
        std::mem::take(&mut *lock(&self.answered))
    }
}

struct Job {
    host: String,
    io: Io,
    answer: Weak<Answer>,
    inbox: Arc<Inbox>,
}

impl Job {
    fn run(self) {
        // A question that was given up while it stood in line is not asked.
        if self.answer.strong_count() == 0 {
            return;
        }
        let found = look_up(&self.host);
        if let Some(answer) = self.answer.upgrade() {
            *lock(&answer.0) = Some(found);
            lock(&self.inbox.answered).push(self.io);
            self.inbox.waker.wake_by_ref();
        }
    }
}

fn look_up(host: &str) -> io::Result<Vec<IpAddr>> {
    let mut addresses = Vec::new();
    for address in (host, 0).to_socket_addrs()? {
        if !addresses.contains(&address.ip()) {
            addresses.push(address.ip());
        }
    }
    Ok(addresses)
}

#[derive(Default)]
struct Office {
    jobs: VecDeque<Job>,
    threads: usize,
    idle: usize,
}

static OFFICE: Mutex<Office> = Mutex::new(Office { jobs: VecDeque::new(), threads: 0, idle: 0 });
static WORK: Condvar = Condvar::new();

/// Has a name looked up; the answer goes to its place and its number to the inbox.
///
/// # Errors
///
/// When no thread can be made and none is there.
pub(crate) fn ask(host: &str, io: Io, answer: &Arc<Answer>, inbox: &Arc<Inbox>) -> io::Result<()> {
    let job =
        Job { host: host.to_owned(), io, answer: Arc::downgrade(answer), inbox: inbox.clone() };
    let mut office = lock(&OFFICE);
    office.jobs.push_back(job);
    if office.jobs.len() > office.idle && office.threads < THREADS_MAX {
        match thread::Builder::new().name("greenroom-resolve".into()).spawn(work) {
            Ok(_) => office.threads += 1,
            Err(error) if office.threads == 0 => {
                office.jobs.pop_back();
                return Err(error);
            }
            Err(_) => {}
        }
    }
    WORK.notify_one();
    Ok(())
}

fn work() {
    let mut office = lock(&OFFICE);
    loop {
        if let Some(job) = office.jobs.pop_front() {
            drop(office);
            job.run();
            office = lock(&OFFICE);
            continue;
        }
        office.idle += 1;
        let (woken, timeout) =
            WORK.wait_timeout(office, IDLE).unwrap_or_else(PoisonError::into_inner);
        office = woken;
        office.idle -= 1;
        if timeout.timed_out() && office.jobs.is_empty() {
            office.threads -= 1;
            return;
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
