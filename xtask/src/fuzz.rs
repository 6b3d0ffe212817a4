//! `cargo xtask fuzz`: what reads text or bytes of others is given inputs that went wrong: no panic, no hang,
//! no memory without bound.
//!
//! An input is one that is kept (`xtask/fuzz/TARGET/*`), changed by a few mutations that a seed chooses, so
//! every run of a seed makes the same ones. One that fails is written to `target/fuzz`, to be mended, kept and
//! played again.

mod mutation;
mod targets;
mod watch;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{fs, panic};

use greenroom::driver::panic_message;

use crate::steps;
use mutation::Mutations;
use targets::{TARGETS, Target};
use watch::Watch;

/// How much of it there is to be.
#[derive(Clone, Copy)]
enum Extent {
    Inputs(u64),
    Until(Duration),
}

struct Wish {
    targets: Vec<&'static Target>,
    extent: Extent,
    seed: u64,
    files: Vec<PathBuf>,
}

/// The kept inputs and half a minute of new ones; whether all held.
pub fn ci() -> bool {
    // Others each time: the one that fails is written down.
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let seed = now.map_or(0, |now| now.as_secs());
    say!("fuzz: seed {seed}");
    main(&["--seed".into(), seed.to_string()]).unwrap_or_else(|error| {
        complain!("fuzz: {error}");
        false
    })
}

/// Returns whether all held.
pub fn main(args: &[String]) -> Result<bool, String> {
    let wish = wish(args)?;
    panic::set_hook(Box::new(|_| {}));
    if !wish.files.is_empty() {
        let [target] = wish.targets[..] else { return Err("--play takes one target".into()) };
        return wish.files.iter().try_fold(true, |held, file| {
            let input = fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
            Ok(play(target, &input) && held)
        });
    }
    let share = wish.targets.len() as u32;
    let mut held = true;
    for target in &wish.targets {
        let extent = match wish.extent {
            Extent::Until(time) => Extent::Until(time / share),
            inputs => inputs,
        };
        held &= fuzz(target, extent, wish.seed)?;
    }
    Ok(held)
}

/// The kept inputs and mutated ones; stops at the first that fails.
fn fuzz(target: &'static Target, extent: Extent, seed: u64) -> Result<bool, String> {
    let start = Instant::now();
    let folder = steps::root().join("xtask/fuzz").join(target.name);
    let kept = kept(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let watch = Watch::start(target.name);
    let is_over = |count: u64| match extent {
        Extent::Inputs(all) => count >= all,
        // Not asked for every input: that would take as long as many an input.
        Extent::Until(time) => count.is_multiple_of(64) && start.elapsed() >= time,
    };
    let mut mutations = Mutations::new(seed, &kept, target.words);
    let mut count = 0;
    let all_kept = kept.len() as u64;
    while count < all_kept || !is_over(count - all_kept) {
        let input = match kept.get(count as usize) {
            Some(input) => input.clone(),
            None => mutations.next(),
        };
        watch.begins(&input);
        let mut outcome = try_input(target, &input);
        if count.is_multiple_of(64) {
            outcome = outcome.and_then(|()| watch.takes_little());
        }
        if let Err(what) = outcome {
            return failed(target.name, &input, &what).map(|()| false);
        }
        count += 1;
    }
    let grown_kib = watch.more_kib();
    let seconds = start.elapsed().as_secs_f64();
    say!("{:<10} {count:>9} inputs in {seconds:>6.1} s, {grown_kib} KiB more at most", target.name);
    Ok(true)
}

/// What the input comes to; a panic is an error.
fn try_input(target: &Target, input: &[u8]) -> Result<(), String> {
    let tried = catch_unwind(AssertUnwindSafe(|| (target.read)(input)));
    tried.unwrap_or_else(|payload| Err(format!("panicked: {}", panic_message(&*payload))))
}

/// Plays a single input, and says what came of it.
fn play(target: &Target, input: &[u8]) -> bool {
    let watch = Watch::start(target.name);
    watch.begins(input);
    let outcome = try_input(target, input).and_then(|()| watch.takes_little());
    match &outcome {
        Ok(()) => say!("{}: held", target.name),
        Err(what) => say!("{}: {what}", target.name),
    }
    outcome.is_ok()
}

/// Writes an input that failed where it can be played again.
fn failed(target: &str, input: &[u8], what: &str) -> Result<(), String> {
    let folder = steps::root().join("target/fuzz");
    let path = folder.join(format!("{target}-{:016x}", mutation::hash(input)));
    let written = fs::create_dir_all(&folder).and_then(|()| fs::write(&path, input));
    written.map_err(|error| format!("{}: {error}", path.display()))?;
    say!("{target}: {what}\n  again: cargo xtask fuzz {target} --play {}", path.display());
    Ok(())
}

/// The files of a folder, in the order of their names.
fn kept(folder: &Path) -> std::io::Result<Vec<Vec<u8>>> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
    paths.sort();
    paths.iter().map(fs::read).collect()
}

/// The targets.
pub fn names() -> String {
    TARGETS.iter().map(|target| target.name).collect::<Vec<_>>().join(", ")
}

fn wish(args: &[String]) -> Result<Wish, String> {
    const TIME: Duration = Duration::from_secs(30);
    let mut wish =
        Wish { targets: Vec::new(), extent: Extent::Until(TIME), seed: 0, files: Vec::new() };
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let mut value = |what: &str| args.next().ok_or(format!("`fuzz {arg}` takes {what}"));
        match arg.as_str() {
            "--inputs" => {
                let value = value("a number")?;
                let number = value.parse().map_err(|_| format!("`--inputs {value}`: no number"))?;
                wish.extent = Extent::Inputs(number);
            }
            "--for" => {
                let value = value("a time, as 30s")?;
                let seconds = value.strip_suffix('s').and_then(|digits| digits.parse().ok());
                let seconds = seconds.ok_or(format!("`--for {value}`: a time is 30s"))?;
                wish.extent = Extent::Until(Duration::from_secs(seconds));
            }
            "--seed" => {
                let value = value("a number")?;
                wish.seed = value.parse().map_err(|_| format!("`--seed {value}`: no number"))?;
            }
            "--play" => {
                wish.files.extend(args.by_ref().map(PathBuf::from));
                if wish.files.is_empty() {
                    return Err("`fuzz TARGET --play` takes files".into());
                }
            }
            flag if flag.starts_with('-') => {
                return Err(format!(
                    "`fuzz` does not know `{flag}`; it takes --inputs N, --for 30s, --seed S, --play FILE…"
                ));
            }
            name => wish.targets.push(
                TARGETS
                    .iter()
                    .find(|target| target.name == name)
                    .ok_or(format!("no target `{name}`; there are: {}", names()))?,
            ),
        }
    }
    if wish.targets.is_empty() {
        wish.targets = TARGETS.iter().collect();
    }
    Ok(wish)
}
