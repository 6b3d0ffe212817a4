//! What may go wrong, as data: a [`Weather`] says which kinds of fault exist and how often.
//!
//! Faults act below TCP, on packets and hosts; each is something an operating system or a network
//! does. Loss, duplication and overtaking are what routers do, and a segment may be cut anywhere, by its
//! sender's system too; a partition is a route that is gone
//! for a while, of which its routers may tell; a hop may be narrower than its neighbours; a short read
//! is a wake-up before all bytes are there; a power cut is a power cut.

use serde::{Deserialize, Serialize};

use crate::choices::Choices;
#[doc(no_inline)]
pub use crate::choices::{Fault, Fired};
use crate::tcp;
use crate::text::read_text;

const MS: u64 = 1_000_000;
/// The smallest and the largest packet a link of IPv4 may be made for (RFC 791).
const MTU_MIN: u32 = 68;
const MTU_MAX: u32 = 65_535;
/// Linux's `min_pmtu`: it believes no router that has less.
const PATH_MTU_MIN: u32 = 552;
const TCP_IP_HEADERS: u32 = 40;
/// What can be announced of a window, a gibibyte (RFC 7323 §2.3).
const WINDOW_MAX: u32 = 1 << 30;
const LATENCY_MAX_NS: u64 = 3_600_000 * MS;
/// The most that is read of a file.
const FILE_MAX_BYTES: u64 = 1 << 20;

/// Which faults exist in a run, and how often. Frequencies are in parts per million.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Weather {
    /// Its name in tokens and reports.
    pub name: String,
    /// The least time a packet is under way.
    pub latency_min_ns: u64,
    /// The time a packet is under way where nothing says otherwise.
    pub latency_typical_ns: u64,
    /// The most time a packet is under way.
    pub latency_max_ns: u64,
    /// How often a packet is lost.
    pub loss_ppm: u32,
    /// How often a packet arrives twice.
    pub duplicate_ppm: u32,
    /// How often a segment may be overtaken by those after it. Datagrams always may.
    pub reorder_ppm: u32,
    /// How often a segment with data is split on its way, or by whoever sends it, and its second part
    /// arrives later: a reader meets what was written at once in two parts.
    pub split_ppm: u32,
    /// How often a read returns less than is there.
    pub short_read_ppm: u32,
    /// How often two hosts that talk are cut off from each other, once.
    pub partition_ppm: u32,
    /// How late, after their first packet, a partition begins.
    pub partition_start_max_ns: u64,
    /// How long it lasts.
    pub partition_max_ns: u64,
    /// How often a partition is not silent: a router that has no route to the other host, or to its
    /// network, tells the sender (ICMP host or network unreachable).
    pub partition_answered_ppm: u32,
    /// Whether hosts are neighbours on one link. A host that lost power does not reply there to those
    /// who ask for its address (ARP): after three seconds the sender's own system reports it
    /// unreachable. Otherwise routers lie between them, and packets to such a host are lost silently.
    pub neighbours: bool,
    /// How often a host that may lose power does.
    pub power_cut_ppm: u32,
    /// How often a change of a file or of a name that was not synced is lost when its host's power fails; a
    /// write is torn between sectors in a quarter as many. In one run of four all are lost, in another few.
    pub unsynced_loss_ppm: u32,
    /// How often a disk fails a read, a write or a sync of a file (`EIO`). What a sync that failed did not
    /// write stays readable and is never written; each descriptor that is open then is told of it once.
    pub disk_error_ppm: u32,
    /// How often a read or a write of a file moves less than it could, as a signal or a full disk has it.
    pub file_short_ppm: u32,
    /// How often an operation on files takes up to half a minute, as where a disk tries again.
    pub disk_stall_ppm: u32,
    /// Bytes a second that two hosts can send each other, each way, headers of IP and above
    /// included; `None` for a route that is never busy.
    pub bandwidth_bytes_per_s: Option<u64>,
    /// Bytes that may wait for their turn where there is a bandwidth; what comes when they do is
    /// dropped. `None` for a queue without end.
    pub queue_bytes: Option<u64>,
    /// The largest packet: TCP's segments are 40 bytes smaller, larger datagrams travel in
    /// fragments (which share one fate).
    pub mtu_bytes: u32,
    /// The largest packet of the narrowest hop between two hosts, where that is less than
    /// [`mtu_bytes`](Weather::mtu_bytes). A router drops what is larger and may not be cut, and says
    /// so (ICMP fragmentation needed): TCP sends smaller segments at once, a connected UDP socket is
    /// told `EMSGSIZE`, and later datagrams are cut by their host. From 552, the least Linux learns.
    pub path_mtu_bytes: Option<u32>,
    /// How often an ICMP message is lost beside [`loss_ppm`](Weather::loss_ppm), as where a firewall
    /// drops them. A million with a `path_mtu_bytes` is a black hole: small segments pass, and a
    /// connection that sends large ones gives up at last.
    pub icmp_loss_ppm: u32,
    /// Whether TCP keeps a congestion window, as every system does; without one the peer's window
    /// is the only limit.
    pub congestion_control: bool,
    /// As far as TCP's send buffers grow from 256 KiB, unless a program sets their size: the last
    /// number of `tcp_wmem`. Linux has 4 MiB; with less, what is under way stays in the cache of the
    /// machine that plays it.
    pub send_buffer_max_bytes: u32,
    /// As far as TCP's receive buffers grow from 128 KiB, likewise: the last number of `tcp_rmem`,
    /// 6 MiB on Linux.
    pub recv_buffer_max_bytes: u32,
    /// Whether each run has but some of these faults, at a rate of its own.
    pub swarm: bool,
    /// Whether greenlets are switched where nothing waits as well: before a lock that is free and before
    /// calls that never wait, but for those that only tell (`set`, `notify_one`, `unpark`). No real hub does
    /// that, which runs a greenlet until it waits; threads would. A name or file with
    /// [`SYNC`](Weather::SYNC) behind it has this.
    pub preempts_sync: bool,
}

