//! Safe programs whose greenlets swallow every kill, in frames that others rely on: each must end
//! its process, by name, before anybody meets what was left behind. They are started as processes
//! of their own, on every hub.

use std::cell::Cell;
use std::os::unix::process::ExitStatusExt;
use std::panic::catch_unwind;
use std::process::Command;
use std::rc::Rc;
use std::time::Duration;

use greenroom::thread::{self, Builder, scope, sleep};
use greenroom::time::timeout;

const WHICH: &str = "GREENROOM_UNKILLABLE";
const HOUR: Duration = Duration::from_secs(3600);
const MOMENT: Duration = Duration::from_millis(5);

/// A program of one host, by name, and the greenlet that will not end.
pub struct Case {
    name: &'static str,
    main: fn(),
    who: &'static str,
    says: &'static str,
}

const SWALLOWS: &str = "swallows its kill";
const ASKS: &str = "waits again and again in a destructor";

pub const CASES: &[Case] = &[
    Case { name: "sort", main: amid_a_sort, who: "/deaf", says: SWALLOWS },
    Case { name: "retain", main: amid_a_retain, who: "/deaf", says: SWALLOWS },
    Case { name: "std scope", main: in_a_scope_of_std, who: "/deaf", says: SWALLOWS },
    Case { name: "nested scope", main: in_a_scope_of_its_own, who: "/deaf", says: SWALLOWS },
    Case { name: "thread local", main: inside_a_thread_local, who: "/deaf", says: SWALLOWS },
    Case { name: "guard", main: before_a_guard, who: "/deaf", says: SWALLOWS },
    Case { name: "destructor", main: asks_in_a_destructor, who: "/deaf", says: ASKS },
    Case {
        name: "timeout",
        main: swallows_a_timeout_in_a_destructor,
        who: "/deaf",
        says: SWALLOWS,
    },
    Case { name: "own child", main: under_a_child, who: "/middle", says: SWALLOWS },
];

/// Swallows its kill for ever.
fn deaf() {
    loop {
        let _ = catch_unwind(|| sleep(HOUR));
    }
}

fn named(name: &str) -> Builder {
    Builder::new().name(name.to_owned())
}

/// The owner unwinds while a child stands where it will not leave.
fn unwinds_around(child: impl FnOnce()) {
    let _ = timeout(MOMENT, || {
        scope(|s| {
            named("deaf").spawn_scoped(s, child).unwrap();
            sleep(HOUR);
        })
    });
}

/// A sort has taken an element out of its slice when it compares, and puts it back as it unwinds.
fn amid_a_sort() {
    let mut v: Vec<Box<u64>> = (0..8).rev().map(Box::new).collect();
    let borrowed = &mut v;
    unwinds_around(move || {
        let compared = Cell::new(0);
        borrowed.sort_by(|a, b| {
            compared.set(compared.get() + 1);
            if compared.get() == 12 {
                deaf();
            }
            a.cmp(b)
        });
    });
    drop(v);
}

/// `retain` has moved some elements down when it asks about the next.
fn amid_a_retain() {
    let mut v: Vec<Box<u64>> = (0..8).map(Box::new).collect();
    let borrowed = &mut v;
    unwinds_around(move || {
        borrowed.retain(|n| {
            if **n == 5 {
                deaf();
            }
            **n % 2 == 1
        });
    });
    drop(v);
}

/// Threads of a std scope read what is the owner's until that scope has waited for them.
fn in_a_scope_of_std() {
    let v = vec![7_u64; 4096];
    let borrowed = &v;
    unwinds_around(move || {
        std::thread::scope(|threads| {
            threads.spawn(|| while borrowed.iter().sum::<u64>() == 7 * 4096 {});
            deaf();
        });
    });
    drop(v);
}

/// A greenroom scope within, whose child borrows from the outermost frame.
fn in_a_scope_of_its_own() {
    let v = vec![7_u64; 4096];
    let borrowed = &v;
    unwinds_around(move || {
        scope(|s| {
            named("reader")
                .spawn_scoped(s, || {
                    while borrowed.iter().sum::<u64>() == 7 * 4096 {
                        sleep(MOMENT / 5);
                    }
                })
                .unwrap();
            deaf();
        });
    });
    drop(v);
}

