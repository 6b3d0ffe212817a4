//! A hub without a world: every call returns an error. What a power cut left behind is unwound
//! under it, and it holds the place of a hub that was given back.

use std::cell::Cell;
use std::io;
use std::net::{IpAddr, Shutdown};
use std::task::Waker;
use std::time::Duration;

use super::{
    Address, Birth, Domain, FileCall, GreenletId, Hub, Instant, Io, Kind, Opt, Query, Readiness,
    Ready, Runnable, SystemTime, Take, Tick, Turn, UNIX_EPOCH,
};

/// Its clocks go on where those of the world stood, by a microsecond a look: a destructor that waits
/// for a time by reading a clock sees it come.
pub(crate) struct DeadHub {
    now: Tick,
    clock: Instant,
    wall_clock: SystemTime,
    looks: Cell<u64>,
    #[cfg(test)]
    is_to_start: bool,
}

impl DeadHub {
    /// What is left of a world.
    pub(crate) fn of(world: &dyn Hub) -> DeadHub {
        let (now, clock, wall_clock) = (world.now(), world.clock(), world.wall_clock());
        DeadHub { now, clock, wall_clock, ..DeadHub::default() }
    }

    /// Starts a program, for tests of what needs a driver and no world.
    #[cfg(test)]
    pub(crate) fn that_starts() -> DeadHub {
        DeadHub { is_to_start: true, ..DeadHub::default() }
    }
}

impl DeadHub {
    fn since_the_end(&self) -> Duration {
        self.looks.set(self.looks.get() + 1);
        Duration::from_micros(self.looks.get())
    }
}

impl Default for DeadHub {
    fn default() -> DeadHub {
        let clock = Instant::from_reading(Duration::ZERO);
        DeadHub {
            now: Tick::default(),
            clock,
            wall_clock: UNIX_EPOCH,
            looks: Cell::new(0),
            #[cfg(test)]
            is_to_start: false,
        }
    }
}

fn gone<T>() -> io::Result<T> {
    Err(io::Error::new(io::ErrorKind::NotConnected, "the hub of this socket has ended"))
}

impl Hub for DeadHub {
    fn now(&self) -> Tick {
        self.now
    }
    fn clock(&self) -> Instant {
        self.clock + self.since_the_end()
    }
    fn wall_clock(&self) -> SystemTime {
        self.wall_clock + self.since_the_end()
    }
    fn due(&self, _: Instant) -> Tick {
        Tick::default()
    }
    fn poll(&mut self, _: Option<Tick>, _ready: &mut Vec<Ready>) -> io::Result<()> {
        #[cfg(test)]
        if std::mem::take(&mut self.is_to_start) {
            _ready.push(Ready::Start(super::HostId(0)));
            return Ok(());
        }
        gone()
    }
    fn waker(&self) -> Waker {
        Waker::noop().clone()
    }
    fn spawned(&mut self, _: GreenletId, _: &Birth<'_>) {}
    fn entered(&mut self, _: GreenletId) {}
    fn exited(&mut self, _: GreenletId) {}
    fn turn(&mut self, _: &Runnable<'_>) -> Turn {
        Turn::Run(0)
    }
    fn socket(&mut self, _: Domain, _: Kind) -> io::Result<Io> {
        gone()
    }
    fn bind(&mut self, _: Io, _: &Address) -> io::Result<()> {
        gone()
    }
    fn listen(&mut self, _: Io, _: u32) -> io::Result<()> {
        gone()
    }
    fn connect(&mut self, _: Io, _: &Address) -> io::Result<()> {
        gone()
    }
    fn connecting(&mut self, _: Io, _: &Address) -> io::Result<()> {
        gone()
    }
    fn accept(&mut self, _: Io) -> io::Result<(Io, Address)> {
        gone()
    }
    fn shutdown(&mut self, _: Io, _: Shutdown) -> io::Result<()> {
        gone()
    }
    fn close(&mut self, _: Io) {}
    fn dup(&mut self, _: Io) -> io::Result<Io> {
        gone()
    }
    fn recv(&mut self, _: Io, _: &mut [u8], _: Take) -> io::Result<usize> {
        gone()
    }
    fn send(&mut self, _: Io, _: &[u8]) -> io::Result<usize> {
        gone()
    }
    fn recv_from(&mut self, _: Io, _: &mut [u8], _: Take) -> io::Result<(usize, Address)> {
        gone()
    }
    fn send_to(&mut self, _: Io, _: &[u8], _: &Address) -> io::Result<usize> {
        gone()
    }
    fn readiness(&mut self, _: Io, _: Readiness) -> io::Result<Readiness> {
        gone()
    }
    fn local_addr(&mut self, _: Io) -> io::Result<Address> {
        gone()
    }
    fn peer_addr(&mut self, _: Io) -> io::Result<Address> {
        gone()
    }
    fn option(&mut self, _: Io, _: Opt) -> io::Result<u32> {
        gone()
    }
    fn set_option(&mut self, _: Io, _: Opt, _: u32) -> io::Result<()> {
        gone()
    }
    fn take_error(&mut self, _: Io) -> io::Result<Option<io::Error>> {
        gone()
    }
    fn resolve(&mut self, _: &Query<'_>) -> io::Result<Io> {
        gone()
    }
    fn resolved(&mut self, _: Io) -> io::Result<Vec<IpAddr>> {
        gone()
    }
    fn file(&mut self, _: FileCall) -> io::Result<Io> {
        gone()
    }
    fn entropy(&mut self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
    fn choose(&mut self, _: &str, _: u32) -> u32 {
        0
    }
}
