//! Drawing random programs.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::program::{Arrival, Op, Program};

const STREAMS: u8 = 2;
const ACTORS: usize = 4;
const LAST: u8 = 9;

pub fn programs() -> impl Strategy<Value = Program> {
    // A smaller seed is no smaller program.
    let seed = any::<u16>().no_shrink();
    (1..=STREAMS, vec(arrival(), 0..6), vec(vec(op(2), 0..7), 2..=ACTORS), seed).prop_map(
        |(streams, mut arrivals, mut actors, seed)| {
            arrivals.iter_mut().for_each(|arrival| arrival.stream %= streams);
            arrivals.sort_by_key(|arrival| (arrival.at, arrival.stream));
            // Two arrivals on a stream at one time are one; nothing comes after the end.
            arrivals.dedup_by_key(|arrival| (arrival.at, arrival.stream));
            let mut ended = [false; STREAMS as usize];
            arrivals.retain(|arrival| {
                let ended = &mut ended[usize::from(arrival.stream)];
                let comes = !*ended;
                *ended |= arrival.bytes == 0;
                comes
            });
            let count = actors.len() as u8;
            for (me, ops) in (0..).zip(&mut actors) {
                ops.iter_mut().for_each(|op| settle(op, streams, me, count));
            }
            Program { seed, streams, arrivals, actors }
        },
    )
}

/// Makes an operation name only what there is, and nobody kill themselves.
fn settle(op: &mut Op, streams: u8, me: u8, actors: u8) {
    match op {
        Op::Read { stream, .. }
        | Op::WaitRead { stream, .. }
        | Op::Wait { stream, .. }
        | Op::Cancel { stream, .. }
        | Op::Close(stream) => *stream %= streams,
        Op::Kill(actor) => *actor = (me + 1 + *actor % (actors - 1)) % actors,
        Op::Timeout(_, body) => body.iter_mut().for_each(|op| settle(op, streams, me, actors)),
        Op::Sleep(_) | Op::Yield | Op::Set | Op::Clear | Op::WaitSet { .. } => {}
    }
}

fn arrival() -> impl Strategy<Value = Arrival> {
    let bytes = prop_oneof![1 => Just(0u8), 6 => 1..=2u8];
    (1..=LAST, 0..STREAMS, bytes).prop_map(|(at, stream, bytes)| Arrival { at, stream, bytes })
}

fn op(depth: u32) -> BoxedStrategy<Op> {
    let (stream, within) = (|| 0..STREAMS, || option::of(0..5u8));
    let read = (stream(), 1..=3u8, option::of(1..5u8));
    let leaf = prop_oneof![
        3 => (0..5u8).prop_map(Op::Sleep),
        1 => Just(Op::Yield),
        6 => read.prop_map(|(stream, len, within)| Op::Read { stream, len, within }),
        3 => (stream(), within()).prop_map(|(stream, within)| Op::WaitRead { stream, within }),
        4 => (stream(), within()).prop_map(|(stream, within)| Op::Wait { stream, within }),
        3 => (stream(), option::of(0..3u8)).prop_map(|(stream, code)| Op::Cancel { stream, code }),
        1 => stream().prop_map(Op::Close),
        1 => (0..ACTORS as u8).prop_map(Op::Kill),
        2 => Just(Op::Set),
        1 => Just(Op::Clear),
        2 => within().prop_map(|within| Op::WaitSet { within }),
    ];
    if depth == 0 {
        return leaf.boxed();
    }
    let scope = (0..5u8, vec(op(depth - 1), 0..4)).prop_map(|(time, body)| Op::Timeout(time, body));
    prop_oneof![6 => leaf, 1 => scope].boxed()
}
