//! What a run's end means: the first thing that went wrong, said with names.

use std::panic::{self, AssertUnwindSafe};

use greenroom::driver::{self, Panicked, Stop};
use greenroom::scenario::{HostSpec, Judge, Stage};

use super::errors::Errors;
use super::outcome::Outcome;
use super::stall::by_name;
use crate::hub::SimHub;
use crate::scheduler::Budget;

/// The first thing that went wrong, the most telling kind first.
pub(super) fn outcome_of(
    stop: &Stop,
    panics: &[Panicked],
    hub: &SimHub,
    errors: &Errors,
    complaints: &[(String, String)],
    hosts: &[HostSpec],
) -> Outcome {
    if hub.disturbed.is_so() {
        let what = "a thread outside the simulation took part in it";
        return Outcome::Nondeterministic(what.into());
    }
    if let Some(name) = hub.world.violations.first() {
        return Outcome::Violated(name.clone(), String::new());
    }
    if let Some(panicked) = panics.first() {
        return Outcome::Panicked(panicked.greenlet.clone(), panicked.message.clone());
    }
    if let Some((host, wrong)) = errors.first() {
        return Outcome::Violated(format!("{host} ends without an error"), wrong);
    }
    match stop {
        Stop::Done => {}
        Stop::Deadlock(stall) => return Outcome::Deadlocked(by_name(stall, hub, hosts)),
        Stop::Halted(_) if hub.out_of_time => {
            return Outcome::Stuck("virtual time ran out: clients still run after a day".into());
        }
        Stop::Halted(_) => return Outcome::Stuck(spinning(hub)),
        Stop::Failed(error) => return Outcome::Stuck(format!("the hub failed: {error}")),
    }
    match complaints.first() {
        Some((name, what)) => Outcome::Violated(name.clone(), what.clone()),
        None => Outcome::Held,
    }
}

/// What the judges of a run say that came to its end, or to a violated claim.
pub(super) fn complaints(stop: &Stop, hub: &SimHub, stage: &mut Stage) -> Vec<(String, String)> {
    if !matches!(stop, Stop::Done) && hub.world.violations.is_empty() {
        return Vec::new();
    }
    let verdict = |(name, judge)| match panic::catch_unwind(AssertUnwindSafe::<Judge>(judge)) {
        Ok(Ok(())) => None,
        Ok(Err(what)) => Some((name, what)),
        Err(payload) => {
            Some((name, format!("its judge panicked: {}", driver::panic_message(&*payload))))
        }
    };
    stage.judges.drain(..).filter_map(verdict).collect()
}

fn spinning(hub: &SimHub) -> String {
    let world = &hub.world;
    let Some((id, budget)) = hub.scheduler.spinning else { return "a greenlet spins".into() };
    let who = world.paths.text(world.greenlets[id.into()].entity.path);
    let how = match budget {
        Budget::Turns => "a million turns went by without time moving",
        Budget::Rounds => {
            "all did nothing but yield a million times, and nothing is left to happen"
        }
    };
    format!(
        "{who} spins: {how}; a loop that waits for another greenlet must wait in a call, not poll"
    )
}
