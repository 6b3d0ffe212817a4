//! The events of a run, kept to be shown.

use std::net::IpAddr;
use std::rc::Rc;

use super::event::Event;
use crate::path::Paths;

/// The events of a run, and the names of what they mention by number.
#[derive(Debug)]
pub struct Log {
    pub(crate) events: Vec<Event>,
    /// Names of greenlets.
    pub(crate) paths: Rc<Paths>,
    /// Names and addresses of the hosts.
    pub(crate) hosts: Vec<(String, Vec<IpAddr>)>,
}
