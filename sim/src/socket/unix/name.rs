//! Names of Unix sockets. Each host has its own: its paths, and its abstract names.
//!
//! A path stays in use after its socket closed, as the file does on Linux: connecting to it is
//! refused, binding it again fails. The simulator has no file system, hence no `unlink` that would
//! free it before the run ends, and every directory is deemed to be there. An abstract name is free
//! again once its socket closed.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::fmt;
use std::os::unix::net as unix;
use std::path::PathBuf;
use std::rc::Rc;

use greenroom::hub::{Address, Kind};

use crate::choices::Fixed;
use crate::id::Weak;
use abstract_names::{abstract_address, abstract_name};

/// What a Unix socket is called, if it is called anything.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Name {
    Path(PathBuf),
    Abstract(Vec<u8>),
}

/// The name of a socket, once it has one; whoever holds what it sent learns of it too.
pub(crate) type Card = Rc<OnceCell<Rc<Name>>>;

/// Who was bound to which name of a host. Abstract names are told apart by the kind of socket too;
/// a path is one file, whatever is bound to it.
pub(crate) type Names = HashMap<(Rc<Name>, Option<Kind>), Weak, Fixed>;

/// Where a socket of this kind finds the name.
pub(crate) fn key_of(name: &Rc<Name>, kind: Kind) -> (Rc<Name>, Option<Kind>) {
    let of = match **name {
        Name::Path(_) => None,
        Name::Abstract(_) => Some(kind),
    };
    (name.clone(), of)
}

impl Name {
    /// The name in an address; `None` for one without.
    pub(crate) fn of(address: &unix::SocketAddr) -> Option<Name> {
        match address.as_pathname() {
            Some(path) => Some(Name::Path(path.to_owned())),
            None => abstract_name(address).map(|name| Name::Abstract(name.to_owned())),
        }
    }

    /// The address with this name in it.
    pub(crate) fn address(name: Option<&Name>) -> Address {
        let address = match name {
            None => return Address::unnamed(),
            Some(Name::Path(path)) => unix::SocketAddr::from_pathname(path),
            Some(Name::Abstract(name)) => abstract_address(name),
        };
        address.expect("it came out of an address").into()
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
mod abstract_names {
    #[cfg(target_os = "android")]
    use std::os::android::net::SocketAddrExt;
    #[cfg(target_os = "linux")]
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net as unix;

    pub(super) fn abstract_name(address: &unix::SocketAddr) -> Option<&[u8]> {
        address.as_abstract_name()
    }
    pub(super) fn abstract_address(name: &[u8]) -> std::io::Result<unix::SocketAddr> {
        unix::SocketAddr::from_abstract_name(name)
    }
}

/// Where addresses cannot hold abstract names, none ever gets here.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod abstract_names {
    use std::os::unix::net as unix;

    pub(super) fn abstract_name(_: &unix::SocketAddr) -> Option<&[u8]> {
        None
    }
    pub(super) fn abstract_address(_: &[u8]) -> std::io::Result<unix::SocketAddr> {
        Err(greenroom::hub::unsupported("abstract names"))
    }
}

/// As [`Address`] shows it.
pub(crate) struct Shown<'a>(pub(crate) Option<&'a Name>);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => f.write_str("(unnamed)"),
            Some(Name::Path(path)) => path.display().fmt(f),
            Some(Name::Abstract(name)) => write!(f, "@{}", name.escape_ascii()),
        }
    }
}
