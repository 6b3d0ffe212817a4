//! Addresses of sockets: what a program names and is shown, what is on the wire, and the way there.
//!
//! An IPv6 socket takes IPv4 as well, as `::ffff:a.b.c.d`, unless `IPV6_V6ONLY` is set. Within, such an
//! address is the IPv4 one that it stands for: so packets, connections and ports are of one family
//! each, and only the edges ([`World::shown`], [`World::named_local`], [`World::named_peer`]) know of
//! the other form.

#[cfg(test)]
mod tests;

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

use greenroom::hub::{Address, Domain};

use crate::errno::errno;
use crate::host;
use crate::id::{HostId, SocketId};
use crate::socket::address::{any, inet, is_for_many, meant, needs_scope, shown_in};
use crate::socket::{Proto, Socket};
use crate::world::World;

/// Linux's number of the loopback interface; the links follow.
const LOOPBACK_INDEX: u32 = 1;

impl World {
    /// An address as the socket shows it.
    pub(crate) fn shown(&self, index: SocketId, address: SocketAddr) -> SocketAddr {
        shown_in(self.sockets[index].domain, address)
    }

    /// What getsockname(2) answers.
    pub(crate) fn shown_local(&self, index: SocketId) -> SocketAddr {
        let Socket { domain, local, .. } = self.sockets[index];
        shown_in(domain, local.unwrap_or(SocketAddr::new(any(domain), 0)))
    }

    // What a program names.

    /// The address that bind(2) is asked for.
    pub(super) fn named_local(&self, index: SocketId, local: &Address) -> io::Result<SocketAddr> {
        let socket = &self.sockets[index];
        match (socket.domain, inet(local, socket.domain)?) {
            (Domain::V6, SocketAddr::V6(v6)) => {
                let local = meant(v6);
                // IPv6 alone has no such address (linux-truth 36).
                let refused = local.is_ipv4() && socket.options.only_v6;
                if refused { Err(errno(libc::EINVAL)) } else { Ok(local) }
            }
            // Too short to be an address of IPv6 (33).
            (Domain::V6, SocketAddr::V4(_)) => Err(errno(libc::EINVAL)),
            (_, SocketAddr::V6(_)) => Err(errno(libc::EAFNOSUPPORT)),
            (_, local) => Ok(local),
        }
    }

    /// The address that connect(2) or sendto(2) is asked for (33 to 35).
    pub(super) fn named_peer(&self, index: SocketId, peer: &Address) -> io::Result<SocketAddr> {
        let socket = &self.sockets[index];
        let is_stream = !matches!(socket.proto, Proto::Udp(_));
        let peer = match (socket.domain, inet(peer, socket.domain)?) {
            (Domain::V6, SocketAddr::V6(v6)) => meant(v6),
            (Domain::V6, SocketAddr::V4(_)) if is_stream => return Err(errno(libc::EINVAL)),
            (Domain::V4, SocketAddr::V6(_)) => return Err(errno(libc::EAFNOSUPPORT)),
            (_, peer) => peer,
        };
        match socket.domain == Domain::V6 && socket.options.only_v6 && peer.is_ipv4() {
            true => Err(errno(libc::ENETUNREACH)),
            false => Ok(peer),
        }
    }

    /// Whether this host may bind to the address.
    pub(super) fn check_local(&self, index: SocketId, local: SocketAddr) -> io::Result<()> {
        let socket = &self.sockets[index];
        let (host, ip) = (&self.hosts[socket.host], local.ip());
        if let SocketAddr::V6(v6) = local {
            let is_stream = !matches!(socket.proto, Proto::Udp(_));
            if ip.is_multicast() && is_stream {
                return Err(errno(libc::EINVAL));
            }
            self.check_scope(socket.host, v6)?;
        }
        match ip.is_unspecified() || host.owns(ip) || is_for_many(ip) {
            true => Ok(()),
            false => Err(errno(libc::EADDRNOTAVAIL)),
        }
    }

    /// An address that is another one on each link says on which; `EINVAL` if not (48).
    fn check_scope(&self, host: HostId, address: SocketAddrV6) -> io::Result<()> {
        match address.scope_id() {
            _ if !needs_scope(address.ip()) => Ok(()),
            0 => Err(errno(libc::EINVAL)),
            LOOPBACK_INDEX => Ok(()),
            scope => self.link_at(host, scope).map(drop).ok_or_else(|| errno(libc::ENODEV)),
        }
    }

