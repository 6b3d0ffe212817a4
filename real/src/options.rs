//! Socket options and multicast groups, in the waist's units.

use std::io;
use std::net::Ipv4Addr;
use std::time::Duration;

use greenroom::hub::{Group, NameOpt, Opt, unsupported};
use socket2::{InterfaceIndexOrAddress, Socket};

use crate::sys;

pub(crate) fn get(os: &Socket, option: Opt) -> io::Result<u32> {
    match option {
        Opt::Type => os.r#type().map(|of| i32::from(of) as u32),
        Opt::ReuseAddress => flag(os.reuse_address()),
        Opt::ReusePort => flag(os.reuse_port()),
        Opt::SendBuffer => os.send_buffer_size().map(number),
        Opt::RecvBuffer => os.recv_buffer_size().map(number),
        Opt::Linger => Ok(os.linger()?.map_or(0, |time| seconds(time).saturating_add(1))),
        Opt::Broadcast => flag(os.broadcast()),
        Opt::KeepAlive => flag(os.keepalive()),
        Opt::UrgentInline => flag(os.out_of_band_inline()),
        Opt::NoDelay => flag(os.tcp_nodelay()),
        Opt::KeepIdle => os.tcp_keepalive_time().map(seconds),
        Opt::KeepInterval => os.tcp_keepalive_interval().map(seconds),
        Opt::KeepCount => os.tcp_keepalive_retries(),
        Opt::MaxSegment => os.tcp_mss(),
        Opt::Ttl => os.ttl_v4(),
        Opt::Tos => os.tos_v4(),
        Opt::MulticastLoop => flag(os.multicast_loop_v4()),
        Opt::MulticastTtl => os.multicast_ttl_v4(),
        Opt::MulticastInterface => os.multicast_if_v4().map(u32::from),
        Opt::OnlyV6 => flag(os.only_v6()),
        Opt::HopsV6 => os.unicast_hops_v6(),
        Opt::MulticastLoopV6 => flag(os.multicast_loop_v6()),
        Opt::MulticastHopsV6 => os.multicast_hops_v6(),
        Opt::MulticastInterfaceV6 => os.multicast_if_v6(),
        _ => get_of_linux(os, option),
    }
}

pub(crate) fn set(os: &Socket, option: Opt, value: u32) -> io::Result<()> {
    let on = value != 0;
    match option {
        Opt::ReuseAddress => os.set_reuse_address(on),
        Opt::ReusePort => os.set_reuse_port(on),
        Opt::SendBuffer => os.set_send_buffer_size(value as usize),
        Opt::RecvBuffer => os.set_recv_buffer_size(value as usize),
        Opt::Linger => {
            let time = value.checked_sub(1).map(|secs| Duration::from_secs(secs.into()));
            os.set_linger(time)
        }
        Opt::Broadcast => os.set_broadcast(on),
        Opt::KeepAlive => os.set_keepalive(on),
        Opt::UrgentInline => os.set_out_of_band_inline(on),
        Opt::NoDelay => os.set_tcp_nodelay(on),
        Opt::KeepIdle => sys::set_keep_alive(os, sys::KeepAlive::Idle, value),
        Opt::KeepInterval => sys::set_keep_alive(os, sys::KeepAlive::Interval, value),
        Opt::KeepCount => sys::set_keep_alive(os, sys::KeepAlive::Count, value),
        Opt::MaxSegment => os.set_tcp_mss(value),
        Opt::Ttl => os.set_ttl_v4(value),
        Opt::Tos => os.set_tos_v4(value),
        Opt::MulticastLoop => os.set_multicast_loop_v4(on),
        Opt::MulticastTtl => os.set_multicast_ttl_v4(value),
        Opt::MulticastInterface => os.set_multicast_if_v4(&Ipv4Addr::from(value)),
        Opt::OnlyV6 => os.set_only_v6(on),
        Opt::HopsV6 => os.set_unicast_hops_v6(value),
        Opt::MulticastLoopV6 => os.set_multicast_loop_v6(on),
        Opt::MulticastHopsV6 => os.set_multicast_hops_v6(value),
        Opt::MulticastInterfaceV6 => os.set_multicast_if_v6(value),
        Opt::IsListener | Opt::Domain | Opt::Type | Opt::Protocol => {
            Err(io::Error::from_raw_os_error(libc::ENOPROTOOPT))
        }
        _ => set_of_linux(os, option, value),
    }
}

