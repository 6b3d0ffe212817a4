//! `format_greenlets`: who does what, by which calls; and nothing comes of it.

use std::cell::Cell;
use std::rc::Rc;

use greenroom::hub::How;
use greenroom::thread::{self, Builder, format_greenlets};
use greenroom::{note, time};

use crate::scripted::{Event, Played, ScriptHub, client, ms, play, play_all};
use crate::{dial, read, spawn};

#[inline(never)]
fn waits_far_down(stream: &greenroom::net::TcpStream) {
    note!("{}", read(stream, 1));
}

/// A world in which everybody does something else; `dump` is called in the middle of it.
fn busy(dump: impl Fn() + 'static) -> Played {
    let hub = ScriptHub::new()
        .at(ms(2), Event::End("main/dark".into(), How::Abandon))
        .at(ms(9), Event::Bytes(1, b"x".into()));
    let dump = Rc::new(dump);
    play(hub, move || {
        let dump = dump.clone();
        spawn("dark", thread::park);
        let stream = dial(1);
        spawn("reads", move || waits_far_down(&stream));
        let sleeps = spawn("sleeps", || time::timeout(ms(7), || thread::sleep(ms(50))).is_err());
        let turns = Rc::new(Cell::new(0));
        let counts = turns.clone();
        spawn("yields", move || {
            while counts.get() < 3 {
                counts.set(counts.get() + 1);
                thread::yield_now();
            }
        });
        thread::sleep(ms(5));
        turns.set(0);
        spawn("new", || note!("new runs"));
        spawn("joins", move || drop(sleeps.join()));
        spawn("dumps", move || dump()).join().unwrap();
        thread::sleep(ms(5));
    })
}

/// The paragraph of one greenlet.
fn about(text: &str, name: &str) -> String {
    let start = text.find(&format!("{name}: ")).unwrap_or_else(|| panic!("no {name}: {text}"));
    let mut lines = text[start..].split_inclusive('\n');
    let first = lines.next().unwrap().to_owned();
    first + &lines.take_while(|line| line.starts_with(' ')).collect::<String>()
}

#[test]
fn everybody_is_told_of_with_the_calls_that_led_there() {
    let texts: Rc<std::cell::RefCell<String>> = Rc::default();
    let writes = texts.clone();
    busy(move || *writes.borrow_mut() = format_greenlets());
    let text = texts.borrow();
    let here = |what: &str| format!("{what}; spawned at {}:", file!());
    for (name, what) in [
        (
            "main/reads",
            here("in read on data on 127.0.0.1:50001 from 10.0.0.9:1, since 0ns, no deadline"),
        ),
        ("main/sleeps", here("in sleep on the clock, since 0ns, until 7ms")),
        ("main/joins", here("in join on the end of main/sleeps, since 5ms, no deadline")),
        ("main/dumps", here("running")),
        (
            "main",
            "in join on the end of main/dumps, since 5ms, no deadline; its host's program".into(),
        ),
        ("main/dark", here("left as it stands")),
    ] {
        let about = about(&text, name);
        assert!(about.starts_with(&format!("{name}: {what}")), "{about}\n{text}");
    }
    let reads = about(&text, "main/reads");
    assert!(reads.contains("waits_far_down"), "{reads}");
    // From the call that waits to the closure, and nothing of ours around it.
    assert!(reads.contains("src/call/descriptor.rs:"), "{reads}");
    for ours in ["corosensei", "src/greenlet/", "src/driver/", "catch_unwind", "/library/"] {
        assert!(!reads.contains(ours), "{ours}: {reads}");
    }
    assert!(about(&text, "main/dumps").contains("everybody_is_told_of"), "{text}");
}

#[test]
fn one_that_has_not_started_has_no_stack_and_one_that_yielded_has() {
    let texts: Rc<std::cell::RefCell<String>> = Rc::default();
    let writes = texts.clone();
    play(ScriptHub::new(), move || {
        spawn("yields", thread::yield_now);
        thread::yield_now();
        spawn("new", || ());
        *writes.borrow_mut() = format_greenlets();
    })
    .done();
    let text = texts.borrow();
    let (new, yields) = (about(&text, "main/new"), about(&text, "main/yields"));
    assert!(
        new.starts_with("main/new: runnable; ") && new.ends_with("(it has not started)\n"),
        "{new}"
    );
    assert!(yields.starts_with("main/yields: runnable; "), "{yields}");
    assert!(yields.contains("yield_now"), "{yields}");
}

#[test]
fn nothing_comes_of_a_dump() {
    let with = busy(|| drop(format_greenlets()));
    let without = busy(|| ());
    assert_eq!(with.hub.trace(), without.hub.trace());
}

#[test]
#[cfg_attr(feature = "sanitizer", ignore = "locals do not tell how full a stack is")]
fn a_stack_without_room_to_walk_it_is_left_alone() {
    /// Parks so many bytes further down.
    fn fills(bytes: usize, top: usize) {
        let frame = std::hint::black_box([0u8; 256]);
        if top - (frame.as_ptr() as usize) < bytes {
            fills(bytes, top)
        } else {
            thread::park()
        }
        std::hint::black_box(frame);
    }
    let played = play_all(
        ScriptHub::new(),
        vec![client("main", || {
            let small = Builder::new().name("small".into()).stack_size(64 * 1024);
            let full = small.spawn(|| {
                let top = [0u8];
                fills(56 * 1024, top.as_ptr() as usize);
            });
            let full = full.unwrap();
            thread::yield_now();
            let text = format_greenlets();
            note!("{}", text.contains("its stack is too full to be walked"));
            full.thread().unpark();
        })],
    );
    assert_eq!(played.done().told(), ["0 main: true"]);
}

#[test]
fn outside_any_hub_it_says_so() {
    assert!(format_greenlets().starts_with("no greenlets: not inside a hub"));
}

#[test]
#[cfg_attr(feature = "sanitizer", ignore = "locals do not tell how full a stack is")]
fn a_caller_without_room_is_told_no_calls() {
    fn deep_down() -> String {
        let frame = std::hint::black_box([0u8; 20 * 1024]);
        let text = format_greenlets();
        std::hint::black_box(frame);
        text
    }
    let played = play_all(
        ScriptHub::new(),
        vec![client("main", || {
            let small = Builder::new().name("small".into()).stack_size(64 * 1024);
            let text = small.spawn(deep_down).unwrap().join().unwrap();
            note!("{}", text.matches("the caller's stack is too full to tell its calls").count());
            note!("{}", format_greenlets().contains("too full"));
        })],
    );
    assert_eq!(played.done().told(), ["0 main: 2", "0 main: false"]);
}
