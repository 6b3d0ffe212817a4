//! All that went wrong in a run, said: the outcome is the most telling of it, and two plays of one run
//! have to agree on the rest too.

use std::io;

use greenroom::check::Shared;
use greenroom::driver::{Ending, Stop};

use crate::hub::SimHub;

/// Every violated claim, every panic that nobody joined, every error of a program, and how it stopped.
pub(super) fn findings(
    ending: &Ending,
    hub: &SimHub,
    errors: &Shared<Vec<(String, io::Error)>>,
) -> Vec<String> {
    let violated = hub.world.violations.iter().map(|name| format!("violated: {name}"));
    let panicked =
        ending.panics.iter().map(|it| format!("{} panicked: {}", it.greenlet, it.message));
    let mut all: Vec<String> = violated.chain(panicked).collect();
    errors
        .with(|errors| all.extend(errors.iter().map(|(host, e)| format!("{host} ends with {e}"))));
    match &ending.stop {
        Stop::Done => {}
        Stop::Deadlock(_) => all.push("deadlock".into()),
        Stop::Halted(_) => all.push("halted".into()),
        Stop::Failed(error) => all.push(format!("the hub failed: {error}")),
    }
    all
}
