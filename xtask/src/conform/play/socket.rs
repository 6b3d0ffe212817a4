//! What is asked of one socket, and set on it.

use std::io;
use std::net::IpAddr;

use greenroom::net::{InterfaceIndexOrAddress as Numbered, Protocol, Shutdown, ToSocketAddrs};

use super::super::options::Opt;
use super::super::program::{Interface, Place, Switch};
use super::{Line, Player, done, words};

impl Player<'_> {
    pub(super) fn bind(&self, slot: u8, place: Place) -> Line {
        let address = self.address(place, slot)?;
        self.thing(slot)?.socket()?.bind(&address).and_then(done)
    }

    pub(super) fn shutdown(&self, slot: u8, how: Switch) -> Line {
        let how = match how {
            Switch::Read => Shutdown::Read,
            Switch::Write => Shutdown::Write,
            Switch::Both => Shutdown::Both,
        };
        self.thing(slot)?.socket()?.shutdown(how).and_then(done)
    }

    pub(super) fn local_address(&mut self, slot: u8) -> Line {
        let address = self.thing(slot)?.socket()?.local_addr()?;
        Ok(self.show(&address))
    }

    pub(super) fn peer_address(&mut self, slot: u8) -> Line {
        let address = self.thing(slot)?.socket()?.peer_addr()?;
        Ok(self.show(&address))
    }

    pub(super) fn addresses(&mut self, slot: u8) -> Line {
        let thing = self.thing(slot)?;
        let (local, peer) = (thing.socket()?.local_addr(), thing.socket()?.peer_addr());
        let mut word = |address: io::Result<_>| match address {
            Ok(address) => self.show(&address),
            Err(error) => words::said(&error),
        };
        Ok(format!("{} - {}", word(local), word(peer)))
    }

    pub(super) fn error(&self, slot: u8) -> Line {
        Ok(match self.thing(slot)?.socket()?.take_error()? {
            Some(error) => words::said(&error),
            None => "none".into(),
        })
    }

    pub(super) fn get(&self, slot: u8, option: Opt) -> Line {
        let thing = self.thing(slot)?;
        let socket = thing.socket()?;
        // What Linux returns for TCP is a leftover of the packet that opened the connection.
        let is_left_over = self.world.is_lenient && option.name() == "multicast-ttl";
        if is_left_over && socket.protocol()? == Some(Protocol::TCP) {
            return Ok("any".into());
        }
        option.get(socket)
    }

    /// Joins a group, or leaves it.
    pub(super) fn group(
        &self,
        slot: u8,
        group: IpAddr,
        on: Interface,
        joins: bool,
    ) -> io::Result<()> {
        let thing = self.thing(slot)?;
        let socket = thing.socket()?;
        match (group, on, joins) {
            (IpAddr::V4(group), Interface::Address(ip), true) => {
                socket.join_multicast_v4(&group, &ip)
            }
            (IpAddr::V4(group), Interface::Address(ip), false) => {
                socket.leave_multicast_v4(&group, &ip)
            }
            (IpAddr::V4(group), Interface::Index(n), true) => {
                socket.join_multicast_v4_n(&group, &Numbered::Index(n))
            }
            (IpAddr::V4(group), Interface::Index(n), false) => {
                socket.leave_multicast_v4_n(&group, &Numbered::Index(n))
            }
            (IpAddr::V6(group), Interface::Index(n), true) => socket.join_multicast_v6(&group, n),
            (IpAddr::V6(group), Interface::Index(n), false) => socket.leave_multicast_v6(&group, n),
            (IpAddr::V6(_), Interface::Address(_), _) => {
                Err(io::Error::from_raw_os_error(libc::EINVAL))
            }
        }
    }

    pub(super) fn resolve(&mut self, text: &str) -> Line {
        match text.to_socket_addrs() {
            Ok(all) => {
                let all: Vec<String> = all.map(|address| self.show(&address.into())).collect();
                Ok(all.join(" "))
            }
            Err(error) => Err(io::Error::other(error.to_string())),
        }
    }
}
