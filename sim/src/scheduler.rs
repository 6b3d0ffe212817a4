//! Who runs next: off the tape, with a budget so that a spinning greenlet ends its run. A policy: it sees what
//! is in its [`Context`], and says whose turn it is.
//!
//! # Vain rounds
//!
//! A round in which all who could run merely yielded (`yield_now`, `sleep(0)`, a wait for what is there) is
//! vain. It takes [`VAIN_ROUND_NS`] of virtual time, twice as much each time that another follows it, up to
//! [`VAIN_ROUND_MAX_NS`]; whatever else anybody does makes the next one short again. An event that names
//! somebody ends it. So a loop that polls goes on soon after what it polls for, and its timeouts come.

mod queues;

use greenroom::hub::{GreenletId, Runnable, SwitchPoint, Turn};

use crate::choices::{Choices, Rival};
use crate::host::Host;
use crate::id::{GreenletIndex, HostId};
use crate::world::Greenlet;
use crate::world::table::Table;
use queues::Queues;

/// Turns at one instant, since a greenlet was last made there, after which nothing will ever move: somebody
/// spins.
const TURNS_PER_INSTANT_MAX: u64 = 1_000_000;
/// Greenlets made at one instant after which to make another is no progress: a loop does it.
const BORN_PER_INSTANT_MAX: u64 = 2_000_000;

/// What the first of several vain rounds takes.
const VAIN_ROUND_NS: u64 = 1_000;
/// What a vain round takes at most.
const VAIN_ROUND_MAX_NS: u64 = 1_000_000;
/// What a round takes at most in which somebody gave way for time to catch up with its host: the event that
/// says so comes before, unless the host is gone.
const CATCHING_UP_MAX_NS: u64 = 100_000_000;
/// Vain rounds in a row, with nothing left to happen, after which nothing ever will: somebody spins.
const VAIN_ROUNDS_MAX: u32 = 1_000_000;

/// So few who can run are looked through; of more, those of the host are found.
const FEW: usize = 16;

pub(crate) struct Scheduler {
    /// How often the default runs without a draw. Bugs differ in how many switches in a row they
    /// want, so each seed has its own.
    sticky_ppm: u32,
    turns: u64,
    instant_ns: u64,
    turns_this_instant: u64,
    born_this_instant: u64,
    /// Vain rounds since anybody did anything else.
    vain_rounds: u32,
    /// Of those, the last ones in which nothing was left to happen.
    hopeless_rounds: u32,
    /// Somebody gave way because its host is ahead of time.
    gave_way: bool,
    queues: Queues,
    /// Who was to run when a budget ran out, and which.
    pub(crate) spinning: Option<(GreenletId, Budget)>,
}

/// What a run that makes no progress runs out of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Budget {
    /// Turns at one instant, since a greenlet was last made there.
    Turns,
    /// Vain rounds with nothing left to happen.
    Rounds,
}

/// What a turn depends on, beside those who can run.
pub(crate) struct Context<'a> {
    pub(crate) now_ns: u64,
    /// The host of whoever runs is ahead of time (`net/loopback.rs`).
    pub(crate) is_ahead: bool,
    /// Somebody did something other than to yield, or to look at what is there, since the last turn.
    pub(crate) stirred: bool,
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
            born_this_instant: 0,
            vain_rounds: 0,
            hopeless_rounds: 0,
            gave_way: false,
            queues: Queues::default(),
            spinning: None,
        }
    }

    pub(crate) fn turns(&self) -> u64 {
        self.turns
    }

    /// A greenlet was made. Who makes some and joins them gets on, though no time passes.
    pub(crate) fn born(&mut self) {
        self.born_this_instant += 1;
        if self.born_this_instant <= BORN_PER_INSTANT_MAX {
            self.turns_this_instant = 0;
        }
    }

    #[inline(always)] // Into its only caller: what it is shown is not copied then.
    pub(crate) fn turn(&mut self, runnable: &Runnable<'_>, context: Context<'_>) -> Turn {
        self.turns += 1;
        if self.instant_ns != context.now_ns {
            self.instant_ns = context.now_ns;
            self.turns_this_instant = 0;
            self.born_this_instant = 0;
        }
        if context.stirred {
            self.vain_rounds = 0;
        }
        // Who is preempted before a call would have gone on: a long loop of calls is no spinning.
        self.turns_this_instant += u64::from(runnable.point != SwitchPoint::Unasked);
        if self.turns_this_instant > TURNS_PER_INSTANT_MAX {
            return self.give_up(runnable, Budget::Turns);
        }
        if runnable.point == SwitchPoint::Completed && context.is_ahead {
            self.gave_way = true;
            return Turn::Yield;
        }
        if runnable.only_yielded() {
            return match self.hopeless_rounds {
                VAIN_ROUNDS_MAX.. => self.give_up(runnable, Budget::Rounds),
                _ => Turn::Advance,
            };
        }
        Turn::Run(self.pick(runnable, context).unwrap_or(0))
    }

    fn give_up(&mut self, runnable: &Runnable<'_>, budget: Budget) -> Turn {
        self.spinning = Some((runnable.get(0), budget));
        Turn::Stop
    }

    /// How much time the round takes in which all merely yielded: at most, for an event that names somebody
    /// ends it.
    pub(crate) fn round_lasts_ns(&mut self, is_hopeless: bool) -> u64 {
        if std::mem::take(&mut self.gave_way) {
            return CATCHING_UP_MAX_NS;
        }
        let lasts_ns = VAIN_ROUND_NS << self.vain_rounds.min(10);
        self.vain_rounds = self.vain_rounds.saturating_add(1);
        let is_next = is_hopeless && self.vain_rounds > 1;
        self.hopeless_rounds = if is_next { self.hopeless_rounds + 1 } else { 0 };
        lasts_ns.min(VAIN_ROUND_MAX_NS)
    }

    #[inline(always)] // As above.
    fn pick(&mut self, runnable: &Runnable<'_>, context: Context<'_>) -> Option<usize> {
        let Context { greenlets, hosts, choices, .. } = context;
        let default = GreenletIndex::from(runnable.get(0));
        let host = greenlets[default].host;
        // A greenlet alone on its machine has no rival, however many other machines have one.
        if hosts[host].greenlets == 1 || runnable.len() == 1 {
            choices.no_turn(&mut greenlets[default].entity);
            return None;
        }
        let (greenlet, others) = greenlets.one_and_others(default);
        // Machines meet through the network only: their order within an instant is no choice, and one machine
        // more changes no turn of another.
        let rival = |at: usize| {
            let other = others.get(runnable.get(at).into()).filter(|other| other.host == host)?;
            Some(Rival { at, path: other.entity.path, hash: other.entity.hash })
        };
        if runnable.len() <= FEW {
            let rivals = || (1..runnable.len()).filter_map(rival);
            return choices.pick_turn(&mut greenlet.entity, self.sticky_ppm, rivals);
        }
        choices.pick_turn(&mut greenlet.entity, self.sticky_ppm, || {
            let host_of = |id| others.get(id).map_or(host, |other| other.host);
            self.queues.look(runnable, host_of);
            self.queues.of(host, runnable).filter_map(rival)
        })
    }
}
