//! Groups that a socket of UDP is a member of.

use std::net::IpAddr;

use crate::link::packet::Interface;

/// A socket hears a group on an interface, from anybody or from one source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Membership {
    pub(crate) group: IpAddr,
    pub(crate) interface: Interface,
    pub(crate) source: Option<IpAddr>,
}
