//! Looking for programs that the two hubs see differently, and making what is found small.

use std::fmt;
use std::time::Duration;

use proptest::strategy::{BoxedStrategy, Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::across::Far;
use super::draw::{self, across, ports};
use super::play::Outcome;
use super::program::{Call, Data, Op, Program, Step};
use super::stage::{self, Manner};

/// The system may deliver late on a busy machine: only what differs however much time it is given
/// does. In the last, calls that the system tells of nothing are tried again, see `retries`.
const SETTLE_MS: [u64; 3] = [0, 1, 40];
/// Between two hosts the marks of one are none of the other. The longest is more than an
/// acknowledgment waits for something to ride on.
const SETTLE_ACROSS_MS: [u64; 3] = [2, 10, 100];

/// Where programs are played.
pub enum Ground {
    /// One host.
    Loopback,
    /// Likewise, with four ports to give out.
    FewPorts,
    /// Two hosts: what is not this namespace.
    Across(Far),
}

/// The ports of a host that has few of them.
pub const FEW_PORTS: (u16, u16) = (42_000, 42_003);

/// Whether what is free by law is written alike.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Leniency {
    None,
    OfLaw,
}

impl Ground {
    fn settle_ms(&self) -> &'static [u64] {
        match self {
            Ground::Loopback | Ground::FewPorts => &SETTLE_MS,
            Ground::Across(_) => &SETTLE_ACROSS_MS,
        }
    }

    /// The outcomes on the system, and in the simulator.
    pub fn play(
        &self,
        program: &Program,
        ms: u64,
        leniency: Leniency,
    ) -> (Vec<Outcome>, Vec<Outcome>) {
        let is_lenient = leniency == Leniency::OfLaw;
        let manner =
            |ms| Manner { settle: Duration::from_millis(ms), is_lenient, ..Manner::default() };
        match self {
            // Whatever is under way on one host is there after a millisecond of its time, but for what
            // a timer holds back.
            Ground::Loopback => {
                let in_sim = if program.waits_for_timers() { ms.max(1) } else { 1 };
                (stage::on_real(program, manner(ms)), stage::in_sim(program, manner(in_sim)))
            }
            Ground::FewPorts => {
                let few = Manner { ports: Some(FEW_PORTS), ..manner(1) };
                (stage::on_real(program, manner(ms)), stage::in_sim(program, few))
            }
            Ground::Across(far) => {
                let real = stage::across_on_real(program, manner(ms), far);
                (real, stage::across_in_sim(program, manner(ms)))
            }
        }
    }
}

/// Draws the same programs for the same seed.
pub struct Draw(TestRunner, BoxedStrategy<Program>);

impl Draw {
    pub fn new(seed: u64) -> Draw {
        Draw::of(draw::programs(), seed)
    }

    /// Of a host with few ports.
    pub fn few_ports(seed: u64) -> Draw {
        Draw::of(ports::programs(), seed)
    }

    /// Of two hosts.
    pub fn across(seed: u64) -> Draw {
        Draw::of(across::programs(), seed)
    }

    fn of(programs: impl Strategy<Value = Program> + 'static, seed: u64) -> Draw {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        let config = Config { failure_persistence: None, ..Config::default() };
        let runner =
            TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &key));
        Draw(runner, programs.boxed())
    }
}

impl Iterator for Draw {
    type Item = Program;

    fn next(&mut self) -> Option<Program> {
        self.1.new_tree(&mut self.0).ok().map(|tree| tree.current())
    }
}

/// A difference: which program of those played, as small as it could be made.
pub struct Found {
    pub case: usize,
    pub columns: Columns,
}

/// Plays programs until one differs.
pub fn hunt(ground: &Ground, programs: impl Iterator<Item = Program>) -> Option<Found> {
    programs.enumerate().find_map(|(index, program)| {
        let columns = compare(ground, &program)?;
        let columns = smallest(ground, &program, |_| true).unwrap_or(columns);
        Some(Found { case: index + 1, columns })
    })
}

/// What each step came to on either side: the system, the simulator.
pub struct Columns(pub Vec<(String, Outcome, Outcome)>);

