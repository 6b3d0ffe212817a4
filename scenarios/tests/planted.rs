//! The planted bugs: found by seeds, absent where nothing deviates, reachable by few deviations,
//! with a stranger beside them too; their twins hold.

use greenroom::scenario::Scenario;
use greenroom_sim::run::{Choice, Run, Spec, run};
use greenroom_sim::shrink::shrink;

struct Bug {
    name: &'static str,
    /// A seed below this finds it.
    found_within: u64,
    deviations_max: usize,
    /// As few deviations as the minimiser gets any seed to.
    least: usize,
    class: &'static str,
}

const BUGS: [Bug; 3] = [
    Bug {
        name: "planted/lost-reply",
        found_within: 1000,
        deviations_max: 4,
        least: 1,
        class: "violated: each increment counts once",
    },
    Bug {
        name: "planted/half-open",
        found_within: 100,
        deviations_max: 2,
        least: 1,
        class: "deadlock: cli in read",
    },
    Bug {
        name: "planted/lost-wakeup",
        found_within: 100,
        deviations_max: 2,
        least: 1,
        class: "deadlock: app in join, app/waiter in wait",
    },
];

fn named(name: &str) -> Scenario {
    let all = greenroom_scenarios::planted();
    all.into_iter().find(|story| story.name() == name).expect("it is planted")
}

fn first_failure(bug: &Bug) -> (u64, Run) {
    let story = named(bug.name);
    let mut runs = (0..bug.found_within).map(|seed| (seed, run(&story, &Spec::seed(seed))));
    runs.find(|(_, run)| !run.outcome.held()).expect("a seed finds it")
}

fn played(story: &Scenario, deviations: &[Choice]) -> Run {
    run(story, &Spec { tape: Some(deviations.to_vec()), ..Spec::seed(0) })
}

/// Leaves deviations out, many at a time and then one by one, as long as the failure stays.
fn minimised(story: &Scenario, class: &str, mut deviations: Vec<Choice>) -> Vec<Choice> {
    let fails = |tape: &[Choice]| played(story, tape).outcome.class() == class;
    assert!(fails(&deviations), "the deviations of a seed are its run");
    let mut size = deviations.len().div_ceil(2);
    while size > 0 {
        let before = deviations.len();
        let mut at = 0;
        while at < deviations.len() {
            let mut fewer = deviations.clone();
            fewer.drain(at..(at + size).min(deviations.len()));
            if fails(&fewer) {
                deviations = fewer;
            } else {
                at += size;
            }
        }
        if size > 1 || deviations.len() == before {
            size /= 2;
        }
    }
    deviations
}

#[test]
fn bugs_are_found_and_are_what_they_are_said_to_be() {
    for bug in &BUGS {
        let (seed, run) = first_failure(bug);
        assert_eq!(run.outcome.class(), bug.class, "{}, seed {seed}", bug.name);
    }
}

#[test]
fn bugs_hide_where_nothing_deviates() {
    for story in greenroom_scenarios::planted() {
        for bystander in [0, 1] {
            let story = story.clone().with_knob("bystander", bystander).expect("each has it");
            let outcome = played(&story, &[]).outcome;
            assert!(outcome.held(), "{}: {outcome}", story.name());
        }
    }
}

#[test]
fn few_deviations_fail_with_a_bystander_too() {
    for bug in &BUGS {
        let story = named(bug.name);
        let (seed, run) = first_failure(bug);
        let least = minimised(&story, bug.class, run.deviations());
        println!("{}, seed {seed}: {least:#?}", bug.name);
        assert!(least.len() <= bug.deviations_max, "{}: {least:#?}", bug.name);
        let crowded = story.with_knob("bystander", 1).expect("each has it");
        let again = played(&crowded, &least);
        assert_eq!(again.outcome.class(), bug.class, "{} with a bystander: {least:#?}", bug.name);
        assert_eq!(again.matched, least.len(), "{} with a bystander", bug.name);
    }
}

/// Whichever seed finds a bug, it is made as small as by any other.
#[test]
fn the_minimiser_gets_every_seed_small() {
    const SEEDS: usize = 12;
    for bug in &BUGS {
        let story = named(bug.name);
        let runs = (0..).map(|seed| (seed, run(&story, &Spec::seed(seed))));
        for (seed, failing) in runs.filter(|(_, run)| !run.outcome.held()).take(SEEDS) {
            let small = shrink(&story, &Spec::seed(seed), &failing).expect("a tape is its run");
            let (left, name) = (small.run.deviation_count(), bug.name);
            println!("{name} seed {seed}: {} -> {left} in {} runs", small.before, small.runs);
            assert_eq!(small.run.outcome.class(), failing.outcome.class());
            assert!(small.is_minimal && left <= bug.least, "{name}, seed {seed}: {left}");
        }
    }
}

/// The sweep of 20 000 seeds is `cargo xtask sim`'s; these are so many as a test has time for.
#[test]
fn corrected_twins_hold() {
    for bug in &BUGS {
        let twin = named(&format!("{}-fixed", bug.name));
        for seed in 0..500 {
            let outcome = run(&twin, &Spec::seed(seed)).outcome;
            assert!(outcome.held(), "{}, seed {seed}: {outcome}", twin.name());
        }
    }
}
