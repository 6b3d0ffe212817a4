//! A machine: its name, its address, its ports. What runs on it is the driver's, what stands on
//! its ports is `net`'s.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};

use crate::choices::{Entity, Fixed};
use crate::net::loopback::Loopback;
use crate::net::unix::name::Names;

/// Linux's `ip_local_port_range`.
const EPHEMERAL: std::ops::RangeInclusive<u16> = 32_768..=60_999;

pub(crate) struct Host {
    pub(crate) name: String,
    pub(crate) ip: IpAddr,
    pub(crate) entity: Entity,
    pub(crate) is_up: bool,
    /// When its power failed, if it did.
    pub(crate) down_ns: Option<u64>,
    /// Sockets bound to a port of their own, listeners among them; not accepted connections.
    pub(crate) ports: HashMap<(Transport, u16), Vec<u32>, Fixed>,
    /// Names of Unix sockets.
    pub(crate) names: Names,
    pub(crate) loopback: Loopback,
    /// Greenlets that stand on it.
    pub(crate) greenlets: usize,
    /// The next socket's number, from 1: what traces call it.
    sockets_named: u32,
    next_port: u16,
}

/// TCP and UDP ports are two name spaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Transport {
    Tcp,
    Udp,
}

impl Host {
    pub(crate) fn new(index: usize, name: String, entity: Entity) -> Host {
        Host {
            name,
            ip: address_of(index).into(),
            entity,
            is_up: true,
            down_ns: None,
            ports: HashMap::default(),
            names: Names::default(),
            loopback: Loopback::default(),
            greenlets: 0,
            sockets_named: 0,
            next_port: *EPHEMERAL.start(),
        }
    }

    pub(crate) fn name_socket(&mut self) -> u32 {
        self.sockets_named += 1;
        self.sockets_named
    }

    pub(crate) fn owns(&self, ip: IpAddr) -> bool {
        ip == self.ip || ip.is_loopback()
    }

    /// The next port of the ephemeral range that nobody is bound to.
    pub(crate) fn free_port(&mut self, transport: Transport) -> Option<u16> {
        for _ in EPHEMERAL {
            let port = self.next_port;
            self.next_port = if port == *EPHEMERAL.end() { *EPHEMERAL.start() } else { port + 1 };
            if !self.ports.contains_key(&(transport, port)) {
                return Some(port);
            }
        }
        None
    }

    pub(crate) fn release(&mut self, transport: Transport, port: u16, socket: u32) {
        if let Some(bound) = self.ports.get_mut(&(transport, port)) {
            bound.retain(|&other| other != socket);
            if bound.is_empty() {
                self.ports.remove(&(transport, port));
            }
        }
    }
}

/// The address of the `index`th host: 10.0.0.1 and on.
pub(crate) fn address_of(index: usize) -> Ipv4Addr {
    let number = index as u32 + 1;
    Ipv4Addr::from(u32::from(Ipv4Addr::new(10, 0, 0, 0)) + number)
}

/// The host of an address, if it is one of the first `count`.
pub(crate) fn index_of(ip: IpAddr, count: usize) -> Option<usize> {
    let IpAddr::V4(v4) = ip else { return None };
    let number = u32::from(v4).checked_sub(u32::from(Ipv4Addr::new(10, 0, 0, 0)))?;
    (1..=count as u32).contains(&number).then(|| number as usize - 1)
}
