//! A program of two hosts has a player on each. They take turns: a step is played by the one whose socket
//! it is about, while the other's hub goes on by itself.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use greenroom::net::SockAddr;
use greenroom::thread::sleep;
use greenroom::time::Instant;

use super::super::across::sides_of;
use super::super::program::{Program, SLOTS};
use super::{Outcome, Player, World, words};

/// How often a player looks whether it is its turn.
const LOOK: Duration = Duration::from_micros(200);
/// A player who is not heard of for so long has come to an end.
const PATIENCE: Duration = Duration::from_secs(60);

/// Which step is the next, in an order that both players know.
#[derive(Default)]
pub struct Turns(AtomicUsize);

/// Plays the steps that are this side's; each with its outcome.
pub fn play_side(program: &Program, world: &World, turns: &Turns) -> Vec<(usize, Outcome)> {
    let mut player = Player::new(world);
    let mut outcomes = Vec::new();
    for (nth, (step, side)) in program.0.iter().zip(sides_of(program)).enumerate() {
        if side != world.side {
            continue;
        }
        if !turns.came_to(nth) {
            return outcomes;
        }
        let outcome = player.step(step).map_err(|error| words::said(&error));
        player.settle();
        player.tell_where_all_are();
        outcomes.push((nth, outcome));
        turns.0.store(nth + 1, Ordering::Release);
    }
    turns.came_to(program.0.len());
    player.leave();
    outcomes
}

impl Turns {
    /// Waits until the steps before this one are over; false if that takes too long.
    fn came_to(&self, nth: usize) -> bool {
        let start = Instant::now();
        while self.0.load(Ordering::Acquire) < nth {
            if start.elapsed() > PATIENCE {
                return false;
            }
            sleep(LOOK);
        }
        true
    }
}

impl Player<'_> {
    fn tell_where_all_are(&self) {
        for slot in (0..SLOTS).filter(|&slot| !self.world.side.is_not_of(slot)) {
            let local = self.local(slot).ok();
            self.world.common().locals[usize::from(slot)] = local;
        }
    }

    /// Where what is in a slot of the other host is.
    pub(super) fn told_of(&self, slot: u8) -> io::Result<SockAddr> {
        let local = self.world.common().locals[usize::from(slot)].clone();
        local.ok_or_else(|| io::Error::from_raw_os_error(libc::EBADF))
    }
}
