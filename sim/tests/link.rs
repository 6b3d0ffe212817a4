//! Links with a bandwidth, a queue and an MTU; and the weather files that ask for them.

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::time::Duration;

use greenroom::net::{TcpListener, TcpStream, UdpSocket};
use greenroom::sync::Arc;
use greenroom::thread;
use greenroom::time::Instant;
use greenroom_sim::choices::Fault;
use greenroom_sim::trace::Level;
use greenroom_sim::{Run, Sim, Weather};

const MIB: usize = 1 << 20;

fn server() -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 1], 7))
}

/// Reads everything, answers one byte.
fn sink() -> io::Result<()> {
    let (mut stream, _) = TcpListener::bind("0.0.0.0:7")?.accept()?;
    let mut buf = vec![0; 64 << 10];
    while stream.read(&mut buf)? > 0 {}
    stream.write_all(b"x")
}

/// Sends so much and waits for the answer.
fn upload(bytes: usize) -> io::Result<()> {
    let mut stream = TcpStream::connect(server())?;
    stream.write_all(&vec![7; bytes])?;
    stream.shutdown(std::net::Shutdown::Write)?;
    stream.read_exact(&mut [0])
}

/// The run of an upload, and how long it took its client.
fn uploaded(weather: Weather, bytes: usize) -> (Run, Duration) {
    let took = Arc::new(std::sync::Mutex::new(Duration::ZERO));
    let book = took.clone();
    let run = Sim::new()
        .weather(weather)
        .server("srv", sink)
        .client("cli", move || {
            let start = Instant::now();
            upload(bytes)?;
            *book.lock().unwrap() = start.elapsed();
            Ok(())
        })
        .traced()
        .run();
    assert!(run.outcome.held(), "{}", run.outcome);
    let took = *took.lock().unwrap();
    (run, took)
}

fn narrow(bytes_per_s: u64) -> Weather {
    Weather { bandwidth_bytes_per_s: Some(bytes_per_s), ..Weather::calm() }
}

#[test]
fn an_upload_takes_what_its_bytes_take() {
    // 1460 of 1500 bytes are payload; the round trips at both ends are milliseconds.
    let (run, took) = uploaded(narrow(1_000_000), MIB);
    let least = Duration::from_micros((MIB * 1500 / 1460) as u64);
    assert!((least..least + Duration::from_millis(50)).contains(&took), "{took:?}");
    assert_eq!(run.fired.of(Fault::QueueFull), 0);
}

#[test]
fn a_full_queue_drops_and_tcp_sends_again() {
    let weather = Weather { queue_bytes: Some(20_000), ..narrow(1_000_000) };
    let (run, took) = uploaded(weather, MIB);
    assert!(run.fired.of(Fault::QueueFull) > 0);
    assert!(took > Duration::from_secs(1), "{took:?}");
    let text = run.trace.expect("it was traced").text(Level::Faults, "");
    assert!(text.contains("QUEUE FULL at packet"), "{text}");
}

#[test]
fn two_streams_share_a_link() {
    let weather = Weather { queue_bytes: Some(100_000), ..narrow(1_000_000) };
    let run = Sim::new()
        .weather(weather)
        .server("srv", || {
            let listener = TcpListener::bind("0.0.0.0:7")?;
            loop {
                let (mut stream, _) = listener.accept()?;
                thread::spawn(move || -> io::Result<()> {
                    let mut buf = vec![0; 64 << 10];
                    while stream.read(&mut buf)? > 0 {}
                    stream.write_all(b"x")
                });
            }
        })
        .client("cli", || {
            let start = Instant::now();
            let both: Vec<_> = (0..2).map(|_| thread::spawn(|| upload(MIB))).collect();
            both.into_iter().try_for_each(|one| one.join().unwrap())?;
            assert!(start.elapsed() > Duration::from_micros(2 * MIB as u64));
            Ok(())
        })
        .run();
    assert!(run.outcome.held(), "{}", run.outcome);
}

/// Four datagrams of one instant meet a queue for two: the others are gone, and nobody is told.
#[test]
fn datagrams_beyond_the_queue_are_dropped() {
    let weather = Weather { queue_bytes: Some(2 * 1028), mtu_bytes: 1028, ..narrow(1_000_000) };
    let run = Sim::new()
        .weather(weather)
        .client("srv", || {
            let socket = UdpSocket::bind("0.0.0.0:9")?;
            socket.set_read_timeout(Some(Duration::from_secs(1)))?;
            let (start, mut buf) = (Instant::now(), [0; 2000]);
            let mut arrivals = Vec::new();
            while let Ok(n) = socket.recv(&mut buf) {
                arrivals.push((buf[0], n, start.elapsed()));
            }
            let got: Vec<_> = arrivals.iter().map(|(nth, n, _)| (*nth, *n)).collect();
            assert_eq!(got, [(0, 1000), (1, 1000)]);
            assert_eq!(arrivals[1].2 - arrivals[0].2, Duration::from_micros(1028));
            Ok(())
        })
        .client("cli", || {
            let socket = UdpSocket::bind("0.0.0.0:0")?;
            for nth in 0..4 {
                socket.send_to(&[nth; 1000], "10.0.0.1:9")?;
            }
            Ok(())
        })
        .run();
    assert!(run.outcome.held(), "{}", run.outcome);
    assert_eq!(run.fired.of(Fault::QueueFull), 2);
}

