//! Many seeds: sweeps over scenarios, and what is said of them.

use std::io::{IsTerminal, Write};
use std::ops::Range;
use std::time::{Duration, Instant};

use greenroom::scenario::Scenario;

use super::apart::no_worker;
use super::args::SimArgs;
use super::failure::failure;
use super::show::json;
use super::suite::Suite;
use crate::run::Spec;
use crate::search::sweep::{Summary, Sweep};
use crate::weather::Fired;

pub(super) fn sweep_all(
    suite: &Suite,
    args: &SimArgs,
    scenarios: &[Scenario],
    spec: &Spec,
    seeds: Range<u64>,
    until: Option<Instant>,
) -> Result<i32, String> {
    let mut code = 0;
    let mut total = Summary::default();
    for (at, scenario) in scenarios.iter().enumerate() {
        // What time there is, is shared out evenly.
        let until = until.map(|until| {
            let left = until.saturating_duration_since(Instant::now());
            Instant::now() + left / (scenarios.len() - at) as u32
        });
        let summary = sweep_one(args, scenario, spec, seeds.clone(), until)?;
        if !args.json {
            say!("{}", summary_line(scenario, &summary));
        }
        for (name, _) in summary.sometimes.iter().filter(|(_, held)| !**held && !args.json) {
            say!("  never in {} seeds: {name}", summary.seeds);
        }
        if !args.json {
            say_failures(args, &summary);
        }
        if let Some(failed) = &summary.failed {
            code = code.max(failure(suite, args, scenario, spec, failed)?);
        }
        total.seeds += summary.seeds;
        total.wall += summary.wall;
        total.events += summary.events;
        total.fired.add(&summary.fired);
    }
    let rate = total.seeds as f64 / total.wall.as_secs_f64().max(1e-9);
    if args.json {
        let outcome = if code == 0 { "held" } else { "failed" };
        say!(
            "{{\"summary\":true,\"outcome\":\"{outcome}\",\"seeds\":{},\"seeds_per_s\":{rate:.0},\
             \"wall_ns\":{},\"fired\":{}}}",
            total.seeds,
            total.wall.as_nanos(),
            json(&total.fired)
        );
    } else {
        say!(
            "{} seeds in {:.1} s, {rate:.0} seeds per second{}",
            total.seeds,
            total.wall.as_secs_f64(),
            if args.check { ", each played three times" } else { "" }
        );
        say!("{}", fault_table(&total.fired));
    }
    Ok(code)
}

fn sweep_one(
    args: &SimArgs,
    scenario: &Scenario,
    spec: &Spec,
    seeds: Range<u64>,
    until: Option<Instant>,
) -> Result<Summary, String> {
    let sweep = Sweep { until, ..args.sweep(scenario, spec, seeds) };
    let mut shown = Instant::now();
    let shows = std::io::stderr().is_terminal() && !args.json;
    let mut count = 0_u64;
    let summary = sweep.run(|result| {
        count += 1;
        if args.json {
            say!("{}", json(result));
        } else if shows && shown.elapsed() > Duration::from_millis(200) {
            shown = Instant::now();
            say_progress(&format!("\r{:<24} {count} seeds", scenario.name()));
        }
    });
    if shows {
        say_progress(&format!("\r{:60}\r", ""));
    }
    summary.map_err(no_worker)
}

fn say_progress(text: &str) {
    let mut out = std::io::stderr();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

fn summary_line(scenario: &Scenario, summary: &Summary) -> String {
    let outcome = match &summary.failed {
        None => "held".to_owned(),
        Some(failed) => format!("{} at seed {}", failed.outcome, failed.seed),
    };
    let rate = summary.seeds as f64 / summary.wall.as_secs_f64().max(1e-9);
    format!("{:<24} {:>7} seeds  {outcome}  ({rate:.0} seeds/s)", scenario.name(), summary.seeds)
}

/// How many failed in which way, or that nobody looked.
fn say_failures(args: &SimArgs, summary: &Summary) {
    if args.max_failures > 1 {
        for (class, tally) in &summary.classes {
            say!("  {:>7} failed, first seed {}: {class}", tally.seeds, tally.first);
        }
    }
    if summary.failures == args.max_failures {
        let count = match args.max_failures {
            1 => "the first failure".to_owned(),
            more => format!("{more} failures"),
        };
        say!("  stopped at {count}; --max-failures N goes on to the Nth, and counts by class");
    }
}

/// Which faults struck how often: one that never did has tested nothing.
fn fault_table(fired: &Fired) -> String {
    let rows = fired.rows();
    let cells: Vec<String> = rows.iter().map(|(name, count)| format!("{name} {count}")).collect();
    format!("faults: {}", cells.join(", "))
}
