//! What a soak came to: its table, and the rule it is held to.

use super::Soaking;
use super::clients::{Clients, HOSTILE};
use super::server::{MB, RESIDENT_MAX};
use super::watch::Watched;

/// What may be more at the end than at half the time: the hostile clients' share of descriptors
/// comes and goes with the kinds that are about, and memory with what they ask for.
const MORE_DESCRIPTORS: usize = HOSTILE as usize;
const MORE_RESIDENT: usize = 16 * MB;

/// Prints the table.
pub fn print(soaking: &Soaking, watched: &Watched, clients: &Clients, left: usize, before: usize) {
    let seconds = soaking.start.elapsed().min(soaking.time).as_secs_f64();
    say!("\nhonest   requests  per second   third    p50 µs    p99 µs    max µs");
    for (name, latencies) in [("kv", &clients.kv), ("http", &clients.http)] {
        let count = latencies.count.get();
        let rate = count as f64 / seconds;
        for (third, of) in [("first", &latencies.first), ("last", &latencies.last)] {
            let [median, tail, most] = quantiles(&mut of.borrow_mut());
            say!("{name:<6} {count:>10} {rate:>11.0}   {third:<5} {median:>9} {tail:>9} {most:>9}");
        }
    }
    say!("\nservers           1/4       1/2       end");
    let of = [0.25, 0.5, 1.0].map(|part| watched.around(part));
    let row = |name: &str, values: [usize; 3]| {
        say!("{name:<11} {:>9} {:>9} {:>9}", values[0], values[1], values[2]);
    };
    row("descriptors", of.map(|sample| sample.descriptors));
    row("VmRSS MB", of.map(|sample| sample.resident / MB));
    say!("VmHWM {} MB of {} MB allowed", watched.peak / MB, RESIDENT_MAX / MB);
    say!("descriptors before anybody came {before}, after all have gone {left}");
    say!("\nhostile sessions");
    for (kind, count) in clients.sessions.borrow().iter() {
        say!("  {count:>8}  {}", kind.about());
    }
}

/// Why it failed, if it did, whatever the clients say.
pub fn verdict(watched: &Watched, left: usize, before: usize) -> Option<String> {
    let (half, end) = (watched.around(0.5), watched.around(1.0));
    if left > before {
        return Some(format!("{left} descriptors are open after all have gone, {before} before"));
    }
    if end.descriptors > half.descriptors + MORE_DESCRIPTORS {
        let (half, end) = (half.descriptors, end.descriptors);
        return Some(format!(
            "descriptors grow: {end} at the end, {half} at half the time, \
             and no more than {MORE_DESCRIPTORS} are allowed between"
        ));
    }
    if end.resident > half.resident + half.resident / 10 + MORE_RESIDENT {
        let (half, end) = (half.resident / MB, end.resident / MB);
        return Some(format!(
            "memory grows: {end} MB at the end, {half} MB at half the time, \
             and no more than a tenth and {} MB are allowed between",
            MORE_RESIDENT / MB
        ));
    }
    if watched.peak > RESIDENT_MAX {
        let (peak, most) = (watched.peak / MB, RESIDENT_MAX / MB);
        return Some(format!("memory: {peak} MB at its most, of {most} MB that the limits allow"));
    }
    None
}

/// The median, the 99th of a hundred, and the most.
fn quantiles(values: &mut [u32]) -> [u32; 3] {
    values.sort_unstable();
    let at = |part: usize| values.get(values.len() * part / 100).copied().unwrap_or_default();
    [at(50), at(99), values.last().copied().unwrap_or_default()]
}

#[cfg(test)]
mod tests {
    use super::super::watch::Sample;
    use super::*;
    use std::time::Duration;

    /// A process that had so much at each of 80 moments.
    fn watched(of: impl Fn(usize) -> (usize, usize)) -> Watched {
        let sample = |second: usize| {
            let (descriptors, resident) = of(second);
            Sample { at: Duration::from_secs(second as u64), descriptors, resident }
        };
        let peak = (0..80).map(|second| of(second).1).max().unwrap_or_default();
        Watched::of(Duration::from_secs(80), (0..80).map(sample).collect(), peak)
    }

    #[test]
    fn what_is_flat_holds() {
        let flat = watched(|second| (50 + second % 20, 40 * MB + second % 7 * MB));
        assert_eq!(verdict(&flat, 9, 9), None);
    }

    #[test]
    fn what_grows_fails_in_a_line() {
        let says = |watched: &Watched, left, what: &str| {
            let why = verdict(watched, left, 9).expect("it fails");
            assert!(why.contains(what) && why.lines().count() == 1, "{why}");
        };
        says(&watched(|second| (50 + 2 * second, 40 * MB)), 9, "descriptors grow");
        says(&watched(|second| (50, (40 + second) * MB)), 9, "memory grows");
        says(&watched(|second| (50, if second == 3 { RESIDENT_MAX + 1 } else { MB })), 9, "most");
        says(&watched(|_| (50, MB)), 10, "after all have gone");
    }
}
