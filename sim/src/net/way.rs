//! How a datagram is to leave, where its message says so: from which address, by which interface.

use std::io;
use std::net::IpAddr;

use greenroom::hub::{Control, Domain};

use crate::errno::errno;
use crate::id::SocketId;
use crate::net::interface::Way;
use crate::net::{interface, route};
use crate::world::World;

/// From the last address, by the last interface, that is said of it. What is of the other family counts
/// for nothing, but that IPv4 takes what IPv6 calls its addresses. IPv6 refuses two interfaces that differ.
pub(crate) fn of(
    world: &World,
    id: SocketId,
    control: &[Control],
    goes_by_v6: bool,
) -> io::Result<Way> {
    let (mut source, mut interface) = (None, 0);
    let foreign = if goes_by_v6 { libc::EINVAL } else { libc::ENETUNREACH };
    for control in control {
        let (address, number) = match *control {
            Control::PacketInfoV4(info) if !goes_by_v6 => (info.local.into(), info.interface),
            Control::PacketInfoV6(info) if goes_by_v6 => {
                if interface != 0 && info.interface != 0 && interface != info.interface {
                    return Err(errno(libc::EINVAL));
                }
                // Of IPv6 each is looked at.
                from(world, id, info.address.into(), info.interface, foreign)?;
                (info.address.into(), info.interface)
            }
            Control::PacketInfoV6(info) if world.sockets[id].domain == Domain::V6 => {
                let local = info.address.to_ipv4_mapped().ok_or_else(|| errno(libc::EINVAL))?;
                (local.into(), info.interface)
            }
            _ => continue,
        };
        source = Some(address);
        interface = if number == 0 { interface } else { number };
    }
    source.map_or(Ok(Way::default()), |source| from(world, id, source, interface, foreign))
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
