//! Options by name: what of a socket a program may set and get. The table is the list.

use std::fmt;
use std::io;
use std::net::Ipv4Addr;
use std::time::Duration;

use greenroom::hub::Opt as Known;
use greenroom::net::{Domain, Protocol, Socket, TcpKeepalive, Type};

/// One option of the table.
#[derive(Clone, Copy)]
pub struct Opt(&'static Row);

struct Row {
    /// What it is to a hub; names, timeouts and modes are no numbers there.
    #[cfg_attr(not(test), allow(dead_code, reason = "a test asks whether all are there"))]
    known: Option<Known>,
    name: &'static str,
    form: Form,
}

type Get<T> = fn(&Socket) -> io::Result<T>;
type Set<T> = fn(&Socket, T) -> io::Result<()>;
type SetRef<T> = fn(&Socket, &T) -> io::Result<()>;

/// How a value is written, got and set.
enum Form {
    Flag(Get<bool>, Set<bool>),
    Number(Get<u32>, Set<u32>),
    Size(Get<usize>, Set<usize>),
    /// Of the keep-alive parameters: which.
    Seconds(Get<Duration>, fn(Duration) -> TcpKeepalive),
    SecondsOrOff(Get<Option<Duration>>, Set<Option<Duration>>),
    MillisOrOff(Get<Option<Duration>>, Set<Option<Duration>>),
    Ip(Get<Ipv4Addr>, SetRef<Ipv4Addr>),
    Text(Get<Vec<u8>>, fn(&Socket, &[u8]) -> io::Result<()>),
    /// Only asked for.
    Asked(Get<String>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    Flag(bool),
    Number(u32),
    Off,
    Ip(Ipv4Addr),
    Text(String),
}

const fn row(known: Option<Known>, name: &'static str, form: Form) -> Row {
    Row { known, name, form }
}

static TABLE: &[Row] = &[
    row(
        Some(Known::ReuseAddress),
        "reuse-address",
        Form::Flag(Socket::reuse_address, Socket::set_reuse_address),
    ),
    row(
        Some(Known::ReusePort),
        "reuse-port",
        Form::Flag(Socket::reuse_port, Socket::set_reuse_port),
    ),
    row(
        Some(Known::SendBuffer),
        "send-buffer",
        Form::Size(Socket::send_buffer_size, Socket::set_send_buffer_size),
    ),
    row(
        Some(Known::RecvBuffer),
        "recv-buffer",
        Form::Size(Socket::recv_buffer_size, Socket::set_recv_buffer_size),
    ),
    row(Some(Known::Linger), "linger", Form::SecondsOrOff(Socket::linger, Socket::set_linger)),
    row(Some(Known::Broadcast), "broadcast", Form::Flag(Socket::broadcast, Socket::set_broadcast)),
    row(Some(Known::KeepAlive), "keep-alive", Form::Flag(Socket::keepalive, Socket::set_keepalive)),
    row(
        Some(Known::UrgentInline),
        "oob-inline",
        Form::Flag(Socket::out_of_band_inline, Socket::set_out_of_band_inline),
    ),
    row(
        Some(Known::PassCredentials),
        "pass-cred",
        Form::Flag(Socket::passcred, Socket::set_passcred),
    ),
    row(Some(Known::Priority), "priority", Form::Number(Socket::priority, Socket::set_priority)),
    row(Some(Known::Mark), "mark", Form::Number(Socket::mark, Socket::set_mark)),
    row(
        Some(Known::IncomingCpu),
        "cpu",
        Form::Size(Socket::cpu_affinity, Socket::set_cpu_affinity),
    ),
    row(Some(Known::BusyPoll), "busy-poll", Form::Number(Socket::busy_poll, Socket::set_busy_poll)),
    row(None, "device", Form::Text(device, |socket, name| socket.bind_device(Some(name)))),
    row(Some(Known::NoDelay), "no-delay", Form::Flag(Socket::tcp_nodelay, Socket::set_tcp_nodelay)),
    row(
        Some(Known::KeepIdle),
        "keep-idle",
        Form::Seconds(Socket::tcp_keepalive_time, |t| TcpKeepalive::new().with_time(t)),
    ),
    row(
        Some(Known::KeepInterval),
        "keep-interval",
        Form::Seconds(Socket::tcp_keepalive_interval, |t| TcpKeepalive::new().with_interval(t)),
    ),
    row(
        Some(Known::KeepCount),
        "keep-count",
        Form::Number(Socket::tcp_keepalive_retries, set_keep_count),
    ),
    row(
        Some(Known::UserTimeout),
        "user-timeout",
        Form::MillisOrOff(Socket::tcp_user_timeout, Socket::set_tcp_user_timeout),
    ),
    row(
        Some(Known::UnsentLowWater),
        "notsent-lowat",
        Form::Number(Socket::tcp_notsent_lowat, Socket::set_tcp_notsent_lowat),
    ),
    row(Some(Known::MaxSegment), "max-segment", Form::Number(Socket::tcp_mss, Socket::set_tcp_mss)),
    row(Some(Known::Cork), "cork", Form::Flag(Socket::tcp_cork, Socket::set_tcp_cork)),
    row(
        Some(Known::QuickAck),
        "quick-ack",
        Form::Flag(Socket::tcp_quickack, Socket::set_tcp_quickack),
    ),
    row(Some(Known::Inq), "inq", Form::Flag(Socket::tcp_inq, Socket::set_tcp_inq)),
    row(None, "congestion", Form::Text(Socket::tcp_congestion, Socket::set_tcp_congestion)),
    row(
        Some(Known::ThinLinearTimeouts),
        "thin-linear-timeouts",
        Form::Flag(Socket::tcp_thin_linear_timeouts, Socket::set_tcp_thin_linear_timeouts),
    ),
    row(Some(Known::Ttl), "ttl", Form::Number(Socket::ttl_v4, Socket::set_ttl_v4)),
    row(Some(Known::Tos), "tos", Form::Number(Socket::tos_v4, Socket::set_tos_v4)),
    row(Some(Known::RecvTos), "recv-tos", Form::Flag(Socket::recv_tos_v4, Socket::set_recv_tos_v4)),
    row(
        Some(Known::PacketInfoV4),
        "packet-info",
        Form::Flag(Socket::recv_packet_info_v4, Socket::set_recv_packet_info_v4),
    ),
    row(
        Some(Known::FreeBind),
        "free-bind",
        Form::Flag(Socket::freebind_v4, Socket::set_freebind_v4),
    ),
    row(
        Some(Known::Transparent),
        "transparent",
        Form::Flag(Socket::ip_transparent_v4, Socket::set_ip_transparent_v4),
    ),
    row(
        Some(Known::MulticastLoop),
        "multicast-loop",
        Form::Flag(Socket::multicast_loop_v4, Socket::set_multicast_loop_v4),
    ),
    row(
        Some(Known::MulticastTtl),
        "multicast-ttl",
        Form::Number(Socket::multicast_ttl_v4, Socket::set_multicast_ttl_v4),
    ),
    row(
        Some(Known::MulticastAll),
        "multicast-all",
        Form::Flag(Socket::multicast_all_v4, Socket::set_multicast_all_v4),
    ),
    row(
        Some(Known::MulticastInterface),
        "multicast-if",
        Form::Ip(Socket::multicast_if_v4, Socket::set_multicast_if_v4),
    ),
    row(Some(Known::OnlyV6), "only-v6", Form::Flag(Socket::only_v6, Socket::set_only_v6)),
    row(
        Some(Known::HopsV6),
        "hops-v6",
        Form::Number(Socket::unicast_hops_v6, Socket::set_unicast_hops_v6),
    ),
    row(
        Some(Known::TrafficClassV6),
        "class-v6",
        Form::Number(Socket::tclass_v6, Socket::set_tclass_v6),
    ),
    row(
        Some(Known::RecvTrafficClassV6),
        "recv-class-v6",
        Form::Flag(Socket::recv_tclass_v6, Socket::set_recv_tclass_v6),
    ),
    row(
        Some(Known::RecvHopLimitV6),
        "recv-hops-v6",
        Form::Flag(Socket::recv_hoplimit_v6, Socket::set_recv_hoplimit_v6),
    ),
    row(
        Some(Known::PacketInfoV6),
        "packet-info-v6",
        Form::Flag(Socket::recv_packet_info_v6, Socket::set_recv_packet_info_v6),
    ),
    row(
        Some(Known::FreeBindV6),
        "free-bind-v6",
        Form::Flag(Socket::freebind_v6, Socket::set_freebind_v6),
    ),
    row(
        Some(Known::TransparentV6),
        "transparent-v6",
        Form::Flag(Socket::ip_transparent_v6, Socket::set_ip_transparent_v6),
    ),
    row(
        Some(Known::MulticastLoopV6),
        "multicast-loop-v6",
        Form::Flag(Socket::multicast_loop_v6, Socket::set_multicast_loop_v6),
    ),
    row(
        Some(Known::MulticastHopsV6),
        "multicast-hops-v6",
        Form::Number(Socket::multicast_hops_v6, Socket::set_multicast_hops_v6),
    ),
    row(
        Some(Known::MulticastAllV6),
        "multicast-all-v6",
        Form::Flag(Socket::multicast_all_v6, Socket::set_multicast_all_v6),
    ),
    row(
        Some(Known::MulticastInterfaceV6),
        "multicast-if-v6",
        Form::Number(Socket::multicast_if_v6, Socket::set_multicast_if_v6),
    ),
    row(None, "read-timeout", Form::MillisOrOff(Socket::read_timeout, Socket::set_read_timeout)),
    row(None, "write-timeout", Form::MillisOrOff(Socket::write_timeout, Socket::set_write_timeout)),
    row(None, "nonblocking", Form::Flag(Socket::nonblocking, Socket::set_nonblocking)),
    row(Some(Known::Domain), "domain", Form::Asked(|socket| socket.domain().map(named_domain))),
    row(Some(Known::Type), "type", Form::Asked(|socket| socket.r#type().map(named_type))),
    row(
        Some(Known::Protocol),
        "protocol",
        Form::Asked(|socket| socket.protocol().map(named_protocol)),
    ),
    row(
        Some(Known::IsListener),
        "listener",
        Form::Asked(|socket| socket.is_listener().map(on_or_off)),
    ),
];

impl Opt {
    /// The option of this name; hyphens may be left out.
    ///
    /// # Errors
    ///
    /// In a line, with all there are.
    pub fn named(name: &str) -> Result<Opt, String> {
        let bare = |name: &str| match name {
            "listening" | "is-listener" => "listener".to_owned(),
            name => name.replace('-', ""),
        };
        TABLE.iter().find(|row| bare(row.name) == bare(name)).map(Opt).ok_or_else(|| {
            let all: Vec<&str> = TABLE.iter().map(|row| row.name).collect();
            format!("no option `{name}`; there are {}", all.join(", "))
        })
    }

    pub fn name(self) -> &'static str {
        self.0.name
    }

    /// The value as it is written after `set`.
    ///
    /// # Errors
    ///
    /// In a line that says what is accepted.
    pub fn value(self, text: &str) -> Result<Value, String> {
        let text = if text == "none" { "off" } else { text };
        let number = || text.parse().ok().map(Value::Number);
        let (value, accepted) = match self.0.form {
            Form::Flag(..) => (flag(text).map(Value::Flag), "on or off"),
            Form::Number(..) | Form::Size(..) => (number(), "a number"),
            Form::Seconds(..) => (number(), "a number of seconds"),
            Form::SecondsOrOff(..) if text == "off" => (Some(Value::Off), ""),
            Form::SecondsOrOff(..) => (number(), "a number of seconds, or off"),
            Form::MillisOrOff(..) if text == "off" => (Some(Value::Off), ""),
            Form::MillisOrOff(..) => (number(), "a number of milliseconds, or off"),
            Form::Ip(..) => (text.parse().ok().map(Value::Ip), "an IPv4 address"),
            Form::Text(..) => (Some(Value::Text(text.into())), ""),
            Form::Asked(_) => (None, "get only"),
        };
        value.ok_or_else(|| format!("`{text}`: {} takes {accepted}", self.0.name))
    }

    /// # Errors
    ///
    /// The socket's; `InvalidInput` for a value of another option's form.
    pub fn set(self, socket: &Socket, value: &Value) -> io::Result<()> {
        let time = |n: &u32, of: fn(u64) -> Duration| of(u64::from(*n));
        match (&self.0.form, value) {
            (Form::Flag(_, set), Value::Flag(on)) => set(socket, *on),
            (Form::Number(_, set), Value::Number(n)) => set(socket, *n),
            (Form::Size(_, set), Value::Number(n)) => set(socket, *n as usize),
            (Form::Seconds(_, which), Value::Number(n)) => {
                socket.set_tcp_keepalive(&which(time(n, Duration::from_secs)))
            }
            (Form::SecondsOrOff(_, set), Value::Number(n)) => {
                set(socket, Some(time(n, Duration::from_secs)))
            }
            (Form::MillisOrOff(_, set), Value::Number(n)) => {
                set(socket, Some(time(n, Duration::from_millis)))
            }
            (Form::SecondsOrOff(_, set) | Form::MillisOrOff(_, set), Value::Off) => {
                set(socket, None)
            }
            (Form::Ip(_, set), Value::Ip(ip)) => set(socket, ip),
            (Form::Text(_, set), Value::Text(text)) => set(socket, text.as_bytes()),
            _ => Err(io::ErrorKind::InvalidInput.into()),
        }
    }

    /// # Errors
    ///
    /// The socket's.
    pub fn get(self, socket: &Socket) -> io::Result<String> {
        let or_off = |number: Option<u128>| number.map_or("off".into(), |n| n.to_string());
        Ok(match &self.0.form {
            Form::Flag(get, _) => on_or_off(get(socket)?),
            Form::Number(get, _) => get(socket)?.to_string(),
            Form::Size(get, _) => get(socket)?.to_string(),
            Form::Seconds(get, _) => get(socket)?.as_secs().to_string(),
            Form::SecondsOrOff(get, _) => or_off(get(socket)?.map(|t| t.as_secs().into())),
            Form::MillisOrOff(get, _) => or_off(get(socket)?.map(|t| t.as_millis())),
            Form::Ip(get, _) => get(socket)?.to_string(),
            Form::Text(get, _) => String::from_utf8_lossy(&get(socket)?).into_owned(),
            Form::Asked(get) => get(socket)?,
        })
    }
}

impl PartialEq for Opt {
    fn eq(&self, other: &Opt) -> bool {
        self.0.name == other.0.name
    }
}

impl fmt::Debug for Opt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name)
    }
}

