//! Signals to the process, as something to wait for: above all, being asked to stop.

use std::fmt;
use std::io;

use crate::call::{Call, Descriptor, source};
use crate::driver;
pub use crate::hub::Signal as Kind;
use crate::hub::{Readiness, Take};

/// A kind of signal as a source. While one exists, such a signal no longer ends the process; what
/// comes meanwhile waits to be heard, several perhaps as one.
///
/// # Examples
///
/// ```no_run
/// # fn main() -> std::io::Result<()> {
/// use greenroom::signal::{Kind, Signal};
/// use greenroom::wait::{Watcher, any};
///
/// let (interrupt, terminate) = (Signal::new(Kind::Interrupt)?, Signal::new(Kind::Terminate)?);
/// any(&[&Watcher::read(&interrupt)?, &Watcher::read(&terminate)?], None)?;
/// println!("closing");
/// # Ok(()) }
/// ```
pub struct Signal(Descriptor);

/// Ctrl-C as a source: a [`Signal`] of the kind [`Interrupt`](Kind::Interrupt).
///
/// # Examples
///
/// ```no_run
/// # fn main() -> std::io::Result<()> {
/// let interrupt = greenroom::signal::Interrupt::new()?;
/// interrupt.wait()?;
/// println!("closing");
/// # Ok(()) }
/// ```
pub struct Interrupt(Signal);

impl Signal {
    /// Begins to listen for signals of this kind.
    ///
    /// # Errors
    ///
    /// `Unsupported` on a hub without signals; `NotConnected` outside a hub.
    pub fn new(kind: Kind) -> io::Result<Signal> {
        let driver = driver::current().ok_or_else(driver::outside)?;
        let io = driver.hub.borrow_mut().signal(kind)?;
        Ok(Signal(Descriptor::new(&driver, io)))
    }

    /// Waits for the next one.
    ///
    /// # Errors
    ///
    /// That of an enclosing [`timeout`](crate::time::timeout).
    pub fn wait(&self) -> io::Result<()> {
        self.0.with(|driver, io| {
            let call = Call {
                op: "signal",
                io,
                interest: Readiness::READ,
                timeout_ns: None,
                expiry: io::ErrorKind::TimedOut,
                nonblocking: false,
            };
            call.run(driver, |hub, io| hub.recv(io, &mut [0; 16], Take::Remove)).map(|_| ())
        })
    }

    fn target(&self) -> io::Result<crate::call::Target> {
        self.0.target()
    }
}

impl Interrupt {
    /// Begins to listen for the signal.
    ///
    /// # Errors
    ///
    /// As [`Signal::new`].
    pub fn new() -> io::Result<Interrupt> {
        Signal::new(Kind::Interrupt).map(Interrupt)
    }

    /// Waits for the next one.
    ///
    /// # Errors
    ///
    /// As [`Signal::wait`].
    pub fn wait(&self) -> io::Result<()> {
        self.0.wait()
    }
}

source!(Signal, Interrupt);

impl fmt::Debug for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signal").finish_non_exhaustive()
    }
}
impl fmt::Debug for Interrupt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interrupt").finish_non_exhaustive()
    }
}
