//! The wait table of a run that hangs: hosts by their names, what is known of a peer that is silent, and
//! who has no part in it.

use std::net::IpAddr;

use greenroom::driver::{Role, Stall, Stuck};
use greenroom::scenario::HostSpec;

use crate::hub::SimHub;
use crate::net::route::host_at;

/// The wait table with hosts by their names, and with what is known of a peer that will not answer.
pub(super) fn by_name(stall: &Stall, hub: &SimHub, hosts: &[HostSpec]) -> Stall {
    let mut stall = stall.clone();
    mark_idle(&mut stall.stuck, hub, hosts);
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

/// Marks those who have no part in what hangs: whom no client that is unfinished waits for, over however many
/// others.
fn mark_idle(stuck: &mut [Stuck], hub: &SimHub, hosts: &[HostSpec]) {
    let role = |it: &Stuck| hosts.get(it.host.0 as usize).map(|host| host.role);
    let is_root = |it: &Stuck| !it.greenlet.contains('/');
    let unfinished: Vec<u32> = stuck
        .iter()
        .filter(|it| is_root(it) && role(it) == Some(Role::Client))
        .map(|it| it.host.0)
        .collect();
    let mut has_part: Vec<bool> = stuck.iter().map(|it| unfinished.contains(&it.host.0)).collect();
    let mut next: Vec<usize> = (0..stuck.len()).filter(|&at| has_part[at]).collect();
    while let Some(at) = next.pop() {
        for other in waited_for(at, stuck, hub) {
            if !std::mem::replace(&mut has_part[other], true) {
                next.push(other);
            }
        }
    }
    for (it, has_part) in stuck.iter_mut().zip(has_part) {
        it.is_idle = !has_part && !unfinished.is_empty();
    }
}

/// Those who could let this one go on.
fn waited_for(at: usize, stuck: &[Stuck], hub: &SimHub) -> Vec<usize> {
    let it = &stuck[at];
    let all = 0..stuck.len();
    if let Some(name) = &it.waits_for {
        return all.filter(|&other| stuck[other].greenlet == *name).collect();
    }
    let host_of = |it: &Stuck| {
        let peer = it.peer?.ip().to_canonical();
        if peer.is_loopback() {
            return Some(it.host);
        }
        host_at(&hub.world, peer).map(Into::into)
    };
    match (it.peer, host_of(it)) {
        (Some(_), Some(peer)) => {
            let on_peer = |&other: &usize| stuck[other].host == peer;
            let answers = |&other: &usize| host_of(&stuck[other]) == Some(it.host);
            let serving: Vec<usize> = all.clone().filter(on_peer).filter(answers).collect();
            match serving.is_empty() {
                false => serving,
                // Whoever is to answer is held up by something else.
                true => {
                    all.filter(on_peer).filter(|&other| !awaits_anybody(&stuck[other])).collect()
                }
            }
        }
        (Some(_), None) => Vec::new(),
        // Whoever could come stands elsewhere, or is held up by what is no connection.
        (None, _) if awaits_anybody(it) || ["any", "all"].contains(&it.op) => {
            let is_held_up =
                |&other: &usize| stuck[other].peer.is_none() && !awaits_anybody(&stuck[other]);
            all.filter(is_held_up).collect()
        }
        // A notice may come from anybody on its host.
        (None, _) => all
            .filter(|&other| stuck[other].host == it.host && !awaits_anybody(&stuck[other]))
            .collect(),
    }
}

/// Whether it waits for whoever comes, as a server does.
fn awaits_anybody(it: &Stuck) -> bool {
    it.op == "accept" || it.op == "recv_from"
}