/// A field of [`Weather`] that says how often something happens.
struct Rate {
    name: &'static str,
    of: fn(&mut Weather) -> &mut u32,
    in_swarm: InSwarm,
}

/// What a swarm does to a rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum InSwarm {
    /// Half the runs have it, at a rate of their own.
    Scaled,
    /// Half the runs have it, at its usual rate.
    LeftOut,
    /// Every run has it, at its usual rate.
    Usual,
}

/// All rates. A swarm draws for them in this order, so a new one goes to the end.
const RATES: &[Rate] = &[
    Rate { name: "loss_ppm", of: |it| &mut it.loss_ppm, in_swarm: InSwarm::Scaled },
    Rate { name: "duplicate_ppm", of: |it| &mut it.duplicate_ppm, in_swarm: InSwarm::Scaled },
    Rate { name: "reorder_ppm", of: |it| &mut it.reorder_ppm, in_swarm: InSwarm::Scaled },
    Rate { name: "short_read_ppm", of: |it| &mut it.short_read_ppm, in_swarm: InSwarm::Scaled },
    Rate { name: "partition_ppm", of: |it| &mut it.partition_ppm, in_swarm: InSwarm::Scaled },
    Rate { name: "power_cut_ppm", of: |it| &mut it.power_cut_ppm, in_swarm: InSwarm::Usual },
    Rate {
        name: "partition_answered_ppm",
        of: |it| &mut it.partition_answered_ppm,
        in_swarm: InSwarm::LeftOut,
    },
    Rate { name: "icmp_loss_ppm", of: |it| &mut it.icmp_loss_ppm, in_swarm: InSwarm::LeftOut },
    Rate { name: "split_ppm", of: |it| &mut it.split_ppm, in_swarm: InSwarm::LeftOut },
    Rate {
        name: "unsynced_loss_ppm",
        of: |it| &mut it.unsynced_loss_ppm,
        in_swarm: InSwarm::Usual,
    },
    Rate { name: "disk_error_ppm", of: |it| &mut it.disk_error_ppm, in_swarm: InSwarm::LeftOut },
    Rate { name: "file_short_ppm", of: |it| &mut it.file_short_ppm, in_swarm: InSwarm::LeftOut },
    Rate { name: "disk_stall_ppm", of: |it| &mut it.disk_stall_ppm, in_swarm: InSwarm::LeftOut },
];

