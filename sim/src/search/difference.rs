//! Two runs that should be one: where they first differ, and what it looks like.

use greenroom::scenario::Scenario;

use crate::run::{Spec, run};
use crate::trace::Level;

/// The first line in which two runs that should be one differ.
pub(crate) fn first_difference(scenario: &Scenario, one: &Spec, other: &Spec) -> String {
    let text = |spec: &Spec| {
        let lanes = run(scenario, &Spec { keeps_events: true, ..spec.clone() }).trace;
        lanes.map(|lanes| lanes.text(Level::Sched, "")).unwrap_or_default()
    };
    let (one, two) = (text(one), text(other));
    match one.lines().zip(two.lines()).find(|(a, b)| a != b) {
        Some((a, b)) => {
            let hint = if sends_other_bytes(a, b) { OTHER_BYTES } else { "" };
            format!("differ first here:\n  {a}\n  {b}{hint}")
        }
        None => "differ, but not in what is traced".into(),
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
