//! How a datagram is to leave, where its message says so: from which address, by which interface.

use std::io;
use std::net::IpAddr;

use greenroom::hub::{Control, Domain, PacketInfoV4, PacketInfoV6};

use crate::errno::errno;
use crate::id::SocketId;
use crate::net::interface::Way;
use crate::net::{interface, route};
use crate::world::World;

/// By the last that is said of it. What is of the other family counts for nothing, but that IPv4 takes
/// what IPv6 calls its addresses. IPv6 refuses two interfaces that differ.
pub(crate) fn of(
    world: &World,
    id: SocketId,
    control: &[Control],
    goes_by_v6: bool,
) -> io::Result<Way> {
    let mut last = None;
    let mut named = 0;
    for control in control {
        match *control {
            Control::PacketInfoV4(PacketInfoV4 { interface, local, .. }) if !goes_by_v6 => {
                last = Some((local.into(), interface, libc::ENETUNREACH));
            }
            Control::PacketInfoV6(PacketInfoV6 { address, interface }) if goes_by_v6 => {
                if named != 0 && interface != 0 && named != interface {
                    return Err(errno(libc::EINVAL));
                }
                named = if interface == 0 { named } else { interface };
                from(world, id, address.into(), interface, libc::EINVAL)?;
                last = Some((address.into(), named, libc::EINVAL));
            }
            Control::PacketInfoV6(PacketInfoV6 { address, interface })
                if world.sockets[id].domain == Domain::V6 =>
            {
                let local = address.to_ipv4_mapped().ok_or_else(|| errno(libc::EINVAL))?;
                last = Some((local.into(), interface, libc::ENETUNREACH));
            }
            _ => {}
        }
    }
    match last {
        Some((source, interface, foreign)) => from(world, id, source, interface, foreign),
        None => Ok(Way::default()),
    }
}

/// `foreign` is what is said of an address that the host has not. IPv4 looks at it before it looks at
/// the interface, IPv6 after.
fn from(world: &World, id: SocketId, source: IpAddr, number: u32, foreign: i32) -> io::Result<Way> {
    let host = world.sockets[id].host;
    let interface = match number {
        0 => Ok(None),
        number => {
            let interface = interface::of_number(world, host, number);
            interface.map(Some).ok_or_else(|| errno(libc::ENODEV))
        }
    };
    let source = match source {
        source if source.is_unspecified() => Ok(None),
        source if world.hosts[host].owns(source) && !route::is_for_many(world, host, source) => {
            Ok(Some(source))
        }
        source if source.is_multicast() || source == IpAddr::from([255; 4]) => {
            Err(errno(libc::EINVAL))
        }
        _ => Err(errno(foreign)),
    };
    match foreign {
        libc::ENETUNREACH => Ok(Way { source: source?, interface: interface? }),
        _ => interface.and_then(|interface| Ok(Way { source: source?, interface })),
    }
}