impl Default for Weather {
    fn default() -> Weather {
        Weather {
            name: "default".into(),
            latency_min_ns: MS,
            latency_typical_ns: 5 * MS,
            latency_max_ns: 10 * MS,
            loss_ppm: 1_000,
            duplicate_ppm: 0,
            reorder_ppm: 0,
            split_ppm: 10_000,
            short_read_ppm: 100_000,
            partition_ppm: 0,
            partition_start_max_ns: 1_000 * MS,
            partition_max_ns: 3_000 * MS,
            partition_answered_ppm: 0,
            neighbours: false,
            power_cut_ppm: 100_000,
            unsynced_loss_ppm: 500_000,
            disk_error_ppm: 0,
            file_short_ppm: 0,
            disk_stall_ppm: 0,
            bandwidth_bytes_per_s: None,
            queue_bytes: None,
            mtu_bytes: 1500,
            path_mtu_bytes: None,
            icmp_loss_ppm: 0,
            congestion_control: true,
            send_buffer_max_bytes: 1 << 20,
            recv_buffer_max_bytes: 1 << 20,
            swarm: false,
            preempts_sync: false,
        }
    }
}

impl Weather {
    /// Fixed latency and no faults: only turns differ from run to run.
    pub fn calm() -> Weather {
        Weather {
            name: "calm".into(),
            latency_min_ns: MS,
            latency_typical_ns: MS,
            latency_max_ns: MS,
            loss_ppm: 0,
            split_ppm: 0,
            short_read_ppm: 0,
            power_cut_ppm: 0,
            ..Weather::default()
        }
    }

    /// Latencies over two orders of magnitude, heavy loss, duplicates, overtaking and partitions,
    /// some of them in each run.
    pub fn stormy() -> Weather {
        Weather {
            name: "stormy".into(),
            latency_max_ns: 200 * MS,
            loss_ppm: 20_000,
            duplicate_ppm: 10_000,
            reorder_ppm: 50_000,
            split_ppm: 50_000,
            short_read_ppm: 500_000,
            partition_ppm: 300_000,
            power_cut_ppm: 300_000,
            swarm: true,
            ..Weather::default()
        }
    }

