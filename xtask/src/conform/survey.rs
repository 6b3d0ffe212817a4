//! Every kind of difference at once: for work on a simulator that is wrong in several ways, where
//! stopping at the first one would tell of the others one by one.

use std::collections::BTreeMap;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

use super::program::Program;
use super::{Columns, compare, draw};

/// Plays so many programs and prints the smallest one found of each kind of difference; answers
/// whether there was none.
pub fn survey(runner: &mut TestRunner, cases: u32) -> bool {
    let mut found: BTreeMap<String, (Program, usize)> = BTreeMap::new();
    for _ in 0..cases {
        let tree = draw::programs().new_tree(runner).expect("no program is rejected");
        let program = tree.current();
        let Some(columns) = compare(&program) else { continue };
        let (small, count) = found.entry(kind_of(&columns)).or_insert_with(|| (program.clone(), 0));
        *count += 1;
        if program.0.len() < small.0.len() {
            *small = program;
        }
    }
    for (kind, (program, count)) in &found {
        let small = shrunk(program, kind);
        let columns = compare(&small).map_or_else(String::new, |columns| columns.to_string());
        println!("{count} times: {kind}\n{columns}");
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

/// Without every operation that this kind of difference does not take.
fn shrunk(program: &Program, kind: &str) -> Program {
    let mut small = program.clone();
    let mut at = small.0.len();
    while at > 0 {
        at -= 1;
        let mut less = small.clone();
        less.0.remove(at);
        if compare(&less).is_some_and(|columns| kind_of(&columns) == kind) {
            small = less;
        }
    }
    small
}
