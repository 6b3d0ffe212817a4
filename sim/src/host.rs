//! A machine: its name, its addresses, its ports. What runs on it is the driver's, what stands on
//! its ports is `net`'s.

pub(crate) mod loopback;
pub(crate) mod ports;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use greenroom::scenario::HostSpec;
use greenroom::time::SystemTime;

use crate::choices::Entity;
use crate::disk::Disk;
use crate::errno::errno;
use crate::host::loopback::Loopback;
use crate::host::ports::Ports;
use crate::id::{HostId, Id};
use crate::socket::unix::name::Names;

pub(crate) struct Host {
    pub(crate) name: String,
    /// Which host it is.
    id: HostId,
    /// How many of its links have an IPv4 address, and how many one of IPv6; the first ones do.
    links: (u8, u8),
    /// How many of them its name resolves to.
    resolved: (u8, u8),
    /// How many descriptors it holds, and how many it may.
    descriptors: (u32, u32),
    is_unprivileged: bool,
    /// How many bytes its sockets of TCP and UDP may hold.
    pub(crate) socket_memory: Option<u64>,
    pub(crate) entity: Entity,
    pub(crate) is_up: bool,
    /// When its power failed, if it did.
    pub(crate) down_ns: Option<u64>,
    /// Until when its programs read their clock: how far that is ahead of time (`hub/reads.rs`).
    pub(crate) reads_until_ns: Cell<u64>,
    pub(crate) ports: Ports,
    /// Names of Unix sockets.
    pub(crate) names: Names,
    pub(crate) loopback: Loopback,
    /// What is on its disk, once anybody looked.
    pub(crate) files: Option<Box<Files>>,
    disk_bytes: Option<u64>,
    /// Greenlets that stand on it.
    pub(crate) greenlets: usize,
    /// The next socket's number, from 1: what traces call it.
    sockets_numbered: u32,
}

/// A disk, and what is decided of its files.
pub(crate) struct Files {
    pub(crate) disk: Disk,
    /// By their paths.
    pub(crate) entities: BTreeMap<String, Entity>,
}

impl Host {
    pub(crate) fn new(id: HostId, spec: &HostSpec, entity: Entity) -> Host {
        let machine = &spec.machine;
        let declared = (machine.v4_declared(), machine.v6_declared());
        Host {
            name: spec.name.clone(),
            id,
            links: (declared.0.unwrap_or(1), declared.1.unwrap_or(1)),
            resolved: (declared.0.unwrap_or(1), declared.1.unwrap_or(0)),
            descriptors: (0, machine.descriptors_most().unwrap_or(u32::MAX)),
            is_unprivileged: machine.is_unprivileged(),
            socket_memory: machine.socket_memory_bytes(),
            entity,
            is_up: true,
            down_ns: None,
            reads_until_ns: Cell::new(0),
            ports: Ports::new(machine.given_ports()),
            names: Names::default(),
            loopback: Loopback::default(),
            files: None,
            disk_bytes: machine.disk_bytes(),
            greenlets: 0,
            sockets_numbered: 0,
        }
    }

    /// Its disk; a fresh one where nobody looked yet.
    pub(crate) fn disk(&mut self, now: SystemTime) -> &mut Disk {
        let (seed, bytes_max) = (self.entity.hash, self.disk_bytes);
        let files = self.files.get_or_insert_with(|| {
            let disk = Disk::new(seed, bytes_max, now);
            Box::new(Files { disk, entities: BTreeMap::new() })
        });
        &mut files.disk
    }

    /// Whether a port is root's, and its program is not root's.
    pub(crate) fn reserves(&self, port: u16) -> bool {
        /// Linux's `ip_unprivileged_port_start`.
        const UNPRIVILEGED_FIRST: u16 = 1024;
        self.is_unprivileged && (1..UNPRIVILEGED_FIRST).contains(&port)
    }

    /// Whether its program may have so many descriptors more; `EMFILE` if not.
    pub(crate) fn check_descriptors(&self, more: u32) -> io::Result<()> {
        let (held, most) = self.descriptors;
        match held.saturating_add(more) > most {
            true => Err(errno(libc::EMFILE)),
            false => Ok(()),
        }
    }
    pub(crate) fn took_descriptor(&mut self) {
        self.descriptors.0 += 1;
    }
    pub(crate) fn gave_up_descriptors(&mut self, count: u32) {
        self.descriptors.0 -= count;
    }