    /// The names [`by_name`](Weather::by_name) knows.
    pub const NAMES: [&'static str; 3] = ["calm", "default", "stormy"];

    /// What stands behind a name, or a file, of a weather in which greenlets are
    /// [preempted](Weather::preempts_sync).
    pub const SYNC: &'static str = "+preempt=sync";

    /// A weather by its name.
    pub fn by_name(name: &str) -> Option<Weather> {
        match name {
            "calm" => Some(Weather::calm()),
            "default" => Some(Weather::default()),
            "stormy" => Some(Weather::stormy()),
            _ => None,
        }
    }

    /// The same, in which greenlets are [preempted](Weather::preempts_sync).
    pub fn preempting(self) -> Weather {
        Weather { name: format!("{}{}", self.name, Weather::SYNC), preempts_sync: true, ..self }
    }

    /// A weather by its name, or out of a JSON file; with [`SYNC`](Weather::SYNC) behind it, if so
    /// wanted.
    ///
    /// # Errors
    ///
    /// One line that says what was wrong and what is accepted.
    pub fn by_name_or_file(text: &str) -> Result<Weather, String> {
        let base = text.strip_suffix(Weather::SYNC);
        if let Some(base) = base.filter(|base| !base.ends_with(Weather::SYNC)) {
            return Weather::by_name_or_file(base).map(Weather::preempting);
        }
        if let Some(weather) = Weather::by_name(text) {
            return Ok(weather);
        }
        if text.contains([';', '@', ' ', '\'']) {
            return Err(format!(
                "weather `{text}`: a token cannot name a file with ; @ ' or blanks"
            ));
        }
        let json = read_text(text, FILE_MAX_BYTES).map_err(|error| {
            format!(
                "no weather `{text}`: it is neither one of {} nor a readable file ({error}); behind \
                 either may stand {}",
                Weather::NAMES.join(", "),
                Weather::SYNC
            )
        })?;
        let weather = Weather::from_json(&json);
        let weather = weather.map_err(|what| format!("weather file {text}: {what}"))?;
        Ok(Weather { name: text.into(), ..weather })
    }

    /// The weather that a weather file says, without a name.
    ///
    /// # Errors
    ///
    /// One line that says what is wrong.
    pub fn from_json(json: &str) -> Result<Weather, String> {
        let weather: Weather = serde_json::from_str(json).map_err(|error| error.to_string())?;
        weather.check()?;
        Ok(weather)
    }

    fn check(&self) -> Result<(), String> {
        let latencies = [self.latency_min_ns, self.latency_typical_ns, self.latency_max_ns];
        if latencies[0] == 0 || !latencies.is_sorted() {
            return Err("latencies must be over 0 and rise: min, typical, max".into());
        }
        if self.latency_max_ns > LATENCY_MAX_NS {
            return Err(format!("latency_max_ns is over an hour, {LATENCY_MAX_NS}"));
        }
        self.check_link()?;
        let mut copy = self.clone();
        let too_often = RATES
            .iter()
            .map(|rate| (rate.name, *(rate.of)(&mut copy)))
            .find(|rate| rate.1 > 1_000_000);
        match too_often {
            Some((name, ppm)) => Err(format!("{name} is {ppm}, and a million is every time")),
            None => Ok(()),
        }
    }

    fn check_link(&self) -> Result<(), String> {
        let mtu = self.mtu_bytes;
        if !(MTU_MIN..=MTU_MAX).contains(&mtu) {
            return Err(format!("mtu_bytes is {mtu}, and IPv4 has {MTU_MIN} to {MTU_MAX}"));
        }
        if let Some(path) = self.path_mtu_bytes
            && !(PATH_MTU_MIN..=mtu).contains(&path)
        {
            return Err(format!(
                "path_mtu_bytes is {path}, and a path has {PATH_MTU_MIN} to mtu_bytes, {mtu}"
            ));
        }
        let buffer = self.send_buffer_max_bytes.max(self.recv_buffer_max_bytes);
        if buffer > WINDOW_MAX {
            return Err(format!("a buffer of {buffer} bytes is over TCP's window of {WINDOW_MAX}"));
        }
        match (self.bandwidth_bytes_per_s, self.queue_bytes) {
            (Some(0), _) => {
                Err("bandwidth_bytes_per_s is 0: leave it out where there is no limit, and have a \
                     partition where nothing passes"
                    .into())
            }
            (None, Some(_)) => {
                Err("queue_bytes needs a bandwidth_bytes_per_s: without one nothing waits".into())
            }
            (_, Some(queue)) if queue < u64::from(mtu) => {
                Err(format!("queue_bytes is {queue}, and one packet may be mtu_bytes, {mtu}"))
            }
            _ => Ok(()),
        }
    }

    /// The largest packet that gets from host to host in one piece.
    pub(crate) fn narrowest_mtu(&self) -> u32 {
        self.path_mtu_bytes.unwrap_or(self.mtu_bytes)
    }

    /// What TCP begins with on this network.
    pub(crate) fn tcp(&self) -> tcp::Config {
        tcp::Config {
            mss: self.mtu_bytes.saturating_sub(TCP_IP_HEADERS).max(1),
            congestion_control: self.congestion_control,
            send_buffer_max: self.send_buffer_max_bytes,
            recv_buffer_max: self.recv_buffer_max_bytes,
            ..tcp::Config::default()
        }
    }

    /// The weather of one run. With `swarm`, each fault is left out of half the runs; most have a rate of
    /// the run's own in the others, from a quarter to twice the usual.
    pub(crate) fn of_run(mut self, choices: &Choices) -> Weather {
        if self.swarm && choices.is_seeded() {
            let mut draw = choices.draw("swarm");
            for rate in RATES.iter().filter(|rate| rate.in_swarm == InSwarm::Scaled) {
                let factor_percent = draw.between(25, 200);
                let kept = draw.happens(500_000);
                let ppm = (rate.of)(&mut self);
                let scaled = u64::from(*ppm) * factor_percent / 100;
                *ppm = if kept { scaled.min(1_000_000) as u32 } else { 0 };
            }
            let slow = draw.happens(500_000);
            for rate in RATES.iter().filter(|rate| rate.in_swarm == InSwarm::LeftOut) {
                let ppm = (rate.of)(&mut self);
                *ppm = if draw.happens(500_000) { *ppm } else { 0 };
            }
            if !slow {
                self.latency_max_ns = self.latency_max_ns.min(10 * MS).max(self.latency_typical_ns);
            }
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::choices::DECISIONS;

    #[test]
    fn every_rate_is_a_decisions_and_every_decisions_rate_is_a_field() {
        let of_decisions = || DECISIONS.iter().flat_map(|decision| decision.entry().rates);
        for rate in RATES {
            assert!(of_decisions().any(|name| *name == rate.name), "{} is nobody's", rate.name);
        }
        for name in of_decisions() {
            assert!(RATES.iter().any(|rate| rate.name == *name), "{name} is no field");
        }
    }
}
