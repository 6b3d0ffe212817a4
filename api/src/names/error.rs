//! [`GaiError`]: what `getaddrinfo(3)` and its kin answer instead of a result.

use std::fmt;
use std::io;

/// Why a look-up has no result: the `EAI_*` codes of `getaddrinfo(3)`.
///
/// As an [`io::Error`] it looks like std's: of no kind that can be named, without a number of the
/// system's, and with the system's text; [`GaiError::of`] finds it again inside one.
///
/// # Examples
///
/// ```
/// use greenroom::resolve::GaiError;
///
/// assert_eq!(GaiError::NoName.code(), -2);
/// assert_eq!(GaiError::NoName.text(), "Name or service not known");
/// let error = std::io::Error::from(GaiError::NoName);
/// assert_eq!(GaiError::of(&error), Some(GaiError::NoName));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GaiError {
    /// `EAI_BADFLAGS`: flags that do not exist, or not together with the rest.
    BadFlags,
    /// `EAI_NONAME`: there is no such name, or neither a host nor a service was asked for.
    NoName,
    /// `EAI_AGAIN`: no name server answered, or none could; later one may.
    Again,
    /// `EAI_FAIL`: the name server's answer is of no use, and will not be later.
    Fail,
    /// `EAI_NODATA`: there is such a name, but it has no address of the family.
    NoData,
    /// `EAI_FAMILY`: no such address family.
    Family,
    /// `EAI_SOCKTYPE`: no such kind of socket, or not with this protocol.
    SockType,
    /// `EAI_SERVICE`: no such service for this kind of socket.
    Service,
    /// `EAI_ADDRFAMILY`: a numeric host of the other family.
    AddrFamily,
    /// `EAI_MEMORY`: no memory left.
    Memory,
    /// `EAI_SYSTEM`: the error of a system call, by its number.
    System(i32),
    /// `EAI_OVERFLOW`: the name does not fit the room for it.
    Overflow,
    /// `EAI_IDN_ENCODE`: a name that cannot be written in ASCII.
    IdnEncode,
}

const ALL: [(GaiError, i32, &str); 12] = [
    (GaiError::BadFlags, -1, "Bad value for ai_flags"),
    (GaiError::NoName, -2, "Name or service not known"),
    (GaiError::Again, -3, "Temporary failure in name resolution"),
    (GaiError::Fail, -4, "Non-recoverable failure in name resolution"),
    (GaiError::NoData, -5, "No address associated with hostname"),
    (GaiError::Family, -6, "ai_family not supported"),
    (GaiError::SockType, -7, "ai_socktype not supported"),
    (GaiError::Service, -8, "Servname not supported for ai_socktype"),
    (GaiError::AddrFamily, -9, "Address family for hostname not supported"),
    (GaiError::Memory, -10, "Memory allocation failure"),
    (GaiError::Overflow, -12, "Argument buffer overflow"),
    (GaiError::IdnEncode, -105, "Parameter string not correctly encoded"),
];
const SYSTEM: i32 = -11;

impl GaiError {
    /// The error of a code as Linux numbers them; `errno` says which where it is `EAI_SYSTEM`. A
    /// code that is unknown counts as a failure for good.
    pub fn from_code(code: i32, errno: i32) -> GaiError {
        if code == SYSTEM {
            return GaiError::System(errno);
        }
        ALL.iter().find(|row| row.1 == code).map_or(GaiError::Fail, |row| row.0)
    }

    /// The code as Linux numbers it (linux-truth 264).
    pub fn code(self) -> i32 {
        ALL.iter().find(|row| row.0 == self).map_or(SYSTEM, |row| row.1)
    }

    /// What `gai_strerror(3)` says.
    pub fn text(self) -> &'static str {
        ALL.iter().find(|row| row.0 == self).map_or("System error", |row| row.2)
    }

    /// The code that `gethostbyname(3)` leaves in `h_errno`.
    pub fn h_errno(self) -> i32 {
        match self {
            GaiError::NoName | GaiError::AddrFamily => 1,
            GaiError::Again => 2,
            GaiError::NoData => 4,
            GaiError::System(_) | GaiError::Memory => -1,
            _ => 3,
        }
    }

    /// The one inside an error that a look-up answered.
    pub fn of(error: &io::Error) -> Option<GaiError> {
        error.get_ref()?.downcast_ref().copied()
    }

    /// The one that an error of a hub amounts to.
    pub(crate) fn from_hub(error: &io::Error) -> GaiError {
        GaiError::of(error).unwrap_or_else(|| match (error.raw_os_error(), error.kind()) {
            (Some(errno), _) => GaiError::System(errno),
            (None, io::ErrorKind::NotConnected) => GaiError::System(libc::ENOTCONN),
            (None, io::ErrorKind::TimedOut) => GaiError::Again,
            (None, io::ErrorKind::InvalidInput) => GaiError::NoName,
            (None, _) => GaiError::System(libc::EIO),
        })
    }
}

impl fmt::Display for GaiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "failed to lookup address information: {}", self.text())
    }
}

impl std::error::Error for GaiError {}

impl From<GaiError> for io::Error {
    fn from(error: GaiError) -> io::Error {
        match error {
            GaiError::System(errno) => io::Error::from_raw_os_error(errno),
            // The kind of what std does not sort, which cannot be named (linux-truth 288).
            other => io::Error::new(io::Error::from_raw_os_error(libc::EIO).kind(), other),
        }
    }
}
