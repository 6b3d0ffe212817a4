//! A machine of random programs and the model that judges what they did, for any world.
//!
//! [`program`] says what they are and [`draw`] makes them, [`perform`] runs one inside a hub and
//! leaves a [`log`], [`model`] judges it. A world only has to [`play`](World::play).
#![allow(dead_code)] // Each world uses its own part of it.

pub mod draw;
pub mod handles;
pub mod log;
pub mod model;
pub mod perform;
pub mod program;

use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};

pub use model::Rules;
use program::Program;

/// Where programs are played.
pub trait World {
    /// What programs may contain.
    fn offers(&self) -> Offers;
    /// What of the model it promises.
    fn rules(&self) -> Rules;
    fn play(&self, program: &Program) -> Observed;
}

/// What a world can do at times that a program names.
#[derive(Clone, Copy, Debug)]
pub struct Offers {
    /// Where time is not told, actors feed each other and wait for ever or not at all.
    pub time: bool,
    pub writes: bool,
    pub accepts: bool,
}

/// What became of one program.
pub struct Observed {
    pub log: Vec<log::Entry>,
    pub deadlocked: bool,
    /// How many panics that nobody joined were told of.
    pub reported: usize,
    /// Leaks, and ends that no program may have.
    pub trouble: Vec<String>,
}

/// How many programs to try: `GREENROOM_CASES`, or the default.
pub fn cases(default: u32) -> u32 {
    std::env::var("GREENROOM_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Plays random programs and judges them; a failure is the smallest program that has it.
pub fn explore(world: &dyn World, cases: u32) -> Result<(), String> {
    explore_part(world, cases, 0)
}

/// As [`explore`], with other programs for each part.
pub fn explore_part(world: &dyn World, cases: u32, part: u8) -> Result<(), String> {
    let config = Config {
        cases,
        failure_persistence: None,
        max_shrink_iters: 5_000,
        verbose: 0,
        ..Config::default()
    };
    // The same programs every time: longer runs, not luckier ones, find more.
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[part; 32]);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let outcome = runner.run(&draw::programs(world.offers()), |program| {
        judge(world, &program).map_err(proptest::test_runner::TestCaseError::fail)
    });
    match outcome {
        Ok(()) => Ok(()),
        Err(TestError::Fail(reason, program)) => {
            let reason = judge(world, &program).err().unwrap_or_else(|| format!("once: {reason}"));
            let seed = match world.rules().interrupts {
                true => format!("seed {}\n", program.seed),
                false => String::new(),
            };
            Err(format!("{reason}\n\n{seed}{program}"))
        }
        Err(TestError::Abort(reason)) => Err(format!("aborted: {reason}")),
    }
}

/// Plays one program and judges it.
pub fn judge(world: &dyn World, program: &Program) -> Result<(), String> {
    let observed = world.play(program);
    let verdict = match observed.trouble.first() {
        Some(trouble) => Err(trouble.clone()),
        None => model::judge(program, &observed, world.rules()),
    };
    verdict.map_err(|reason| {
        let log: Vec<String> = observed.log.iter().map(|entry| format!("  {entry:?}")).collect();
        let end = if observed.deadlocked { "  deadlock\n" } else { "" };
        format!("{reason}\nlog:\n{}\n{end}", log.join("\n"))
    })
}
