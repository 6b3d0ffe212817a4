//! Drawing random programs.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::Offers;
use super::program::{Arrival, How, KIN, Op, Program};

const STREAMS: u8 = 2;
const ACTORS: usize = 4;
/// As many at most are spawned by an operation, and as many by one scope.
const CHILDREN: usize = 2;
const LAST: u8 = 9;

pub fn programs(offers: Offers) -> impl Strategy<Value = Program> {
    // A smaller seed is no smaller program.
    let seed = any::<u16>().no_shrink();
    let ends = (option::of(Just(())), option::of(Just(())));
    let timed = offers.time;
    let roots = vec(vec(op(2, timed, false), 0..7), 2..=ACTORS);
    let children = vec(vec(op(1, timed, false), 0..5), 0..=CHILDREN);
    (1..=STREAMS, ends, vec(arrival(), 0..6), roots, children, seed).prop_map(
        move |(streams, (writes, accepts), arrivals, mut actors, children, seed)| {
            let roots = actors.len();
            actors.extend(children);
            let mut program = Program {
                seed,
                streams,
                writes: offers.writes && writes.is_some(),
                accepts: offers.accepts && accepts.is_some(),
                arrivals: if timed { arrivals } else { Vec::new() },
                roots,
                actors,
            };
            settle_arrivals(&mut program);
            settle_ops(&mut program, timed);
            program
        },
    )
}

/// Two arrivals on a side at one time are one, and nothing comes after the end.
fn settle_arrivals(program: &mut Program) {
    let (sides, streams) = (program.sides(), program.streams);
    let arrivals = &mut program.arrivals;
    for arrival in arrivals.iter_mut() {
        arrival.side %= sides;
        // Only streams end.
        arrival.count += u8::from(arrival.count == 0 && arrival.side >= streams);
    }
    arrivals.sort_by_key(|arrival| (arrival.at, arrival.side));
    arrivals.dedup_by_key(|arrival| (arrival.at, arrival.side));
    let mut ended = vec![false; usize::from(sides)];
    arrivals.retain(|arrival| {
        let ended = &mut ended[usize::from(arrival.side)];
        let comes = !*ended;
        *ended |= arrival.count == 0;
        comes
    });
}

/// Makes operations name only what there is.
fn settle_ops(program: &mut Program, timed: bool) {
    let mut actors = std::mem::take(&mut program.actors);
    let mut settling = Settling { program, count: actors.len() as u8, spawned: 0, me: None, timed };
    for (me, ops) in (0..).zip(&mut actors) {
        settling.me = Some(me);
        ops.iter_mut().for_each(|op| settling.settle(op));
    }
    // Whom nobody spawns is not in the program; those who name one of them name the last.
    let kept = program.roots + usize::from(settling.spawned);
    actors.truncate(kept);
    let mut naming = Naming { kept: kept as u8, next: kept as u8, family: None };
    actors.iter_mut().flatten().for_each(|op| naming.rename(op));
    program.actors = actors;
}

struct Settling<'a> {
    program: &'a Program,
    count: u8,
    spawned: u8,
    /// Who performs it; a child of a scope has no number yet.
    me: Option<u8>,
    timed: bool,
}

impl Settling<'_> {
    fn settle(&mut self, op: &mut Op) {
        let (sides, roots) = (self.program.sides(), self.program.roots as u8);
        match op {
            Op::Take { side, .. }
            | Op::WaitReady { side, .. }
            | Op::Wait { side, .. }
            | Op::Cancel { side, .. }
            | Op::Close(side) => *side %= sides,
            Op::Feed { side, .. } => *side %= self.program.streams,
            Op::Shutdown { stream, how } => {
                *stream %= self.program.streams;
                if !self.timed {
                    *how = if *stream == 0 { How::Read } else { How::Write };
                }
                // What arrives where neither side is open any more is answered with a reset.
                let mut arrivals = self.program.arrivals.iter();
                if *how != How::Read && arrivals.any(|arrival| arrival.side == *stream) {
                    *how = How::Read;
                }
            }
            Op::Kill(actor) | Op::Join { actor, .. } | Op::Unpark(actor) if *actor >= KIN => {}
            // Nobody kills or joins themselves.
            Op::Kill(actor) | Op::Join { actor, .. } => {
                *actor = match self.me {
                    Some(me) => (me + 1 + *actor % (self.count - 1)) % self.count,
                    None => *actor % self.count,
                };
            }
            Op::Unpark(actor) => *actor %= self.count,
            Op::Spawn(actor) => {
                // Each child is spawned once, and spawns nobody.
                if self.me.is_some_and(|me| me < roots) && roots + self.spawned < self.count {
                    *actor = roots + self.spawned;
                    self.spawned += 1;
                } else {
                    *op = Op::Yield;
                }
            }
            Op::Timeout(_, body) => body.iter_mut().for_each(|op| self.settle(op)),
            Op::Scope { children, body, .. } => {
                body.iter_mut().for_each(|op| self.settle(op));
                let me = self.me.take();
                children.iter_mut().flatten().for_each(|op| self.settle(op));
                self.me = me;
            }
            Op::Sleep(_)
            | Op::Yield
            | Op::Set
            | Op::Clear
            | Op::WaitSet { .. }
            | Op::Lock
            | Op::Unlock
            | Op::Park { .. }
            | Op::ScopeEnd
            | Op::Panic => {}
        }
    }
}

