//! Targets that go wrong where an input has a word in it: what fuzzing has to survive and to tell apart. They
//! are found by their names alone.

use std::hint::black_box;
use std::process;

use super::targets::Target;

pub const DRILLS: &[Target] = &[
    drill("drill/panics", |input| over(input, || panic!("a planted\n\u{1b}panic"))),
    drill("drill/errs", |input| over(input, || Err("a planted error".into()))),
    drill("drill/aborts", |input| over(input, || process::abort())),
    drill("drill/exits", |input| over(input, || process::exit(0))),
    drill("drill/overflows", |input| over(input, || Err(format!("{} calls", descends(1))))),
    drill("drill/hangs", |input| over(input, spins)),
    drill("drill/grows", |input| over(input, || grows(300 << 20))),
    drill("drill/wants-all", |input| over(input, || grows(1 << 40))),
];

/// The word, which mutations put into inputs.
const WORD: &str = "boom";

const fn drill(name: &'static str, read: fn(&[u8]) -> Result<(), String>) -> Target {
    Target { name, words: &[WORD], read }
}

/// Goes wrong over an input with the word in it.
fn over(input: &[u8], fault: fn() -> Result<(), String>) -> Result<(), String> {
    let is_due = input.windows(WORD.len()).any(|part| part == WORD.as_bytes());
    if is_due { fault() } else { Ok(()) }
}

fn spins() -> Result<(), String> {
    while black_box(true) {}
    Ok(())
}

fn descends(depth: u64) -> u64 {
    let frame = black_box([depth; 64]);
    if black_box(true) { descends(depth + 1) + frame[0] } else { depth }
}

/// Takes memory, touches it and never gives it back.
fn grows(bytes: usize) -> Result<(), String> {
    black_box(Box::leak(vec![1_u8; bytes].into_boxed_slice()));
    Ok(())
}
