//! Socket options and multicast groups, in the waist's units. Linux has every option; another system
//! refuses those that socket2 does not offer there.

use std::io;
use std::net::Ipv4Addr;
use std::time::Duration;

#[cfg(not(target_os = "linux"))]
use greenroom::hub::unsupported;
use greenroom::hub::{Group, NameOpt, Opt};
use socket2::{InterfaceIndexOrAddress, Socket};

use crate::sys;

pub(crate) fn get(os: &Socket, option: Opt) -> io::Result<u32> {
    match row(option) {
        Row::Both(get, _) | Row::Asked(get) => get(os),
        #[cfg(not(target_os = "linux"))]
        Row::Refused => Err(no_option(&option)),
    }
}

pub(crate) fn set(os: &Socket, option: Opt, value: u32) -> io::Result<()> {
    match row(option) {
        Row::Both(_, set) => set(os, value),
        Row::Asked(_) => Err(io::Error::from_raw_os_error(libc::ENOPROTOOPT)),
        #[cfg(not(target_os = "linux"))]
        Row::Refused => Err(no_option(&option)),
    }
}

type Get = fn(&Socket) -> io::Result<u32>;
type Set = fn(&Socket, u32) -> io::Result<()>;

/// How the system is asked for an option and told it.
enum Row {
    Both(Get, Set),
    /// It says what the socket is, and can't be set.
    Asked(Get),
    /// It is `Unsupported`: outside Linux, socket2 does not offer it.
    #[cfg(not(target_os = "linux"))]
    Refused,
}

