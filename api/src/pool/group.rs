//! [`Group`]: the greenlets that live, to wait for or to end together.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::panic::Location;
use std::rc::Rc;
use std::time::Duration;

use crate::driver;
use crate::hub::GreenletId;
use crate::sync::Event;
use crate::thread::{self, JoinHandle};

/// Greenlets kept together for as long as they live. gevent's `Group`. It stays on its thread, as
/// greenlets do.
///
/// # Examples
///
/// ```no_run
/// use greenroom::pool::Group;
///
/// let group = Group::new();
/// for n in 0..10 {
///     group.spawn(move || println!("{n}"));
/// }
/// group.join(None);
/// ```
#[derive(Clone)]
pub struct Group(Rc<Members>);

struct Members {
    live: RefCell<BTreeMap<u64, Option<GreenletId>>>,
    joined: std::cell::Cell<u64>,
    /// Set while nobody lives.
    emptied: Event,
}

/// One greenlet's part in the group, over when it is.
struct Membership {
    of: Rc<Members>,
    number: u64,
}

impl Membership {
    fn new(of: &Rc<Members>) -> Membership {
        let number = of.joined.get() + 1;
        of.joined.set(number);
        of.live.borrow_mut().insert(number, None);
        of.emptied.clear();
        Membership { of: of.clone(), number }
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        let is_last = {
            let mut live = self.of.live.borrow_mut();
            live.remove(&self.number);
            live.is_empty()
        };
        if is_last {
            self.of.emptied.set();
        }
    }
}

impl Group {
    /// A group of nobody.
    pub fn new() -> Group {
        let emptied = Event::new();
        emptied.set();
        let (live, joined) = (RefCell::default(), std::cell::Cell::new(0));
        Group(Rc::new(Members { live, joined, emptied }))
    }

    /// Starts a greenlet in the group.
    ///
    /// # Panics
    ///
    /// Outside any hub.
    #[track_caller]
    pub fn spawn<F, T>(&self, f: F) -> JoinHandle<T>
    where
        F: FnOnce() -> T + 'static,
        T: 'static,
    {
        self.start(f, Location::caller())
    }

    pub(super) fn start<F, T>(&self, f: F, at: &'static Location<'static>) -> JoinHandle<T>
    where
        F: FnOnce() -> T + 'static,
        T: 'static,
    {
        let membership = Membership::new(&self.0);
        let number = membership.number;
        let body = move || {
            let _membership = membership;
            f()
        };
        let handle = thread::spawn_at(body, at);
        if let Some(id) = self.0.live.borrow_mut().get_mut(&number) {
            *id = Some(handle.id());
        }
        handle
    }

    /// Waits until nobody in it lives, if only for a moment; false if the time is up first.
    ///
    /// # Panics
    ///
    /// Outside any hub, if it has to wait.
    pub fn join(&self, timeout: Option<Duration>) -> bool {
        self.0.emptied.wait(timeout)
    }

    /// Orders the end of all who live, in the order they came. Never switches; [`join`](Group::join)
    /// waits until they are gone. One that kills its own group unwinds here.
    pub fn kill(&self) {
        let live: Vec<GreenletId> = self.0.live.borrow().values().copied().flatten().collect();
        let Some(driver) = driver::current() else { return };
        live.into_iter().for_each(|id| driver.kill(id));
        driver.raise_kill();
    }

    /// How many live.
    pub fn len(&self) -> usize {
        driver::count_call();
        self.count()
    }

    /// The same, for those who look at it on the way to something else.
    pub(crate) fn count(&self) -> usize {
        self.0.live.borrow().len()
    }
    /// Whether nobody lives.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Default for Group {
    fn default() -> Group {
        Group::new()
    }
}
impl fmt::Debug for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Group").field("live", &self.count()).finish()
    }
}
