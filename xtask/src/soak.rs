//! `cargo xtask soak --for TIME`: the key-value and the HTTP server in a process of their own, honest
//! and hostile clients in this one. The servers' descriptors and memory are to stay flat, and the
//! honest clients' replies right and in time.

mod clients;
mod honest;
mod hostile;
mod report;
mod server;
mod watch;

use std::cell::{Cell, RefCell};
use std::io::{self, Write};
use std::rc::Rc;
use std::time::Duration;

use clap::{CommandFactory, FromArgMatches, Parser};
use greenroom::thread;
use greenroom::time::Instant;

use clients::Clients;
use watch::Watched;

/// Soaks the servers: honest and hostile clients at once, for a while
///
/// Exit code: 0 held, 1 failed, 2 usage. It fails when an honest reply is wrong or takes longer than
/// 10 seconds, when a server ends, when the servers' descriptors or memory have grown, or when
/// descriptors are left once all clients have gone.
#[derive(Parser, Debug)]
#[command(no_binary_name = true)]
struct Soak {
    /// For how long, as 30s, 10m or 2h; not less than 4 seconds
    #[arg(long = "for", value_name = "TIME", default_value = "10m", value_parser = duration)]
    time: Duration,
}

const SHORTEST: Duration = Duration::from_secs(4);

/// Does as told; returns whether everything held.
pub fn main(arguments: &[String]) -> Result<bool, String> {
    let command = Soak::command().bin_name("cargo xtask soak");
    let parsed = command.try_get_matches_from(arguments).and_then(|it| Soak::from_arg_matches(&it));
    let soak = match parsed {
        Ok(soak) => soak,
        Err(error) if error.kind() == clap::error::ErrorKind::DisplayHelp => {
            // Whoever read it may have seen enough.
            let _ = write!(io::stdout(), "{error}");
            return Ok(true);
        }
        Err(error) => {
            let text = error.to_string();
            let what = text.lines().next().unwrap_or_default();
            let what = what.strip_prefix("error: ").unwrap_or(what).replace('\'', "`");
            return Err(format!("soak: {what}; accepted: --for TIME, as 30s, 10m or 2h"));
        }
    };
    match greenroom_real::run(move || play(soak.time)) {
        Ok(()) => Ok(true),
        Err(why) => {
            complain!("soak: FAILED: {why}");
            Ok(false)
        }
    }
}

/// One measured process: the servers.
pub fn child() -> Result<bool, String> {
    server::serve().map(|()| true).map_err(|error| format!("soak-child: {error}"))
}

/// What all who take part share.
struct Soaking {
    start: Instant,
    time: Duration,
    /// Why it failed, in a line each; the first is what is told.
    failures: RefCell<Vec<String>>,
    is_over: Cell<bool>,
}

impl Soaking {
    fn fail(&self, why: String) {
        self.failures.borrow_mut().push(why);
        self.is_over.set(true);
    }
    fn is_over(&self) -> bool {
        self.is_over.get() || self.start.elapsed() >= self.time
    }
}

fn play(time: Duration) -> Result<(), String> {
    let (mut servers, addresses) = server::start()?;
    let before = servers.descriptors();
    let (failures, is_over) = (RefCell::default(), Cell::new(false));
    let soaking = Rc::new(Soaking { start: Instant::now(), time, failures, is_over });
    let clients = Clients::start(&soaking, addresses);
    let watched = Watched::watch(&soaking, &mut servers, &clients);
    clients.join();
    let left = watched.wait_until_no_more_than(before, &mut servers);
    report::print(&soaking, &watched, &clients, left, before);
    let failure = soaking.failures.borrow().first().cloned();
    failure.or_else(|| report::verdict(&watched, left, before)).map_or(Ok(()), Err)
}

/// A greenlet of a client, which is waited for at the end.
fn greenlet(f: impl FnOnce() + 'static) -> thread::JoinHandle<()> {
    thread::spawn(f)
}

fn duration(text: &str) -> Result<Duration, String> {
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let count = text[..text.len() - unit.len()].parse::<u32>();
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return Err("its unit is none of s, m, h".into()),
    };
    let time = count.ok().and_then(|count| count.checked_mul(seconds));
    match time.map(|seconds| Duration::from_secs(u64::from(seconds))) {
        Some(time) if time >= SHORTEST => Ok(time),
        Some(_) => Err("it is to be 4s or longer".into()),
        None => Err("it is to be a time, as 10m".into()),
    }
}
