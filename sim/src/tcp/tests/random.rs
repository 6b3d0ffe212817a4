//! Properties: whatever the wire does, a stream arrives whole and in order; whatever arrives, nobody
//! panics or talks for ever.

use proptest::prelude::*;

use super::*;
use crate::tcp::Flags;

#[derive(Clone, Debug)]
enum Op {
    Send(usize, usize),
    Recv(usize, usize),
    Shutdown(usize),
    Run(u64),
    Weather { loss: u64, twice: u64, jitter_ms: u64 },
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => (0..2_usize, 1..20_000_usize).prop_map(|(side, len)| Op::Send(side, len)),
        4 => (0..2_usize, 1..20_000_usize).prop_map(|(side, len)| Op::Recv(side, len)),
        1 => (0..2_usize).prop_map(Op::Shutdown),
        5 => (0..2_000_u64).prop_map(|ms| Op::Run(ms * MS)),
        2 => (0..60_u64, 0..30_u64, 0..50_u64)
            .prop_map(|(loss, twice, jitter_ms)| Op::Weather { loss, twice, jitter_ms }),
    ]
}

fn config() -> impl Strategy<Value = Config> {
    let sizes = (1..3000_u32, 1..60_000_u32, 30..60_000_u32);
    let on = any::<bool>();
    (sizes, on, on, on, on).prop_map(
        |((mss, send, recv), congestion_control, nagle, late, grows)| {
            // A connection that gives up is no bug; here the wire always heals before that.
            let default =
                Config { retries: 1000, syn_retries: 30, urgent_inline: true, ..Config::default() };
            let ack_delay_ns = if late { default.ack_delay_ns } else { 0 };
            let told = Config { mss, congestion_control, nagle, ack_delay_ns, ..default };
            match grows {
                true => Config { send_buffer: send, recv_buffer: recv, ..told },
                false => told.with_buffers(Some(send), Some(recv)),
            }
        },
    )
}

/// The byte at a position of a side's stream.
fn byte(side: usize, at: usize) -> u8 {
    (at.wrapping_mul(31) ^ (at >> 8).wrapping_mul(17) ^ side.wrapping_mul(91)) as u8
}

/// A wire whose dice are a linear congruence, so that a case is its numbers.
fn weather(pair: &mut Pair, mut dice: u64, loss: u64, twice: u64, jitter_ms: u64) {
    let mut roll = move |sides: u64| {
        dice = dice.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (dice >> 33) % sides.max(1)
    };
    pair.fate(move |_, _| {
        let copies = if roll(100) < loss { 0 } else { 1 + usize::from(roll(100) < twice) };
        (0..copies).map(|_| 5 * MS + roll(jitter_ms) * MS).collect()
    });
}

struct Stream {
    sent: [usize; 2],
    got: [usize; 2],
    shut: [bool; 2],
    eof: [bool; 2],
}

impl Stream {
    fn send(&mut self, pair: &mut Pair, side: usize, len: usize) {
        if self.shut[side] || pair.sides[side].is_none() {
            return;
        }
        let from = self.sent[side];
        let data: Vec<u8> = (from..from + len).map(|at| byte(side, at)).collect();
        // Among the others (SO_OOBINLINE) an urgent byte is one of them.
        let sent = match len % 3 {
            0 => pair.side(side).send_urgent(&data),
            _ => pair.side(side).send(&data),
        };
        pair.flush();
        match sent {
            Ok(taken) => self.sent[side] += taken,
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
        }
    }

    fn recv(&mut self, pair: &mut Pair, side: usize, len: usize) {
        if pair.sides[side].is_none() {
            return;
        }
        let peer = 1 - side;
        match pair.recv(side, len) {
            Ok(bytes) if bytes.is_empty() => {
                assert!(self.shut[peer], "EOF without FIN");
                assert_eq!(self.got[side], self.sent[peer], "EOF before the end");
                self.eof[side] = true;
            }
            Ok(bytes) => {
                for (i, b) in bytes.iter().enumerate() {
                    assert_eq!(*b, byte(peer, self.got[side] + i));
                }
                self.got[side] += bytes.len();
            }
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
        }
    }

    fn shut(&mut self, pair: &mut Pair, side: usize) {
        if pair.state(side) != State::Closed && pair.state(side).is_synchronized() {
            let _ = pair.shutdown(side, false, true);
            self.shut[side] = true;
        }
    }
}

