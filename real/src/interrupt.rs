//! SIGINT as a source: a byte in a pipe for each signal. While no such source exists, the signal
//! ends the process as it always did.

use std::io;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use signal_hook::SigId;
use signal_hook::consts::SIGINT;
use signal_hook::low_level;

use crate::socket::Socket;

pub(crate) struct Interrupt {
    /// Readable once the signal came.
    pub(crate) pipe: Socket,
    action: SigId,
}

/// How many sources there are, and the flag that tells the signal handler when there are none.
static LISTENERS: Mutex<(usize, Option<Arc<AtomicBool>>)> = Mutex::new((0, None));

impl Interrupt {
    pub(crate) fn new() -> io::Result<Interrupt> {
        let (ours, theirs) = UnixStream::pair()?;
        let pipe = Socket::adopt(ours.into())?;
        count(true)?;
        let action = low_level::pipe::register(SIGINT, theirs).inspect_err(|_| {
            let _ = count(false);
        })?;
        Ok(Interrupt { pipe, action })
    }
}

impl Drop for Interrupt {
    fn drop(&mut self) {
        low_level::unregister(self.action);
        let _ = count(false);
    }
}

/// One source more or one less. A handler that was once installed stays, so that it does by hand
/// what the system would do without it.
fn count(more: bool) -> io::Result<()> {
    let mut listeners = LISTENERS.lock().unwrap_or_else(PoisonError::into_inner);
    let (count, unheard) = &mut *listeners;
    let unheard = match unheard {
        Some(flag) => flag,
        None => {
            let flag = Arc::new(AtomicBool::new(true));
            signal_hook::flag::register_conditional_default(SIGINT, flag.clone())?;
            unheard.insert(flag)
        }
    };
    *count = if more { *count + 1 } else { *count - 1 };
    unheard.store(*count == 0, Ordering::SeqCst);
    Ok(())
}
