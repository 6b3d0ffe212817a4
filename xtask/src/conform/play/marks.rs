//! Settling by an event, not by time: a byte of one's own comes after all that came before it.

use std::io;
use std::time::Duration;

use greenroom::net::{Domain, Socket, Type};
use greenroom::wait::wait_read;

/// Two ends of a stream that nobody else has.
pub struct Marks(Socket, Socket);

/// Whoever is woken by what was heard may wake another, who may wake one more.
const ROUNDS: usize = 3;

impl Marks {
    pub fn new() -> io::Result<Marks> {
        let (near, far) = Socket::pair(Domain::UNIX, Type::STREAM, None)?;
        Ok(Marks(near, far))
    }

    /// Comes back when the hub has heard what the system knew, and everybody ran whom it woke.
    pub fn pass(&self) {
        let marked = || -> io::Result<()> {
            for _ in 0..ROUNDS {
                self.0.send(b"m")?;
                wait_read(&self.1, Some(Duration::from_secs(1)))?;
                self.1.recv(&mut [0])?;
            }
            Ok(())
        };
        // Without it less is heard, and the program is given time instead.
        let _ = marked();
    }
}
