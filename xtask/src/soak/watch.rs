//! Samples of the servers' process while it is soaked, and a line now and then.

use std::time::Duration;

use greenroom::thread;
use greenroom::time::Instant;

use super::Soaking;
use super::clients::Clients;
use super::server::{MB, Servers};

/// Between two samples, and between two lines.
const SAMPLE: Duration = Duration::from_millis(500);
const LINE: Duration = Duration::from_secs(15);
/// How long connections may take to end when all clients have gone.
const PATIENCE: Duration = Duration::from_secs(20);

/// What the process had at one moment.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sample {
    pub at: Duration,
    pub descriptors: usize,
    pub resident: usize,
}

pub struct Watched {
    time: Duration,
    samples: Vec<Sample>,
    pub peak: usize,
}

impl Watched {
    #[cfg(test)]
    pub fn of(time: Duration, samples: Vec<Sample>, peak: usize) -> Watched {
        Watched { time, samples, peak }
    }

    /// Looks until the time is over, or the servers are.
    pub fn watch(soaking: &Soaking, servers: &mut Servers, clients: &Clients) -> Watched {
        let mut samples = Vec::new();
        let mut next_line = LINE.min(soaking.time / 2);
        while !soaking.is_over() {
            thread::sleep(SAMPLE);
            if let Some(end) = servers.end() {
                soaking.fail(end);
                break;
            }
            let at = soaking.start.elapsed();
            let (descriptors, resident) = (servers.descriptors(), servers.resident("VmRSS"));
            samples.push(Sample { at, descriptors, resident });
            if at >= next_line {
                next_line += LINE;
                let hostile: u64 = clients.sessions.borrow().iter().map(|(_, count)| count).sum();
                say!(
                    "{:>6.0} s  {:>9} kv  {:>9} http  {hostile:>7} hostile  {descriptors:>5} descriptors  {:>5} MB",
                    at.as_secs_f64(),
                    clients.kv.count.get(),
                    clients.http.count.get(),
                    resident / MB,
                );
            }
        }
        Watched { time: soaking.time, samples, peak: servers.resident("VmHWM") }
    }

    /// What it has when it may have no more than `before` descriptors again, or never does.
    pub fn wait_until_no_more_than(&self, before: usize, servers: &mut Servers) -> usize {
        let start = Instant::now();
        loop {
            let now = servers.descriptors();
            if now <= before || start.elapsed() >= PATIENCE || servers.end().is_some() {
                return now;
            }
            thread::sleep(SAMPLE);
        }
    }

    /// The median of the samples around a part of the time, 0.5 being the middle: those of an eighth
    /// of the time before it.
    pub fn around(&self, part: f64) -> Sample {
        let (to, width) = (self.time.mul_f64(part), self.time.mul_f64(0.125));
        let from = to.saturating_sub(width);
        let near = |sample: &&Sample| (from..=to + SAMPLE).contains(&sample.at);
        let near: Vec<&Sample> = self.samples.iter().filter(near).collect();
        let median = |of: fn(&Sample) -> usize| {
            let mut values: Vec<usize> = near.iter().map(|sample| of(sample)).collect();
            values.sort_unstable();
            values.get(values.len() / 2).copied().unwrap_or_default()
        };
        Sample { at: to, descriptors: median(|s| s.descriptors), resident: median(|s| s.resident) }
    }
}
