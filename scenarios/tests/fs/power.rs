//! What a host finds on its disk after its power failed, by what its program had synced.

use std::io::{self, Write};

use greenroom::check::Shared;
use greenroom::fs::{self, File};
use greenroom::scenario::{Scenario, Stage};
use greenroom::thread;
use greenroom::time::Duration;
use greenroom_sim::Weather;
use greenroom_sim::run::{Run, Spec, run};

/// Which syncs a program leaves out.
#[derive(Clone, Copy, Default)]
struct Forgets {
    file: bool,
    directory: bool,
}

const LENGTH: usize = 3000;

/// Replaces a file by a newer one, again and again; says which is durable.
fn replaces(forgets: Forgets, durable: &Shared<u8>) -> io::Result<()> {
    for version in 1..=u8::MAX {
        let mut file = File::create("/new")?;
        file.write_all(&[version; LENGTH])?;
        if !forgets.file {
            file.sync_all()?;
        }
        fs::rename("/new", "/current")?;
        if !forgets.directory {
            File::open("/")?.sync_all()?;
        }
        durable.with(|durable| *durable = version);
    }
    Ok(())
}

/// One run in which the power fails, and which version was durable by then.
fn cut(seed: u64, forgets: Forgets) -> (Run, u8) {
    let durable = Shared::new(0);
    let theirs = durable.clone();
    let scenario = Scenario::new("replace", "a file is replaced", move |stage: &mut Stage| {
        let durable = theirs.clone();
        stage.server("srv", move || replaces(forgets, &durable));
        stage.may_lose_power("srv", Duration::from_millis(200));
        stage.client("cli", || {
            thread::sleep(Duration::from_millis(300));
            Ok(())
        });
    });
    let weather = Weather { power_cut_ppm: 1_000_000, ..Weather::default() };
    let run = run(&scenario, &Spec { weather, ..Spec::seed(seed) });
    assert!(run.outcome.held(), "{}", run.outcome);
    (run, durable.with(|durable| *durable))
}

/// What is wrong with what is found.
fn complaint(run: &Run, durable: u8) -> Option<String> {
    let Some(found) = run.disk("srv").and_then(|disk| disk.read("/current").ok()) else {
        return (durable > 0).then(|| format!("nothing is there, and {durable} was durable"));
    };
    if found.len() != LENGTH || found.iter().any(|byte| *byte != found[0]) {
        return Some(format!("{} bytes of several versions, {:?}", found.len(), found.first()));
    }
    (found[0] < durable).then(|| format!("version {}, and {durable} was durable", found[0]))
}

#[test]
fn a_file_that_is_replaced_as_it_should_be_survives() {
    let mut versions = std::collections::BTreeSet::new();
    for seed in 0..300 {
        let (run, durable) = cut(seed, Forgets::default());
        versions.insert(durable);
        assert_eq!(complaint(&run, durable), None, "seed {seed}");
    }
    assert!(versions.len() > 3, "the power fails at all times: {versions:?}");
}

#[test]
fn each_sync_that_is_forgotten_is_found() {
    for (what, forgets) in [
        ("the file's", Forgets { file: true, ..Forgets::default() }),
        ("the directory's", Forgets { directory: true, ..Forgets::default() }),
    ] {
        let first = (0..500).find(|seed| {
            let (run, durable) = cut(*seed, forgets);
            complaint(&run, durable).is_some()
        });
        assert!(first.is_some(), "{what} is not found");
    }
}

#[test]
fn an_end_of_the_program_loses_nothing() {
    let scenario = Scenario::new("ends", "a server is ended", |stage: &mut Stage| {
        stage.server("srv", || {
            fs::write("/kept", "unsynced")?;
            loop {
                thread::park();
            }
        });
        stage.client("cli", || {
            thread::sleep(Duration::from_secs(1));
            Ok(())
        });
    });
    let run = run(&scenario, &Spec::seed(1));
    assert!(run.outcome.held(), "{}", run.outcome);
    assert_eq!(run.disk("srv").map(|disk| disk.read("/kept").unwrap()), Some(b"unsynced".into()));
    assert!(run.disk("cli").is_none());
}

#[test]
fn what_was_lost_is_said_and_replayed() {
    let (seed, first) = (0..50)
        .map(|seed| (seed, cut(seed, Forgets { file: true, directory: true }).0))
        .find(|(_, run)| run.deviations_in_words().any(|what| what.contains("in a power cut")))
        .expect("half of what is not synced is lost");
    let said: Vec<String> = first.deviations_in_words().collect();
    let is_said =
        |what: &String| what.contains("srv/.disk>|") && what.contains("is lost in a power cut");
    assert!(said.iter().any(is_said), "{said:#?}");
    let again = cut(seed, Forgets { file: true, directory: true }).0;
    assert_eq!((first.hash, said), (again.hash, again.deviations_in_words().collect()));
}