#[test]
fn segments_are_no_larger_than_the_mtu() {
    let largest = |mtu_bytes| {
        let (run, _) = uploaded(Weather { mtu_bytes, ..Weather::calm() }, 20_000);
        let text = run.trace.expect("it was traced").text(Level::Wire, "");
        let lengths = text.lines().filter_map(|line| {
            let (before, _) = line.split_once("B at ")?;
            before.rsplit(' ').next()?.parse::<u32>().ok()
        });
        lengths.max().expect("it sent data")
    };
    assert_eq!([largest(1500), largest(576), largest(9000)], [1460, 536, 8960]);
}

/// Slow start overflows a queue of a quarter of what the path holds by dozens of segments. One of
/// them a round trip (NewReno) would take seconds; told what arrived, the sender repairs them in a few.
#[test]
fn a_shallow_queue_that_overflows_costs_a_few_round_trips() {
    const BANDWIDTH: u64 = 12_500_000;
    const MS: u64 = 1_000_000;
    let weather = Weather {
        latency_min_ns: 10 * MS,
        latency_typical_ns: 10 * MS,
        latency_max_ns: 10 * MS,
        queue_bytes: Some(BANDWIDTH / 50 / 4),
        ..narrow(BANDWIDTH)
    };
    let (run, took) = uploaded(weather, 8 * MIB);
    assert!(run.fired.of(Fault::QueueFull) > 50, "{:?}", run.fired);
    let ideal = Duration::from_secs_f64(8.0 * MIB as f64 / BANDWIDTH as f64);
    assert!(took < ideal * 3 / 2, "{took:?} where the bandwidth would have it in {ideal:?}");
}

/// What a router does shows in the table of faults and, with a mark, in the trace.
#[test]
fn a_narrow_hop_is_seen_in_the_trace_and_the_table() {
    let narrow = Weather { path_mtu_bytes: Some(1000), ..Weather::calm() };
    let (run, took) = uploaded(narrow, MIB);
    let (_, wide) = uploaded(Weather::calm(), MIB);
    // Ten segments of the first flight, once.
    let count = |name| run.fired.rows().into_iter().find(|(row, _)| *row == name);
    assert_eq!(count("too big"), Some(("too big", 10)));
    assert!(took > wide && took < 2 * wide, "{took:?} where it is {wide:?}");
    let text = run.trace.expect("it was traced").text(Level::Faults, "");
    let line = |line: &&str| line.contains("! ") && line.contains("TOO BIG for the path: packet 3");
    assert_eq!(text.lines().filter(line).count(), 1, "{text}");
}

/// A partition that is answered fails a connect where a silent one has it wait.
#[test]
fn an_answered_partition_is_seen_in_the_trace_and_the_table() {
    let weather = Weather {
        partition_ppm: 1_000_000,
        partition_start_max_ns: 1,
        partition_max_ns: 3_600_000_000_000,
        partition_answered_ppm: 1_000_000,
        ..Weather::calm()
    };
    let run = Sim::new()
        .weather(weather)
        .server("srv", sink)
        .client("cli", || {
            let meet = UdpSocket::bind("0.0.0.0:0")?;
            meet.send_to(b"x", "10.0.0.1:9")?;
            thread::sleep(Duration::from_millis(1));
            let start = Instant::now();
            let error = TcpStream::connect(server()).expect_err("they are cut off");
            let kinds = [io::ErrorKind::HostUnreachable, io::ErrorKind::NetworkUnreachable];
            assert!(kinds.contains(&error.kind()), "{error}");
            assert_eq!(start.elapsed(), Duration::from_millis(1));
            Ok(())
        })
        .traced()
        .run();
    assert!(run.outcome.held(), "{}", run.outcome);
    // The other one is that nobody has the port of the datagram, of which nobody says anything.
    assert_eq!((run.fired.of(Fault::HostUnreachable), run.fired.of(Fault::CutOff)), (1, 2));
    let text = run.trace.expect("it was traced").text(Level::Faults, "");
    assert!(text.contains("UNREACHABLE for packet 1 of .tcp>srv:7 to srv:7"), "{text}");
}

