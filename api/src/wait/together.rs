//! Several things at once: [`any`] waits for the first of them, [`all`] for every one.

use std::cell::{Cell, RefCell};
use std::io;
use std::time::Duration;

use super::{Claim, Watcher, timed_out};
use crate::call::{begin, check_timeouts, foreign, sealed::Sealed, wake_of};
use crate::driver::{self, Arrival, Driver, Ticket};
use crate::hub::{GreenletId, On, Tick};
use crate::sync::Event;
use crate::sync::queue::Standing;
use crate::thread::{JoinHandle, ScopedJoinHandle};
use crate::time::Interval;

/// Something that can be waited for together with others: a [`Watcher`] (its source is ready), a
/// [`JoinHandle`](crate::thread::JoinHandle) (its greenlet is over), an [`Event`] (it is set), a
/// [`Timer`] (its time has come) or an [`Interval`] (its next tick has).
pub trait Waitable: Sealed {
    #[doc(hidden)]
    fn member(&self) -> Member<'_>;
}

/// What is waited for, as the wait sees it.
#[derive(Clone, Copy)]
pub struct Member<'a>(Kind<'a>);

#[derive(Clone, Copy)]
enum Kind<'a> {
    Watcher(&'a Watcher),
    Event(&'a Event),
    /// A time of this hub's.
    Due(u64, Tick),
    Greenlet(u64, GreenletId),
}

impl Sealed for Watcher {}
impl Waitable for Watcher {
    fn member(&self) -> Member<'_> {
        Member(Kind::Watcher(self))
    }
}
impl<T> Sealed for JoinHandle<T> {}
impl<T> Waitable for JoinHandle<T> {
    fn member(&self) -> Member<'_> {
        let (hub, id) = self.whose();
        Member(Kind::Greenlet(hub, id))
    }
}
impl<T> Sealed for ScopedJoinHandle<'_, T> {}
impl<T> Waitable for ScopedJoinHandle<'_, T> {
    fn member(&self) -> Member<'_> {
        let (hub, id) = self.whose();
        Member(Kind::Greenlet(hub, id))
    }
}
impl Sealed for Event {}
impl Waitable for Event {
    fn member(&self) -> Member<'_> {
        Member(Kind::Event(self))
    }
}

/// A time to wait for, together with other things. See [`after`].
#[derive(Clone, Copy, Debug)]
pub struct Timer {
    hub: u64,
    due: Tick,
}

impl Sealed for Timer {}
impl Waitable for Timer {
    fn member(&self) -> Member<'_> {
        Member(Kind::Due(self.hub, self.due))
    }
}
impl Sealed for Interval {}
impl Waitable for Interval {
    fn member(&self) -> Member<'_> {
        let (hub, due) = self.next();
        Member(Kind::Due(hub, due))
    }
}

/// A timer that is ready once `duration` has passed from now.
///
/// # Panics
///
/// Outside any hub.
pub fn after(duration: Duration) -> Timer {
    let driver = driver::current().expect(driver::OUTSIDE);
    Timer { hub: driver.id, due: driver.now().after(duration) }
}

/// Waits until one of these is ready, for no longer than `timeout`; returns its place in the list,
/// the first one's where several are.
///
/// It switches at least once, as every wait of this module does, and takes nothing: what is ready
/// stays so. A watcher's source is asked again before the wait returns; an event that was set
/// counts even if it is cleared by now.
///
/// # Errors
///
/// As [`wait`](super::wait), which a cancel or close of any of its watchers ends as well;
/// [`InvalidInput`](io::ErrorKind::InvalidInput) for an empty list and for what belongs to another
/// hub.
///
/// # Examples
///
/// ```no_run
/// # fn main() -> std::io::Result<()> {
/// use greenroom::{net::TcpStream, sync::Event, wait};
///
/// static STOP: Event = Event::new();
/// let stream = TcpStream::connect("srv:7")?;
/// let data = wait::Watcher::read(&stream)?;
/// match wait::any(&[&data, &STOP], None)? {
///     0 => println!("there is something to read"),
///     _ => println!("told to stop"),
/// }
/// # Ok(()) }
/// ```
pub fn any(of: &[&dyn Waitable], timeout: Option<Duration>) -> io::Result<usize> {
    if of.is_empty() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "nothing to wait for"));
    }
    let driver = driver::current().ok_or_else(driver::outside)?;
    let together = Together::begin(&driver, of, timeout)?;
    let everything: Vec<usize> = (0..of.len()).collect();
    Ok(together.some_of(&everything, "any")?[0])
}

/// Waits until each of these has been ready once, for no longer than `timeout` in all.
///
/// # Errors
///
/// As [`any`]; an empty list is ready at once.
pub fn all(of: &[&dyn Waitable], timeout: Option<Duration>) -> io::Result<()> {
    driver::count_call();
    let driver = driver::current().ok_or_else(driver::outside)?;
    let together = Together::begin(&driver, of, timeout)?;
    let mut left: Vec<usize> = (0..of.len()).collect();
    while !left.is_empty() {
        let ready = together.some_of(&left, "all")?;
        left.retain(|index| !ready.contains(index));
    }
    Ok(())
}

/// One wait for several things.
struct Together<'a> {
    driver: &'a Driver,
    members: Vec<Kind<'a>>,
    /// How often each event had been set when the wait began.
    sets: Vec<u64>,
    deadline: Option<Tick>,
    may_park: bool,
    switched: Cell<bool>,
    /// By what each is taken off its list, of the wait that is on.
    lined_up: RefCell<Vec<Option<Place>>>,
    claims: Vec<Claim<'a>>,
}

