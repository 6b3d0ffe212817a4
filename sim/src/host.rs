//! A machine: its name, its addresses, its ports. What runs on it is the driver's, what stands on
//! its ports is `net`'s.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::choices::Entity;
use crate::net::loopback::Loopback;
use crate::net::ports::Ports;
use crate::net::unix::name::Names;

pub(crate) struct Host {
    pub(crate) name: String,
    /// Which host it is.
    index: usize,
    /// How many of its links have an IPv4 address, and how many one of IPv6; the first ones do.
    links: (u8, u8),
    pub(crate) entity: Entity,
    pub(crate) is_up: bool,
    /// When its power failed, if it did.
    pub(crate) down_ns: Option<u64>,
    pub(crate) ports: Ports,
    /// Names of Unix sockets.
    pub(crate) names: Names,
    pub(crate) loopback: Loopback,
    /// Greenlets that stand on it.
    pub(crate) greenlets: usize,
    /// The next socket's number, from 1: what traces call it.
    sockets_named: u32,
}

impl Host {
    pub(crate) fn new(index: usize, name: String, entity: Entity, ports: Ports) -> Host {
        Host {
            name,
            index,
            links: (1, 1),
            entity,
            is_up: true,
            down_ns: None,
            ports,
            names: Names::default(),
            loopback: Loopback::default(),
            greenlets: 0,
            sockets_named: 0,
        }
    }

    pub(crate) fn name_socket(&mut self) -> u32 {
        self.sockets_named += 1;
        self.sockets_named
    }

    /// Whether it answers to this address: one of its links', or loopback.
    pub(crate) fn owns(&self, ip: IpAddr) -> bool {
        ip.is_loopback()
            || place_of(ip).is_some_and(|(host, link)| host == self.index && self.is_on(ip, link))
    }

    /// The address that it has on this link, of the family of `like`.
    pub(crate) fn address_on(&self, link: u8, like: IpAddr) -> Option<IpAddr> {
        self.is_on(like, link).then(|| match like {
            IpAddr::V4(_) => v4_of(self.index, link).into(),
            IpAddr::V6(_) => v6_of(self.index, link).into(),
        })
    }

    /// How many links it has, of whatever family.
    pub(crate) fn link_count(&self) -> u8 {
        self.links.0.max(self.links.1)
    }

    /// All addresses of its links, IPv4 first.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        let v4 = (0..self.links.0).map(|link| v4_of(self.index, link).into());
        v4.chain((0..self.links.1).map(|link| v6_of(self.index, link).into()))
    }

    /// What its name resolves to.
    pub(crate) fn named_addresses(&self) -> impl Iterator<Item = IpAddr> {
        self.addresses().filter(IpAddr::is_ipv4)
    }

    fn is_on(&self, like: IpAddr, link: u8) -> bool {
        link < if like.is_ipv4() { self.links.0 } else { self.links.1 }
    }
}

/// The first of all IPv4 addresses that are given out.
const V4_NET: u32 = u32::from_be_bytes([10, 0, 0, 0]);
/// A link is a net of this many addresses: a /16.
const V4_LINK_BITS: u32 = 16;
/// The first group of all IPv6 addresses that are given out: unique local ones (RFC 4193).
const V6_NET: u16 = 0xfd00;

/// The address of the `index`th host on a link: 10.0.0.1 and on, on the next link 10.1.0.1 and on.
fn v4_of(index: usize, link: u8) -> Ipv4Addr {
    Ipv4Addr::from(V4_NET + (u32::from(link) << V4_LINK_BITS) + index as u32 + 1)
}

/// Likewise fd00::1 and on, fd00:1::1 and on.
fn v6_of(index: usize, link: u8) -> Ipv6Addr {
    Ipv6Addr::new(V6_NET, link.into(), 0, 0, 0, 0, 0, index as u16 + 1)
}

/// Which host would have this address, and on which link; whether there is such a host, and whether
/// it has such a link, is not known here.
pub(crate) fn place_of(ip: IpAddr) -> Option<(usize, u8)> {
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
    Some((usize::from(number.checked_sub(1)?), link))
}
