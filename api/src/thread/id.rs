//! [`ThreadId`] and [`Thread`]: which greenlet it is, what it is called, and how others unpark it.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use crate::driver::{self, Driver, Label, Parker};
use crate::hub::{GreenletId, HostId};

/// Tells greenlets apart: no two of a process have the same, not even one after the other. See
/// [`std::thread::ThreadId`].
///
/// Greenlets are numbered by their host, in the order they are spawned there. The number is all that
/// `Debug` shows and all that is hashed: in a simulation both are the same in every run of a seed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ThreadId {
    hub: u64,
    host: HostId,
    number: u64,
}

impl Hash for ThreadId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // Hubs are counted by the process: the walk through a table must not depend on how many
        // runs there were before.
        self.number.hash(state);
    }
}

impl fmt::Debug for ThreadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ThreadId").field(&self.number).finish()
    }
}

/// Who a greenlet is, whether it is over or not.
#[derive(Clone)]
pub(super) struct Identity {
    id: ThreadId,
    label: Label,
}

impl Identity {
    /// Of which hub.
    pub(super) fn hub(&self) -> u64 {
        self.id.hub
    }
    /// That of a live greenlet.
    pub(super) fn of(driver: &Driver, greenlet: GreenletId) -> Identity {
        let (host, number, label) = driver.identity(greenlet).expect("it is live");
        Identity { id: ThreadId { hub: driver.id, host, number }, label }
    }
}

/// A handle to a greenlet. See [`std::thread::Thread`].
#[derive(Clone)]
pub struct Thread {
    parker: Arc<Parker>,
    id: ThreadId,
    name: Option<Arc<str>>,
    path: Arc<str>,
}

impl Thread {
    /// The handle of a live greenlet.
    pub(super) fn of(driver: &Driver, greenlet: GreenletId) -> Thread {
        let (parker, path) = (driver.parker(greenlet), driver.name(greenlet));
        Thread::new(&Identity::of(driver, greenlet), parker, path.into())
    }

    /// The handle of a greenlet that is over: there is nobody left to unpark.
    pub(super) fn of_nobody(who: &Identity) -> Thread {
        Thread::new(who, Arc::new(Parker::of_nobody()), "".into())
    }

    fn new(who: &Identity, parker: Arc<Parker>, path: Arc<str>) -> Thread {
        let name = who.label.name().map(|name| name.into());
        Thread { parker, id: who.id, name, path }
    }

    /// Lets the greenlet's current or next [`park`](super::park) return. May be called from any
    /// thread.
    pub fn unpark(&self) {
        if let Some(ticket) = self.parker.give_token() {
            let (hub, mailbox) = self.parker.hub();
            driver::wake_anywhere(hub, mailbox, ticket);
        }
    }

    /// Which greenlet it is.
    pub fn id(&self) -> ThreadId {
        self.id
    }

    /// The name it was given by [`Builder::name`](super::Builder::name), if it was given one; `main`
    /// for a host's first greenlet.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Its place in the spawn tree: `srv/accept/conn#2`. One without a name of its own is `task`
    /// there. Characters that paths and tokens are read by are escaped, as in URLs, by a `%` and two
    /// hexadecimal digits: `a/b` becomes `a%2Fb`.
    ///
    /// Empty for a handle that was made when the greenlet was over.
    pub fn path(&self) -> &str {
        &self.path
    }
}

impl fmt::Debug for Thread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Thread")
            .field("id", &self.id())
            .field("name", &self.name())
            .finish_non_exhaustive()
    }
}
