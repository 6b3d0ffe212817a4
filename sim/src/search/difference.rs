//! Two runs that should be one: whether they are, and where they first differ.

use std::fmt::Write;

use greenroom::scenario::Scenario;

use crate::run::{Run, Spec, run};
use crate::trace::Level;

/// How two plays of one run contradict each other, with both sides; `None` where they agree. They have
/// to agree on what happened, and on what came of it: outcome, panics, claims.
pub(crate) fn contradiction(
    scenario: &Scenario,
    (one_spec, one): (&Spec, &Run),
    (other_spec, other): (&Spec, &Run),
) -> Option<String> {
    let agree = one.hash == other.hash
        && one.outcome == other.outcome
        && one.findings == other.findings
        && one.sometimes == other.sometimes;
    if agree {
        return None;
    }
    let mut text = String::from("two plays of one run are not the same:\n");
    for (name, run) in [("first", one), ("then", other)] {
        let _ = write!(text, "{:<7}{:016x}  ", format!("{name}:"), run.hash);
        let _ = writeln!(text, "{}", run.outcome.to_string().trim_end().replace('\n', "\n  "));
    }
    beside_outcome(&mut text, one, other);
    match one.hash == other.hash {
        true => text.push_str(SAME_EVENTS),
        false => text.push_str(&first_difference(scenario, one_spec, other_spec)),
    }
    Some(text)
}

/// What a static looks like that no event shows.
const SAME_EVENTS: &str = "the same happened in both: what they come to is decided by something that \
                           outlives a run (a static, a file), or by chance that is not greenroom's";

/// Where the outcomes agree and what else was found does not.
fn beside_outcome(text: &mut String, one: &Run, other: &Run) {
    if one.outcome != other.outcome {
        return;
    }
    let only = |a: &Run, b: &Run| -> Vec<String> {
        let found = a.findings.iter().filter(|found| !b.findings.contains(found)).cloned();
        let claims = a.sometimes.iter().filter(|claim| !b.sometimes.contains(claim));
        let said = claims.map(|(name, held)| match held {
            true => format!("sometimes held: {name}"),
            false => format!("sometimes did not hold: {name}"),
        });
        found.chain(said).collect()
    };
    for (name, found) in [("first", only(one, other)), ("then", only(other, one))] {
        for what in found {
            let _ = writeln!(text, "only {name}: {what}");
        }
    }
}

/// The first line in which the traces of two runs that should be one differ.
fn first_difference(scenario: &Scenario, one: &Spec, other: &Spec) -> String {
    let text = |spec: &Spec| {
        let lanes = run(scenario, &Spec { keeps_events: true, ..spec.clone() }).trace;
        lanes.map(|lanes| lanes.text(Level::Sched, "")).unwrap_or_default()
    };
    let (one, two) = (text(one), text(other));
    match one.lines().zip(two.lines()).find(|(a, b)| a != b) {
        Some((a, b)) => {
            let hint = if sends_other_bytes(a, b) { OTHER_BYTES } else { "" };
            format!("they differ first here:\n  {a}\n  {b}{hint}")
        }
        None => "they differ, but not in what is traced".into(),
    }
}

/// What a library with chance of its own looks like.
const OTHER_BYTES: &str = "\nas many bytes, and others: what a library draws from the operating \
                           system itself is left out where the stage says `opaque_payload`";

/// Whether two lines of a trace differ in nothing but the bytes they send.
fn sends_other_bytes(a: &str, b: &str) -> bool {
    let [a, b] = [a, b].map(|line| line.split_whitespace().collect::<Vec<_>>());
    let differing: Vec<usize> = (0..a.len().min(b.len())).filter(|&at| a[at] != b[at]).collect();
    // `write s1 5B 01234567`
    let is_hash = |word: &str| word.len() == 8 && word.bytes().all(|b| b.is_ascii_hexdigit());
    let is_payload =
        |at: usize| at > 0 && a[at - 1].ends_with('B') && is_hash(a[at]) && is_hash(b[at]);
    a.len() == b.len() && matches!(differing[..], [at] if is_payload(at))
}