/// A scope in the middle of one that unwinds: it is the child that is ended, by its own owner.
fn under_a_child() {
    unwinds_around(|| {
        scope(|s| {
            named("middle").spawn_scoped(s, deaf).unwrap();
            sleep(HOUR);
        });
    });
}

/// The value of a thread-local goes with the hub's thread, while a thread reads it.
fn inside_a_thread_local() {
    thread_local!(static KEY: Vec<u64> = vec![7; 4096]);
    let body = || {
        KEY.with(|v| {
            std::thread::scope(|threads| {
                threads.spawn(|| while v.iter().sum::<u64>() == 7 * 4096 {});
                deaf();
            });
        });
    };
    named("deaf").spawn(body).unwrap();
    sleep(MOMENT);
}

/// A guard that has to run, and a run that ends.
fn before_a_guard() {
    struct Restores<'a>(&'a Cell<Option<Box<u64>>>, Option<Box<u64>>);
    impl Drop for Restores<'_> {
        fn drop(&mut self) {
            self.0.set(self.1.take());
        }
    }
    let body = || {
        let cell = Cell::new(Some(Box::new(7)));
        let _guard = Restores(&cell, cell.take());
        deaf();
    };
    named("deaf").spawn(body).unwrap();
    sleep(MOMENT);
}

/// What it waits for can only happen once it is over.
fn asks_in_a_destructor() {
    struct Asks(Rc<Cell<bool>>);
    impl Drop for Asks {
        fn drop(&mut self) {
            while !self.0.get() {
                thread::yield_now();
            }
        }
    }
    let happens = Rc::new(Cell::new(false));
    let asks = Asks(happens.clone());
    let body = move || {
        let _asks = asks;
        sleep(HOUR);
    };
    let deaf = named("deaf").spawn(body).unwrap();
    sleep(MOMENT);
    deaf.kill();
    sleep(MOMENT);
    happens.set(true);
}

/// As a kill, where it has no turn to give: in what is ended in place.
fn swallows_a_timeout_in_a_destructor() {
    unwinds_around(|| {
        let _ = catch_unwind(|| sleep(HOUR));
        let swallow = || {
            loop {
                let _ = catch_unwind(|| sleep(HOUR));
            }
        };
        let _ = greenroom::time::timeout(Duration::ZERO, swallow);
    });
}

/// The program that this process was started to play, if it was.
pub fn asked_for() -> Option<fn()> {
    let which = std::env::var(WHICH).ok()?;
    let case = CASES.iter().find(|case| case.name == which);
    Some(case.unwrap_or_else(|| panic!("no program {which}")).main)
}

/// Plays each program in a process of its own, by this binary's test of that name, and reads what
/// it says as it ends.
pub fn each_ends_by_name(test: &str) {
    for case in CASES {
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args([test, "--exact", "--nocapture"]).env(WHICH, case.name);
        let ended = child.env("GREENROOM_WATCHDOG", "off").output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.signal(), Some(libc::SIGABRT), "{}: {said}", case.name);
        let line = said.lines().find(|line| line.starts_with("greenroom: greenlet "));
        let line = line.unwrap_or_else(|| panic!("{}: {said}", case.name));
        let told = ["(stack 256 KiB, spawned at ", "unkillable/programs.rs:", case.says];
        assert!(told.iter().all(|part| line.contains(part)), "{}: {line}", case.name);
        let path = line.strip_prefix("greenroom: greenlet ").unwrap().split(' ').next().unwrap();
        assert!(path.ends_with(case.who), "{}: {line}", case.name);
        for report in ["AddressSanitizer", "free():", "double free", "SIGSEGV"] {
            assert!(!said.contains(report), "{}: {said}", case.name);
        }
    }
}

/// Those that let go at last, after a thousand kills, end as any other: one in the middle of a run,
/// one at its end.
pub fn lets_go_at_last() {
    let stubborn = stubborn();
    stubborn.kill();
    assert_eq!(stubborn.join().unwrap(), 7);
    self::stubborn();
}

/// A greenlet that stands where it will swallow a thousand kills.
fn stubborn() -> thread::JoinHandle<u32> {
    let stands = Rc::new(Cell::new(false));
    let theirs = stands.clone();
    let stubborn = thread::spawn(move || {
        theirs.set(true);
        for _ in 0..1000 {
            let _ = catch_unwind(|| sleep(HOUR));
        }
        7
    });
    while !stands.get() {
        thread::yield_now();
    }
    stubborn
}