impl Columns {
    pub fn of(program: &Program, real: &[Outcome], sim: &[Outcome]) -> Columns {
        // A run that does not end in order has fewer outcomes, and one that is not a step's.
        let at = |outcomes: &[Outcome], index: usize| {
            outcomes.get(index).cloned().unwrap_or_else(|| Err("nothing".into()))
        };
        let lines = program.0.iter().enumerate();
        let line =
            |(index, step): (usize, &Step)| (step.to_string(), at(real, index), at(sim, index));
        let mut lines: Vec<_> = lines.map(line).collect();
        let end = program.0.len();
        if real.len() > end || sim.len() > end {
            lines.push(("the run".into(), at(real, end), at(sim, end)));
        }
        Columns(lines)
    }

    pub fn differ(&self) -> bool {
        self.0.iter().any(|(_, real, sim)| real != sim)
    }
}

impl fmt::Display for Columns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (step, real, sim) in &self.0 {
            let mark = if real == sim { ' ' } else { '!' };
            let (Ok(real) | Err(real), Ok(sim) | Err(sim)) = (real, sim);
            writeln!(f, "{mark} {step:<40} real: {real:<34} sim: {sim}")?;
        }
        Ok(())
    }
}

/// Both columns, if they differ.
pub fn compare(ground: &Ground, program: &Program) -> Option<Columns> {
    /// The ports of a machine where thousands of connections were are taken by chance: some that a
    /// program names by another socket's are held by who is long gone. Each try has others.
    const MORE: [u64; 12] = [1; 12];
    let columns = compare_within(ground, program, ground.settle_ms())?;
    let first = columns.0.iter().position(|(_, real, sim)| real != sim)?;
    match (&columns.0[first], ground) {
        ((_, Err(real), Ok(_)), _) if real == "EADDRINUSE" => {
            compare_within(ground, program, &MORE)
        }
        ((_, Err(real), Ok(sim)), Ground::Across(_)) if is_answered_within(real, sim) => None,
        _ => Some(columns),
    }
}

/// Whether of a step of several operations the first went alike and a later one failed on the system
/// alone: what the first sent was answered before the next. The way over a pair of virtual devices takes
/// no time at all, and any other takes some.
fn is_answered_within(real: &str, sim: &str) -> bool {
    match (real.split_once("; "), sim.split_once("; ")) {
        (Some((first, _)), Some((same, _))) => first == same,
        _ => false,
    }
}

fn compare_within(ground: &Ground, program: &Program, settle_ms: &[u64]) -> Option<Columns> {
    let mut columns = None;
    for &ms in settle_ms {
        let (real, sim) = ground.play(program, ms, Leniency::OfLaw);
        if real == sim {
            return None;
        }
        columns = Some(Columns::of(program, &real, &sim));
    }
    columns
}

/// What is left of a program that differs in such a way, without steps and with less of what is
/// sent as long as it does. Looked for in a hurry, and believed only if it differs at leisure.
pub fn smallest(
    ground: &Ground,
    program: &Program,
    is_such: impl Fn(&Columns) -> bool,
) -> Option<Columns> {
    let hurried = &ground.settle_ms()[..2];
    let differs =
        |program: &Program| compare_within(ground, program, hurried).is_some_and(|c| is_such(&c));
    let mut small = program.clone();
    let mut width = small.0.len().div_ceil(2);
    loop {
        let mut at = 0;
        let mut got_smaller = false;
        while at < small.0.len() {
            let mut less = small.clone();
            less.0.drain(at..(at + width).min(less.0.len()));
            if differs(&less) {
                small = less;
                got_smaller = true;
            } else {
                at += width;
            }
        }
        if width == 1 && !got_smaller {
            break;
        }
        width = width.div_ceil(2);
    }
    for at in 0..small.0.len() {
        let mut less = small.clone();
        if make_smaller(&mut less.0[at]) && differs(&less) {
            small = less;
        }
    }
    compare(ground, &small)
}

/// A step with less of what it has; returns whether it had any.
fn make_smaller(step: &mut Step) -> bool {
    let (Step::Do(Op::Call(_, call)) | Step::Start { call, .. }) = step else { return false };
    match call {
        Call::Send(data) | Call::SendTo(data, _) => {
            let small = vec![Data::Numbered(1)];
            let was = std::mem::replace(data, small);
            was != *data
        }
        Call::Recv(sizes) | Call::RecvFrom(sizes) => {
            let was = std::mem::replace(sizes, vec![9]);
            was != *sizes
        }
        _ => false,
    }
}
