//! How a socket gets its peers: by connecting, or by listening and accepting.

use std::io;
use std::net::Ipv4Addr;

use greenroom::hub::Address;
use socket2::SockAddr;

use super::{Socket, would_block};
use crate::address::from_system;
use crate::sys;

impl Socket {
    pub(crate) fn bind(&mut self, local: &SockAddr) -> io::Result<()> {
        self.os.bind(local)?;
        self.bound = true;
        Ok(())
    }

    /// Connects from this address, unless the socket has one.
    pub(crate) fn leave_from(&mut self, source: Ipv4Addr) -> io::Result<()> {
        if !self.bound {
            sys::bind_source(&self.os, source)?;
            self.bound = true;
        }
        Ok(())
    }

    pub(crate) fn listen(&self, backlog: u32) -> io::Result<()> {
        self.os.listen(i32::try_from(backlog).unwrap_or(i32::MAX))
    }

    /// Starts a connection, or says that one is under way.
    pub(crate) fn connect(&mut self, peer: &SockAddr) -> io::Result<()> {
        let answer = self.os.connect(peer);
        if matches!(&answer, Err(error) if error.raw_os_error() == Some(libc::EINPROGRESS)) {
            self.attempted = false;
        }
        answer
    }

    /// How the attempt went that is under way. It is over when the socket is writable. One that went
    /// well Linux is asked for by connect(2), and then knows that it was told. To ask so for another
    /// could start a new one, where the attempt was ended by a shutdown.
    pub(crate) fn connecting(&mut self, peer: &SockAddr) -> io::Result<()> {
        let was_reported = std::mem::take(&mut self.attempted);
        if !was_reported && !sys::readiness(self.descriptor())?.is_writable() && !self.listens() {
            return Err(would_block());
        }
        if self.os.peer_addr().is_ok() {
            return match self.os.connect(peer) {
                Err(error) if error.raw_os_error() == Some(libc::EISCONN) => Ok(()),
                answer => answer,
            };
        }
        if self.listens() {
            return Ok(());
        }
        if !sys::readiness(self.descriptor())?.is_writable() {
            // What was reported was of an attempt before this one.
            return Err(would_block());
        }
        let error = self.os.take_error()?;
        // What connect(2) does with an attempt that failed, once it has said so.
        sys::disconnect(&self.os)?;
        Err(error.unwrap_or_else(|| io::Error::from_raw_os_error(libc::ECONNABORTED)))
    }

    /// Has it be as one that never connected. Those who are parked in the connection hear of its error;
    /// a read or write that came back short told something of a stream that is gone.
    pub(crate) fn disconnect(&mut self) -> io::Result<()> {
        (self.drained, self.full) = (false, false);
        sys::disconnect(&self.os)
    }

    /// Whether an attempt was given up, through another handle, for a socket that listens: such a
    /// one is never writable.
    fn listens(&self) -> bool {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        return self.os.is_listener().unwrap_or(false);
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        false
    }

    pub(crate) fn accept(&self) -> io::Result<(Socket, Address)> {
        let shut = || Err(io::Error::from_raw_os_error(libc::EINVAL));
        let (os, peer) = self.or_shut(sys::accept(&self.os), shut)?;
        let accepted = Socket::over(os, self.nature, self.flows);
        Ok((Socket { bound: true, ..accepted }, from_system(&peer)))
    }
}
