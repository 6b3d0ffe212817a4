//! Socket options: what is set is honoured, or cannot be seen by a program, or is refused.
//! [`table`] says which; `options.md` shows it to whoever reads the documentation.

pub(crate) mod table;

use greenroom::hub::Opt;

use self::table::Row;
use crate::tcp::{Config, Keepalive};

/// What was set with `setsockopt`.
#[derive(Clone, Default)]
pub(crate) struct Options {
    pub(crate) reuse_address: bool,
    pub(crate) reuse_port: bool,
    /// A socket of IPv6 takes no IPv4.
    pub(crate) only_v6: bool,
    /// Seconds + 1; 0 is off.
    pub(crate) linger: u32,
    pub(crate) send_buffer: Option<u32>,
    pub(crate) recv_buffer: Option<u32>,
    /// The rest, as it was set.
    set: Vec<(Opt, u32)>,
}

/// The congestion control by its name (RFC 6582).
pub(crate) const CONGESTION: &[u8] = b"reno";

/// Linux's `net.core.rmem_default`.
pub(crate) const RECV_BUFFER: u32 = 212_992;

impl Options {
    /// What TCP is told, where it was told `config` before.
    pub(crate) fn config(&self, config: Config) -> Config {
        const SECOND_NS: u64 = 1_000_000_000;
        const MS: u64 = 1_000_000;
        let ns = |option| u64::from(self.get(option)) * SECOND_NS;
        let keepalive = Keepalive {
            idle_ns: ns(Opt::KeepIdle),
            interval_ns: ns(Opt::KeepInterval),
            count: self.get(Opt::KeepCount),
        };
        let user_timeout = Some(self.get(Opt::UserTimeout)).filter(|&ms| ms > 0);
        let mss = self.find(Opt::MaxSegment);
        Config {
            nagle: self.get(Opt::NoDelay) == 0,
            cork: self.get(Opt::Cork) != 0,
            urgent_inline: self.get(Opt::UrgentInline) != 0,
            ack_delay_ns: if self.find(Opt::QuickAck) == Some(1) { 0 } else { config.ack_delay_ns },
            mss: mss.map_or(config.mss, |mss| mss.min(config.mss)),
            keepalive: (self.get(Opt::KeepAlive) != 0).then_some(keepalive),
            unsent_max: Some(self.get(Opt::UnsentLowWater)).filter(|&bytes| bytes > 0),
            user_timeout_ns: user_timeout.map(|ms| u64::from(ms) * MS),
            ..config
        }
        .with_buffers(self.send_buffer, self.recv_buffer)
    }

    pub(crate) fn find(&self, option: Opt) -> Option<u32> {
        self.set.iter().find(|(known, _)| *known == option).map(|&(_, value)| value)
    }
    pub(crate) fn get(&self, option: Opt) -> u32 {
        self.find(option).unwrap_or_else(|| default_of(option))
    }
    pub(crate) fn put(&mut self, option: Opt, value: u32) {
        match self.set.iter_mut().find(|(known, _)| *known == option) {
            Some((_, known)) => *known = value,
            None => self.set.push((option, value)),
        }
    }
}

/// Linux's default, of what is kept in the list.
fn default_of(option: Opt) -> u32 {
    match table::row(option) {
        Row::Kept(default, ..) | Row::Flag(default, _) => default,
        Row::Field(..) | Row::Identity(_) | Row::Refused(_) => 0,
    }
}

/// A type of service that changes brings its priority with it.
pub(crate) fn prioritize(options: &mut Options, tos_before: u32) {
    const BEST_EFFORT: u32 = 0;
    const BULK: u32 = 2;
    const INTERACTIVE: u32 = 6;
    const INTERACTIVE_BULK: u32 = 4;
    let tos = options.get(Opt::Tos);
    if tos != tos_before {
        let of = [BEST_EFFORT, BULK, INTERACTIVE, INTERACTIVE_BULK];
        options.put(Opt::Priority, of[(tos as usize >> 3) % of.len()]);
    }
}

/// -1 asks for the default, where IPv6 has numbers.
pub(crate) fn normal(option: Opt, value: u32) -> u32 {
    let asks = matches!(option, Opt::HopsV6 | Opt::MulticastHopsV6 | Opt::TrafficClassV6);
    if asks && value == u32::MAX { default_of(option) } else { value }
}
