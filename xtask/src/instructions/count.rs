//! Instructions of a process, function by function, as valgrind's cachegrind counts them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::work;
use crate::bench::process;
use crate::steps;

/// What one of something costs, or a process: instructions of user space, in all and by function.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Count {
    pub total: f64,
    pub functions: BTreeMap<String, f64>,
}

/// The same on every processor: what glibc has in several versions is taken in the oldest one, and large
/// copies go the way of small ones.
const TUNABLES: &str = "GLIBC_TUNABLES=glibc.cpu.hwcaps=-AVX512F,-AVX512VL,-AVX512BW,-AVX2,-AVX,\
    -AVX_Fast_Unaligned_Load,-SSE4_2,-SSE4_1,-SSSE3,-Fast_Unaligned_Copy,-ERMS,-FSRM,-BMI2,-RTM:\
    glibc.cpu.x86_non_temporal_threshold=0x4000000";

/// What is counted: a work of `work.rs`, done so many times in a crowd of `size`, and how many items one
/// time is.
#[derive(Clone, Copy)]
pub struct Job {
    pub work: &'static str,
    pub size: u64,
    pub times: [u64; 2],
    pub items: u64,
}

/// What one more item costs of each, one job on each processor at a time.
pub fn count(jobs: &[Job]) -> Result<Vec<Count>, String> {
    let (next, counted) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for cpu in 0..cpus {
            let (next, counted) = (&next, &counted);
            scope.spawn(move || {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(job) = jobs.get(at) else { break };
                    let count = job.count(cpu);
                    counted.lock().expect("nobody panics").insert(at, count);
                }
            });
        }
    });
    counted.into_inner().expect("nobody panics").into_values().collect()
}

impl Job {
    /// Twice the work: what comes before and after it is in both.
    fn count(&self, cpu: usize) -> Result<Count, String> {
        let [few, many] = self.times;
        let items = (many - few) * self.items;
        let (few, many) = (self.process(cpu, few)?, self.process(cpu, many)?);
        Ok(many.less(&few).divided_by(items as f64))
    }

    /// Counts a process that does so much.
    fn process(&self, cpu: usize, times: u64) -> Result<Count, String> {
        let (work, size) = (self.work, self.size);
        let place = Place::make(&format!("{work}-{size}-{times}"))?;
        let folder = place.0.to_str().ok_or("the workspace's path is not text")?;
        let runs = format!("GREENROOM_RUNS={times}");
        // A watcher of the hub looks at it by its clock; a check of its own writes where it stands.
        let before = [
            &["env", "-C", folder, "GREENROOM_WATCHDOG=off", &runs, TUNABLES][..],
            &[
                "valgrind",
                "-q",
                "--tool=cachegrind",
                "--cache-sim=no",
                "--cachegrind-out-file=counted",
            ],
        ];
        let (size_text, times_text) = (size.to_string(), times.to_string());
        let args = ["count", work, &size_text, &times_text];
        let mut child = process::start(cpu, &before.concat(), &args)?;
        if work == "echo" {
            work::load(|| child.line(), size, times)?;
        }
        child.finish()?;
        let counted = std::fs::read_to_string(place.0.join("counted"));
        parse(&counted.map_err(|error| format!("what valgrind counted can't be read: {error}"))?)
    }
}

impl Count {
    fn less(mut self, other: &Count) -> Count {
        self.total -= other.total;
        for (name, count) in &other.functions {
            *self.functions.entry(name.clone()).or_default() -= count;
        }
        self
    }

    fn divided_by(mut self, items: f64) -> Count {
        self.total /= items;
        self.functions.values_mut().for_each(|count| *count /= items);
        self
    }
}

/// A folder for one process, which goes with it.
struct Place(PathBuf);

impl Place {
    fn make(name: &str) -> Result<Place, String> {
        let folder: &Path = &steps::root().join("target/instructions").join(name);
        let _ = std::fs::remove_dir_all(folder);
        std::fs::create_dir_all(folder)
            .map_err(|error| format!("{}: {error}", folder.display()))?;
        Ok(Place(folder.to_owned()))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Reads what cachegrind writes: `fn=NAME`, then `LINE COUNT` for each of its lines, and `summary: COUNT`.
pub fn parse(text: &str) -> Result<Count, String> {
    let mut counted = Count::default();
    let mut function = None;
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("fn=") {
            function = Some(plain(name));
        } else if let Some(total) = line.strip_prefix("summary: ") {
            counted.total = total.trim().parse().map_err(|_| format!("no count: {line}"))?;
        } else if let Some((at, count)) = line.split_once(' ')
            && at.bytes().all(|byte| byte.is_ascii_digit())
        {
            let count: f64 = count.trim().parse().map_err(|_| format!("no count: {line}"))?;
            let function = function.clone().ok_or_else(|| format!("of no function: {line}"))?;
            *counted.functions.entry(function).or_default() += count;
        }
    }
    match counted.total > 0.0 {
        true => Ok(counted),
        false => Err("valgrind counted nothing".into()),
    }
}

/// A function's name without what depends on where it was built.
fn plain(name: &str) -> String {
    let is_hash = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_hexdigit());
    // As names were mangled: `path::h0123456789abcdef`.
    let name = match name.rsplit_once("::h") {
        Some((path, hash)) if hash.len() == 16 && is_hash(hash) => path,
        _ => name,
    };
    // As they are: `crate[0123456789abcdef]::path`.
    let mut plain = String::new();
    let mut rest = name;
    while let Some((before, after)) = rest.split_once('[') {
        plain.push_str(before);
        let is_crates = before.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        match after.split_once(']') {
            Some((hash, behind)) if is_crates && is_hash(hash) => rest = behind,
            _ => {
                plain.push('[');
                rest = after;
            }
        }
    }
    plain + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "desc: I1 cache: \ncmd: xtask\nevents: Ir\nfl=/a/b.rs\nfn=send\n12 100\n14 7\n\
        fl=/a/c.rs\nfn=poll\n0 3\nfl=/a/d.rs\nfn=send\n1 1\nsummary: 111\n";

    #[test]
    fn functions_are_summed_over_their_lines_and_files() {
        let counted = parse(TEXT).expect("it reads");
        assert_eq!(counted.total, 111.0);
        let functions = [("send".to_owned(), 108.0), ("poll".to_owned(), 3.0)];
        assert_eq!(counted.functions, functions.into());
    }

    #[test]
    fn what_is_no_count_is_an_error() {
        for text in ["", "summary: many\n", "12 100\nsummary: 100\n"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_item_is_the_difference_of_two_processes() {
        let (few, many) = (parse(TEXT).unwrap(), parse(&TEXT.replace(": 111", ": 311")).unwrap());
        assert_eq!(many.less(&few).divided_by(100.0).total, 2.0);
    }

    #[test]
    fn a_name_has_nothing_of_where_it_was_built() {
        for (given, name) in [
            ("greenroom::driver::turn::h0123456789abcdef", "greenroom::driver::turn"),
            ("greenroom[8f5b2c]::driver::turn", "greenroom::driver::turn"),
            ("<a::B as c::D>::e", "<a::B as c::D>::e"),
            ("core::slice::sort<[u8]>", "core::slice::sort<[u8]>"),
        ] {
            assert_eq!(plain(given), name);
        }
    }
}
