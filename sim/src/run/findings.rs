//! All that went wrong in a run, said: the outcome is the most telling of it, and two plays of one run
//! have to agree on the rest too.

use greenroom::driver::{Panicked, Stop};

use super::errors::Errors;
use crate::hub::SimHub;

/// Every violated claim, every panic that nobody joined, every error of a program, and how it stopped.
pub(super) fn findings(
    stop: &Stop,
    panics: &[Panicked],
    hub: &SimHub,
    errors: &Errors,
    complaints: &[(String, String)],
) -> Vec<String> {
    let violated = hub.world.violations.iter().map(|name| format!("violated: {name}"));
    let panicked = panics.iter().map(|it| format!("{} panicked: {}", it.greenlet, it.message));
    let mut all: Vec<String> = violated.chain(panicked).collect();
    all.extend(errors.all().into_iter().map(|(host, wrong)| format!("{host} ends with {wrong}")));
    all.extend(complaints.iter().map(|(name, what)| format!("violated: {name}: {what}")));
    match stop {
        Stop::Done => {}
        Stop::Deadlock(_) => all.push("deadlock".into()),
        Stop::Halted(_) => all.push("halted".into()),
        Stop::Failed(error) => all.push(format!("the hub failed: {error}")),
    }
    all
}
