//! The wait table of a run that cannot go on: who waits, in what, on what, since when, for whom.

use std::fmt;
use std::time::Duration;

use super::table::Table;
use crate::hub::{GreenletId, Hub, Interest, On, Tick};

/// Every parked greenlet of a run that ended before its clients did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stall {
    /// When it was found, on the driver's clock.
    pub at: Tick,
    /// The parked greenlets, in the order they were spawned.
    pub stuck: Vec<Stuck>,
}

/// One parked greenlet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stuck {
    /// Its place in the spawn tree.
    pub greenlet: String,
    /// The call it waits in.
    pub op: &'static str,
    /// What it waits on, and who could wake it.
    pub on: String,
    /// When it began to wait, on the driver's clock.
    pub since: Tick,
    /// When it would have given up.
    pub deadline: Option<Tick>,
}

pub(super) fn table_of(table: &Table, hub: &mut dyn Hub, now: Tick) -> Stall {
    let parked = table.live().filter(|slot| !slot.abandoned);
    Stall { at: now, stuck: parked.filter_map(|slot| stuck(table, hub, slot.id)).collect() }
}

/// What a greenlet waits in, if it does.
pub(super) fn stuck(table: &Table, hub: &mut dyn Hub, id: GreenletId) -> Option<Stuck> {
    let (wait, since) = table.parked(id)?;
    Some(Stuck {
        greenlet: table.name(id),
        op: wait.op,
        on: describe(table, hub, wait.on),
        since,
        deadline: wait.deadline,
    })
}

fn describe(table: &Table, hub: &mut dyn Hub, on: On) -> String {
    let name = |id: GreenletId| table.name(id);
    match on {
        On::Clock => "the clock".into(),
        On::Greenlet(id) => format!("the end of {}", name(id)),
        On::Sync(Some(holder)) => format!("a lock held by {}", name(holder)),
        On::Sync(None) => "a notification".into(),
        On::Several(_) => "one of several things".into(),
        On::Io(io, interest) => {
            let what = if interest == Interest::WRITE { "room to write on" } else { "data on" };
            let label = hub.label(io);
            let place = match (hub.local_addr(io), hub.peer_addr(io)) {
                (Ok(local), Ok(peer)) => Some(format!("{local} from {peer}")),
                (Ok(local), Err(_)) => Some(local.to_string()),
                _ => None,
            };
            match (label, place) {
                (Some(label), Some(place)) => format!("{what} {label}, {place}"),
                (Some(name), None) | (None, Some(name)) => format!("{what} {name}"),
                (None, None) => format!("{what} a source"),
            }
        }
    }
}

impl fmt::Display for Stall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "deadlock at {}: nothing can happen any more", Seconds(self.at))?;
        for stuck in &self.stuck {
            writeln!(f, "  {}: {}", stuck.greenlet, stuck.wait())?;
        }
        Ok(())
    }
}

impl std::error::Error for Stall {}

impl Stuck {
    /// The wait in words: in what, on what, since when, until when.
    pub(super) fn wait(&self) -> String {
        let (op, on, since) = (self.op, &self.on, Seconds(self.since));
        match self.deadline {
            Some(deadline) => {
                format!("in {op} on {on}, since {since}, until {}", Seconds(deadline))
            }
            None => format!("in {op} on {on}, since {since}, no deadline"),
        }
    }
}

struct Seconds(Tick);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", Duration::from_nanos(self.0.as_ns()))
    }
}
