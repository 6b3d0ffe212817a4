//! What actors ask by a handle: the end of another, or how it ended.

use std::cell::RefCell;
use std::time::Duration;

use greenroom::thread::{self, JoinHandle, Killed, ScopedJoinHandle};

use super::log::{End, Outcome};

/// What is asked of a child of a scope: its end, or how it ended.
#[derive(Clone, Copy)]
pub enum Asked {
    Kill,
    Join(Option<Duration>),
}

/// Asks the children of the scope around; none if that actor is not among them.
pub type Kin<'k> = &'k dyn Fn(u8, Asked) -> Option<Outcome>;

/// What the two kinds of handle have in common.
pub trait Handle: Sized {
    fn kill(&self);
    fn join(self) -> thread::Result<()>;
    fn join_timeout(self, timeout: Duration) -> Result<thread::Result<()>, Self>;
}

macro_rules! is_handle {
    ($handle:ty) => {
        impl Handle for $handle {
            fn kill(&self) {
                self.kill();
            }
            fn join(self) -> thread::Result<()> {
                self.join()
            }
            fn join_timeout(self, timeout: Duration) -> Result<thread::Result<()>, Self> {
                self.join_timeout(timeout)
            }
        }
    };
}

is_handle!(JoinHandle<()>);
is_handle!(ScopedJoinHandle<'_, ()>);

/// Whoever is to join takes the handle, and puts it back if its time is up first.
pub fn answer<H: Handle>(handle: &RefCell<Option<H>>, asked: Asked) -> Outcome {
    let within = match asked {
        Asked::Kill => {
            return match &*handle.borrow() {
                Some(handle) => {
                    handle.kill();
                    Outcome::Done
                }
                None => Outcome::Nothing,
            };
        }
        Asked::Join(within) => within,
    };
    let Some(taken) = handle.take() else { return Outcome::Nothing };
    let joined = match within {
        None => taken.join(),
        Some(within) => match taken.join_timeout(within) {
            Ok(joined) => joined,
            Err(back) => {
                handle.replace(Some(back));
                return Outcome::TimedOut;
            }
        },
    };
    Outcome::Joined(match joined {
        Ok(()) => End::Returned,
        Err(payload) if payload.is::<Killed>() => End::Killed,
        Err(_) => End::Panicked,
    })
}
