//! A worker of a sweep under watch: whether it still gives signs of life, and whether its time is up.

use std::io;
use std::process::{Child, ExitStatus};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Wall time without a result after which a seed counts as hanging.
pub(super) const HANG: Duration = Duration::from_secs(60);

/// A worker process and when it last gave a sign of life.
#[derive(Default)]
pub(super) struct Watched(Mutex<Option<Watch>>);

struct Watch {
    child: Child,
    alive: Instant,
    end: End,
}

/// Who ended a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Itself,
    /// We did: it hung.
    Hung,
    /// We did: time is up.
    Cut,
}

impl Watched {
    fn with<T>(&self, f: impl FnOnce(&mut Option<Watch>) -> T) -> T {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
    pub(super) fn begin(&self, child: Child) {
        let (alive, end) = (Instant::now(), End::Itself);
        self.with(|watch| *watch = Some(Watch { child, alive, end }));
    }
    pub(super) fn saw_life(&self) {
        self.with(|watch| watch.iter_mut().for_each(|watch| watch.alive = Instant::now()));
    }
    /// Time is up, whatever it is at. One that has just ended by itself is as good.
    pub(super) fn cut(&self) {
        self.with(|watch| watch.iter_mut().for_each(|watch| watch.kill(End::Cut)));
    }
    pub(super) fn end_if_hanging(&self) {
        self.with(|watch| {
            if let Some(watch) = watch.as_mut().filter(|watch| watch.alive.elapsed() > HANG) {
                watch.kill(End::Hung);
            }
        });
    }
    pub(super) fn finish(&self) -> io::Result<(ExitStatus, End)> {
        let mut watch = self.with(Option::take).expect("a worker finishes once");
        Ok((watch.child.wait()?, watch.end))
    }
}

impl Watch {
    fn kill(&mut self, end: End) {
        if self.child.kill().is_ok() {
            self.end = end;
        }
    }
}
