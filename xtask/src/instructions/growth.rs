//! `cargo xtask growth`: what one of many costs as they become more. Where each looks at all the others a
//! cost doubles with their number; a tree or a heap makes it a little larger.

use super::count::{self, Count, Job};
use super::counted;
use crate::bench::machine::{figure, table};
use crate::{Usage, flags};

/// What one may cost with twice as many around, by what it costs with these.
const RATIO_MAX: f64 = 1.3;
/// How many of the functions that grow are named.
const NAMED_MAX: usize = 3;

/// A crowd, what it does so often, and whether each of it is an item, or how many there are whatever its
/// size.
struct Case {
    name: &'static str,
    work: &'static str,
    sizes: [u64; 3],
    times: [u64; 2],
    items: Items,
}

#[derive(Clone, Copy)]
enum Items {
    OfEach(u64),
    InAll(u64),
}

const CASES: &[Case] = &[
    Case {
        name: "pairs of hosts that talk: a message and its answer",
        work: "talk",
        sizes: [125, 250, 500],
        times: [2, 6],
        items: Items::OfEach(1),
    },
    Case {
        name: "hosts of a world: made, run and dropped",
        work: "world",
        sizes: [125, 250, 500],
        times: [1, 3],
        items: Items::OfEach(1),
    },
    Case {
        name: "greenlets on one tick, two a host: a tick",
        work: "two-a-tick",
        sizes: [250, 500, 1_000],
        times: [2, 8],
        items: Items::OfEach(2),
    },
    Case {
        name: "parked greenlets: a yield of others",
        work: "parked",
        sizes: [1_000, 2_000, 4_000],
        times: [100, 1_100],
        items: Items::InAll(2),
    },
    Case {
        name: "parked greenlets: spawned, woken and joined",
        work: "event",
        sizes: [1_000, 2_000, 4_000],
        times: [1, 3],
        items: Items::OfEach(1),
    },
    Case {
        name: "waiters on one lock: spawned, handed it and joined",
        work: "lock",
        sizes: [1_000, 2_000, 4_000],
        times: [1, 3],
        items: Items::OfEach(1),
    },
    Case {
        name: "connections of the real hub: an echoed message",
        work: "echo",
        sizes: [100, 200, 400],
        times: [2, 12],
        items: Items::OfEach(1),
    },
    Case {
        name: "connections of a simulated server: a round trip",
        work: "round-trip",
        sizes: [100, 200, 400],
        times: [2, 6],
        items: Items::OfEach(1),
    },
];

impl Case {
    fn jobs(&self) -> [Job; 3] {
        let Case { work, times, .. } = *self;
        self.sizes.map(|size| {
            let items = match self.items {
                Items::OfEach(each) => size * each,
                Items::InAll(all) => all,
            };
            Job { work, size, times, items }
        })
    }
}

/// Counts each crowd, twice doubled; returns whether no cost grew by more than it may.
pub fn main(arguments: &[String]) -> Result<bool, Usage> {
    flags("growth", arguments, &[])?;
    Ok(counted("growth", arguments, run))
}

fn run() -> Result<bool, String> {
    let jobs: Vec<Job> = CASES.iter().flat_map(Case::jobs).collect();
    let counts = count::count(&jobs)?;
    let (mut rows, mut over) = (Vec::new(), Vec::new());
    for (case, counts) in CASES.iter().zip(counts.chunks(3)) {
        let mut row = vec![case.name.to_owned()];
        row.extend(
            case.sizes.iter().zip(counts).map(|(size, count)| {
                format!("{} at {}", figure(count.total), figure(*size as f64))
            }),
        );
        for pair in counts.windows(2) {
            row.push(format!("{:.2}", pair[1].total / pair[0].total));
            over.extend(complaint(case.name, &pair[0], &pair[1]));
        }
        rows.push(row);
    }
    let title = format!("growth: instructions of an item (at most {RATIO_MAX} times a doubling)");
    table(&title, &["", "", "twice as many", "and again", "ratio", "ratio"], &rows);
    over.iter().for_each(|line| say!("  {line}"));
    Ok(over.is_empty())
}

/// Where a cost grew by more than it may with twice as many around: by how much, and in which functions.
fn complaint(name: &str, few: &Count, many: &Count) -> Option<String> {
    let ratio = many.total / few.total;
    if ratio <= RATIO_MAX {
        return None;
    }
    let of_function = |(name, now): (&String, &f64)| {
        (now - few.functions.get(name).copied().unwrap_or(0.0), name.clone())
    };
    let mut grown: Vec<(f64, String)> = many.functions.iter().map(of_function).collect();
    grown.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    let named = grown.iter().take(NAMED_MAX).filter(|(by, _)| *by > 0.0);
    let named: Vec<String> =
        named.map(|(by, function)| format!("{function} (+{})", figure(*by))).collect();
    Some(format!("{name}: {ratio:.2} times: {}", named.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(functions: &[(&str, f64)]) -> Count {
        let total = functions.iter().map(|(_, count)| count).sum();
        let functions = functions.iter().map(|(name, count)| ((*name).to_owned(), *count));
        Count { total, functions: functions.collect() }
    }

    #[test]
    fn a_cost_that_doubles_is_said_with_the_function_that_does() {
        let few = count(&[("step", 500.0), ("look_at_all", 300.0)]);
        let many = count(&[("step", 510.0), ("look_at_all", 600.0), ("new", 5.0)]);
        let said = complaint("hosts", &few, &many).expect("it is over");
        assert!(said.starts_with("hosts: 1.39 times: look_at_all (+300), step (+10.0)"), "{said}");
    }

    #[test]
    fn a_cost_that_grows_a_little_is_none_to_speak_of() {
        let few = count(&[("step", 500.0), ("heap", 100.0)]);
        let many = count(&[("step", 500.0), ("heap", 280.0)]);
        assert_eq!(complaint("hosts", &few, &many), None);
    }
}
