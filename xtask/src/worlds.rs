//! The commands that play stories: `sim` and `replay` are `greenroom_sim::cli`'s, `real` performs
//! on the operating system.

mod drills;

use std::net::SocketAddr;
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
    by_name.extend(drills::all());
    let suite = Suite {
        scenarios: greenroom_scenarios::all(),
        by_name,
        runners: vec![Runner { name: "real", play: perform }],
        command: "cargo xtask".into(),
    };
    cli::main(&suite, args)
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
        complain!("xtask: real kv --serve takes one address, as 127.0.0.1:0");
        return 2;
    };
    let address: SocketAddr = match address.parse() {
        Ok(address) => address,
        Err(_) => {
            complain!(
                "xtask: `{}` is no address; it is to be like 127.0.0.1:0",
                cli::escaped(address)
            );
            return 2;
        }
    };
    let served = greenroom_real::run(move || {
        greenroom_scenarios::kv::serve(address, |bound| say!("listening on {bound}"))
    });
    match served {
        Ok(()) => 0,
        Err(error) => {
            complain!("xtask: kv: {error}");
            1
        }
    }
}
