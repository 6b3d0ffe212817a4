//! `sim`: one seed or many, of some scenarios or all.

use std::time::Instant;

use greenroom::scenario::Scenario;

use super::args::SimArgs;
use super::suite::Suite;
use super::{many, one};
use crate::run::Spec;
use crate::weather::Weather;

pub(super) fn sim(suite: &Suite, args: &SimArgs) -> Result<i32, String> {
    let weather = Weather::by_name_or_file(&args.weather)?;
    let scenarios: Result<Vec<Scenario>, String> = suite
        .named(&args.scenarios)?
        .into_iter()
        .map(|scenario| args.knobs.turn(scenario))
        .collect();
    let scenarios = scenarios?;
    let spec = Spec { weather, ..Spec::seed(args.seed.unwrap_or(0)) };
    if args.here {
        return one::here(suite, args, &scenarios, &spec);
    }
    match (&args.seeds, args.for_) {
        (Some(seeds), _) => many::sweep_all(suite, args, &scenarios, &spec, seeds.clone(), None),
        (None, Some(time)) => {
            let until = Instant::now().checked_add(time);
            many::sweep_all(suite, args, &scenarios, &spec, 0..u64::MAX, until)
        }
        (None, None) => one::one_seed(suite, args, &scenarios, &spec),
    }
}
