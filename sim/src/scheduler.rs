//! Who runs next: off the tape, with a budget so that a spinning greenlet ends its run. A policy: it sees what
//! is in its [`Context`], and says whose turn it is.

use greenroom::hub::{GreenletId, Runnable, SwitchPoint, Turn};

use crate::choices::Choices;
use crate::host::Host;
use crate::id::{GreenletIndex, HostId};
use crate::world::Greenlet;
use crate::world::table::Table;

/// Turns at one instant after which nothing will ever move: somebody spins.
const TURNS_PER_INSTANT_MAX: u64 = 1_000_000;

/// Waits for what was there already, with nobody taking any of it, after which they count as
/// spinning.
const VAIN_WAITS_MAX: u32 = 8;

pub(crate) struct Scheduler {
    /// How often the default runs without a draw. Bugs differ in how many switches in a row they
    /// want, so each seed has its own.
    sticky_ppm: u32,
    turns: u64,
    instant_ns: u64,
    turns_this_instant: u64,
    /// Somebody waits for what is there: it yields once, and that takes no time.
    waits_for_ready: bool,
    vain_waits: u32,
    /// The greenlet that was to run when the budget ran out.
    pub(crate) spinning: Option<GreenletId>,
}

/// What a turn depends on, beside those who can run.
pub(crate) struct Context<'a> {
    pub(crate) now_ns: u64,
    /// The host of whoever runs is ahead of time (`net/loopback.rs`).
    pub(crate) is_ahead: bool,
    /// Somebody took what was there since the last turn. What an instant holds is finite, so that is no
    /// spinning.
    pub(crate) took: bool,
    pub(crate) greenlets: &'a mut Table<GreenletIndex, Greenlet>,
    pub(crate) hosts: &'a Table<HostId, Host>,
    pub(crate) choices: &'a mut Choices,
}

impl Scheduler {
    pub(crate) fn new(choices: &Choices) -> Scheduler {
        const STICKY_PPM: [u64; 4] = [0, 500_000, 900_000, 970_000];
        let at = choices.draw("sticky").below(STICKY_PPM.len() as u64) as usize;
        Scheduler {
            sticky_ppm: STICKY_PPM[at] as u32,
            turns: 0,
            instant_ns: 0,
            turns_this_instant: 0,
            waits_for_ready: false,
            vain_waits: 0,
            spinning: None,
        }
    }

    /// Somebody was told that what it would wait for is there.
    pub(crate) fn told_ready(&mut self) {
        self.waits_for_ready = true;
    }

    pub(crate) fn turns(&self) -> u64 {
        self.turns
    }

    #[inline(always)] // Into its only caller: what it is shown is not copied then.
    pub(crate) fn turn(&mut self, runnable: &Runnable<'_>, context: Context<'_>) -> Turn {
        self.turns += 1;
        if self.instant_ns != context.now_ns {
            self.instant_ns = context.now_ns;
            self.turns_this_instant = 0;
            self.vain_waits = 0;
        } else if context.took {
            self.vain_waits = 0;
        }
        self.turns_this_instant += 1;
        if self.turns_this_instant > TURNS_PER_INSTANT_MAX {
            self.spinning = Some(runnable.get(0));
            return Turn::Stop;
        }
        if runnable.point == SwitchPoint::Completed && context.is_ahead {
            return Turn::Yield;
        }
        if runnable.only_yielded() {
            return self.round_of_yields();
        }
        Turn::Run(self.pick(runnable, context))
    }

    /// All who could run have yielded: time may move on, but for those whose wait is over.
    fn round_of_yields(&mut self) -> Turn {
        if !std::mem::take(&mut self.waits_for_ready) || self.vain_waits >= VAIN_WAITS_MAX {
            return Turn::Advance;
        }
        self.vain_waits += 1;
        Turn::Poll
    }

    #[inline(always)] // As above.
    fn pick(&self, runnable: &Runnable<'_>, context: Context<'_>) -> usize {
        let default = GreenletIndex::from(runnable.get(0));
        let (greenlet, others) = context.greenlets.one_and_others(default);
        let (host, own) = (greenlet.host, (greenlet.entity.path, greenlet.entity.hash));
        // A greenlet alone on its machine has no rival, however many other machines have one.
        let alone = context.hosts[host].greenlets == 1;
        let count = if alone { 1 } else { runnable.len() };
        context.choices.pick_turn(&mut greenlet.entity, count, self.sticky_ppm, |at| {
            match others.get(runnable.get(at).into()) {
                None => Some(own),
                // Machines meet through the network only: their order within an instant is no
                // choice, and one machine more changes no turn of another.
                Some(other) => {
                    (other.host == host).then_some((other.entity.path, other.entity.hash))
                }
            }
        })
    }
}
