//! `cargo xtask fuzz`: what reads text or bytes of others is given inputs that went wrong: no panic, no hang,
//! no memory without bound.
//!
//! An input is one that is kept (`xtask/fuzz/TARGET/*`), changed by a few mutations that a seed chooses, so
//! every run of a seed makes the same ones. They are read by a process of their own, which may end by them.
//! One that fails is written to `target/fuzz`, to be mended, kept and played again.

mod batch;
mod drills;
mod keeper;
mod mutation;
mod reader;
mod targets;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::steps;
use keeper::{Ended, keep};
pub use reader::main as child;
use targets::{TARGETS, Target};

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
    if !wish.files.is_empty() {
        let target = wish.targets[0];
        return wish.files.iter().try_fold(true, |held, file| Ok(play(target, file)? && held));
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
    let kept = |error| format!("{}: {error}", target.name);
    match keep(target, &reader::args(target, extent, seed)).map_err(kept)? {
        Ended::Held(count, kib) => {
            let (name, seconds) = (target.name, start.elapsed().as_secs_f64());
            say!("{name:<10} {count:>9} inputs in {seconds:>6.1} s, {kib} KiB more at most");
            Ok(true)
        }
        Ended::Failed(what, inputs) => blame(target, &what, &inputs).map(|()| false),
    }
}

/// Plays a single input, and says what came of it.
fn play(target: &Target, file: &Path) -> Result<bool, String> {
    let ended = read_alone(target, file)?;
    let held = ended.is_none();
    say!("{}: {}", target.name, ended.as_deref().unwrap_or("held"));
    Ok(held)
}

/// What goes wrong with a single input, if anything does.
fn read_alone(target: &Target, file: &Path) -> Result<Option<String>, String> {
    let readable = fs::File::open(file).and_then(|file| file.metadata());
    let named = |error| format!("{}: {error}", file.display());
    let readable = readable.map_err(named)?;
    if !readable.is_file() {
        return Err(format!("{}: it is no file", file.display()));
    }
    let file = file.canonicalize().map_err(named)?;
    Ok(match keep(target, &reader::args_of_file(target, &file)).map_err(named)? {
        Ended::Held(..) => None,
        Ended::Failed(what, _) => Some(what),
    })
}

/// Writes down the input that does it, where it can be played again: the first of those under way that goes
/// wrong by itself too, or all of them.
fn blame(target: &Target, what: &str, inputs: &[Vec<u8>]) -> Result<(), String> {
    let mut kept = Vec::new();
    for input in inputs {
        let path = written(target, input)?;
        let alone = if inputs.len() == 1 { Some(what.into()) } else { read_alone(target, &path)? };
        if let Some(what) = alone {
            kept.iter().for_each(|path| drop(fs::remove_file(path)));
            let (name, path) = (target.name, path.display());
            say!("{name}: {what}\n  again: cargo xtask fuzz {name} --play {path}");
            return Ok(());
        }
        kept.push(path);
    }
    let (name, count) = (target.name, kept.len());
    say!("{name}: {what}; none of the {count} inputs under way does that by itself. They are:");
    kept.iter().for_each(|path| say!("  {}", path.display()));
    Ok(())
}

/// Writes an input to a file of its own.
fn written(target: &Target, input: &[u8]) -> Result<PathBuf, String> {
    let folder = steps::root().join("target/fuzz");
    let name = format!("{}-{:016x}", target.name.replace('/', "-"), mutation::hash(input));
    let path = folder.join(name);
    let written = fs::create_dir_all(&folder).and_then(|()| fs::write(&path, input));
    written.map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(path)
}

/// Where the kept inputs of a target stand.
fn folder(target: &Target) -> PathBuf {
    steps::root().join("xtask/fuzz").join(target.name)
}

/// The targets.
pub fn names() -> String {
    TARGETS.iter().map(|target| target.name).collect::<Vec<_>>().join(", ")
}

fn wish(args: &[String]) -> Result<Wish, String> {
    const TIME: Duration = Duration::from_secs(30);
    let mut wish =
        Wish { targets: Vec::new(), extent: Extent::Until(TIME), seed: 0, files: Vec::new() };
    // What says how much is to be read, and how.
    let mut said: Vec<&str> = Vec::new();
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
                let seconds: u32 = seconds.ok_or(format!("`--for {value}`: a time is 30s"))?;
                wish.extent = Extent::Until(Duration::from_secs(seconds.into()));
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
            name => {
                let unknown = || format!("no target `{name}`; there are: {}", names());
                wish.targets.push(targets::find(name).ok_or_else(unknown)?);
                continue;
            }
        }
        said.push(arg);
    }
    fit_together(&wish, &said)?;
    if wish.targets.is_empty() {
        wish.targets = TARGETS.iter().collect();
    }
    Ok(wish)
}

/// No flag is taken and then ignored.
fn fit_together(wish: &Wish, said: &[&str]) -> Result<(), String> {
    let twice = said.iter().enumerate().find(|(at, flag)| said[..*at].contains(flag));
    if let Some((_, flag)) = twice {
        return Err(format!("`fuzz` takes {flag} once"));
    }
    if !wish.files.is_empty() && said.len() > 1 {
        return Err(format!("`fuzz TARGET --play FILE…` takes no {}", said[0]));
    }
    if said.contains(&"--inputs") && said.contains(&"--for") {
        return Err("`fuzz` takes --inputs or --for, not both".into());
    }
    if !wish.files.is_empty() && wish.targets.len() != 1 {
        return Err("`fuzz TARGET --play FILE…` takes one target".into());
    }
    Ok(())
}
