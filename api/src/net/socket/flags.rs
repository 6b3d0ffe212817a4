//! The flags of one call, as far as a hub knows them.

use std::ffi::c_int;
use std::io;

use crate::hub::{Take, unsupported};

/// Where the system has this flag; it always holds here.
#[cfg(not(target_vendor = "apple"))]
const NO_SIGNAL: c_int = libc::MSG_NOSIGNAL;
#[cfg(target_vendor = "apple")]
const NO_SIGNAL: c_int = 0;

/// Where the system has this flag.
#[cfg(not(target_vendor = "apple"))]
const MORE: c_int = libc::MSG_MORE;
#[cfg(target_vendor = "apple")]
const MORE: c_int = 0;

pub(super) struct Flags {
    pub(super) take: Take,
    pub(super) nonblocking: bool,
    pub(super) urgent: bool,
    pub(super) more: bool,
    pub(super) end_of_record: bool,
}

impl Flags {
    pub(super) fn receiving(flags: c_int) -> io::Result<Flags> {
        Flags::among(flags, libc::MSG_PEEK | libc::MSG_DONTWAIT | libc::MSG_OOB)
    }

    pub(super) fn sending(flags: c_int) -> io::Result<Flags> {
        let known = NO_SIGNAL | libc::MSG_DONTWAIT | libc::MSG_OOB | MORE | libc::MSG_EOR;
        Flags::among(flags, known)
    }

    fn among(flags: c_int, known: c_int) -> io::Result<Flags> {
        let has = |flag| flags & flag != 0;
        match flags & !known {
            0 if has(libc::MSG_PEEK) && has(libc::MSG_OOB) => {
                Err(unsupported("a look at the urgent byte"))
            }
            0 if has(libc::MSG_OOB) && has(MORE | libc::MSG_EOR) => {
                Err(unsupported("MSG_MORE or MSG_EOR with the urgent byte"))
            }
            0 => Ok(Flags {
                take: if has(libc::MSG_PEEK) { Take::Peek } else { Take::Remove },
                nonblocking: has(libc::MSG_DONTWAIT),
                urgent: has(libc::MSG_OOB),
                more: has(MORE),
                end_of_record: has(libc::MSG_EOR),
            }),
            others => Err(unsupported(&format!("the flags {others:#x}"))),
        }
    }

    pub(super) fn not_urgent(self) -> io::Result<Flags> {
        if self.urgent { Err(unsupported("MSG_OOB in this call")) } else { Ok(self) }
    }

    /// Nothing but what every send has.
    pub(super) fn is_plain(&self) -> bool {
        !self.more && !self.end_of_record
    }
}
