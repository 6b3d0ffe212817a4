//! What a simulated disk may do wrong: each fault has its own effect and no other.

use std::io::{Read, Write};

use greenroom::check::Shared;
use greenroom::fs::{self, File, OpenOptions};
use greenroom::scenario::{Machine, Scenario, Stage};
use greenroom::time::{Duration, Instant};
use greenroom_sim::Weather;
use greenroom_sim::faults::Fault;
use greenroom_sim::run::{Run, Spec, run};

use crate::both::told;

/// Plays a program on one host whose disk has so many bytes.
fn play<T: Send + 'static>(
    weather: Weather,
    disk: u64,
    program: impl Fn() -> T + Send + Sync + 'static,
) -> (Run, T) {
    let said = Shared::new(None);
    let (theirs, program) = (said.clone(), std::sync::Arc::new(program));
    let scenario = Scenario::new("faults", "one host", move |stage: &mut Stage| {
        let (theirs, program) = (theirs.clone(), program.clone());
        stage.client("host", move || {
            theirs.with(|theirs| *theirs = Some(program()));
            Ok(())
        });
        stage.machine("host", Machine::new().disk(disk));
    });
    let run = run(&scenario, &Spec { weather, ..Spec::seed(3) });
    assert!(run.outcome.held(), "{}", run.outcome);
    let said = said.with(Option::take).expect("it has returned");
    (run, said)
}

const ROOMY: u64 = 1 << 30;

#[test]
fn a_full_disk_takes_what_fits_and_then_nothing() {
    let (_, rows) = play(Weather::calm(), 3 * 4096, || {
        let mut file = File::create("/full").expect("a name takes no room");
        let sizes = [5000, 5000, 5000, 1].map(|size| told(file.write(&vec![7; size])));
        let length = file.metadata().map(|it| it.len()).ok();
        drop(file);
        fs::remove_file("/full").expect("it is there");
        (sizes, length, told(fs::write("/more", "x")))
    });
    let full = || Err("28 StorageFull".to_owned());
    assert_eq!(rows, ([Ok(5000), Ok(5000), Ok(2288), full()], Some(12_288), Ok(())));
}

#[test]
fn a_disk_that_fails_says_so() {
    let weather = Weather { disk_error_ppm: 1_000_000, ..Weather::calm() };
    let (run, rows) = play(weather, ROOMY, || {
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).open("/a").expect("names work");
        let length = file.metadata().map(|it| it.len()).ok();
        (told(file.write(b"x")), told(file.read(&mut [0])), told(file.sync_all()), length)
    });
    let failed = || "5 Uncategorized".to_owned();
    assert_eq!(rows, (Err(failed()), Err(failed()), Err(failed()), Some(0)));
    assert_eq!(run.fired.of(Fault::DiskError), 3);
}

#[test]
fn short_calls_move_less_and_lose_nothing() {
    let weather = Weather { file_short_ppm: 1_000_000, ..Weather::calm() };
    let (run, (wrote, read)) = play(weather, ROOMY, || {
        let mut file = File::create("/a").expect("it can be made");
        let wrote = file.write(&[1; 100]).expect("it is open");
        file.write_all(&[2; 100]).expect("it is open");
        (wrote, fs::read("/a").expect("it is there"))
    });
    assert!((1..100).contains(&wrote), "{wrote}");
    assert_eq!(read, [vec![1; wrote], vec![2; 100]].concat());
    assert!(run.fired.of(Fault::ShortFile) > 2);
}

#[test]
fn a_disk_that_stalls_takes_its_time() {
    let weather = Weather { disk_stall_ppm: 1_000_000, ..Weather::default() };
    let (_, took) = play(weather, ROOMY, || {
        let began = Instant::now();
        fs::create_dir("/a").expect("it can be made");
        began.elapsed()
    });
    assert!(took >= Duration::from_millis(100) && took <= Duration::from_secs(30), "{took:?}");
}
