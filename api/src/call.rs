//! What every blocking call is made of: a descriptor to make it on, and the loop that tries, looks at
//! the deadline and parks.

mod connect;
mod descriptor;
mod prelude;
mod retry;
mod target;

pub(crate) use descriptor::{Descriptor, Direction, foreign, out_of_place, refuse_zero};
pub(crate) use prelude::{begin, check_timeouts, wake_of};
pub(crate) use retry::Call;
pub use target::Source;
pub(crate) use target::{Target, sealed, source};

/// The error of a descriptor that was closed here.
pub(crate) fn closed() -> std::io::Error {
    std::io::Error::from_raw_os_error(libc::EBADF)
}