#[test]
fn other_hosts_have_links_of_their_own() {
    let (alone, _) = uploaded(narrow(1_000_000), MIB / 8);
    let beside = Sim::new()
        .weather(narrow(1_000_000))
        .server("srv", sink)
        .client("cli", || upload(MIB / 8))
        .client("other", || {
            let socket = UdpSocket::bind("0.0.0.0:0")?;
            (0..100).try_for_each(|_| socket.send_to(&[0; 1000], "10.0.0.1:9").map(drop))
        })
        .run();
    assert!(beside.outcome.held(), "{}", beside.outcome);
    assert_eq!(alone.host_hashes[1], beside.host_hashes[1]);
}

#[test]
fn weather_files_say_what_is_wrong_with_a_link() {
    let folder = std::env::temp_dir().join(format!("greenroom-link-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let read = |json: &str| {
        let path = folder.join("weather.json");
        std::fs::write(&path, json).unwrap();
        Weather::by_name_or_file(path.to_str().unwrap())
    };
    let good = r#"{"bandwidth_bytes_per_s": 125000, "queue_bytes": 64000, "mtu_bytes": 9000}"#;
    let weather = read(good).unwrap();
    assert_eq!((weather.bandwidth_bytes_per_s, weather.queue_bytes), (Some(125_000), Some(64_000)));
    for (json, what) in [
        (r#"{"bandwidth_bytes_per_s": 0}"#, "bandwidth_bytes_per_s is 0"),
        (r#"{"bandwidth_bytes_per_s": -1}"#, "invalid value"),
        (r#"{"queue_bytes": 64000}"#, "queue_bytes needs a bandwidth_bytes_per_s"),
        (
            r#"{"bandwidth_bytes_per_s": 1, "queue_bytes": 1499}"#,
            "one packet may be mtu_bytes, 1500",
        ),
        (r#"{"mtu_bytes": 67}"#, "mtu_bytes is 67, and IPv4 has 68 to 65535"),
        (r#"{"mtu_bytes": 65536}"#, "mtu_bytes is 65536"),
        (
            r#"{"path_mtu_bytes": 551}"#,
            "path_mtu_bytes is 551, and a path has 552 to mtu_bytes, 1500",
        ),
        (r#"{"path_mtu_bytes": 1501}"#, "path_mtu_bytes is 1501"),
        (r#"{"icmp_loss_ppm": 1000001}"#, "icmp_loss_ppm is 1000001, and a million is every time"),
        (r#"{"partition_answered_ppm": 2000000}"#, "partition_answered_ppm is 2000000"),
        (r#"{"neighbours": 1}"#, "invalid type"),
        (r#"{"recv_buffer_max_bytes": 2000000000}"#, "is over TCP's window"),
        (r#"{"bandwith": 1}"#, "unknown field"),
    ] {
        let error = read(json).expect_err(json);
        assert!(error.contains(what) && !error.contains('\n'), "{json}: {error}");
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

/// What waits for its turn on a link has its room in the sender's buffer, and the sender waits for room.
/// Linux, measured over veth with a queue of its device: 140 datagrams of 1000 bytes go at once.
#[test]
fn a_sender_of_datagrams_waits_for_what_is_in_line() {
    let run = Sim::new()
        .weather(narrow(1_000_000))
        .client("srv", || {
            let socket = UdpSocket::bind("0.0.0.0:9")?;
            socket.set_read_timeout(Some(Duration::from_secs(1)))?;
            let mut count = 0;
            while socket.recv(&mut [0; 2000]).is_ok() {
                count += 1;
            }
            assert_eq!(count, 800 + 2 * 93);
            Ok(())
        })
        .client("cli", || {
            let socket = UdpSocket::bind("0.0.0.0:0")?;
            let start = Instant::now();
            for _ in 0..800 {
                assert_eq!(socket.send_to(&[7; 1000], "10.0.0.1:9")?, 1000);
            }
            // It was last woken when half of its buffer was free, or later.
            let (least, most) = ((800 - 93) * 1028, (800 - 46) * 1028);
            assert!((least..most).contains(&(start.elapsed().as_micros() as u64)));
            thread::sleep(Duration::from_secs(1));
            socket.set_nonblocking(true)?;
            for _ in 0..2 {
                let sent = (0..200).filter(|_| socket.send_to(&[7; 1000], "10.0.0.1:9").is_ok());
                // 212 992 bytes of buffer, 2304 for each with its bookkeeping.
                assert_eq!(sent.count(), 93);
                let start = Instant::now();
                greenroom::wait::wait_write(&socket, None)?;
                // Half of it.
                assert!(start.elapsed() > Duration::from_micros(46 * 1028));
                thread::sleep(Duration::from_secs(1));
            }
            Ok(())
        })
        .run();
    assert!(run.outcome.held(), "{}", run.outcome);
}
