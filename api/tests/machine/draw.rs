//! Drawing random programs.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::Offers;
use super::program::{Arrival, How, Op, Program};

const STREAMS: u8 = 2;
const ACTORS: usize = 4;
const CHILDREN: usize = 2;
const LAST: u8 = 9;

pub fn programs(offers: Offers) -> impl Strategy<Value = Program> {
    // A smaller seed is no smaller program.
    let seed = any::<u16>().no_shrink();
    let ends = (option::of(Just(())), option::of(Just(())));
    let timed = offers.time;
    let roots = vec(vec(op(2, timed), 0..7), 2..=ACTORS);
    let children = vec(vec(op(1, timed), 0..5), 0..=CHILDREN);
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
            settle_ops(&mut program);
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
fn settle_ops(program: &mut Program) {
    let mut actors = std::mem::take(&mut program.actors);
    let mut settling = Settling { program, count: actors.len() as u8, spawned: 0, me: 0 };
    for (me, ops) in (0..).zip(&mut actors) {
        settling.me = me;
        ops.iter_mut().for_each(|op| settling.settle(op));
    }
    // Whom nobody spawns is not in the program; those who name one of them name the last.
    let kept = program.roots + usize::from(settling.spawned);
    actors.truncate(kept);
    let last = kept as u8 - 1;
    actors.iter_mut().flatten().for_each(|op| rename(op, last));
    program.actors = actors;
}

struct Settling<'a> {
    program: &'a Program,
    count: u8,
    spawned: u8,
    me: u8,
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
                // What arrives where neither side is open any more is answered with a reset.
                let mut arrivals = self.program.arrivals.iter();
                if *how != How::Read && arrivals.any(|arrival| arrival.side == *stream) {
                    *how = How::Read;
                }
            }
            // Nobody kills or joins themselves.
            Op::Kill(actor) | Op::Join { actor, .. } => {
                *actor = (self.me + 1 + *actor % (self.count - 1)) % self.count;
            }
            Op::Unpark(actor) => *actor %= self.count,
            Op::Spawn(actor) => {
                // Each child is spawned once, and spawns nobody.
                if self.me < roots && roots + self.spawned < self.count {
                    *actor = roots + self.spawned;
                    self.spawned += 1;
                } else {
                    *op = Op::Yield;
                }
            }
            Op::Timeout(_, body) => body.iter_mut().for_each(|op| self.settle(op)),
            Op::Sleep(_)
            | Op::Yield
            | Op::Set
            | Op::Clear
            | Op::WaitSet { .. }
            | Op::Lock
            | Op::Unlock
            | Op::Park { .. }
            | Op::Panic => {}
        }
    }
}

fn rename(op: &mut Op, last: u8) {
    match op {
        Op::Kill(actor) | Op::Join { actor, .. } | Op::Unpark(actor) if *actor > last => {
            *op = Op::Yield;
        }
        Op::Timeout(_, body) => body.iter_mut().for_each(|op| rename(op, last)),
        _ => {}
    }
}

fn arrival() -> impl Strategy<Value = Arrival> {
    let count = prop_oneof![1 => Just(0u8), 6 => 1..=2u8];
    (1..=LAST, 0..STREAMS + 2, count).prop_map(|(at, side, count)| Arrival { at, side, count })
}

/// Where there is no time, a limit is nothing at all or for ever, and actors feed each other.
fn op(depth: u32, timed: bool) -> BoxedStrategy<Op> {
    let end = if timed { 5u8 } else { 1 };
    let (side, within, actor) =
        (|| 0..STREAMS + 2, move || option::of(0..end), || 0..(ACTORS + CHILDREN) as u8);
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
    let scope = (time, vec(op(depth - 1, timed), 0..4));
    prop_oneof![6 => leaf, 1 => scope.prop_map(|(time, body)| Op::Timeout(time, body))].boxed()
}
