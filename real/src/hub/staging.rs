//! Addresses of a host of a scenario: its program knows others than the process has.

use std::io;

use greenroom::hub::{Address, Io};
use socket2::SockAddr;

use super::RealHub;
use crate::address::to_system;

impl RealHub {
    /// The address of the process for one that the program wants to reach.
    pub(super) fn staged_peer(&mut self, io: Io, peer: &Address) -> io::Result<SockAddr> {
        match &mut self.identity {
            Some(identity) => {
                let from = self.table.get(io)?.socket()?;
                to_system(&identity.stage_peer(peer, from.os())?)
            }
            None => to_system(peer),
        }
    }

    /// The program's address for one of the process.
    pub(super) fn unstaged(&mut self, address: Address) -> Address {
        match &mut self.identity {
            Some(identity) => identity.unix.unstage(address),
            None => address,
        }
    }

    pub(super) fn bind_staged(&mut self, io: Io, local: &Address) -> io::Result<()> {
        let Some(identity) = &mut self.identity else {
            return self.socket_of(io)?.bind(&to_system(local)?);
        };
        let staged = to_system(&identity.stage_local(local)?)?;
        let socket = self.table.get(io)?.socket()?;
        socket.bind(&staged)?;
        if let Address::Unix(name) = local {
            identity.unix.was_bound(name, socket.os().r#type()?);
        }
        Ok(())
    }
}