impl<'a> Together<'a> {
    fn begin(
        driver: &'a Driver,
        of: &[&'a dyn Waitable],
        timeout: Option<Duration>,
    ) -> io::Result<Together<'a>> {
        let members: Vec<Kind<'a>> = of.iter().map(|item| item.member().0).collect();
        let mut claims = Vec::new();
        for member in &members {
            match *member {
                Kind::Watcher(watcher) => claims.push(watcher.claim(driver)?),
                Kind::Greenlet(hub, _) if hub != driver.id => return Err(foreign()),
                Kind::Due(hub, _) if hub != driver.id => return Err(foreign()),
                _ => {}
            }
        }
        let sets = members.iter().map(|member| match member {
            Kind::Event(event) => event.times_set(),
            _ => 0,
        });
        Ok(Together {
            sets: sets.collect(),
            members,
            driver,
            deadline: timeout.map(|timeout| driver.now().after(timeout)),
            may_park: timeout != Some(Duration::ZERO),
            switched: Cell::new(false),
            lined_up: RefCell::default(),
            claims,
        })
    }

    /// Those of these that are ready, in the list's order: one at least.
    fn some_of(&self, indexes: &[usize], op: &'static str) -> io::Result<Vec<usize>> {
        let driver = self.driver;
        loop {
            begin(driver)?;
            let ready = self.ready_among(indexes)?;
            if !ready.is_empty() {
                if self.switched.get() || driver.may_wait().is_err() {
                    return Ok(ready);
                }
                // Others run first, and may take what is there.
                driver.step_aside();
                driver.raise_kill();
                self.switched.set(true);
                continue;
            }
            driver.may_wait()?;
            if !self.may_park || self.deadline.is_some_and(|at| driver.now() >= at) {
                driver::count_call();
                return Err(timed_out());
            }
            check_timeouts(driver)?;
            if let Some(error) = self.cancelled() {
                return Err(error);
            }
            self.park(indexes, op)?;
        }
    }

    /// The error of a cancel of one of its watchers that came when it had been named.
    fn cancelled(&self) -> Option<io::Error> {
        self.claims.iter().find_map(|claim| claim.0.cancelled.take())
    }

    fn ready_among(&self, indexes: &[usize]) -> io::Result<Vec<usize>> {
        let mut ready = Vec::new();
        for &index in indexes {
            if self.is_ready(index)? {
                ready.push(index);
            }
        }
        Ok(ready)
    }

    fn is_ready(&self, index: usize) -> io::Result<bool> {
        Ok(match self.members[index] {
            Kind::Watcher(watcher) => !watcher.is_ready(self.driver)?.is_none(),
            Kind::Event(event) => event.shows() || event.times_set() != self.sets[index],
            Kind::Due(_, due) => self.driver.now() >= due,
            Kind::Greenlet(_, id) => !self.driver.is_live(id),
        })
    }

    /// Waits once. Its end by an event or by the clock is not an answer: all are asked again.
    fn park(&self, indexes: &[usize], op: &'static str) -> io::Result<()> {
        let driver = self.driver;
        let ticket = driver.ticket();
        let (deadline, open) = self.line_up(indexes, ticket);
        // Another thread may have set an event before it was lined up for.
        if self.ready_among(indexes).is_ok_and(|ready| !ready.is_empty()) {
            self.withdraw(indexes);
            driver.retire(ticket);
            return Ok(());
        }
        let woken = driver.park(op, On::Several(open), deadline);
        self.switched.set(true);
        self.withdraw(indexes);
        driver.raise_kill();
        wake_of(woken).map(drop)
    }

    /// Has each of these wake the next wait; returns when the first timer is due, and whether the
    /// world or another thread could end the wait.
    fn line_up(&self, indexes: &[usize], ticket: Ticket) -> (Option<Tick>, bool) {
        let driver = self.driver;
        let (mut deadline, mut open) = (self.deadline, false);
        let mut lined_up = self.lined_up.borrow_mut();
        for &index in indexes {
            let mut place = None;
            match self.members[index] {
                Kind::Watcher(watcher) => {
                    watcher.waiting.set(Some(ticket));
                    let watch = driver.watch(watcher.target.io, watcher.interest);
                    place = Some(Place::InList(watch));
                    open = true;
                }
                Kind::Event(event) => {
                    place = Some(Place::InLine(event.line().enter(driver, &mut None)));
                    open = true;
                }
                Kind::Greenlet(_, id) => place = Some(Place::InList(driver.add_joiner(id))),
                Kind::Due(_, due) => {
                    deadline = Some(deadline.map_or(due, |at| at.min(due)));
                }
            }
            lined_up.push(place);
        }
        (deadline, open)
    }

    /// Leaves no trace of the wait.
    fn withdraw(&self, indexes: &[usize]) {
        let driver = self.driver;
        for (&index, place) in indexes.iter().zip(self.lined_up.take()) {
            match (self.members[index], place) {
                (Kind::Watcher(watcher), Some(Place::InList(watch))) => {
                    driver.unwatch(watcher.target.io, watch);
                }
                (Kind::Event(event), Some(Place::InLine(standing))) => {
                    event.line().leave(standing);
                }
                (Kind::Greenlet(_, id), Some(Place::InList(joiner))) => {
                    driver.remove_joiner(id, joiner);
                }
                _ => {}
            }
        }
    }
}

/// Where a member waits.
enum Place {
    InList(Arrival),
    InLine(Standing),
}
