//! The wait table of a run that cannot go on: who waits, in what, on what, since when, for whom.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use super::slot::Helper;
use super::table::Table;
use crate::hub::{GreenletId, HostId, Hub, Notice, On, Readiness, Tick};

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
    /// The host it stands on.
    pub host: HostId,
    /// The other end of the connection that it waits for.
    pub peer: Option<SocketAddr>,
    /// The greenlet it waits for: who holds the lock, or whom it joins.
    pub waits_for: Option<String>,
    /// It waits for anybody to come, as a server does, and has no part in what hangs.
    pub is_idle: bool,
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
    let peer = match wait.on {
        On::Io(io, _) => hub.peer_addr(io).ok().and_then(|peer| peer.inet().ok()),
        _ => None,
    };
    let on = match (wait.on, table.helper(id)) {
        // It may have gone from hand to hand since the wait began.
        (On::Held(_), Some(Helper::Holds(lock))) => On::Held(lock.get()),
        (on, _) => on,
    };
    let waits_for = match on {
        On::Greenlet(other) | On::Held(other) => Some(table.name(other)),
        _ => None,
    };
    Some(Stuck {
        greenlet: table.name(id),
        op: wait.op,
        on: describe(table, hub, on) + &last_notice(table, id, on),
        host: table.origin_of(id).host,
        peer,
        waits_for,
        is_idle: false,
        since,
        deadline: wait.deadline,
    })
}

fn describe(table: &Table, hub: &mut dyn Hub, on: On) -> String {
    let name = |id: GreenletId| table.name(id);
    match on {
        On::Clock => "the clock".into(),
        On::Greenlet(id) => format!("the end of {}", name(id)),
        On::Held(holder) => format!("a lock held by {}", name(holder)),
        On::Notice(Notice::Unpark, _) => Notice::Unpark.in_words().into(),
        On::Notice(notice, made_at) => format!("{} made at {made_at}", notice.in_words()),
        On::Several(_) => "one of several things".into(),
        On::Io(io, interest) => {
            let what = match interest {
                Readiness::WRITE => "room to write on".into(),
                Readiness::READ | Readiness::BOTH => "data on".into(),
                others => format!("{others:?} of"),
            };
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

/// Who gave the last notice of the kind that it waits for, as far as anybody has.
fn last_notice(table: &Table, id: GreenletId, on: On) -> String {
    match (on, table.helper(id)) {
        (On::Notice(..), Some(&Helper::Gave(last))) if table.is_live(last) => {
            format!(", last given by {}", table.name(last))
        }
        (On::Notice(..), Some(Helper::Gave(_))) => ", last given by one that is over".into(),
        (
            On::Notice(Notice::Event | Notice::Condition | Notice::Message | Notice::Item, _),
            None,
        ) => ", which nobody has given yet".into(),
        _ => String::new(),
    }
}

impl fmt::Display for Stall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "deadlock at {}: nothing can happen any more", Seconds(self.at))?;
        for stuck in self.stuck.iter().filter(|stuck| !stuck.is_idle) {
            writeln!(f, "  {}: {}", stuck.greenlet, stuck.wait())?;
        }
        let idle = self.stuck.iter().filter(|stuck| stuck.is_idle);
        let idle: Vec<String> = idle.map(|it| format!("{} in {}", it.greenlet, it.op)).collect();
        if !idle.is_empty() {
            writeln!(f, "  idle, with no part in it: {}", idle.join(", "))?;
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