proptest! {
    // A case that fails by what it costs is slow to shrink.
    #![proptest_config(ProptestConfig {
        max_shrink_time: 30_000,
        ..ProptestConfig::with_cases(cases())
    })]

    #[test]
    fn any_weather_delivers_the_stream(
        configs in [config(), config()],
        seed in any::<u64>(),
        ops in prop::collection::vec(op(), 1..60),
    ) {
        let mut pair = Pair::connecting(configs);
        let mut stream = Stream { sent: [0; 2], got: [0; 2], shut: [false; 2], eof: [false; 2] };
        for (i, op) in ops.into_iter().enumerate() {
            match op {
                Op::Send(side, len) => stream.send(&mut pair, side, len),
                Op::Recv(side, len) => stream.recv(&mut pair, side, len),
                Op::Shutdown(side) => stream.shut(&mut pair, side),
                Op::Run(ns) => pair.run(ns),
                Op::Weather { loss, twice, jitter_ms } => {
                    weather(&mut pair, seed ^ i as u64, loss, twice, jitter_ms);
                }
            }
        }
        weather(&mut pair, seed, 0, 0, 0);
        let mut rounds = 0;
        while stream.eof != [true; 2] {
            pair.run(SECOND);
            for side in 0..2 {
                stream.shut(&mut pair, side);
                stream.recv(&mut pair, side, 1 << 20);
            }
            rounds += 1;
            prop_assert!(rounds < 3000, "stuck: {:?}\n{}", pair.sides, pair.tail());
        }
        prop_assert_eq!(stream.got, [stream.sent[1], stream.sent[0]]);
        pair.run(300 * SECOND);
        let states = [pair.state(0), pair.state(1)];
        prop_assert!(states.iter().all(|state| *state == State::Closed), "{:?}", states);
        prop_assert_eq!([pair.so_error(0), pair.so_error(1)], [0, 0]);
    }

    #[test]
    fn any_ending_ends(
        configs in [config(), config()],
        seed in any::<u64>(),
        ops in prop::collection::vec(op(), 1..30),
        endings in [(0..30_usize, 0..3_u32), (0..30_usize, 0..3_u32)],
    ) {
        let mut pair = Pair::connecting(configs);
        let mut ended = [false; 2];
        for (i, op) in ops.into_iter().enumerate() {
            for side in 0..2 {
                if endings[side].0 == i && pair.sides[side].is_some() {
                    ended[side] = true;
                    if endings[side].1 == 0 { pair.abort(side) } else { pair.close(side) }
                }
            }
            match op {
                Op::Send(side, len) if !ended[side] && pair.sides[side].is_some() => {
                    let _ = pair.send(side, &vec![1; len]);
                }
                Op::Recv(side, len) if !ended[side] && pair.sides[side].is_some() => {
                    let _ = pair.recv(side, len);
                }
                Op::Run(ns) => pair.run(ns),
                Op::Weather { loss, twice, jitter_ms } => {
                    weather(&mut pair, seed ^ i as u64, loss, twice, jitter_ms);
                }
                _ => {}
            }
        }
        weather(&mut pair, seed, 0, 0, 0);
        pair.listening = false;
        for side in 0..2 {
            if pair.sides[side].is_some() {
                pair.close(side);
            }
        }
        pair.run(600 * SECOND);
        prop_assert!(pair.sides.iter().all(Option::is_none), "{:?}\n{}", pair.sides, pair.tail());
    }

    #[test]
    fn any_segment_is_survived(
        configs in [config(), config()],
        opened in any::<bool>(),
        shut in (0..6_u32),
        garbage in prop::collection::vec(garbage(), 1..40),
    ) {
        let mut pair = Pair::connecting(configs);
        if opened {
            pair.settle();
        }
        let _ = pair.send(0, &[1; 5000]);
        match shut {
            0 => { let _ = pair.shutdown(0, false, true); }
            1 => { let _ = pair.shutdown(0, true, true); }
            2 => pair.close(0),
            _ => {}
        }
        let mut buf = [0; 700];
        for (segment, payload, wait) in garbage {
            let Some(connection) = &mut pair.sides[0] else { break };
            connection.handle_segment(pair.now, &segment, &vec![9; payload]);
            let _ = connection.recv(&mut buf);
            let _ = connection.send(&buf);
            let _ = (connection.readiness(), connection.unsent(), connection.unacked());
            pair.flush();
            pair.wire.clear();
            pair.now += wait;
            let Some(connection) = &mut pair.sides[0] else { break };
            for _ in 0..50 {
                if connection.poll_timeout().is_some_and(|at| at <= pair.now) {
                    connection.handle_timeout(pair.now);
                }
            }
            prop_assert!(connection.poll_timeout().is_none_or(|at| at > pair.now));
            pair.flush();
            pair.wire.clear();
        }
    }
}

/// Segments near the positions of the pair's client (ISN 1000, peer's 5010 ms), and far from them.
fn garbage() -> impl Strategy<Value = (Segment, usize, u64)> {
    let peer = 5000 + 10 * MS;
    let seq = prop_oneof![4 => peer - 5..peer + 9000, 1 => any::<u64>(), 1 => Just(u64::MAX)];
    let ack = prop_oneof![4 => 995..9000_u64, 1 => any::<u64>(), 1 => Just(u64::MAX)];
    let window = prop_oneof![2 => 0..9000_u32, 1 => any::<u32>()];
    let bits = prop::bits::u8::masked(31);
    let wait = prop_oneof![Just(0), 0..200 * SECOND];
    (seq, ack, window, bits, 0..2000_usize, wait).prop_map(
        |(seq, ack, window, bits, payload, wait)| {
            let flags = Flags {
                syn: bits & 3 == 3,
                ack: bits & 4 != 0 || bits & 1 == 0,
                fin: bits & 8 != 0,
                rst: bits & 18 == 18,
                psh: false,
            };
            let sack = [(payload as u32, window), (bits.into(), payload as u32), (0, 0)];
            // Near, where there is one.
            let urgent = if bits & 6 == 6 { payload as u16 } else { 0 };
            (
                Segment { seq, ack, flags, window, urgent, sack, len: 0 },
                payload * usize::from(bits & 2 != 0),
                wait,
            )
        },
    )
}

fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(200)
}
