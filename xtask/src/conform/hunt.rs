//! Looking for programs that the two hubs see differently, and making what is found small.

use std::fmt;
use std::time::Duration;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::draw;
use super::play::Outcome;
use super::program::{Call, Data, Op, Program, Step};
use super::stage::{self, Manner};

/// The system may deliver late on a busy machine: only what differs however much time it is given
/// does. In the last, calls that the system tells of nothing are tried again, see `retries`.
const SETTLE_MS: [u64; 3] = [0, 1, 40];

/// Draws the same programs for the same seed.
pub struct Draw(TestRunner);

impl Draw {
    pub fn new(seed: u64) -> Draw {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        let config = Config { failure_persistence: None, ..Config::default() };
        Draw(TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &key)))
    }
}

impl Iterator for Draw {
    type Item = Program;

    fn next(&mut self) -> Option<Program> {
        draw::programs().new_tree(&mut self.0).ok().map(|tree| tree.current())
    }
}

/// A difference: which program of those played, as small as it could be made.
pub struct Found {
    pub case: usize,
    pub columns: Columns,
}

/// Plays programs until one differs.
pub fn hunt(programs: impl Iterator<Item = Program>) -> Option<Found> {
    programs.enumerate().find_map(|(index, program)| {
        let columns = compare(&program)?;
        Some(Found { case: index + 1, columns: smallest(&program, |_| true).unwrap_or(columns) })
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
pub fn compare(program: &Program) -> Option<Columns> {
    /// The ports of a machine where thousands of connections were are taken by chance: some that a
    /// program names by another socket's are held by who is long gone. Each try has others.
    const MORE: [u64; 12] = [1; 12];
    let columns = compare_within(program, &SETTLE_MS)?;
    let first = columns.0.iter().find(|(_, real, sim)| real != sim);
    match first {
        Some((_, Err(real), Ok(_))) if real == "EADDRINUSE" => compare_within(program, &MORE),
        _ => Some(columns),
    }
}

fn compare_within(program: &Program, settle_ms: &[u64]) -> Option<Columns> {
    let manner =
        |ms| Manner { settle: Duration::from_millis(ms), is_lenient: true, ..Manner::default() };
    let sim = stage::in_sim(program, manner(1));
    let mut columns = None;
    for &ms in settle_ms {
        let real = stage::on_real(program, manner(ms));
        if real == sim {
            return None;
        }
        columns = Some(Columns::of(program, &real, &sim));
    }
    columns
}

/// What is left of a program that differs in such a way, without steps and with less of what is
/// sent as long as it does. Looked for in a hurry, and believed only if it differs at leisure.
pub fn smallest(program: &Program, is_such: impl Fn(&Columns) -> bool) -> Option<Columns> {
    let differs =
        |program: &Program| compare_within(program, &SETTLE_MS[..2]).is_some_and(|c| is_such(&c));
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
    compare(&small)
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
