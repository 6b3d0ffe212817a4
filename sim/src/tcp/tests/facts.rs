//! What a connection counts of itself, against the wire.

use std::cell::Cell;
use std::rc::Rc;

use proptest::prelude::*;

use super::*;

/// What one side put on the wire.
#[derive(Clone, Copy, Default)]
struct Seen {
    segments: u32,
    again: u32,
    /// Behind the last position that was sent.
    end: u64,
}

impl Seen {
    fn take(&mut self, segment: &Segment) {
        let end = segment.end(segment.len as usize);
        let has_positions = end > segment.seq;
        self.segments += 1;
        self.again += u32::from(has_positions && segment.seq < self.end);
        self.end = self.end.max(end);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn counts_are_those_of_the_wire(
        dice in any::<u64>(),
        loss in 0..30_u64,
        lengths in proptest::collection::vec(1..40_000_usize, 1..6),
    ) {
        let config = Config { retries: 1000, syn_retries: 30, ..Config::default() };
        let mut pair = Pair::connecting([config.clone(), config]);
        // The first SYN left before anybody looked.
        let first = Seen { segments: 1, again: 0, end: 1001 };
        let seen: Rc<[Cell<Seen>; 2]> = Rc::new([Cell::new(first), Cell::default()]);
        let (on_wire, mut dice) = (seen.clone(), dice);
        pair.fate(move |to, segment| {
            let mut from = on_wire[1 - to].get();
            from.take(segment);
            on_wire[1 - to].set(from);
            dice = dice.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            if (dice >> 33) % 100 < loss { vec![] } else { vec![5 * MS] }
        });
        pair.settle();
        if pair.sides[1].is_none() {
            // Its listener gave up before the last of the handshake came.
            return Ok(());
        }
        let syn_acks = seen[1].get().segments;
        let (mut sent, mut received) = (0, 0);
        for length in lengths {
            sent += pair.send(0, &vec![7; length]).unwrap_or(0);
            pair.settle();
            received += pair.recv(1, usize::MAX >> 40).map_or(0, |bytes| bytes.len());
            pair.settle();
        }
        while let Ok(bytes) = pair.recv(1, 1 << 20) {
            received += bytes.len();
            pair.settle();
        }
        prop_assert_eq!(sent, received);
        let (client, server) = (pair.side(0).facts(), pair.side(1).facts());
        // The client's SYN is one more.
        prop_assert_eq!(client.acked, received as u64 + 1);
        prop_assert_eq!((server.received, server.acked), (received as u64, 0));
        prop_assert_eq!(client.segs_out, seen[0].get().segments);
        prop_assert_eq!(client.sent_again, seen[0].get().again);
        prop_assert_eq!(server.segs_out, seen[1].get().segments - syn_acks);
        prop_assert_eq!((client.unsent, client.timeouts), (0, 0));
        prop_assert_eq!(pair.side(0).to_acknowledge(), 0);
    }
}

#[test]
fn timeouts_in_a_row_are_counted_until_the_peer_is_heard() {
    let mut pair = Pair::new();
    pair.fate(|_, _| vec![]);
    pair.send(0, b"lost").unwrap();
    pair.run(3 * SECOND);
    let facts = pair.side(0).facts();
    assert!(facts.timeouts >= 3 && facts.sent_again == facts.timeouts, "{facts:?}");
    assert_eq!(pair.side(0).to_acknowledge(), 4);
    pair.fate(|_, _| vec![10 * MS]);
    pair.settle();
    assert_eq!(pair.side(0).facts().timeouts, 0);
    assert_eq!(pair.side(0).to_acknowledge(), 0);
}

#[test]
fn an_end_behind_unsent_bytes_is_unsent_too() {
    let mut pair = Pair::small_window(2000);
    let sent = pair.send(0, &[7; 10_000]).unwrap();
    pair.run(SECOND);
    let there = pair.side(1).to_read();
    pair.shutdown(0, false, true).unwrap();
    let facts = pair.side(0).facts();
    assert_eq!(facts.state, State::FinWait1);
    assert_eq!(facts.unsent, (sent - there) as u64 + 1);
    assert_eq!(pair.side(0).to_acknowledge(), sent - there + 1);
}
