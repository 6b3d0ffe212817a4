//! The commands that play stories: `sim` and `replay` are `greenroom_sim::cli`'s, `real` performs
//! on the operating system.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

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

/// What a sweep has to survive: seeds that end their process, and a run that no seed determines.
fn drills() -> [Scenario; 4] {
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
    static RUNS: AtomicU64 = AtomicU64::new(0);
    let coin = Scenario::new("drill/coin", "what ran before shows", |stage| {
        stage.client("cli", || {
            greenroom::note!("run {}", RUNS.fetch_add(1, Ordering::Relaxed));
            Ok(())
        });
    });
    [
        ends("drill/abort", || std::process::abort()),
        ends("drill/exit", || std::process::exit(0)),
        ends("drill/deaf", never_lets_go),
        coin,
    ]
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