impl fmt::Display for Opt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name)
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Flag(on) => f.write_str(&on_or_off(*on)),
            Value::Number(n) => n.fmt(f),
            Value::Off => f.write_str("off"),
            Value::Ip(ip) => ip.fmt(f),
            Value::Text(text) => f.write_str(text),
        }
    }
}

fn flag(text: &str) -> Option<bool> {
    match text {
        "on" | "true" | "1" => Some(true),
        "off" | "false" | "0" => Some(false),
        _ => None,
    }
}

fn on_or_off(on: bool) -> String {
    if on { "on".into() } else { "off".into() }
}

fn device(socket: &Socket) -> io::Result<Vec<u8>> {
    socket.device().map(|name| name.unwrap_or_else(|| b"none".to_vec()))
}

fn set_keep_count(socket: &Socket, n: u32) -> io::Result<()> {
    socket.set_tcp_keepalive(&TcpKeepalive::new().with_retries(n))
}

fn named_domain(domain: Domain) -> String {
    match domain {
        Domain::IPV4 => "v4".into(),
        Domain::IPV6 => "v6".into(),
        Domain::UNIX => "unix".into(),
        other => format!("{other:?}"),
    }
}

fn named_type(of: Type) -> String {
    match of {
        Type::STREAM => "stream".into(),
        Type::DGRAM => "datagram".into(),
        Type::SEQPACKET => "records".into(),
        other => format!("{other:?}"),
    }
}

fn named_protocol(protocol: Option<Protocol>) -> String {
    match protocol {
        Some(Protocol::TCP) => "tcp".into(),
        Some(Protocol::UDP) => "udp".into(),
        other => format!("{other:?}").to_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_option_of_a_hub_can_be_set_or_asked_for_in_a_program() {
        let missing = |known: &&Known| !TABLE.iter().any(|row| row.known == Some(**known));
        let missing: Vec<&Known> = Known::ALL.iter().filter(missing).collect();
        assert_eq!(missing, [&Known::Domain; 0], "no row in the table of options");
    }
}
