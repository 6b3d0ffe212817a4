//! A worker, seen from its parent: what it tells, what it said last, and how it ended.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::search::job::{Job, Told};

/// The subcommand that a worker is called with.
pub(crate) const WORKER: &str = "worker";
/// Set for the second of two plays that are compared: what a program makes of its environment as a whole, and
/// where its stack begins, is then different.
const SECOND: &str = "GREENROOM_SECOND_PLAY";

/// How a worker is started.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Manner {
    /// What it prints goes where ours does; else nowhere.
    pub(crate) prints: bool,
    /// What it writes to stderr goes to ours too.
    pub(crate) passes_stderr: bool,
    /// It plays what another played before.
    pub(crate) is_second: bool,
}

/// A worker under way. It ends when this is dropped.
pub(crate) struct Worker {
    pub(crate) told: Tellings,
    pub(crate) last_words: LastWords,
}

impl Worker {
    pub(crate) fn start(job: &Job, manner: Manner) -> io::Result<(Child, Worker)> {
        Worker::start_as(job, manner, &[WORKER], None)
    }

    /// The same with arguments of the caller's, and a variable by which the process knows what it is.
    pub(crate) fn start_as(
        job: &Job,
        manner: Manner,
        arguments: &[&str],
        mark: Option<&str>,
    ) -> io::Result<(Child, Worker)> {
        let (ours, theirs) = UnixStream::pair()?;
        let mut command = Command::new(std::env::current_exe()?);
        command
            .args(arguments)
            .envs(mark.map(|mark| (mark, "1")))
            .stdin(Stdio::from(OwnedFd::from(theirs)));
        command.stdout(if manner.prints { Stdio::inherit() } else { Stdio::null() });
        command.stderr(Stdio::piped());
        if manner.is_second {
            command.env(SECOND, "1");
        }
        let mut child = command.spawn()?;
        // Its end of the socket is its own alone, or we would wait for ourselves.
        drop(command);
        let last_words = LastWords::hear(child.stderr.take(), manner.passes_stderr);
        let mut line = serde_json::to_string(job)?;
        line.push('\n');
        // One that is gone already says so by its status.
        let _ = (&ours).write_all(line.as_bytes());
        Ok((child, Worker { told: Tellings(BufReader::new(ours)), last_words }))
    }
}

/// What a worker tells, in order, until it ends.
pub(crate) struct Tellings(BufReader<UnixStream>);

impl Iterator for Tellings {
    type Item = Told;

    fn next(&mut self) -> Option<Told> {
        let mut line = String::new();
        self.0.read_line(&mut line).ok().filter(|count| *count > 0)?;
        // What it was telling when it ended is as good as nothing.
        serde_json::from_str(&line).ok()
    }
}

/// The end of what a worker wrote to stderr: a process that ends itself says why there.
pub(crate) struct LastWords {
    bytes: mpsc::Receiver<Vec<u8>>,
}

impl LastWords {
    fn hear(stderr: Option<ChildStderr>, passes_on: bool) -> LastWords {
        const KEPT: usize = 2048;
        let (sender, bytes) = mpsc::channel();
        thread::spawn(move || {
            let mut kept = Vec::new();
            let (Some(mut stderr), mut chunk) = (stderr, [0; 4096]) else { return };
            while let Ok(length) = stderr.read(&mut chunk)
                && length > 0
            {
                if passes_on {
                    // Nobody may be listening; the worker is not to wait for that.
                    let _ = io::stderr().write_all(&chunk[..length]);
                }
                kept.extend_from_slice(&chunk[..length]);
                kept.drain(..kept.len().saturating_sub(KEPT));
            }
            let _ = sender.send(kept);
        });
        LastWords { bytes }
    }

    /// The last lines, each on one of its own; nothing if there are none.
    pub(crate) fn told(self) -> String {
        const LINES: usize = 8;
        // A process that the program started may hold the pipe open.
        let bytes = self.bytes.recv_timeout(Duration::from_secs(1)).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        let last = &lines[lines.len().saturating_sub(LINES)..];
        last.iter().map(|line| format!("\n  {line}")).collect()
    }
}
