//! Whatever bytes come, read as an answer, for `cargo xtask fuzz`.

use super::message::{Header, Kind, Question};

/// How long the answer would be believed, in seconds, to any of the questions about this name.
pub fn read_answer(name: &str, bytes: &[u8]) -> Option<u32> {
    Header::of(bytes)?;
    let verdicts = [Kind::A, Kind::Aaaa, Kind::Ptr].map(|kind| {
        let question = Question::new(name, kind)?;
        let verdict = question.verdict(bytes)?;
        question.is_repeated_in(bytes).then(|| verdict.ttl_s())
    });
    verdicts.into_iter().flatten().max()
}