/// The one table of socket options, a row an option.
fn row(option: Opt) -> Row {
    use Row::{Asked, Both};
    match option {
        Opt::ReuseAddress => {
            Both(|os| flag(os.reuse_address()), |os, on| os.set_reuse_address(on != 0))
        }
        Opt::ReusePort => Both(|os| flag(os.reuse_port()), |os, on| os.set_reuse_port(on != 0)),
        Opt::SendBuffer => Both(
            |os| os.send_buffer_size().map(number),
            |os, bytes| os.set_send_buffer_size(bytes as usize),
        ),
        Opt::RecvBuffer => Both(
            |os| os.recv_buffer_size().map(number),
            |os, bytes| os.set_recv_buffer_size(bytes as usize),
        ),
        Opt::Linger => Both(linger, set_linger),
        Opt::Broadcast => Both(|os| flag(os.broadcast()), |os, on| os.set_broadcast(on != 0)),
        Opt::KeepAlive => Both(|os| flag(os.keepalive()), |os, on| os.set_keepalive(on != 0)),
        Opt::UrgentInline => {
            Both(|os| flag(os.out_of_band_inline()), |os, on| os.set_out_of_band_inline(on != 0))
        }
        Opt::Type => Asked(|os| os.r#type().map(|of| i32::from(of) as u32)),

        Opt::NoDelay => Both(|os| flag(os.tcp_nodelay()), |os, on| os.set_tcp_nodelay(on != 0)),
        Opt::KeepIdle => Both(
            |os| os.tcp_keepalive_time().map(seconds),
            |os, time| sys::set_keep_alive(os, sys::KeepAlive::Idle, time),
        ),
        Opt::KeepInterval => Both(
            |os| os.tcp_keepalive_interval().map(seconds),
            |os, time| sys::set_keep_alive(os, sys::KeepAlive::Interval, time),
        ),
        Opt::KeepCount => Both(
            |os| os.tcp_keepalive_retries(),
            |os, count| sys::set_keep_alive(os, sys::KeepAlive::Count, count),
        ),
        Opt::MaxSegment => Both(|os| os.tcp_mss(), |os, bytes| os.set_tcp_mss(bytes)),

        Opt::Ttl => Both(|os| os.ttl_v4(), |os, ttl| os.set_ttl_v4(ttl)),
        Opt::Tos => Both(|os| os.tos_v4(), |os, tos| os.set_tos_v4(tos)),
        Opt::MulticastLoop => {
            Both(|os| flag(os.multicast_loop_v4()), |os, on| os.set_multicast_loop_v4(on != 0))
        }
        Opt::MulticastTtl => {
            Both(|os| os.multicast_ttl_v4(), |os, ttl| os.set_multicast_ttl_v4(ttl))
        }
        Opt::MulticastInterface => Both(
            |os| os.multicast_if_v4().map(u32::from),
            |os, address| os.set_multicast_if_v4(&Ipv4Addr::from(address)),
        ),

        Opt::OnlyV6 => Both(|os| flag(os.only_v6()), |os, on| os.set_only_v6(on != 0)),
        Opt::HopsV6 => Both(|os| os.unicast_hops_v6(), |os, hops| os.set_unicast_hops_v6(hops)),
        Opt::MulticastLoopV6 => {
            Both(|os| flag(os.multicast_loop_v6()), |os, on| os.set_multicast_loop_v6(on != 0))
        }
        Opt::MulticastHopsV6 => {
            Both(|os| os.multicast_hops_v6(), |os, hops| os.set_multicast_hops_v6(hops))
        }
        Opt::MulticastInterfaceV6 => {
            Both(|os| os.multicast_if_v6(), |os, index| os.set_multicast_if_v6(index))
        }

        #[cfg(target_os = "linux")]
        Opt::PassCredentials => Both(|os| flag(os.passcred()), |os, on| os.set_passcred(on != 0)),
        #[cfg(target_os = "linux")]
        Opt::Priority => Both(|os| os.priority(), |os, priority| os.set_priority(priority)),
        #[cfg(target_os = "linux")]
        Opt::Mark => Both(|os| os.mark(), |os, mark| os.set_mark(mark)),
        #[cfg(target_os = "linux")]
        Opt::IncomingCpu => {
            // None yet is -1 to the system, and the greatest number here.
            Both(|os| os.cpu_affinity().map(number), |os, cpu| os.set_cpu_affinity(cpu as usize))
        }
        #[cfg(target_os = "linux")]
        Opt::BusyPoll => Both(|os| os.busy_poll(), |os, micros| os.set_busy_poll(micros)),
        #[cfg(target_os = "linux")]
        Opt::IsListener => Asked(|os| flag(os.is_listener())),
        #[cfg(target_os = "linux")]
        Opt::Domain => Asked(|os| os.domain().map(|domain| i32::from(domain) as u32)),
        #[cfg(target_os = "linux")]
        Opt::Protocol => {
            Asked(|os| Ok(os.protocol()?.map_or(0, |protocol| i32::from(protocol) as u32)))
        }
        #[cfg(target_os = "linux")]
        Opt::UserTimeout => Both(user_timeout, set_user_timeout),
        #[cfg(target_os = "linux")]
        Opt::UnsentLowWater => {
            Both(|os| os.tcp_notsent_lowat(), |os, bytes| os.set_tcp_notsent_lowat(bytes))
        }
        #[cfg(target_os = "linux")]
        Opt::Cork => Both(|os| flag(os.tcp_cork()), |os, on| os.set_tcp_cork(on != 0)),
        #[cfg(target_os = "linux")]
        Opt::QuickAck => Both(|os| flag(os.tcp_quickack()), |os, on| os.set_tcp_quickack(on != 0)),
        #[cfg(target_os = "linux")]
        Opt::ThinLinearTimeouts => Both(
            |os| flag(os.tcp_thin_linear_timeouts()),
            |os, on| os.set_tcp_thin_linear_timeouts(on != 0),
        ),
        #[cfg(target_os = "linux")]
        Opt::Inq => Both(
            |os| sys::number_option(os, libc::IPPROTO_TCP, libc::TCP_INQ),
            |os, on| sys::set_number_option(os, libc::IPPROTO_TCP, libc::TCP_INQ, on),
        ),
        #[cfg(target_os = "linux")]
        Opt::PacketInfoV4 => Both(
            |os| sys::number_option(os, libc::IPPROTO_IP, libc::IP_PKTINFO),
            |os, on| sys::set_number_option(os, libc::IPPROTO_IP, libc::IP_PKTINFO, on),
        ),
        #[cfg(target_os = "linux")]
        Opt::PacketInfoV6 => Both(
            |os| sys::number_option(os, libc::IPPROTO_IPV6, libc::IPV6_RECVPKTINFO),
            |os, on| sys::set_number_option(os, libc::IPPROTO_IPV6, libc::IPV6_RECVPKTINFO, on),
        ),
        #[cfg(target_os = "linux")]
        Opt::RecvTos => Both(|os| flag(os.recv_tos_v4()), |os, on| os.set_recv_tos_v4(on != 0)),
        #[cfg(target_os = "linux")]
        Opt::FreeBind => Both(|os| flag(os.freebind_v4()), |os, on| os.set_freebind_v4(on != 0)),
        #[cfg(target_os = "linux")]
        Opt::Transparent => {
            Both(|os| flag(os.ip_transparent_v4()), |os, on| os.set_ip_transparent_v4(on != 0))
        }
        #[cfg(target_os = "linux")]
        Opt::MulticastAll => {
            Both(|os| flag(os.multicast_all_v4()), |os, on| os.set_multicast_all_v4(on != 0))
        }
        #[cfg(target_os = "linux")]
        Opt::TrafficClassV6 => Both(|os| os.tclass_v6(), |os, class| os.set_tclass_v6(class)),
        #[cfg(target_os = "linux")]
        Opt::RecvTrafficClassV6 => {
            Both(|os| flag(os.recv_tclass_v6()), |os, on| os.set_recv_tclass_v6(on != 0))
        }
        #[cfg(target_os = "linux")]
        Opt::RecvHopLimitV6 => {
            Both(|os| flag(os.recv_hoplimit_v6()), |os, on| os.set_recv_hoplimit_v6(on != 0))
        }
        #[cfg(target_os = "linux")]
        Opt::FreeBindV6 => Both(|os| flag(os.freebind_v6()), |os, on| os.set_freebind_v6(on != 0)),
        #[cfg(target_os = "linux")]
        Opt::TransparentV6 => {
            Both(|os| flag(os.ip_transparent_v6()), |os, on| os.set_ip_transparent_v6(on != 0))
        }
        #[cfg(target_os = "linux")]
        Opt::MulticastAllV6 => {
            Both(|os| flag(os.multicast_all_v6()), |os, on| os.set_multicast_all_v6(on != 0))
        }

        #[cfg(not(target_os = "linux"))]
        Opt::IsListener => Asked(|_| Err(no_option(&Opt::IsListener))),
        #[cfg(not(target_os = "linux"))]
        Opt::Domain => Asked(|_| Err(no_option(&Opt::Domain))),
        #[cfg(not(target_os = "linux"))]
        Opt::Protocol => Asked(|_| Err(no_option(&Opt::Protocol))),
        #[cfg(not(target_os = "linux"))]
        Opt::PassCredentials
        | Opt::Priority
        | Opt::Mark
        | Opt::IncomingCpu
        | Opt::BusyPoll
        | Opt::UserTimeout
        | Opt::UnsentLowWater
        | Opt::Cork
        | Opt::QuickAck
        | Opt::ThinLinearTimeouts
        | Opt::Inq
        | Opt::PacketInfoV4
        | Opt::PacketInfoV6
        | Opt::RecvTos
        | Opt::FreeBind
        | Opt::Transparent
        | Opt::MulticastAll
        | Opt::TrafficClassV6
        | Opt::RecvTrafficClassV6
        | Opt::RecvHopLimitV6
        | Opt::FreeBindV6
        | Opt::TransparentV6
        | Opt::MulticastAllV6 => Row::Refused,
    }
}

fn linger(os: &Socket) -> io::Result<u32> {
    Ok(os.linger()?.map_or(0, |time| seconds(time).saturating_add(1)))
}

fn set_linger(os: &Socket, value: u32) -> io::Result<()> {
    os.set_linger(value.checked_sub(1).map(|secs| Duration::from_secs(secs.into())))
}

#[cfg(target_os = "linux")]
fn user_timeout(os: &Socket) -> io::Result<u32> {
    let time = os.tcp_user_timeout()?.unwrap_or_default();
    Ok(u32::try_from(time.as_millis()).unwrap_or(u32::MAX))
}

#[cfg(target_os = "linux")]
fn set_user_timeout(os: &Socket, millis: u32) -> io::Result<()> {
    os.set_tcp_user_timeout(Some(Duration::from_millis(millis.into())))
}

pub(crate) fn get_name(os: &Socket, option: NameOpt) -> io::Result<Vec<u8>> {
    match option {
        #[cfg(target_os = "linux")]
        NameOpt::Device => Ok(os.device()?.unwrap_or_default()),
        #[cfg(target_os = "linux")]
        NameOpt::Congestion => {
            let mut name = os.tcp_congestion()?;
            // The system fills what is left of the room with zeros.
            name.truncate(name.iter().position(|&byte| byte == 0).unwrap_or(name.len()));
            Ok(name)
        }
        #[cfg(not(target_os = "linux"))]
        NameOpt::Device | NameOpt::Congestion => Err(no_option(&option)),
    }
}

pub(crate) fn set_name(os: &Socket, option: NameOpt, name: &[u8]) -> io::Result<()> {
    match option {
        #[cfg(target_os = "linux")]
        NameOpt::Device => os.bind_device(Some(name).filter(|name| !name.is_empty())),
        #[cfg(target_os = "linux")]
        NameOpt::Congestion => os.set_tcp_congestion(name),
        #[cfg(not(target_os = "linux"))]
        NameOpt::Device | NameOpt::Congestion => Err(no_option(&option)),
    }
}

pub(crate) fn join(os: &Socket, group: Group) -> io::Result<()> {
    match group {
        Group::V4(group, interface) => os.join_multicast_v4(&group, &interface),
        Group::V4At(group, index) => {
            os.join_multicast_v4_n(&group, &InterfaceIndexOrAddress::Index(index))
        }
        Group::V4From { group, source, interface } => os.join_ssm_v4(&source, &group, &interface),
        Group::V6(group, index) => os.join_multicast_v6(&group, index),
    }
}

pub(crate) fn leave(os: &Socket, group: Group) -> io::Result<()> {
    match group {
        Group::V4(group, interface) => os.leave_multicast_v4(&group, &interface),
        Group::V4At(group, index) => {
            os.leave_multicast_v4_n(&group, &InterfaceIndexOrAddress::Index(index))
        }
        Group::V4From { group, source, interface } => os.leave_ssm_v4(&source, &group, &interface),
        Group::V6(group, index) => os.leave_multicast_v6(&group, index),
    }
}

fn flag(answer: io::Result<bool>) -> io::Result<u32> {
    answer.map(u32::from)
}
fn number(of: usize) -> u32 {
    u32::try_from(of).unwrap_or(u32::MAX)
}
fn seconds(time: Duration) -> u32 {
    u32::try_from(time.as_secs()).unwrap_or(u32::MAX)
}
#[cfg(not(target_os = "linux"))]
fn no_option(option: &dyn std::fmt::Debug) -> io::Error {
    unsupported(&format!("the option {option:?}"))
}
