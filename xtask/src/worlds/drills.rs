//! Drills: what the command line has to survive and to tell apart. Seeds that end their process, runs that no
//! seed determines, failures of several kinds, a token that hits something else.

mod leaks;
mod stages;

use std::io::{self, Read, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use greenroom::net::{TcpListener, TcpStream};
use greenroom::scenario::Scenario;

/// All drills.
pub(super) fn all() -> Vec<Scenario> {
    let mut all = vec![
        ends("drill/abort", || std::process::abort()),
        ends("drill/exit", || std::process::exit(0)),
        always("drill/exits", "every run ends its process, as if all were well", || {
            std::process::exit(0);
        }),
        ends("drill/deaf", never_lets_go),
        ends("drill/spin", spins),
        ends("drill/std-lock", holds_a_lock_of_std),
        coin(),
        flip(),
        claim(),
        two_ways(),
        shifted(),
        always("drill/spins", "every seed spins, and says so", || {
            eprintln!("spinning");
            spins();
        }),
        always("drill/sleeps", "every seed stops the thread for a day", || {
            std::thread::sleep(Duration::from_secs(86_400));
        }),
        last_words(),
        exits_later(),
    ];
    all.extend(leaks::all());
    all.extend(stages::all());
    all
}

fn always(name: &str, about: &str, what: fn()) -> Scenario {
    Scenario::new(name, about, move |stage| {
        stage.client("cli", move || {
            what();
            Ok(())
        });
    })
}

/// The server's program is ended when the client's is done.
fn last_words() -> Scenario {
    struct Guard;
    impl Drop for Guard {
        fn drop(&mut self) {
            panic!("the guard's last words");
        }
    }
    Scenario::new("drill/last-words", "a destructor panics while its greenlet is ended", |stage| {
        stage.server("srv", || {
            let _guard = Guard;
            loop {
                greenroom::thread::sleep(Duration::from_secs(60));
            }
        });
        stage.client("cli", || Ok(()));
    })
}

/// The report plays the seed more often.
fn exits_later() -> Scenario {
    static RUNS: AtomicU64 = AtomicU64::new(0);
    Scenario::new("drill/exit-later", "the first run fails, the third ends its process", |stage| {
        stage.client("cli", || {
            if RUNS.fetch_add(1, Ordering::Relaxed) == 2 {
                std::process::exit(0);
            }
            Err(io::ErrorKind::Other.into())
        });
    })
}

fn ends(name: &str, end: fn()) -> Scenario {
    Scenario::new(name, "one seed in some twenty ends its process", move |stage| {
        stage.client("cli", move || {
            if greenroom::rand::choose("end", 20) == 7 {
                end();
            }
            Ok(())
        });
    })
}

/// Nothing of ours is called, so nobody else ever runs.
fn spins() {
    while std::hint::black_box(true) {}
}

/// The other one stops the thread that the first needs to go on.
fn holds_a_lock_of_std() {
    static LOCK: Mutex<()> = Mutex::new(());
    let holder = greenroom::thread::spawn(|| {
        let _held = LOCK.lock();
        greenroom::thread::sleep(Duration::from_millis(1));
    });
    greenroom::thread::yield_now();
    drop(LOCK.lock());
    let _ = holder.join();
}

/// A greenlet that swallows its kill at the run's end.
fn never_lets_go() {
    let body = || {
        loop {
            let _ = std::panic::catch_unwind(|| greenroom::thread::sleep(Duration::from_secs(60)));
        }
    };
    greenroom::thread::spawn(body);
    greenroom::thread::sleep(Duration::from_millis(1));
}

fn coin() -> Scenario {
    static RUNS: AtomicU64 = AtomicU64::new(0);
    Scenario::new("drill/coin", "what ran before shows", |stage| {
        stage.client("cli", || {
            greenroom::note!("run {}", RUNS.fetch_add(1, Ordering::Relaxed));
            Ok(())
        });
    })
}

fn flip() -> Scenario {
    static RUNS: AtomicU64 = AtomicU64::new(0);
    Scenario::new("drill/flip", "every other run fails, and looks the same", |stage| {
        stage.client("cli", || match RUNS.fetch_add(1, Ordering::Relaxed) % 2 {
            0 => Ok(()),
            _ => Err(io::ErrorKind::Other.into()),
        });
    })
}

fn claim() -> Scenario {
    static RUNS: AtomicU64 = AtomicU64::new(0);
    Scenario::new("drill/claim", "every other run holds a claim", |stage| {
        stage.client("cli", || {
            let is_first = RUNS.fetch_add(1, Ordering::Relaxed).is_multiple_of(2);
            greenroom::sometimes!(is_first, "the first of two");
            Ok(())
        });
    })
}

fn two_ways() -> Scenario {
    Scenario::new("drill/two-ways", "most seeds fail, in one way or another", |stage| {
        stage.client("cli", || {
            match greenroom::rand::choose("way", 20) {
                0 => {}
                way => {
                    greenroom::always!(way % 2 == 0, "one way");
                    greenroom::always!(way % 2 == 1, "another");
                }
            }
            Ok(())
        });
    })
}

fn shifted() -> Scenario {
    let about = "a knob has one more connection before the one that counts";
    let scenario = Scenario::new("drill/shifted", about, |stage| {
        let extra = stage.knob("extra");
        stage.server("srv", || {
            let listener = TcpListener::bind("0.0.0.0:7")?;
            loop {
                let (mut stream, _) = listener.accept()?;
                greenroom::thread::spawn(move || -> io::Result<()> {
                    stream.read_exact(&mut [0; 4])?;
                    stream.write_all(b"done")
                });
            }
        });
        stage.client("cli", move || {
            let send = |what: &[u8]| -> io::Result<()> {
                let mut stream = TcpStream::connect("srv:7")?;
                stream.write_all(what)?;
                stream.read_exact(&mut [0; 4])
            };
            (0..extra).try_for_each(|_| send(b"more"))?;
            send(b"data")
        });
    });
    scenario.knob("extra", 0)
}
