//! What the simulator costs: round trips, small worlds, bulk, an idle hour; tape and hash on.

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::time::Duration;

use greenroom::net::{TcpListener, TcpStream, UdpSocket};
use greenroom::scenario::Scenario;
use greenroom::thread;
use greenroom_sim::Weather;
use greenroom_sim::run::{Run, Spec, run};

use super::REPETITIONS;
use super::machine::{ANOTHER_DAY, figure, median, table};
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
    say!("  {ANOTHER_DAY}: round trip madsim 1 300, turmoil 6 000-12 700;");
    say!("  small world madsim 20 500, turmoil 51 700; MiB turmoil 60 700, madsim 589 000");
    Ok(())
}

/// Prints CPU ns per item.
pub fn child(what: &str) -> Result<(), String> {
    let (items, work): (u64, fn()) = match what {
        "round-trips" => (ROUND_TRIPS, || round_trips(1, ROUND_TRIPS)),
        "worlds" => (WORLDS, || worlds(2, WORLDS)),
        "bulk" => (BULK_MIB, || bulk(BULK_MIB)),
        "hour" => (1, || idle(HOSTS, 3_600)),
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

/// Hosts that ask one server so many times each.
pub fn round_trips(clients: u64, times: u64) {
    let scenario = Scenario::new("round-trips", "clients ask", move |stage| {
        stage.server("srv", echo_server);
        for client in 0..clients {
            stage.client(&format!("cli{client}"), move || ask(times));
        }
    });
    held(&run(&scenario, &spec(1)));
}

/// Worlds of a server and so many clients, which ask three times or twice.
pub fn worlds(clients: u64, count: u64) {
    let scenario = Scenario::new("worlds", "a few messages", move |stage| {
        stage.server("srv", echo_server);
        for client in 0..clients {
            stage.client(&format!("cli{client}"), move || ask(3 - client % 2));
        }
    });
    (0..count).for_each(|seed| held(&run(&scenario, &spec(seed))));
}

pub fn bulk(mib: u64) {
    let scenario = Scenario::new("bulk", "bytes one way", move |stage| {
        stage.server("srv", move || {
            let (mut stream, _) = TcpListener::bind("0.0.0.0:7")?.accept()?;
            let mut buf = vec![0; 64 << 10];
            let mut total = 0;
            while total < mib << 20 {
                total += stream.read(&mut buf)? as u64;
            }
            stream.write_all(b"x")
        });
        stage.client("cli", move || {
            let mut stream = TcpStream::connect(SocketAddr::from(([10, 0, 0, 1], 7)))?;
            let chunk = vec![7; 64 << 10];
            for _ in 0..mib << 4 {
                stream.write_all(&chunk)?;
            }
            stream.read_exact(&mut [0])
        });
    });
    held(&run(&scenario, &spec(1)));
}

/// Hosts that do nothing but sleep a second, time after time.
pub fn idle(hosts: u64, seconds: u64) {
    let scenario = Scenario::new("idle", "timers tick", move |stage| {
        for host in 0..hosts {
            stage.client(&format!("h{host}"), move || {
                let _listener = TcpListener::bind("0.0.0.0:7")?;
                tick(seconds);
                Ok(())
            });
        }
    });
    held(&run(&scenario, &spec(1)));
}

/// Hosts of two greenlets each, all of which wake at the same times.
pub fn two_a_tick(hosts: u64, seconds: u64) {
    let scenario = Scenario::new("two-a-tick", "timers tick", move |stage| {
        for host in 0..hosts {
            stage.client(&format!("h{host}"), move || {
                let other = thread::spawn(move || tick(seconds));
                tick(seconds);
                other.join().map_err(|_| io::Error::other("it ticks"))
            });
        }
    });
    held(&run(&scenario, &spec(1)));
}

fn tick(seconds: u64) {
    (0..seconds).for_each(|_| thread::sleep(Duration::from_secs(1)));
}

/// Pairs of hosts, of which one asks the other over UDP.
pub fn talk(pairs: u64, times: u64) {
    const PORT: u16 = 9;
    let scenario = Scenario::new("talk", "every host talks", move |stage| {
        for pair in 0..pairs {
            stage.server(&format!("srv{pair}"), || {
                let socket = UdpSocket::bind(("0.0.0.0", PORT))?;
                let mut buf = [0; 64];
                loop {
                    let (n, from) = socket.recv_from(&mut buf)?;
                    socket.send_to(&buf[..n], from)?;
                }
            });
        }
        for pair in 0..pairs {
            stage.client(&format!("cli{pair}"), move || {
                let socket = UdpSocket::bind("0.0.0.0:0")?;
                socket.connect((format!("srv{pair}").as_str(), PORT))?;
                let mut buf = [7; 64];
                for _ in 0..times {
                    socket.send(&buf.clone())?;
                    socket.recv(&mut buf)?;
                }
                Ok(())
            });
        }
    });
    held(&run(&scenario, &spec(1)));
}
