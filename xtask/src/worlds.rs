//! The commands that play stories: `sim` and `replay` are `greenroom_sim::cli`'s, `real` performs
//! on the operating system.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use greenroom::net::{TcpListener, TcpStream};
use greenroom::scenario::Scenario;
use greenroom_sim::cli::{self, Runner, Suite};

/// Plays as told; returns the exit code.
pub fn main(args: &[String]) -> i32 {
    if let [real, story, serve, rest @ ..] = args
        && (real.as_str(), story.as_str(), serve.as_str()) == ("real", "kv", "--serve")
    {
        return serve_kv(rest);
    }
    let mut by_name = greenroom_scenarios::planted();
    by_name.extend(greenroom_scenarios::laws());
    by_name.extend(drills());
    let suite = Suite {
        scenarios: greenroom_scenarios::all(),
        by_name,
        runners: vec![Runner { name: "real", play: perform }],
        command: "cargo xtask".into(),
    };
    cli::main(&suite, args)
}

/// What a sweep has to survive: seeds that end their process, and runs that no seed determines.
fn drills() -> [Scenario; 10] {
    let ends = |name, end: fn()| {
        Scenario::new(name, "one seed in some twenty ends its process", move |stage| {
            stage.client("cli", move || {
                if greenroom::rand::choose("end", 20) == 7 {
                    end();
                }
                Ok(())
            });
        })
    };
    let two_ways =
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
        });
    let shifted =
        Scenario::new("drill/shifted", "one more connection before the one that counts", |stage| {
            let extra = stage.knob("extra");
            stage.server("srv", || {
                let listener = TcpListener::bind("0.0.0.0:7")?;
                loop {
                    let (mut stream, _) = listener.accept()?;
                    greenroom::thread::spawn(move || -> std::io::Result<()> {
                        stream.read_exact(&mut [0; 4])?;
                        stream.write_all(b"done")
                    });
                }
            });
            stage.client("cli", move || {
                let send = |what: &[u8]| -> std::io::Result<()> {
                    let mut stream = TcpStream::connect("srv:7")?;
                    stream.write_all(what)?;
                    stream.read_exact(&mut [0; 4])
                };
                (0..extra).try_for_each(|_| send(b"more"))?;
                send(b"data")
            });
        })
        .knob("extra", 0);
    static RUNS: AtomicU64 = AtomicU64::new(0);
    let coin = Scenario::new("drill/coin", "what ran before shows", |stage| {
        stage.client("cli", || {
            greenroom::note!("run {}", RUNS.fetch_add(1, Ordering::Relaxed));
            Ok(())
        });
    });
    static PLAYS: AtomicU64 = AtomicU64::new(0);
    let flip = Scenario::new("drill/flip", "every other run fails, and looks the same", |stage| {
        stage.client("cli", || match PLAYS.fetch_add(1, Ordering::Relaxed) % 2 {
            0 => Ok(()),
            _ => Err(std::io::ErrorKind::Other.into()),
        });
    });
    static CLAIMS: AtomicU64 = AtomicU64::new(0);
    let claim = Scenario::new("drill/claim", "every other run holds a claim", |stage| {
        stage.client("cli", || {
            let held = CLAIMS.fetch_add(1, Ordering::Relaxed).is_multiple_of(2);
            greenroom::sometimes!(held, "the first of two");
            Ok(())
        });
    });
    [
        ends("drill/abort", || std::process::abort()),
        ends("drill/exit", || std::process::exit(0)),
        ends("drill/deaf", never_lets_go),
        ends("drill/spin", spins),
        ends("drill/std-lock", holds_a_lock_of_std),
        coin,
        flip,
        two_ways,
        shifted,
        claim,
    ]
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

fn perform(scenario: &Scenario) -> (bool, String) {
    let performance = greenroom_real::try_perform(scenario);
    let took = format!("{:?}", round(performance.elapsed));
    let line = match performance.held() {
        true => format!("held       {took:>10}"),
        false => format!("FAILED     {took:>10}\n  {}", performance.violations.join("\n  ")),
    };
    (performance.held(), line)
}

fn round(time: Duration) -> Duration {
    Duration::from_micros(time.as_micros() as u64)
}

/// `real kv --serve ADDR`: serves until Ctrl-C.
fn serve_kv(rest: &[String]) -> i32 {
    let [address] = rest else {
        eprintln!("xtask: real kv --serve takes one address, as 127.0.0.1:0");
        return 2;
    };
    let address: SocketAddr = match address.parse() {
        Ok(address) => address,
        Err(_) => {
            eprintln!("xtask: `{address}` is no address; it is to be like 127.0.0.1:0");
            return 2;
        }
    };
    let served = greenroom_real::run(move || {
        greenroom_scenarios::kv::serve(address, |bound| println!("listening on {bound}"))
    });
    match served {
        Ok(()) => 0,
        Err(error) => {
            eprintln!("xtask: kv: {error}");
            1
        }
    }
}
