//! What greenlets cost on the real hub: spawn and join, yield.

use std::hint::black_box;

use greenroom::thread;

use super::REPETITIONS;
use super::machine::{ANOTHER_DAY, figure, median, table};
use super::process::{self, cpu_ns};

const SPAWNS: &str = "2000000";
const YIELDS: &str = "10000000";

/// Prints ns per spawn and join, one at a time and with 10 000 alive.
pub fn spawn() -> Result<(), String> {
    let cases =
        [("one at a time", ["spawn", "1", SPAWNS]), ("10 000 alive", ["spawn", "10000", SPAWNS])];
    let title = "spawn: spawn + join on the real hub (aim ≤ 200 ns)";
    measure(title, &cases)?;
    say!("  {ANOTHER_DAY}: glommio 52.8 and 63.6, monoio 191 and 39.3, tokio 474 and 337, may 863");
    Ok(())
}

/// Prints ns per yield between 2 and between 100 greenlets.
pub fn yields() -> Result<(), String> {
    let cases =
        [("2 greenlets", ["yield", "2", YIELDS]), ("100 greenlets", ["yield", "100", YIELDS])];
    measure("yield: one yield, to the next greenlet's start (aim ≤ 60 ns)", &cases)?;
    say!("  {ANOTHER_DAY}, 2 tasks: may 32.8, glommio 37.0, monoio 66.2, tokio 176");
    Ok(())
}

fn measure(title: &str, cases: &[(&str, [&str; 3])]) -> Result<(), String> {
    let mut runs = vec![Vec::new(); cases.len()];
    for _ in 0..REPETITIONS {
        for ((_, args), runs) in cases.iter().zip(&mut runs) {
            let mut child = process::start(0, &[], args)?;
            let [ns] = child.figures()?;
            child.finish()?;
            runs.push(ns);
        }
    }
    let rows: Vec<_> = cases
        .iter()
        .zip(runs)
        .map(|((name, _), runs)| vec![(*name).to_owned(), figure(median(runs))])
        .collect();
    table(title, &["", "CPU ns"], &rows);
    Ok(())
}

/// Prints CPU ns per greenlet that is spawned and joined, `alive` at a time.
pub fn child_spawn(alive: &str, count: &str) -> Result<(), String> {
    let alive: usize = number(alive)?;
    let wave = move || {
        let handles: Vec<_> =
            (0..alive).map(|index| thread::spawn(move || black_box(index))).collect();
        for handle in handles {
            black_box(handle.join().expect("it returns"));
        }
    };
    let one = || {
        black_box(thread::spawn(|| black_box(1)).join().expect("it returns"));
    };
    print_ns(number(count)?, move |count| {
        if alive == 1 {
            (0..count).for_each(|_| one())
        } else {
            (0..count / alive).for_each(|_| wave())
        }
    })
}

/// Prints CPU ns per yield between so many greenlets.
pub fn child_yield(greenlets: &str, count: &str) -> Result<(), String> {
    let greenlets: usize = number(greenlets)?;
    print_ns(number(count)?, move |count| {
        let each = count / greenlets;
        let yielding = move || (0..each).for_each(|_| thread::yield_now());
        let handles: Vec<_> = (0..greenlets).map(|_| thread::spawn(yielding)).collect();
        for handle in handles {
            handle.join().expect("it returns");
        }
    })
}

fn number(text: &str) -> Result<usize, String> {
    text.parse().map_err(|_| format!("`{text}` is no number"))
}

/// Runs `work(count)` in a hub after a tenth of it to warm up, and prints CPU ns per count.
fn print_ns(count: usize, work: impl Fn(usize) + 'static) -> Result<(), String> {
    greenroom_real::run(move || {
        work(count / 10);
        let start = cpu_ns("self");
        work(count);
        say!("{}", (cpu_ns("self") - start) as f64 / count as f64);
    });
    Ok(())
}
