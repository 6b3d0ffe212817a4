//! Signals as sources: a byte in a pipe for each. While no source of its kind exists, a signal ends
//! the process as it always did.

use std::io;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use greenroom::signal::Kind;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2};
use signal_hook::{SigId, low_level};

use crate::socket::Socket;

pub(crate) struct Signal {
    /// Readable once the signal came.
    pub(crate) pipe: Socket,
    kind: Kind,
    action: SigId,
}

/// Of one kind: how many sources there are, and the flag that tells the handler when there are none.
type Listeners = (usize, Option<Arc<AtomicBool>>);

static LISTENERS: [Mutex<Listeners>; Kind::ALL.len()] =
    [const { Mutex::new((0, None)) }; Kind::ALL.len()];

impl Signal {
    pub(crate) fn new(kind: Kind) -> io::Result<Signal> {
        let (ours, theirs) = UnixStream::pair()?;
        let pipe = Socket::adopt(ours.into())?;
        count(kind, true)?;
        let action = low_level::pipe::register(number(kind), theirs).inspect_err(|_| {
            let _ = count(kind, false);
        })?;
        Ok(Signal { pipe, kind, action })
    }
}

impl Drop for Signal {
    fn drop(&mut self) {
        low_level::unregister(self.action);
        let _ = count(self.kind, false);
    }
}

fn number(kind: Kind) -> i32 {
    match kind {
        Kind::Interrupt => SIGINT,
        Kind::Terminate => SIGTERM,
        Kind::HangUp => SIGHUP,
        Kind::User1 => SIGUSR1,
        Kind::User2 => SIGUSR2,
    }
}

/// One source more or one less. A handler that was once installed stays, so that it does by hand
/// what the system would do without it.
fn count(kind: Kind, more: bool) -> io::Result<()> {
    let mut listeners = LISTENERS[kind as usize].lock().unwrap_or_else(PoisonError::into_inner);
    let (count, unheard) = &mut *listeners;
    let unheard = match unheard {
        Some(flag) => flag,
        None => {
            let flag = Arc::new(AtomicBool::new(true));
            signal_hook::flag::register_conditional_default(number(kind), flag.clone())?;
            unheard.insert(flag)
        }
    };
    *count = if more { *count + 1 } else { *count - 1 };
    unheard.store(*count == 0, Ordering::SeqCst);
    Ok(())
}
