//! What a run is given and what comes of it: programs and roles, how it stopped, who panicked.

use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::stall::Stall;
use super::timeout::Unwind;

/// One host's program.
pub struct Program {
    /// The host's name, and its root greenlet's.
    pub name: String,
    /// Whether the run waits for it.
    pub role: Role,
    /// What runs when the host comes up, again at each restart: a call that a power cut left
    /// unfinished stays as it is, beside the new one.
    pub body: Box<dyn Fn()>,
}

/// What a greenlet runs, once or never.
pub(crate) trait Task {
    fn run(&self);
    /// It never will: what it would have run with is dropped.
    fn cancel(&self);
}

/// Whether a run waits for a host's program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The run ends when every client has returned.
    Client,
    /// It is ended when all clients have returned.
    Server,
}

/// How a run ended.
#[derive(Debug)]
pub struct Ending {
    /// Why it ended.
    pub stop: Stop,
    /// Panics of greenlets that nobody joined, in the order they were found.
    pub panics: Vec<Panicked>,
    /// Greenlets that destructors made without end: they never ran, and what they own is leaked.
    pub leaked: usize,
}

/// Why a run ended.
#[derive(Debug)]
pub enum Stop {
    /// Every client returned.
    Done,
    /// Nothing could ever happen again while a client was unfinished.
    Deadlock(Stall),
    /// The hub said so.
    Halted(Stall),
    /// The hub could not go on.
    Failed(io::Error),
}

/// A panic that nobody joined.
#[derive(Clone, Debug)]
pub struct Panicked {
    /// The greenlet's place in the spawn tree.
    pub greenlet: String,
    /// What the panic said.
    pub message: String,
}

/// What unwinds a killed greenlet to its root, and what joining it returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Killed;

/// Drops what a panic carried. What that throws in turn is forgotten: the driver does not unwind.
pub(super) fn discard(payload: Box<dyn Any + Send>) {
    if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(again);
    }
}

/// Whether an unwinding is a panic of the program's, not a kill or an expired scope.
pub(crate) fn is_panic(payload: &(dyn Any + Send)) -> bool {
    !payload.is::<Killed>() && !payload.is::<Unwind>()
}

/// What a panic said, as far as it is text.
pub fn panic_message(payload: &(dyn Any + Send)) -> String {
    match (payload.downcast_ref::<&str>(), payload.downcast_ref::<String>()) {
        (Some(text), _) => (*text).to_owned(),
        (_, Some(text)) => text.clone(),
        _ => "a panic without a message".to_owned(),
    }
}
