//! What a run's end means: the first thing that went wrong, said with names.

use std::io;
use std::net::IpAddr;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::Ordering;

use greenroom::check::Shared;
use greenroom::driver::{self, Ending, Stall, Stop};
use greenroom::scenario::Stage;

use super::outcome::Outcome;
use crate::hub::SimHub;
use crate::scheduler::Budget;

/// The first thing that went wrong, the most telling kind first.
pub(super) fn outcome_of(
    ending: &Ending,
    hub: &SimHub,
    errors: &Shared<Vec<(String, io::Error)>>,
    stage: &mut Stage,
) -> Outcome {
    if hub.disturbed.0.load(Ordering::Acquire) {
        let what = "a thread outside the simulation took part in it";
        return Outcome::Nondeterministic(what.into());
    }
    if let Some(name) = hub.world.violations.first() {
        return Outcome::Violated(name.clone(), String::new());
    }
    if let Some(panicked) = ending.panics.first() {
        return Outcome::Panicked(panicked.greenlet.clone(), panicked.message.clone());
    }
    if let Some((host, error)) = errors.with(|all| all.drain(..).next()) {
        return Outcome::Violated(format!("{host} ends without an error"), error.to_string());
    }
    match &ending.stop {
        Stop::Done => {}
        Stop::Deadlock(stall) => return Outcome::Deadlocked(by_name(stall, hub)),
        Stop::Halted(_) if hub.out_of_time => {
            return Outcome::Stuck("virtual time ran out: clients still run after a day".into());
        }
        Stop::Halted(_) => return Outcome::Stuck(spinning(hub)),
        Stop::Failed(error) => return Outcome::Stuck(format!("the hub failed: {error}")),
    }
    for (name, judge) in stage.judges.drain(..) {
        match panic::catch_unwind(AssertUnwindSafe(judge)) {
            Ok(Ok(())) => {}
            Ok(Err(what)) => return Outcome::Violated(name, what),
            Err(payload) => {
                let what = driver::panic_message(&*payload);
                return Outcome::Violated(name, format!("its judge panicked: {what}"));
            }
        }
    }
    Outcome::Held
}

/// The wait table with hosts by their names, and with what is known of a peer that will not answer.
fn by_name(stall: &Stall, hub: &SimHub) -> Stall {
    let mut stall = stall.clone();
    for stuck in &mut stall.stuck {
        for host in hub.world.hosts.iter() {
            let mut is_peer = false;
            for ip in host.addresses() {
                let (address, name) = match ip {
                    IpAddr::V4(ip) => (format!("{ip}:"), format!("{}:", host.name)),
                    IpAddr::V6(ip) => (format!("[{ip}]:"), format!("[{}]:", host.name)),
                };
                is_peer |= stuck.on.contains(&format!("from {address}"));
                stuck.on = stuck.on.replace(&address, &name);
            }
            if let (true, Some(down_ns)) = (is_peer, host.down_ns) {
                let since = crate::choices::Ns(down_ns);
                stuck.on.push_str(&format!(" ({} has no power since {since})", host.name));
            }
        }
    }
    stall
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
