//! Why two plays of one run are not the same: it is played some more, in one process and in several, and what that
//! leaves possible is said, no more.

use std::fmt::Write;
use std::io;

use greenroom::scenario::Scenario;

use crate::run::Spec;
use crate::search::difference::{Described, SAME_EVENTS, first_unequal, say_first};
use crate::search::job::{Job, Runs, Task, Told};
use crate::search::process::{Manner, Tellings, Worker};
use crate::search::result::SeedResult;

/// So often a pair of plays is tried: not every pair of clock readings differs.
const TRIES: usize = 3;

/// How plays of one run differ.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Differ {
    #[default]
    Not,
    /// The same happened, and it came to something else.
    InOutcome,
    /// From these two events on.
    From(String, String),
}

/// What became of plays of a seed with nothing else before it.
#[derive(Debug, Default)]
pub(crate) struct Evidence {
    /// Two in a process each.
    apart: Differ,
    /// Two in one process.
    together: Differ,
}

/// Plays a run some more, to find out what two plays of it differ by.
///
/// # Errors
///
/// When a worker cannot be started.
pub(crate) fn gather(scenario: &Scenario, spec: &Spec, runs: &Runs) -> io::Result<Evidence> {
    let job = |task| Job::new(scenario, spec, runs.clone(), task);
    let mut evidence = Evidence::default();
    for _ in 0..TRIES {
        if evidence.apart == Differ::Not {
            evidence.apart = apart(&job(Task::Events))?;
        }
        if evidence.together == Differ::Not {
            evidence.together = together(&job(Task::Twice))?;
        }
    }
    Ok(evidence)
}

/// Plays it in two processes, event by event.
fn apart(job: &Job) -> io::Result<Differ> {
    let start = |is_second| Worker::start(job, Manner { is_second, ..Manner::default() });
    let (mut first, mut one) = start(false)?;
    let (mut second, mut other) = start(true)?;
    let (mut ends, mut other_ends) = (None, None);
    let found =
        first_unequal(Events(&mut one.told, &mut ends), Events(&mut other.told, &mut other_ends));
    // Whoever has more to tell need not.
    drop((one, other));
    first.wait()?;
    second.wait()?;
    Ok(match (found, ends, other_ends) {
        (Some((a, b)), ..) => Differ::From(a, b),
        (None, Some(mut one), Some(other)) => {
            let had = one.is_nondeterministic();
            one.compare(&other);
            if !had && one.is_nondeterministic() { Differ::InOutcome } else { Differ::Not }
        }
        (None, None, None) => Differ::Not,
        (None, ..) => Differ::InOutcome,
    })
}

/// The events that a worker tells, and what it comes to.
struct Events<'a>(&'a mut Tellings, &'a mut Option<SeedResult>);

impl Iterator for Events<'_> {
    type Item = Described;

    fn next(&mut self) -> Option<Described> {
        match self.0.next()? {
            Told::Event(words, number) => Some((words, number)),
            Told::Run(result) => {
                *self.1 = Some(*result);
                None
            }
            Told::Differ(..) | Told::End(_) | Told::Unheard(_) => None,
        }
    }
}

fn together(job: &Job) -> io::Result<Differ> {
    let (mut child, mut worker) = Worker::start(job, Manner::default())?;
    let told = worker.told.next();
    drop(worker);
    child.wait()?;
    Ok(match told {
        Some(Told::Differ(_, Some((a, b)))) => Differ::From(a, b),
        Some(Told::Differ(true, None)) => Differ::InOutcome,
        _ => Differ::Not,
    })
}

impl Evidence {
    /// Where they differ first, and what is left that may do it.
    pub(crate) fn told(&self) -> String {
        let mut text = String::new();
        // Two plays in one process may differ, and be the same when they are played with their events: an
        // address is, once what was free for it has been used.
        let found = [&self.together, &self.apart].into_iter().filter(|it| **it != Differ::Not);
        let found = found.min_by_key(|it| **it == Differ::InOutcome);
        match found {
            Some(Differ::From(a, b)) => {
                let _ = writeln!(text, "{}", say_first(&(a.clone(), b.clone())));
            }
            Some(_) => {
                let _ = writeln!(text, "{SAME_EVENTS}");
            }
            None => {}
        }
        let (how, what) = match (self.apart != Differ::Not, self.together != Differ::Not) {
            (true, true) => (
                "played alone it differs from process to process, and twice in one process too",
                "a clock of the system's, the order of a HashMap, an address as a number, chance from the \
                 system, a thread, a file",
            ),
            (true, false) => (
                "played alone it differs from process to process, and not twice in one process",
                "what a process has of its own: its id, an address as a number, its environment, chance \
                 or a hash key that is drawn once; or a clock that is read coarsely, or a file",
            ),
            (false, true) => (
                "played alone it is the same in each process, and differs twice in one process",
                "something of a run that outlives it in its process: a static or a thread-local, of the program \
                 or of a library; or an address, where the system does not randomise them",
            ),
            (false, false) => (
                "played alone it is always the same",
                "something that other seeds left in its process (a static, a thread-local), a file, or a clock \
                 or chance that seldom shows",
            ),
        };
        let _ = writeln!(text, "{how}\nwhat does that: {what}");
        text
    }
}
