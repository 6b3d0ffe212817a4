//! `time::interval`: ticks at equal distances, those that were missed counted.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use greenroom::time::{interval, timeout};
use greenroom::{note, thread, wait};

use crate::scripted::{ScriptHub, ms, play};
use crate::spawn;

#[test]
fn ticks_come_at_equal_distances_and_missed_ones_are_counted() {
    let played = play(ScriptHub::new(), || {
        let mut beat = interval(ms(10));
        note!("{}", beat.tick());
        thread::sleep(ms(4));
        note!("{}", beat.tick());
        thread::sleep(ms(35));
        note!("{}", beat.tick());
        note!("{}", beat.tick());
        thread::sleep(ms(10));
        // Due at this very moment, and not a tick more.
        note!("{}", beat.tick());
        note!("{}", beat.tick());
    });
    let told = ["10 main: 1", "20 main: 1", "55 main: 3", "60 main: 1", "70 main: 1", "80 main: 1"];
    assert_eq!(played.done().told(), told);
}

#[test]
fn a_tick_that_is_due_lets_others_have_a_turn() {
    let played = play(ScriptHub::new(), || {
        let mut beat = interval(ms(1));
        thread::sleep(ms(5));
        spawn("other", || note!("has a turn"));
        beat.tick();
        note!("has ticked");
    });
    assert_eq!(played.done().told(), ["5 main/other: has a turn", "5 main: has ticked"]);
}

#[test]
fn an_interval_is_waited_for_with_other_things() {
    let played = play(ScriptHub::new(), || {
        let mut beat = interval(ms(10));
        let end = wait::after(ms(25));
        while wait::any(&[&beat, &end], None).unwrap() == 0 {
            note!("{}", beat.tick());
        }
        note!("end");
    });
    assert_eq!(played.done().told(), ["10 main: 1", "20 main: 1", "25 main: end"]);
}

#[test]
fn a_timeout_ends_the_wait_for_a_tick_and_the_longest_period_is_waited_for() {
    let played = play(ScriptHub::new(), || {
        let mut beat = interval(Duration::MAX);
        note!("{}", timeout(ms(3), || beat.tick()).is_err());
        note!("{}", catch_unwind(AssertUnwindSafe(|| interval(Duration::ZERO))).is_err());
    });
    assert_eq!(played.done().told(), ["3 main: true", "3 main: true"]);
}

#[test]
fn a_destructor_that_unwinds_waits_for_no_tick() {
    struct Ticks;
    impl Drop for Ticks {
        fn drop(&mut self) {
            note!("{}", interval(ms(1)).tick());
        }
    }
    let played = play(ScriptHub::new(), || {
        let beats = spawn("beats", || {
            let _ticks = Ticks;
            thread::sleep(ms(9));
        });
        thread::yield_now();
        beats.kill();
        assert!(beats.join().is_err());
    });
    assert_eq!(played.done().told(), ["0 main/beats: 0"]);
}
