//! Options of any socket.

use std::ffi::c_int;
use std::io;
use std::time::Duration;

use super::super::{Domain, Protocol, Socket, Type};
use super::whole_seconds;
use crate::hub::{NameOpt, Opt};

/// Options of any socket (`SOL_SOCKET`).
impl Socket {
    /// The family it was made as (`SO_DOMAIN`).
    pub fn domain(&self) -> io::Result<Domain> {
        Ok(Domain::from(self.0.get(Opt::Domain)? as i32))
    }
    /// The type it was made as (`SO_TYPE`).
    pub fn r#type(&self) -> io::Result<Type> {
        Ok(Type::from(self.0.get(Opt::Type)? as i32))
    }
    /// The protocol it speaks (`SO_PROTOCOL`); none in the Unix domain.
    pub fn protocol(&self) -> io::Result<Option<Protocol>> {
        let number = self.0.get(Opt::Protocol)? as i32;
        Ok((number != 0).then(|| Protocol::from(number)))
    }
    /// Whether it listens (`SO_ACCEPTCONN`).
    pub fn is_listener(&self) -> io::Result<bool> {
        self.0.flag(Opt::IsListener)
    }

    /// Whether it may be bound to an address that closed connections still hold (`SO_REUSEADDR`).
    pub fn reuse_address(&self) -> io::Result<bool> {
        self.0.flag(Opt::ReuseAddress)
    }
    /// Sets whether it may be bound to an address that closed connections still hold (`SO_REUSEADDR`).
    pub fn set_reuse_address(&self, reuse: bool) -> io::Result<()> {
        self.0.set(Opt::ReuseAddress, reuse.into())
    }

    /// Whether several sockets may be bound to one address and share what comes (`SO_REUSEPORT`).
    pub fn reuse_port(&self) -> io::Result<bool> {
        self.0.flag(Opt::ReusePort)
    }
    /// Sets whether several sockets may be bound to one address and share what comes (`SO_REUSEPORT`).
    pub fn set_reuse_port(&self, reuse: bool) -> io::Result<()> {
        self.0.set(Opt::ReusePort, reuse.into())
    }

    /// How many bytes may wait to be sent (`SO_SNDBUF`). Linux counts what it adds itself:
    /// twice what was asked for.
    pub fn send_buffer_size(&self) -> io::Result<usize> {
        Ok(self.0.get(Opt::SendBuffer)? as usize)
    }
    /// Sets how many bytes may wait to be sent (`SO_SNDBUF`).
    pub fn set_send_buffer_size(&self, size: usize) -> io::Result<()> {
        self.0.set(Opt::SendBuffer, u32::try_from(size).unwrap_or(u32::MAX))
    }

    /// How many bytes may wait to be received (`SO_RCVBUF`). Linux counts what it adds
    /// itself: twice what was asked for.
    pub fn recv_buffer_size(&self) -> io::Result<usize> {
        Ok(self.0.get(Opt::RecvBuffer)? as usize)
    }
    /// Sets how many bytes may wait to be received (`SO_RCVBUF`).
    pub fn set_recv_buffer_size(&self, size: usize) -> io::Result<()> {
        self.0.set(Opt::RecvBuffer, u32::try_from(size).unwrap_or(u32::MAX))
    }

    /// How long a close goes on for bytes that are not sent (`SO_LINGER`); `None` is the system's own
    /// way, in the background.
    pub fn linger(&self) -> io::Result<Option<Duration>> {
        let seconds = self.0.get(Opt::Linger)?.checked_sub(1);
        Ok(seconds.map(|seconds| Duration::from_secs(seconds.into())))
    }
    /// Sets how long a close goes on for bytes that are not sent (`SO_LINGER`), in whole seconds.
    /// Zero has the close throw them away and reset the connection.
    ///
    /// Closing never holds the greenlet up, nor its hub: a real socket lingers on a thread of its
    /// own, which a process that ends does not wait for. The system sends what is left all the same.
    pub fn set_linger(&self, linger: Option<Duration>) -> io::Result<()> {
        self.0.set(Opt::Linger, linger.map_or(0, |time| whole_seconds(time) + 1))
    }

    /// Whether datagrams may go to broadcast addresses (`SO_BROADCAST`).
    pub fn broadcast(&self) -> io::Result<bool> {
        self.0.flag(Opt::Broadcast)
    }
    /// Sets whether datagrams may go to broadcast addresses (`SO_BROADCAST`).
    pub fn set_broadcast(&self, broadcast: bool) -> io::Result<()> {
        self.0.set(Opt::Broadcast, broadcast.into())
    }

    /// Whether an idle connection is asked whether it still stands (`SO_KEEPALIVE`).
    pub fn keepalive(&self) -> io::Result<bool> {
        self.0.flag(Opt::KeepAlive)
    }
    /// Sets whether an idle connection is asked whether it still stands (`SO_KEEPALIVE`).
    pub fn set_keepalive(&self, keepalive: bool) -> io::Result<()> {
        self.0.set(Opt::KeepAlive, keepalive.into())
    }

    /// Whether urgent bytes are among the others (`SO_OOBINLINE`).
    pub fn out_of_band_inline(&self) -> io::Result<bool> {
        self.0.flag(Opt::UrgentInline)
    }
    /// Sets whether urgent bytes are among the others (`SO_OOBINLINE`).
    pub fn set_out_of_band_inline(&self, inline: bool) -> io::Result<()> {
        self.0.set(Opt::UrgentInline, inline.into())
    }

    /// Whether messages say which process sent them (`SO_PASSCRED`).
    pub fn passcred(&self) -> io::Result<bool> {
        self.0.flag(Opt::PassCredentials)
    }
    /// Sets whether messages say which process sent them (`SO_PASSCRED`).
    pub fn set_passcred(&self, passcred: bool) -> io::Result<()> {
        self.0.set(Opt::PassCredentials, passcred.into())
    }

    /// How much its packets matter to the queues of this host (`SO_PRIORITY`).
    pub fn priority(&self) -> io::Result<u32> {
        self.0.get(Opt::Priority)
    }
    /// Sets how much its packets matter to the queues of this host (`SO_PRIORITY`).
    pub fn set_priority(&self, priority: u32) -> io::Result<()> {
        self.0.set(Opt::Priority, priority)
    }

    /// What its packets are marked with, for routing and filters (`SO_MARK`).
    pub fn mark(&self) -> io::Result<u32> {
        self.0.get(Opt::Mark)
    }
    /// Sets what its packets are marked with, for routing and filters (`SO_MARK`). It
    /// takes a privilege.
    pub fn set_mark(&self, mark: u32) -> io::Result<()> {
        self.0.set(Opt::Mark, mark)
    }

    /// The processor its packets are handled on (`SO_INCOMING_CPU`); `usize::MAX`, which is -1 to
    /// the system, where none is known yet.
    pub fn cpu_affinity(&self) -> io::Result<usize> {
        Ok(self.0.get(Opt::IncomingCpu)? as c_int as usize)
    }
    /// Sets the processor its packets are to be handled on (`SO_INCOMING_CPU`).
    pub fn set_cpu_affinity(&self, cpu: usize) -> io::Result<()> {
        self.0.set(Opt::IncomingCpu, u32::try_from(cpu).unwrap_or(u32::MAX))
    }

    /// How many microseconds a receive asks the device before it waits (`SO_BUSY_POLL`).
    pub fn busy_poll(&self) -> io::Result<u32> {
        self.0.get(Opt::BusyPoll)
    }
    /// Sets how many microseconds a receive asks the device before it waits (`SO_BUSY_POLL`).
    pub fn set_busy_poll(&self, busy_poll: u32) -> io::Result<()> {
        self.0.set(Opt::BusyPoll, busy_poll)
    }

    /// The network interface it is bound to, by name (`SO_BINDTODEVICE`).
    pub fn device(&self) -> io::Result<Option<Vec<u8>>> {
        let name = self.0.ask(|hub, io| hub.name_option(io, NameOpt::Device))?;
        Ok(Some(name).filter(|name| !name.is_empty()))
    }
    /// Binds it to a network interface by name, or to none (`SO_BINDTODEVICE`).
    pub fn bind_device(&self, interface: Option<&[u8]>) -> io::Result<()> {
        let name = interface.unwrap_or_default();
        self.0.ask(|hub, io| hub.set_name_option(io, NameOpt::Device, name))
    }
}
