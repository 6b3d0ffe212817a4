//! Being asked to stop, as something to wait for.

use std::io;

use crate::block::Call;
use crate::driver;
use crate::hub::{Interest, Take};
use crate::net::{Descriptor, source};

/// Ctrl-C (SIGINT) as a source. While one exists, the signal no longer ends the process.
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
pub struct Interrupt(Descriptor);

impl Interrupt {
    /// Begins to listen for the signal.
    ///
    /// # Errors
    ///
    /// `Unsupported` on a hub without signals; `NotConnected` outside a hub.
    pub fn new() -> io::Result<Interrupt> {
        let driver = driver::current().ok_or_else(driver::outside)?;
        let io = driver.hub.borrow_mut().interrupt()?;
        Ok(Interrupt(Descriptor::new(&driver, io)))
    }

    /// Waits for the next one.
    pub fn wait(&self) -> io::Result<()> {
        self.0.with(|driver, io| {
            let call = Call {
                op: "interrupt",
                io,
                interest: Interest::READ,
                timeout: None,
                expiry: io::ErrorKind::TimedOut,
                nonblocking: false,
            };
            call.run(driver, |hub, io| hub.recv(io, &mut [0; 16], Take::Remove)).map(|_| ())
        })
    }
}

source!(Interrupt);
