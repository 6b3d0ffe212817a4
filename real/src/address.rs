//! Addresses as the system takes and gives them.

use std::os::unix::net as unix;

use greenroom::hub::Address;
use socket2::SockAddr;

/// The address in the system's shape.
pub(crate) fn to_system(address: &Address) -> std::io::Result<SockAddr> {
    let unix = match address {
        Address::Inet(address) => return Ok(SockAddr::from(*address)),
        Address::Unix(unix) => unix,
    };
    match (unix.as_pathname(), abstract_name(unix)) {
        (Some(path), _) => SockAddr::unix(path),
        (None, Some(name)) => from_abstract_name(name),
        (None, None) => SockAddr::unix(""),
    }
}

/// What the system's address says. Where it gave none, as of a sender that is not bound, it is the
/// unnamed one; so is a path of all 108 bytes, which C may bind and std cannot hold.
pub(crate) fn from_system(address: &SockAddr) -> Address {
    if let Some(inet) = address.as_socket() {
        return Address::Inet(inet);
    }
    if !address.is_unix() {
        return Address::unnamed();
    }
    let named = match (address.as_pathname(), address.as_abstract_namespace()) {
        (Some(path), _) => unix::SocketAddr::from_pathname(path).ok(),
        (None, Some(name)) => named_abstractly(name),
        (None, None) => None,
    };
    named.map_or_else(Address::unnamed, Address::from)
}

#[cfg(any(target_os = "linux", target_os = "android"))]
mod names {
    //! Abstract names, where they exist.

    use std::ffi::OsStr;
    use std::io;
    #[cfg(target_os = "android")]
    use std::os::android::net::SocketAddrExt;
    #[cfg(target_os = "linux")]
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::net as unix;

    use socket2::SockAddr;

    /// The abstract name in an address.
    pub(crate) fn abstract_name(address: &unix::SocketAddr) -> Option<&[u8]> {
        address.as_abstract_name()
    }
    /// The address of an abstract name, unless that is too long.
    pub(crate) fn named_abstractly(name: &[u8]) -> Option<unix::SocketAddr> {
        unix::SocketAddr::from_abstract_name(name).ok()
    }
    pub(super) fn from_abstract_name(name: &[u8]) -> io::Result<SockAddr> {
        let with_mark = [b"\0", name].concat();
        SockAddr::unix(OsStr::from_bytes(&with_mark))
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod names {
    //! No abstract names: no address has one.

    use std::io;
    use std::os::unix::net as unix;

    use socket2::SockAddr;

    pub(crate) fn abstract_name(_: &unix::SocketAddr) -> Option<&[u8]> {
        None
    }
    pub(crate) fn named_abstractly(_: &[u8]) -> Option<unix::SocketAddr> {
        None
    }
    pub(super) fn from_abstract_name(_: &[u8]) -> io::Result<SockAddr> {
        Err(io::Error::from_raw_os_error(libc::EINVAL))
    }
}

use names::from_abstract_name;
pub(crate) use names::{abstract_name, named_abstractly};
