//! What goes with a message, and how one is received.

use std::fmt;
use std::net::IpAddr;

use super::Place;

/// What a message has beside bytes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Beside {
    pub to: Option<Place>,
    /// Handles of these slots.
    pub rights: Vec<u8>,
    /// Where it is to leave from, and the interface.
    pub info: Option<(IpAddr, u32)>,
    /// `MSG_MORE`.
    pub more: bool,
    /// `MSG_EOR`.
    pub end: bool,
}

/// How a message is received.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Asked {
    /// Where the first handle that came goes.
    pub into: Option<u8>,
    pub peek: bool,
    /// Without room for control data.
    pub bare: bool,
}

impl fmt::Display for Beside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to.map_or(Ok(()), |place| write!(f, " to {place}"))?;
        if !self.rights.is_empty() {
            f.write_str(" with")?;
            self.rights.iter().try_for_each(|slot| write!(f, " s{slot}"))?;
        }
        self.info.map_or(Ok(()), |(ip, on)| write!(f, " info {ip} {on}"))?;
        f.write_str(if self.more { " more" } else { "" })?;
        f.write_str(if self.end { " eor" } else { "" })
    }
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.into.map_or(Ok(()), |slot| write!(f, " into s{slot}"))?;
        f.write_str(if self.peek { " peek" } else { "" })?;
        f.write_str(if self.bare { " bare" } else { "" })
    }
}
