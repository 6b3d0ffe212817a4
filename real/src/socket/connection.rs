//! How a socket gets its peers: by connecting, or by listening and accepting.

use std::io;
use std::net::Ipv4Addr;

use greenroom::hub::Address;
use socket2::SockAddr;

use super::Socket;
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
        if !self.bound && !self.connecting {
            sys::bind_source(&self.os, source)?;
            self.bound = true;
        }
        Ok(())
    }

    pub(crate) fn listen(&self, backlog: u32) -> io::Result<()> {
        self.os.listen(i32::try_from(backlog).unwrap_or(i32::MAX))
    }

    /// Starts a connection; once one is under way, says how it went.
    pub(crate) fn connect(&mut self, peer: &SockAddr) -> io::Result<()> {
        if self.connecting {
            return self.how_it_went(peer);
        }
        match self.os.connect(peer) {
            // Under way already: started before the descriptor was adopted, or through a copy.
            Err(error)
                if matches!(error.raw_os_error(), Some(libc::EINPROGRESS | libc::EALREADY)) =>
            {
                self.connecting = true;
                self.attempted = false;
                Err(io::ErrorKind::WouldBlock.into())
            }
            answer => answer,
        }
    }

    /// An attempt is over when the socket is writable. Asked by connect(2) Linux says how it went,
    /// knows that it has told so, and lets the next call start anew, or returns `EISCONN`. Elsewhere
    /// a failed attempt's error is asked for by itself.
    fn how_it_went(&mut self, peer: &SockAddr) -> io::Result<()> {
        let is_over =
            || io::Result::Ok(sys::readiness(self.descriptor())?.writes() || self.listens());
        if !self.attempted && !is_over()? {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.attempted = false;
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        if let Some(error) = self.os.take_error()? {
            self.connecting = false;
            return Err(error);
        }
        match self.os.connect(peer).map_err(|error| (error.raw_os_error(), error)) {
            Err((Some(libc::EINPROGRESS | libc::EALREADY), _)) => {
                Err(io::ErrorKind::WouldBlock.into())
            }
            answer => {
                self.connecting = false;
                // Told already through a copy.
                let stands = matches!(answer, Err((Some(libc::EISCONN), _)));
                if stands { Ok(()) } else { answer.map_err(|(_, error)| error) }
            }
        }
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
