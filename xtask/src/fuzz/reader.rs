//! The process that reads inputs, one batch after the other, and says on stdout what came of them.

use std::fs;
use std::io::Write;
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

use greenroom::driver::panic_message;
use rustix::process::{Resource, Rlimit, setrlimit};

use super::batch::{Batches, INPUTS};
use super::mutation::Mutations;
use super::targets::{self, Target};
use super::{Extent, folder};
use crate::kin;

/// The process takes no more memory than this beside what it had.
const MORE_KIB_MAX: u64 = 256 * 1024;
/// Whoever asks for more at once than all inputs may take is told that there is none.
const ADDRESS_SPACE_BYTES: u64 = 4 << 30;

/// What it is called with, in text.
pub fn args(target: &Target, extent: Extent, seed: u64) -> Vec<String> {
    let (kind, count) = match extent {
        Extent::Inputs(count) => ("inputs", count),
        Extent::Until(time) => ("ms", time.as_millis() as u64),
    };
    vec![target.name.into(), kind.into(), count.to_string(), seed.to_string()]
}

/// What it is called with to read this file alone.
pub fn args_of_file(target: &Target, file: &Path) -> Vec<String> {
    vec![target.name.into(), "file".into(), file.display().to_string(), "0".into()]
}

/// Reads as it is told, and says what came of it: `held COUNT KIB`, or `failed` and why.
pub fn main(args: &[String]) -> Result<(), String> {
    kin::end_with_parent().map_err(|error| format!("fuzz-child: {error}"))?;
    let odd = || format!("`fuzz-child` does not know `{}`", args.join(" "));
    let [shared, target, kind, what, seed] = args else { return Err(odd()) };
    let target = targets::find(target).ok_or_else(odd)?;
    let batches = Batches::open(shared).map_err(|error| format!("{shared}: {error}"))?;
    let number = |text: &str| text.parse::<u64>().map_err(|_| odd());
    // The peak of what was before is no input's.
    let _ = fs::write("/proc/self/clear_refs", "5");
    bound_what_it_takes();
    panic::set_hook(Box::new(|_| {}));
    let mut reader = Reader { target, batches, resident_kib: peak_kib(), count: 0 };
    let read = match kind.as_str() {
        "inputs" => reader.read_all(Extent::Inputs(number(what)?), number(seed)?),
        "ms" => reader.read_all(Extent::Until(Duration::from_millis(number(what)?)), number(seed)?),
        "file" => match fs::read(what) {
            Ok(input) => reader.read(&[input]),
            Err(error) => return Err(format!("{what}: {error}")),
        },
        _ => return Err(odd()),
    };
    let line = match read {
        Ok(()) => format!("held {} {}", reader.count, reader.more_kib()),
        Err(what) => format!("failed {what}"),
    };
    // Whoever started it is gone if this can't be written.
    let _ = std::io::stdout().write_all(line.as_bytes());
    Ok(())
}

fn bound_what_it_takes() {
    let bound = |limit: u64| Rlimit { current: Some(limit), maximum: Some(limit) };
    let _ = setrlimit(Resource::As, bound(ADDRESS_SPACE_BYTES));
    // A process that aborts leaves its input, which is worth more.
    let _ = setrlimit(Resource::Core, bound(0));
}

struct Reader {
    target: &'static Target,
    batches: Batches,
    /// What the process had before.
    resident_kib: u64,
    /// How many inputs were read.
    count: u64,
}

impl Reader {
    /// The kept inputs and mutated ones, until the first that fails.
    fn read_all(&mut self, extent: Extent, seed: u64) -> Result<(), String> {
        let start = Instant::now();
        let kept = kept(self.target)?;
        let mut mutations = Mutations::new(seed, &kept, self.target.words);
        for inputs in kept.chunks(INPUTS) {
            self.read(inputs)?;
        }
        let mut made = 0;
        loop {
            let count = match extent {
                Extent::Inputs(all) => INPUTS.min((all - made) as usize),
                Extent::Until(time) if start.elapsed() >= time => 0,
                Extent::Until(_) => INPUTS,
            };
            if count == 0 {
                return Ok(());
            }
            let inputs: Vec<Vec<u8>> = (0..count).map(|_| mutations.next()).collect();
            self.read(&inputs)?;
            made += count as u64;
        }
    }

    /// A batch.
    fn read(&mut self, inputs: &[Vec<u8>]) -> Result<(), String> {
        let unshared = |error| format!("its inputs can't be shared: {error}");
        self.batches.begin(inputs).map_err(unshared)?;
        for input in inputs {
            if let Err(what) = try_input(self.target, input) {
                self.batches.begin(std::slice::from_ref(input)).map_err(unshared)?;
                return Err(what);
            }
        }
        self.count += inputs.len() as u64;
        match self.more_kib() {
            more if more <= MORE_KIB_MAX => Ok(()),
            more => Err(format!("took {} MiB of memory", more / 1024)),
        }
    }

    /// How many KiB of memory the process had more, at most.
    fn more_kib(&self) -> u64 {
        peak_kib().saturating_sub(self.resident_kib)
    }
}

/// What the input comes to; a panic is an error.
fn try_input(target: &Target, input: &[u8]) -> Result<(), String> {
    let tried = catch_unwind(AssertUnwindSafe(|| (target.read)(input)));
    tried.unwrap_or_else(|payload| Err(format!("panicked: {}", panic_message(&*payload))))
}

/// The files of the target's folder, in the order of their names.
fn kept(target: &Target) -> Result<Vec<Vec<u8>>, String> {
    if target.is_drill() {
        return Ok(vec![b"a drill".to_vec()]);
    }
    let folder = folder(target);
    let read = || -> std::io::Result<Vec<Vec<u8>>> {
        let entries = fs::read_dir(&folder)?.map(|entry| Ok(entry?.path()));
        let mut paths = entries.collect::<std::io::Result<Vec<_>>>()?;
        paths.sort();
        paths.iter().map(fs::read).collect()
    };
    read().map_err(|error| format!("{}: {error}", folder.display()))
}

/// The most memory that the process ever had, in KiB; 0 where the system does not say.
fn peak_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse().ok()).unwrap_or(0)
}
