//! A worker's process: what it said last, and whether it still gives signs of life.

use std::io::{self, Read, Write};
use std::process::{Child, ChildStderr, ExitStatus};
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

/// Wall time without a result after which a seed counts as hanging.
pub(super) const HANG: Duration = Duration::from_secs(60);

/// The end of what a worker wrote to stderr: a process that ends itself says why there.
pub(super) struct LastWords {
    bytes: mpsc::Receiver<Vec<u8>>,
}

impl LastWords {
    pub(super) fn hear(stderr: Option<ChildStderr>, passes_on: bool) -> LastWords {
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
    pub(super) fn told(self) -> String {
        const LINES: usize = 8;
        // A process that the program started may hold the pipe open.
        let bytes = self.bytes.recv_timeout(Duration::from_secs(1)).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        let last = &lines[lines.len().saturating_sub(LINES)..];
        last.iter().map(|line| format!("\n  {line}")).collect()
    }
}

/// A worker process and when it last gave a sign of life.
#[derive(Default)]
pub(super) struct Watched(Mutex<Option<Watch>>);

struct Watch {
    child: Child,
    alive: Instant,
    ended: bool,
}

impl Watched {
    fn with<T>(&self, f: impl FnOnce(&mut Option<Watch>) -> T) -> T {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
    pub(super) fn begin(&self, child: Child) {
        self.with(|watch| *watch = Some(Watch { child, alive: Instant::now(), ended: false }));
    }
    pub(super) fn saw_life(&self) {
        self.with(|watch| watch.iter_mut().for_each(|watch| watch.alive = Instant::now()));
    }
    pub(super) fn end(&self) {
        // One that has just ended by itself is as good.
        self.with(|watch| watch.iter_mut().for_each(|watch| drop(watch.child.kill())));
    }
    pub(super) fn end_if_hanging(&self) {
        self.with(|watch| {
            if let Some(watch) = watch.as_mut().filter(|watch| watch.alive.elapsed() > HANG) {
                watch.ended = watch.child.kill().is_ok();
            }
        });
    }
    pub(super) fn finish(&self) -> io::Result<(ExitStatus, bool)> {
        let mut watch = self.with(Option::take).expect("a worker finishes once");
        Ok((watch.child.wait()?, watch.ended))
    }
}
