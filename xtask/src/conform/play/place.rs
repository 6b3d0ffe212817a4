//! Places to addresses, and addresses in words that both hubs share.

use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use greenroom::net::{Domain, SockAddr};
use greenroom::os::linux::net::SocketAddrExt;
use greenroom::os::unix::net as unix;

use super::super::program::Place;
use super::Player;

impl Player<'_> {
    /// Where a step of what is in slot `of` goes.
    pub(super) fn address(&self, place: Place, of: u8) -> io::Result<SockAddr> {
        match place {
            Place::Literal(address) => Ok(address.into()),
            Place::PortOf(ip, slot) => {
                let local = self.local(slot)?;
                let port = local.as_socket().map(|inet| inet.port());
                let port = port.ok_or_else(|| io::Error::from_raw_os_error(libc::EAFNOSUPPORT))?;
                Ok(SocketAddr::new(ip, port).into())
            }
            Place::Of(slot) => self.local(slot),
            // Of the other host's there is none here.
            Place::PeerOf(slot) => self.thing(slot)?.socket()?.peer_addr(),
            Place::Name(n) => self.name(n),
            Place::Path(n) => SockAddr::unix(self.world.directory.join(n.to_string())),
            Place::Unnamed => unix::SocketAddr::from_pathname("").map(SockAddr::from),
            Place::Nobody => self.nobody(of),
        }
    }

    /// Where nobody listens, in the family of this slot.
    fn nobody(&self, of: u8) -> io::Result<SockAddr> {
        let domain = self.thing(of)?.socket()?.domain()?;
        match domain {
            Domain::UNIX => self.address(Place::Name(99), of),
            Domain::IPV6 => Ok(SocketAddr::from((Ipv6Addr::LOCALHOST, 1)).into()),
            _ => Ok(SocketAddr::new(self.world.side.nobody(), 1).into()),
        }
    }

    /// Of a slot that is empty, where the last one was that was closed there.
    pub(super) fn local(&self, slot: u8) -> io::Result<SockAddr> {
        if self.world.side.is_not_of(slot) {
            return self.told_of(slot);
        }
        match (self.thing(slot), &self.left[usize::from(slot)]) {
            (Err(_), Some(left)) => Ok(left.clone()),
            (thing, _) => thing?.socket()?.local_addr(),
        }
    }

    pub(super) fn name(&self, n: u8) -> io::Result<SockAddr> {
        let name = format!("{}{n}", self.world.prefix);
        unix::SocketAddr::from_abstract_name(name).map(SockAddr::from)
    }

    /// An address as both hubs show it: ports by the order in which they showed up.
    pub(super) fn show(&mut self, address: &SockAddr) -> String {
        if let Some(inet) = address.as_socket() {
            let port = match inet.port() {
                small @ ..1024 => small.to_string(),
                port => format!("p{}", self.port(inet.ip(), port)),
            };
            return match inet {
                SocketAddr::V4(v4) => format!("{}:{port}", v4.ip()),
                SocketAddr::V6(v6) if v6.scope_id() != 0 => {
                    format!("[{}%{}]:{port}", v6.ip(), v6.scope_id())
                }
                SocketAddr::V6(v6) => format!("[{}]:{port}", v6.ip()),
            };
        }
        if let Some(path) = address.as_pathname() {
            let own = path.strip_prefix(&self.world.directory);
            return format!("/{}", own.unwrap_or(path).display());
        }
        match address.as_abstract_namespace() {
            Some(name) => match name.strip_prefix(self.world.prefix.as_bytes()) {
                Some(own) => format!("@{}", String::from_utf8_lossy(own)),
                None => "@auto".into(),
            },
            None => "unnamed".into(),
        }
    }

    fn port(&mut self, ip: IpAddr, port: u16) -> usize {
        let (side, ports) = (self.world.side.of_address(ip), &mut self.world.common().ports);
        ports.iter().position(|&known| known == (side, port)).unwrap_or_else(|| {
            ports.push((side, port));
            ports.len() - 1
        })
    }
}