/// Numbers the children of scopes, after all others, and names them.
struct Naming {
    /// So many are no children of scopes.
    kept: u8,
    next: u8,
    /// The first child and the number of children of the innermost scope around.
    family: Option<(u8, u8)>,
}

impl Naming {
    fn rename(&mut self, op: &mut Op) {
        match op {
            Op::Kill(actor) | Op::Join { actor, .. } | Op::Unpark(actor) if *actor >= KIN => {
                let (first, count) = self.family.expect("only in a scope they are named so");
                *actor = first + (*actor - KIN) % count;
            }
            Op::Kill(actor) | Op::Join { actor, .. } | Op::Unpark(actor) if *actor >= self.kept => {
                *op = Op::Yield;
            }
            Op::Timeout(_, body) => body.iter_mut().for_each(|op| self.rename(op)),
            Op::Scope { first, children, body } => {
                let count = children.len() as u8;
                *first = self.next;
                self.next += count;
                let around = self.family.replace((*first, count));
                body.iter_mut().for_each(|op| self.rename(op));
                self.family = None;
                children.iter_mut().flatten().for_each(|op| self.rename(op));
                self.family = around;
            }
            _ => {}
        }
    }
}

fn arrival() -> impl Strategy<Value = Arrival> {
    let count = prop_oneof![1 => Just(0u8), 6 => 1..=2u8];
    (1..=LAST, 0..STREAMS + 2, count).prop_map(|(at, side, count)| Arrival { at, side, count })
}

/// Where there is no time, a limit is nothing at all or for ever, and actors feed each other.
/// Inside a scope's body, what names an actor may name its children.
fn op(depth: u32, timed: bool, in_scope: bool) -> BoxedStrategy<Op> {
    let end = if timed { 5u8 } else { 1 };
    let (side, within) = (|| 0..STREAMS + 2, move || option::of(0..end));
    let kin = if in_scope { 2 } else { 0 };
    let actor =
        move || prop_oneof![1 => 0..(ACTORS + CHILDREN) as u8, kin => KIN..KIN + CHILDREN as u8];
    let limit = if timed { option::of(1..5u8).boxed() } else { Just(None).boxed() };
    let how = prop_oneof![3 => Just(How::Read), 1 => Just(How::Write), 1 => Just(How::Both)];
    let sources = prop_oneof![
        6 => (side(), 1..=3u8, limit)
            .prop_map(|(side, len, within)| Op::Take { side, len, within }),
        3 => (side(), within()).prop_map(|(side, within)| Op::WaitReady { side, within }),
        4 => (side(), within()).prop_map(|(side, within)| Op::Wait { side, within }),
        3 => (side(), option::of(0..3u8)).prop_map(|(side, code)| Op::Cancel { side, code }),
        1 => side().prop_map(Op::Close),
        1 => (side(), how).prop_map(|(stream, how)| Op::Shutdown { stream, how }),
    ];
    let others = prop_oneof![
        3 => (0..end).prop_map(Op::Sleep),
        1 => Just(Op::Yield),
        1 => actor().prop_map(Op::Kill),
        2 => Just(Op::Set),
        1 => Just(Op::Clear),
        2 => within().prop_map(|within| Op::WaitSet { within }),
        2 => Just(Op::Lock),
        2 => Just(Op::Unlock),
        1 => within().prop_map(|within| Op::Park { within }),
        1 => actor().prop_map(Op::Unpark),
        1 => actor().prop_map(Op::Spawn),
        1 => (actor(), within()).prop_map(|(actor, within)| Op::Join { actor, within }),
    ];
    let feeds = (side(), prop_oneof![1 => Just(0u8), 6 => 1..=2u8]);
    let leaf = prop_oneof![
        18 => sources,
        16 => others,
        // Rare: what an actor would have done next is lost with it.
        1 => Just(Op::Panic),
        if timed { 0 } else { 8 } => feeds.prop_map(|(side, count)| Op::Feed { side, count }),
    ];
    if depth == 0 {
        return leaf.boxed();
    }
    let time = if timed { (0..5u8).boxed() } else { prop_oneof![Just(0u8), Just(4u8)].boxed() };
    let timeout = (time, vec(op(depth - 1, timed, in_scope), 0..4));
    let children = vec(vec(op(depth - 1, timed, false), 0..4), 1..=CHILDREN);
    let scope = (children, vec(op(depth - 1, timed, true), 0..3));
    prop_oneof![
        12 => leaf,
        2 => timeout.prop_map(|(time, body)| Op::Timeout(time, body)),
        1 => scope.prop_map(|(children, body)| Op::Scope { first: 0, children, body }),
    ]
    .boxed()
}