    pub(crate) fn number_socket(&mut self) -> u32 {
        self.sockets_numbered += 1;
        self.sockets_numbered
    }

    /// Whether it answers to this address: one of its links', or loopback.
    #[inline]
    pub(crate) fn owns(&self, ip: IpAddr) -> bool {
        ip.is_loopback()
            || locate(ip).is_some_and(|(host, link)| host == self.id && self.is_on(ip, link))
    }

    /// The address that it has on this link, of the family of `like`.
    pub(crate) fn address_on(&self, link: u8, like: IpAddr) -> Option<IpAddr> {
        self.is_on(like, link).then(|| match like {
            IpAddr::V4(_) => v4_of(self.id, link).into(),
            IpAddr::V6(_) => v6_of(self.id, link).into(),
        })
    }

    /// How many links it has, of whatever family.
    pub(crate) fn link_count(&self) -> u8 {
        self.links.0.max(self.links.1)
    }

    /// Which of its links has this broadcast address, in a story of so many hosts.
    pub(crate) fn link_of_broadcast(&self, ip: IpAddr, host_count: usize) -> Option<u8> {
        let IpAddr::V4(ip) = ip else { return None };
        let [net, link, ..] = ip.octets();
        let has_it = net == 10 && link < self.links.0 && ip == broadcast_on(link, host_count);
        has_it.then_some(link)
    }

    /// All addresses of its links, IPv4 first.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        self.first(self.links)
    }

    /// What its name resolves to: of those that it has, those that were declared.
    pub(crate) fn resolved_addresses(&self) -> impl Iterator<Item = IpAddr> {
        self.first(self.resolved)
    }

    fn first(&self, (v4, v6): (u8, u8)) -> impl Iterator<Item = IpAddr> {
        let id = self.id;
        let v4 = (0..v4).map(move |link| IpAddr::from(v4_of(id, link)));
        v4.chain((0..v6).map(move |link| v6_of(id, link).into()))
    }

    /// Whether it has an address of this family on this link.
    #[inline]
    pub(crate) fn is_on(&self, like: IpAddr, link: u8) -> bool {
        link < if like.is_ipv4() { self.links.0 } else { self.links.1 }
    }
}

/// The first of all IPv4 addresses that are given out.
const V4_NET: u32 = u32::from_be_bytes([10, 0, 0, 0]);
/// A link is a net of this many addresses: a /16.
const V4_LINK_BITS: u32 = 16;
/// The first group of all IPv6 addresses that are given out: unique local ones (RFC 4193).
const V6_NET: u16 = 0xfd00;

/// The address of a host on a link: 10.0.0.1 and on, on the next link 10.1.0.1 and on.
fn v4_of(host: HostId, link: u8) -> Ipv4Addr {
    Ipv4Addr::from(V4_NET + (u32::from(link) << V4_LINK_BITS) + u32::from(host.number()) + 1)
}

/// Likewise fd00::1 and on, fd00:1::1 and on.
fn v6_of(host: HostId, link: u8) -> Ipv6Addr {
    Ipv6Addr::new(V6_NET, link.into(), 0, 0, 0, 0, 0, host.number() + 1)
}

/// The broadcast address of a link. Its net is a /24 as long as all hosts fit, else a /16.
pub(crate) fn broadcast_on(link: u8, host_count: usize) -> Ipv4Addr {
    const HOSTS_OF_24: usize = 254;
    let high = if host_count <= HOSTS_OF_24 { 0 } else { 255 };
    Ipv4Addr::new(10, link, high, 255)
}

/// Which host would have this address, and on which link; whether there is such a host, and whether
/// it has such a link, is not known here.
#[inline]
pub(crate) fn locate(ip: IpAddr) -> Option<(HostId, u8)> {
    let (number, link) = match ip {
        IpAddr::V4(v4) => {
            let [net, link, high, low] = v4.octets();
            (u16::from_be_bytes([high, low]), (net == 10).then_some(link)?)
        }
        IpAddr::V6(v6) => match v6.segments() {
            [V6_NET, link, 0, 0, 0, 0, 0, number] => (number, u8::try_from(link).ok()?),
            _ => return None,
        },
    };
    Some((HostId::of_row(number.checked_sub(1)?.into()), link))
}
