//! The options of a [`Socket`], by the layer they belong to.
//!
//! Each is asked for and set by socket2's name of it. On a hub that cannot honour one both return
//! [`Unsupported`](io::ErrorKind::Unsupported); none is taken and ignored. On the wrong kind of
//! socket the error is the system's, `ENOPROTOOPT` or `EOPNOTSUPP`.

mod any;
mod tcp;
mod v4;
mod v6;

use std::time::Duration;

pub use v4::InterfaceIndexOrAddress;

/// Whole seconds, as many as the system's numbers hold.
fn whole_seconds(time: Duration) -> u32 {
    time.as_secs().min(i32::MAX as u64) as u32
}