    /// Whether a connection to this address says on which link.
    pub(super) fn check_peer_scope(&self, index: SocketId, peer: SocketAddr) -> io::Result<()> {
        let SocketAddr::V6(v6) = peer else { return Ok(()) };
        let chosen = self.sockets[index].options.get(greenroom::hub::Opt::MulticastInterfaceV6);
        let is_silent = v6.scope_id() == 0 && (chosen == 0 || !v6.ip().is_multicast());
        match needs_scope(v6.ip()) && is_silent {
            true => Err(errno(libc::EINVAL)),
            false => Ok(()),
        }
    }

    /// The link that Linux would number so: loopback comes first.
    pub(super) fn link_at(&self, host: HostId, interface: u32) -> Option<u8> {
        let link = u8::try_from(interface.checked_sub(LOOPBACK_INDEX + 1)?).ok()?;
        (link < self.hosts[host].link_count()).then_some(link)
    }

    // The way there.

    /// The host that has this address.
    pub(super) fn host_at(&self, ip: IpAddr) -> Option<HostId> {
        let (host, _) = host::place_of(ip)?;
        self.hosts.get(host)?.owns(ip).then_some(host)
    }

    /// The address that packets to `to` leave from; `None` if no link of the host leads there. A link
    /// leads to those who are on it, and nowhere else.
    pub(super) fn route(&self, host: HostId, to: IpAddr) -> Option<IpAddr> {
        let here = &self.hosts[host];
        match to {
            IpAddr::V4(ip) if ip.is_loopback() => Some(Ipv4Addr::LOCALHOST.into()),
            _ if here.owns(to) => Some(to),
            _ => {
                self.host_at(to)?;
                here.address_on(host::place_of(to)?.1, to)
            }
        }
    }

    /// Whether a packet from a socket or from the host itself gets out of it: a link leads there, and
    /// what claims to come from loopback is dropped by whoever gets it.
    pub(super) fn leads_out(&self, host: HostId, from: SocketAddr, to: SocketAddr) -> bool {
        !from.ip().is_loopback() && self.route(host, to.ip()).is_some()
    }

    /// Where a program means `0.0.0.0` or `[::]` it means itself (linux-truth 15, 16): the very address
    /// that it is bound to, if that is of IPv4.
    pub(crate) fn reachable(&self, index: SocketId, peer: SocketAddr) -> io::Result<SocketAddr> {
        let socket = &self.sockets[index];
        let own = socket.local.map(|local| local.ip()).filter(|ip| ip.is_ipv4());
        let itself = match peer.ip() {
            ip if !ip.is_unspecified() => ip,
            IpAddr::V6(_) if own.is_none() => Ipv6Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V4(_) => {
                let bound = own.filter(|ip| !ip.is_unspecified() && !is_for_many(*ip));
                bound.unwrap_or(Ipv4Addr::LOCALHOST.into())
            }
        };
        match self.route(socket.host, itself) {
            Some(_) if itself == peer.ip() => Ok(peer),
            Some(_) => Ok(SocketAddr::new(itself, peer.port())),
            None => Err(errno(libc::ENETUNREACH)),
        }
    }

    /// The address that the socket's packets to `to`, which is reachable, leave from: the one that it
    /// is bound to, if that can be.
    pub(super) fn source_towards(&self, index: SocketId, to: SocketAddr) -> io::Result<IpAddr> {
        let socket = &self.sockets[index];
        let bound = socket.local.map(|local| local.ip());
        if let (Some(IpAddr::V4(_)), IpAddr::V6(_)) = (bound, to.ip()) {
            return Err(errno(libc::EAFNOSUPPORT));
        }
        // One that is connected in one family sends in the other as if it were not.
        let bound = bound.filter(|ip| ip.is_ipv4() == to.is_ipv4());
        let bound = bound.filter(|ip| !ip.is_unspecified() && !is_for_many(*ip));
        let ip = match is_for_many(to.ip()) {
            true => self.source_for_many(index, to)?,
            false => self.route(socket.host, to.ip()).ok_or_else(|| errno(libc::ENETUNREACH))?,
        };
        match bound {
            None => Ok(ip),
            // No answer would find it; of IPv6 it leaves and gets nowhere.
            Some(IpAddr::V4(own))
                if own.is_loopback()
                    && !is_for_many(to.ip())
                    && !self.hosts[socket.host].owns(to.ip()) =>
            {
                Err(errno(libc::EINVAL))
            }
            Some(own) => Ok(own),
        }
    }
}