#[cfg(target_os = "linux")]
fn get_of_linux(os: &Socket, option: Opt) -> io::Result<u32> {
    match option {
        Opt::PassCredentials => flag(os.passcred()),
        Opt::Priority => os.priority(),
        Opt::Mark => os.mark(),
        // None yet is -1 to the system, and the greatest number here.
        Opt::IncomingCpu => os.cpu_affinity().map(number),
        Opt::BusyPoll => os.busy_poll(),
        Opt::IsListener => flag(os.is_listener()),
        Opt::Domain => os.domain().map(|domain| i32::from(domain) as u32),
        Opt::Protocol => Ok(os.protocol()?.map_or(0, |protocol| i32::from(protocol) as u32)),
        Opt::UserTimeout => {
            let time = os.tcp_user_timeout()?.unwrap_or_default();
            Ok(u32::try_from(time.as_millis()).unwrap_or(u32::MAX))
        }
        Opt::UnsentLowWater => os.tcp_notsent_lowat(),
        Opt::Cork => flag(os.tcp_cork()),
        Opt::QuickAck => flag(os.tcp_quickack()),
        Opt::ThinLinearTimeouts => flag(os.tcp_thin_linear_timeouts()),
        Opt::RecvTos => flag(os.recv_tos_v4()),
        Opt::FreeBind => flag(os.freebind_v4()),
        Opt::Transparent => flag(os.ip_transparent_v4()),
        Opt::MulticastAll => flag(os.multicast_all_v4()),
        Opt::TrafficClassV6 => os.tclass_v6(),
        Opt::RecvTrafficClassV6 => flag(os.recv_tclass_v6()),
        Opt::RecvHopLimitV6 => flag(os.recv_hoplimit_v6()),
        Opt::FreeBindV6 => flag(os.freebind_v6()),
        Opt::TransparentV6 => flag(os.ip_transparent_v6()),
        Opt::MulticastAllV6 => flag(os.multicast_all_v6()),
        _ => Err(no_option(&option)),
    }
}

#[cfg(target_os = "linux")]
fn set_of_linux(os: &Socket, option: Opt, value: u32) -> io::Result<()> {
    let on = value != 0;
    match option {
        Opt::PassCredentials => os.set_passcred(on),
        Opt::Priority => os.set_priority(value),
        Opt::Mark => os.set_mark(value),
        Opt::IncomingCpu => os.set_cpu_affinity(value as usize),
        Opt::BusyPoll => os.set_busy_poll(value),
        Opt::UserTimeout => os.set_tcp_user_timeout(Some(Duration::from_millis(value.into()))),
        Opt::UnsentLowWater => os.set_tcp_notsent_lowat(value),
        Opt::Cork => os.set_tcp_cork(on),
        Opt::QuickAck => os.set_tcp_quickack(on),
        Opt::ThinLinearTimeouts => os.set_tcp_thin_linear_timeouts(on),
        Opt::RecvTos => os.set_recv_tos_v4(on),
        Opt::FreeBind => os.set_freebind_v4(on),
        Opt::Transparent => os.set_ip_transparent_v4(on),
        Opt::MulticastAll => os.set_multicast_all_v4(on),
        Opt::TrafficClassV6 => os.set_tclass_v6(value),
        Opt::RecvTrafficClassV6 => os.set_recv_tclass_v6(on),
        Opt::RecvHopLimitV6 => os.set_recv_hoplimit_v6(on),
        Opt::FreeBindV6 => os.set_freebind_v6(on),
        Opt::TransparentV6 => os.set_ip_transparent_v6(on),
        Opt::MulticastAllV6 => os.set_multicast_all_v6(on),
        _ => Err(no_option(&option)),
    }
}

#[cfg(not(target_os = "linux"))]
fn get_of_linux(_: &Socket, option: Opt) -> io::Result<u32> {
    Err(no_option(&option))
}
#[cfg(not(target_os = "linux"))]
fn set_of_linux(_: &Socket, option: Opt, _: u32) -> io::Result<()> {
    Err(no_option(&option))
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
        _ => Err(no_option(&option)),
    }
}

pub(crate) fn set_name(os: &Socket, option: NameOpt, name: &[u8]) -> io::Result<()> {
    match option {
        #[cfg(target_os = "linux")]
        NameOpt::Device => os.bind_device(Some(name).filter(|name| !name.is_empty())),
        #[cfg(target_os = "linux")]
        NameOpt::Congestion => os.set_tcp_congestion(name),
        #[cfg(not(target_os = "linux"))]
        _ => Err(no_option(&option)),
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
fn no_option(option: &dyn std::fmt::Debug) -> io::Error {
    unsupported(&format!("the option {option:?}"))
}
