//! What the simulator costs: round trips, small worlds, bulk, an idle hour; tape and hash on.

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::time::Duration;

use greenroom::net::{TcpListener, TcpStream};
use greenroom::scenario::Scenario;
use greenroom::thread;
use greenroom_sim::Weather;
use greenroom_sim::run::{Run, Spec, run};

use super::REPETITIONS;
use super::machine::{figure, median, table};
use super::process::{self, cpu_ns};

const ROUND_TRIPS: u64 = 100_000;
const WORLDS: u64 = 20_000;
const BULK_MIB: u64 = 100;
const HOSTS: u64 = 1_000;

/// What is measured: its name, what a child is told, and what one figure stands for.
const CASES: [(&str, &str, &str); 4] = [
    ("64 B round trip over TCP, 1-10 ms latency", "round-trips", "ns"),
    ("world of 3 hosts, 10 messages: made, run, dropped", "worlds", "ns"),
    ("MiB through one stream, 64 KiB writes", "bulk", "ns"),
    ("1 000 hosts, a listener and a 1 s timer each, 1 h", "hour", "ns in all"),
];

/// Prints CPU ns of each.
pub fn bench() -> Result<(), String> {
    let mut runs = vec![Vec::new(); CASES.len()];
    for _ in 0..REPETITIONS {
        for ((_, what, _), runs) in CASES.iter().zip(&mut runs) {
            let mut child = process::start(0, &[], &["sim", what])?;
            let [ns] = child.figures()?;
            child.finish()?;
            runs.push(ns);
        }
    }
    let rows: Vec<_> = CASES
        .iter()
        .zip(runs)
        .map(|((name, _, unit), runs)| {
            vec![(*name).to_owned(), figure(median(runs)), (*unit).to_owned()]
        })
        .collect();
    table("sim: tape and hash on, default weather without loss", &["", "CPU", "unit"], &rows);
    say!("  other runs on such a machine: round trip madsim 1 300, turmoil 6 000-12 700;");
    say!("  small world madsim 20 500, turmoil 51 700; MiB turmoil 60 700, madsim 589 000");
    Ok(())
}

/// Prints CPU ns per item.
pub fn child(what: &str) -> Result<(), String> {
    let (items, work): (u64, fn()) = match what {
        "round-trips" => (ROUND_TRIPS, round_trips),
        "worlds" => (WORLDS, worlds),
        "bulk" => (BULK_MIB, bulk),
        "hour" => (1, hour),
        unknown => return Err(format!("no such case: {unknown}")),
    };
    let before = cpu_ns("self");
    work();
    say!("{}", (cpu_ns("self") - before) as f64 / items as f64);
    Ok(())
}

fn spec(seed: u64) -> Spec {
    Spec {
        weather: Weather { loss_ppm: 0, short_read_ppm: 0, ..Weather::default() },
        ..Spec::seed(seed)
    }
}

fn held(run: &Run) {
    assert!(run.outcome.held(), "{}", run.outcome);
}

fn echo_server() -> io::Result<()> {
    let listener = TcpListener::bind("0.0.0.0:7")?;
    loop {
        let (mut stream, _) = listener.accept()?;
        thread::spawn(move || -> io::Result<()> {
            let mut buf = [0; 64];
            loop {
                let n = stream.read(&mut buf)?;
                if n == 0 {
                    return Ok(());
                }
                stream.write_all(&buf[..n])?;
            }
        });
    }
}

fn ask(times: u64) -> io::Result<()> {
    // By address: looking the name up would be one more message.
    let mut stream = TcpStream::connect(SocketAddr::from(([10, 0, 0, 1], 7)))?;
    let mut buf = [7; 64];
    for _ in 0..times {
        stream.write_all(&buf.clone())?;
        stream.read_exact(&mut buf)?;
    }
    Ok(())
}

fn round_trips() {
    let scenario = Scenario::new("round-trips", "one client asks", |stage| {
        stage.server("srv", echo_server);
        stage.client("cli", || ask(ROUND_TRIPS));
    });
    held(&run(&scenario, &spec(1)));
}

fn worlds() {
    let scenario = Scenario::new("worlds", "ten messages", |stage| {
        stage.server("srv", echo_server);
        stage.client("one", || ask(3));
        stage.client("two", || ask(2));
    });
    (0..WORLDS).for_each(|seed| held(&run(&scenario, &spec(seed))));
}

fn bulk() {
    let scenario = Scenario::new("bulk", "bytes one way", |stage| {
        stage.server("srv", || {
            let (mut stream, _) = TcpListener::bind("0.0.0.0:7")?.accept()?;
            let mut buf = vec![0; 64 << 10];
            let mut total = 0;
            while total < BULK_MIB << 20 {
                total += stream.read(&mut buf)? as u64;
            }
            stream.write_all(b"x")
        });
        stage.client("cli", || {
            let mut stream = TcpStream::connect(SocketAddr::from(([10, 0, 0, 1], 7)))?;
            let chunk = vec![7; 64 << 10];
            for _ in 0..BULK_MIB << 4 {
                stream.write_all(&chunk)?;
            }
            stream.read_exact(&mut [0])
        });
    });
    held(&run(&scenario, &spec(1)));
}

fn hour() {
    let scenario = Scenario::new("hour", "timers tick", |stage| {
        for host in 0..HOSTS {
            stage.client(&format!("h{host}"), || {
                let _listener = TcpListener::bind("0.0.0.0:7")?;
                (0..3_600).for_each(|_| thread::sleep(Duration::from_secs(1)));
                Ok(())
            });
        }
    });
    held(&run(&scenario, &spec(1)));
}
