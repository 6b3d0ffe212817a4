//! The signals that a program can listen for.

use std::fmt;

/// Signals that can be listened for, all of which end a process that does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Signal {
    /// SIGINT: Ctrl-C on the terminal.
    Interrupt,
    /// SIGTERM: asked to stop, as by a service manager.
    Terminate,
    /// SIGHUP: the terminal is gone; many servers read their settings anew.
    HangUp,
    /// SIGUSR1: whatever the program takes it for.
    User1,
    /// SIGUSR2: likewise.
    User2,
}

impl Signal {
    /// All there are.
    pub const ALL: [Signal; 5] =
        [Signal::Interrupt, Signal::Terminate, Signal::HangUp, Signal::User1, Signal::User2];

    /// Its name, as signal(7) has it.
    pub const fn name(self) -> &'static str {
        match self {
            Signal::Interrupt => "SIGINT",
            Signal::Terminate => "SIGTERM",
            Signal::HangUp => "SIGHUP",
            Signal::User1 => "SIGUSR1",
            Signal::User2 => "SIGUSR2",
        }
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
