//! The process that reads inputs, seen from the one that started it: how it ended, and over which inputs.

use std::io::{self, Read};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;

use greenroom_sim::cli::escaped;

use super::batch::Shared;
use super::targets::Target;
use crate::kin;

/// How reading ended.
pub enum Ended {
    /// All that there were, so many; and so many KiB of memory more at most.
    Held(u64, u64),
    /// What went wrong, and the inputs of which one or the other did it.
    Failed(String, Vec<Vec<u8>>),
}

/// Has inputs read by a process that may not come to its end.
pub fn keep(target: &Target, args: &[String]) -> io::Result<Ended> {
    let shared = Shared::new()?;
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["fuzz-child", &shared.path()]).args(args);
    command.env("RUST_BACKTRACE", "0").stdout(Stdio::piped()).stderr(Stdio::piped());
    let (mut child, _tie) = kin::start(&mut command)?;
    let said = hear(child.stdout.take());
    let complained = hear(child.stderr.take());
    let said = end_or_patience(target, &shared, &said);
    if said.is_none() {
        child.kill()?;
    }
    let status = child.wait()?;
    let what = match said.as_deref().map(verdict) {
        Some(Some(Ok((count, kib)))) => return Ok(Ended::Held(count, kib)),
        Some(Some(Err(what))) => what.to_owned(),
        Some(None) => end_of(status, &complained.recv().unwrap_or_default()),
        None => format!("not read within {:?}", target.patience()),
    };
    match shared.inputs()? {
        // It never began.
        inputs if inputs.is_empty() => Err(io::Error::other(what)),
        inputs => Ok(Ended::Failed(escaped(&what), inputs)),
    }
}

/// All that it said, once it has ended; `None` where it reads the same inputs for too long.
fn end_or_patience(target: &Target, shared: &Shared, said: &Receiver<Vec<u8>>) -> Option<String> {
    let mut seen = u64::MAX;
    loop {
        match said.recv_timeout(target.patience()) {
            Ok(bytes) => return Some(String::from_utf8_lossy(&bytes).into_owned()),
            Err(RecvTimeoutError::Disconnected) => return Some(String::new()),
            Err(RecvTimeoutError::Timeout) => {
                let now = shared.number();
                if now == std::mem::replace(&mut seen, now) {
                    return None;
                }
            }
        }
    }
}

/// The beginning of what a stream brings, when it ends.
fn hear(stream: Option<impl Read + Send + 'static>) -> Receiver<Vec<u8>> {
    const KEPT: u64 = 1 << 20;
    let (sender, heard) = mpsc::channel();
    thread::spawn(move || {
        let (Some(mut stream), mut kept) = (stream, Vec::new()) else { return };
        // Whatever could be read is told.
        let _ = stream.by_ref().take(KEPT).read_to_end(&mut kept);
        let _ = io::copy(&mut stream, &mut io::sink());
        let _ = sender.send(kept);
    });
    heard
}

fn verdict(said: &str) -> Option<Result<(u64, u64), &str>> {
    if let Some(what) = said.strip_prefix("failed ") {
        return Some(Err(what));
    }
    let (count, kib) = said.strip_prefix("held ")?.split_once(' ')?;
    Some(Ok((count.parse().ok()?, kib.parse().ok()?)))
}

/// How a process ended that did not say what came of it.
fn end_of(status: ExitStatus, complained: &[u8]) -> String {
    let complained = String::from_utf8_lossy(complained);
    let says = |line: &&str| !line.trim().is_empty() && !line.starts_with("note: ");
    let why = complained.lines().rev().find(says);
    let why = why.map_or(String::new(), |why| format!(": {why}"));
    format!("ended the process ({status}){why}")
}
