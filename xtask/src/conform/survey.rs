//! Every kind of difference at once: for work on a simulator that is wrong in several ways, where
//! stopping at the first one would tell of the others one by one.

use std::collections::BTreeMap;

use super::hunt::{Columns, Ground, compare, smallest};
use super::program::Program;

/// Plays so many programs and prints a small one of each kind of difference; returns whether there
/// was none.
pub fn survey(ground: &Ground, programs: impl Iterator<Item = Program>) -> bool {
    let mut found: BTreeMap<String, (Program, usize)> = BTreeMap::new();
    for program in programs {
        let Some(columns) = compare(ground, &program) else { continue };
        let (small, count) = found.entry(kind_of(&columns)).or_insert_with(|| (program.clone(), 0));
        *count += 1;
        if program.0.len() < small.0.len() {
            *small = program;
        }
    }
    for (kind, (program, count)) in &found {
        let is_of = |columns: &Columns| kind_of(columns) == *kind;
        match smallest(ground, program, is_of) {
            Some(columns) => say!("{count} times: {kind}\n{columns}"),
            None => say!("{count} times: {kind}, and not again\n{program}"),
        }
    }
    found.is_empty()
}

/// The first step that differs, and how, without its numbers.
fn kind_of(columns: &Columns) -> String {
    let differs = columns.0.iter().find(|(_, real, sim)| real != sim);
    let Some((step, real, sim)) = differs else { return "a step too many".into() };
    let words = step.split_whitespace().filter(|word| word.chars().all(|c| c.is_ascii_lowercase()));
    let words: Vec<&str> = words.collect();
    let text = format!("{}: real {real:?}, sim {sim:?}", words.join(" "));
    text.chars().filter(|c| !c.is_ascii_digit()).collect()
}
