//! The events of a run, kept to be shown.

use std::net::IpAddr;
use std::rc::Rc;

use super::event::Event;
use super::names::Names;
use crate::choices::Deviation;
use crate::path::Paths;

/// The events of a run, and the names of what they mention by number.
#[derive(Debug)]
pub struct Log {
    pub(crate) events: Vec<Event>,
    /// What deviated, in order: each event knows how many there were before it.
    pub(crate) deviations: Vec<Deviation>,
    /// Whether a seed decided: nearly every packet then has a delay of its own.
    pub(crate) is_seeded: bool,
    /// Names of sockets.
    pub(crate) names: Names,
    /// The first bytes of what events sent or received, by the number of the event.
    pub(crate) payloads: Vec<(usize, Box<[u8]>)>,
    /// Names of greenlets.
    pub(crate) paths: Rc<Paths>,
    /// Names and addresses of the hosts.
    pub(crate) hosts: Vec<(String, Vec<IpAddr>)>,
}
