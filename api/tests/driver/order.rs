//! Who runs when: wake order, rounds, the end of a busy loop.

use greenroom::{note, thread, time};

use crate::scripted::{Event, ScriptHub, ms, play};
use crate::{dial, join_all, read, spawn};

#[test]
pub fn readiness_wakes_in_polls_order_then_timers() {
    let hub = ScriptHub::new()
        .at(ms(10), Event::Bytes(2, b"x".into()))
        .at(ms(10), Event::Bytes(1, b"x".into()));
    let played = play(hub, || {
        let sleeper = spawn("sleeper", || {
            thread::sleep(ms(10));
            note!("slept");
        });
        let readers = [1, 2].map(|port| {
            let stream = dial(port);
            spawn("reader", move || {
                read(&stream, 1);
                note!("read {port}");
            })
        });
        sleeper.join().unwrap();
        join_all(readers);
    });
    let told = ["10 main/reader#2: read 2", "10 main/reader: read 1", "10 main/sleeper: slept"];
    assert_eq!(played.done().told(), told);
}

#[test]
pub fn timers_fire_by_deadline_then_creation() {
    let played = play(ScriptHub::new(), || {
        let sleepers = [20, 10, 10, 20, 5].map(|time| {
            thread::spawn(move || {
                thread::sleep(ms(time));
                note!("{time}");
            })
        });
        join_all(sleepers);
    });
    let told = [
        "5 main/task#5: 5",
        "10 main/task#2: 10",
        "10 main/task#3: 10",
        "20 main/task: 20",
        "20 main/task#4: 20",
    ];
    assert_eq!(played.done().told(), told);
}

#[test]
fn a_later_deadline_set_first_fires_last() {
    let played = play(ScriptHub::new(), || {
        // The same greenlet's lazy timer: armed late, set earlier, then later again.
        let stream = dial(1);
        for timeout in [30, 10, 20, 5] {
            stream.set_read_timeout(Some(ms(timeout))).unwrap();
            read(&stream, 1);
            note!("{timeout}");
        }
    });
    assert_eq!(played.done().told(), ["30 main: 30", "40 main: 10", "60 main: 20", "65 main: 5"]);
}

#[test]
fn a_round_gives_everyone_one_turn() {
    let played = play(ScriptHub::new(), || {
        let yielders = ["a", "b", "c"].map(|name| {
            spawn(name, || {
                for turn in 1..=2 {
                    note!("{turn}");
                    thread::yield_now();
                }
            })
        });
        join_all(yielders);
    });
    let who: String = played.done().told().iter().map(|line| &line[7..8]).collect();
    assert_eq!(who, "abcabc");
}

#[test]
fn one_that_only_yields_starves_neither_readers_nor_timers() {
    let hub = ScriptHub::new().at(ms(1), Event::Bytes(1, b"x".into()));
    let played = play(hub, || {
        let stream = dial(1);
        let spinner = spawn("spinner", || {
            loop {
                thread::yield_now();
            }
        });
        note!("{}", read(&stream, 1));
        thread::sleep(ms(1));
        note!("slept");
        spinner.kill();
    });
    assert_eq!(played.done().told(), ["1 main: [120]", "2 main: slept"]);
}

#[test]
fn timeout_around_a_yield_loop_ends_in_virtual_time() {
    let played = play(ScriptHub::new(), || {
        let ended = time::timeout(ms(1000), || {
            loop {
                thread::yield_now();
            }
        });
        let () = ended.unwrap_or_else(|elapsed| note!("{elapsed}"));
    });
    assert_eq!(played.done().told(), ["1000 main: the enclosing timeout has elapsed"]);
}

#[test]
fn timeout_around_a_flood_of_data_ends() {
    let hub = ScriptHub::new().at(ms(0), Event::Eof(1));
    let played = play(hub, || {
        let stream = dial(1);
        spawn("clock", || (0..20).for_each(|_| thread::sleep(ms(1))));
        let ended = time::timeout(ms(10), || {
            // The end of the stream can be read for ever.
            while read(&stream, 1) == "[]" {
                thread::yield_now();
            }
        });
        note!("{}", ended.is_err());
        let ended =
            time::timeout(ms(5), || while greenroom::wait::wait_read(&*stream, None).is_ok() {});
        note!("{}", ended.is_err());
    });
    let told = played.done().told();
    assert_eq!(told.len(), 2);
    assert!(told.iter().all(|line| line.ends_with("true")), "{told:?}");
}

#[test]
fn spawned_greenlets_start_in_order_and_never_inside_spawn() {
    let played = play(ScriptHub::new(), || {
        let all = ["a", "b"].map(|name| spawn(name, || note!("starts")));
        note!("spawned");
        join_all(all);
    });
    assert_eq!(played.done().told(), ["0 main: spawned", "0 main/a: starts", "0 main/b: starts"]);
}

#[test]
fn the_hub_picks_another_order() {
    let played = play(ScriptHub::new().picks(&[2, 1]), || {
        let all = ["a", "b", "c"].map(|name| spawn(name, || note!("runs")));
        join_all(all);
    });
    let told = ["0 main/c: runs", "0 main/b: runs", "0 main/a: runs"];
    assert_eq!(played.done().told(), told);
}

#[test]
fn a_paused_host_gets_no_turns() {
    let hub = ScriptHub::new().at(ms(5), Event::Pause(0)).at(ms(50), Event::Resume(0));
    let played = play(hub, || {
        thread::sleep(ms(10));
        note!("late");
    });
    assert_eq!(played.done().told(), ["50 main: late"]);
}

#[test]
fn a_hub_that_lets_turns_go_in_order_is_asked_once_for_all_of_them() {
    const TURNS: usize = 50;
    let played = play(ScriptHub::new().in_order(TURNS), || {
        let yielders = ["a", "b"].map(|name| {
            spawn(name, move || {
                for _ in 0..100 {
                    thread::yield_now();
                }
                note!("done");
            })
        });
        join_all(yielders);
    });
    let played = played.done();
    assert_eq!(played.told(), ["0 main/a: done", "0 main/b: done"]);
    // Two questions a look, and a look for each fifty turns.
    assert!((4..=16).contains(&played.hub.turns), "{}", played.hub.turns);
}
