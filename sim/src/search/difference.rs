//! Two runs that should be one: whether they are, and where they first differ.

use std::fmt::Write;

use greenroom::scenario::Scenario;

use crate::run::{Run, Spec, run};
use crate::text::escaped;

/// How two plays of one run contradict each other, with both sides, where they part, and what does such things;
/// `None` where they agree.
pub(crate) fn contradiction(
    scenario: &Scenario,
    (one_spec, one): (&Spec, &Run),
    (other_spec, other): (&Spec, &Run),
) -> Option<String> {
    let mut text = sides(one, other)?;
    let found = (one.hash != other.hash).then(|| first_difference(scenario, one_spec, other_spec));
    text.push_str(&match found {
        None => SAME_EVENTS.to_owned(),
        Some(None) => NOW_AND_THEN.to_owned(),
        Some(Some(events)) => say_first(&events),
    });
    text.push_str(CAUSES);
    Some(text)
}

/// Both sides of a contradiction. Two plays have to agree on what happened, and on what came of it: outcome, panics,
/// claims.
pub(crate) fn sides(one: &Run, other: &Run) -> Option<String> {
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
    Some(text)
}

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

/// An event in words, and a number for all of it that two plays are compared by.
pub(crate) type Described = (String, u64);

/// Plays two runs that should be one, and finds where they first differ: both events, in words. `None` where the
/// same happened in these two.
pub(crate) fn first_difference(
    scenario: &Scenario,
    one: &Spec,
    other: &Spec,
) -> Option<(String, String)> {
    let events = |spec: &Spec| {
        let kept = run(scenario, &spec.clone().traced()).trace;
        kept.map(|log| log.described().collect::<Vec<_>>()).unwrap_or_default()
    };
    let (one, other) = (events(one), events(other));
    first_unequal(one.into_iter(), other.into_iter())
}

/// The first two events of two runs that are not the same.
pub(crate) fn first_unequal(
    mut one: impl Iterator<Item = Described>,
    mut other: impl Iterator<Item = Described>,
) -> Option<(String, String)> {
    let ended = || ("nothing more".to_owned(), 0);
    loop {
        let (a, b) = match (one.next(), other.next()) {
            (None, None) => return None,
            (a, b) => (a.unwrap_or_else(ended), b.unwrap_or_else(ended)),
        };
        if a.1 != b.1 {
            return Some((a.0, b.0));
        }
    }
}

/// Both events, a line each, and what is known of such a pair.
pub(crate) fn say_first((a, b): &(String, String)) -> String {
    let (shown_a, shown_b) = (clipped(a, b), clipped(b, a));
    let same = if a == b { "\n  (in words the same: what differs is not shown)" } else { "" };
    let hint = if sends_other_bytes(a, b) { OTHER_BYTES } else { "" };
    format!("they differ first here:\n  {shown_a}\n  {shown_b}{same}{hint}")
}

/// What a line of a report has room for of an event: its beginning, and where it differs from the other.
fn clipped(text: &str, other: &str) -> String {
    const HEAD: usize = 60;
    const BEFORE: usize = 20;
    const MOST: usize = 160;
    let chars: Vec<char> = text.chars().collect();
    let same = text.chars().zip(other.chars()).take_while(|(a, b)| a == b).count();
    let from = same.saturating_sub(BEFORE);
    let of = |range: &[char]| range.iter().collect::<String>();
    let shown = match (chars.len() <= MOST, from <= HEAD) {
        (true, _) => text.to_owned(),
        (false, true) => format!("{}…", of(&chars[..MOST])),
        (false, false) => {
            let end = chars.len().min(from + MOST - HEAD);
            let more = if end < chars.len() { "…" } else { "" };
            format!("{}…{}{more}", of(&chars[..HEAD]), of(&chars[from..end]))
        }
    };
    escaped(&shown)
}

pub(crate) const SAME_EVENTS: &str = "the same happened in both; what they come to is not the same";

/// Two plays of one run may be the same again when they are looked at.
const NOW_AND_THEN: &str = "played twice more to find out where, it was the same both times";

/// What may come of two plays in one process, where nothing else is known.
const CAUSES: &str = "\nwhat does that: something that outlives a run (a static, a thread-local, a file), a clock of \
                      the system's, the order of a HashMap, an address as a number, chance from the system, \
                      a thread";

/// What a library with chance of its own looks like.
const OTHER_BYTES: &str = "\nas many bytes, and others: what a library draws from the operating \
                           system itself is left out where the stage says `opaque_payload`";

/// Whether two events differ first in the bytes they send, of which there are as many.
fn sends_other_bytes(a: &str, b: &str) -> bool {
    let [a, b] = [a, b].map(|line| line.split_whitespace().collect::<Vec<_>>());
    let differing = a.iter().zip(&b).position(|(a, b)| a != b);
    // `write s1 5B 01234567`
    let is_hash = |word: &str| word.len() == 8 && word.bytes().all(|b| b.is_ascii_hexdigit());
    let is_size = |word: &str| word.strip_suffix('B').is_some_and(|n| n.parse::<u64>().is_ok());
    differing.is_some_and(|at| at > 0 && is_size(a[at - 1]) && is_hash(a[at]) && is_hash(b[at]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_event_is_shown_where_it_differs() {
        let text =
            |last: char| format!("event 3, cli at 0: {}{last}{}", "x".repeat(300), "y".repeat(300));
        let shown = clipped(&text('a'), &text('b'));
        assert!(shown.starts_with("event 3, cli") && shown.contains("xay"), "{shown}");
        assert!(shown.chars().count() < 170, "{shown}");
        let early = clipped(&text('a'), "event 4");
        assert!(early.starts_with("event 3, cli at 0: x") && early.ends_with('…'), "{early}");
        assert_eq!(clipped("short\n", "other"), "short\\n");
    }

    #[test]
    fn bytes_that_differ_alone_are_told_from_others() {
        let say = |a: &str, b: &str| sends_other_bytes(a, b);
        assert!(say("at 0: write s1 5B 01234567  \"a\"", "at 0: write s1 5B 89abcdef  \"b\""));
        assert!(!say("at 0: write s1 5B 01234567", "at 0: write s1 6B 89abcdef"));
        assert!(!say("at 0: write s1 5B 01234567", "at 1: write s1 5B 01234567"));
        assert!(!say("a note B 01234567", "a note B 89abcdef"));
    }
}
