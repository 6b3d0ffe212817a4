//! [`Resolver`]: who knows names.

pub(crate) mod answer;

use std::net::{IpAddr, SocketAddr};

use super::error::GaiError;
use super::request::{AddrInfo, Family, HostEntry, Request};
use super::services::Services;

/// Who knows names. The two questions are enough; the rest follows from them.
pub trait Resolver {
    /// The addresses of a name that is neither empty nor an address itself. At least one.
    ///
    /// # Errors
    ///
    /// [`NoName`](GaiError::NoName) for one that does not exist, [`NoData`](GaiError::NoData) for one
    /// without an address of the family, [`Again`](GaiError::Again) where nobody could be asked.
    fn forward(&self, name: &str, family: Family) -> Result<HostEntry, GaiError>;

    /// The names of an address.
    ///
    /// # Errors
    ///
    /// As [`forward`](Resolver::forward).
    fn reverse(&self, address: IpAddr) -> Result<HostEntry, GaiError>;

    /// The port of a service of a protocol (`tcp`, `udp`, …).
    fn service_port(&self, name: &str, protocol: &str) -> Option<u16> {
        Services::well_known().port(name, Some(protocol))
    }

    /// The name of a port of a protocol.
    fn service_name(&self, port: u16, protocol: &str) -> Option<String> {
        Services::well_known().name(port, protocol).map(str::to_owned)
    }

    /// `getaddrinfo(3)`.
    ///
    /// # Errors
    ///
    /// All of [`GaiError`].
    fn getaddrinfo(&self, request: &Request<'_>) -> Result<Vec<AddrInfo>, GaiError> {
        answer::addresses(self, request)
    }

    /// `getnameinfo(3)`: the names of a host and of a service.
    ///
    /// # Errors
    ///
    /// [`NoName`](GaiError::NoName) with [`NI_NAMEREQD`](super::NI_NAMEREQD); [`BadFlags`](GaiError::BadFlags); what
    /// [`reverse`](Resolver::reverse) answers where nobody could be asked.
    fn getnameinfo(&self, address: &SocketAddr, flags: i32) -> Result<(String, String), GaiError> {
        answer::names(self, address, flags)
    }
}
