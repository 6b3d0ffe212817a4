//! What TCP gets out of a network, beside what theory says it should: a table for `snapshots/`.
//!
//! Every row is one upload through the simulated network. Theory is the least of three: the
//! bandwidth, less headers; a window a round trip; and, where packets are lost,
//! MSS / (RTT * sqrt(2p / 3)) (Mathis and others, 1997), which knows no timeouts.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use greenroom::net::{TcpListener, TcpStream};
use greenroom::time::Instant;
use greenroom_sim::{Sim, Weather};

const MSS: f64 = 1460.0;
const PACKET: f64 = 1500.0;
/// The window of a receiver whose buffer does not grow, and of one whose buffer has grown.
const FIXED: u32 = 128 << 10;
const GROWN: u32 = 6 << 20;

/// One row: a network, and how much is sent over it.
struct Row {
    rtt_ms: u64,
    loss_ppm: u32,
    bandwidth: Option<u64>,
    queue: Option<u64>,
    window: u32,
    mib: u64,
    /// Between these, measured by theory.
    bounds: (f64, f64),
}

/// One line a row; panics if a row is out of its bounds.
pub fn table() -> String {
    let mut text = String::from(
        "upload, its second half; KB/s are 1000 bytes of payload a second\n\
         rtt ms    loss %  bandwidth KB/s  queue KB  window KiB   MiB  measured KB/s  theory KB/s  ratio\n",
    );
    for row in rows() {
        let (measured, theory) = (measure(&row), theory(&row));
        let ratio = measured / theory;
        let number = |number: Option<u64>| number.map_or("-".into(), |n| (n / 1000).to_string());
        let _ = writeln!(
            text,
            "{:>6}  {:>8.2}  {:>14}  {:>8}  {:>10}  {:>4}  {:>13.1}  {:>11.1}  {ratio:>5.2}",
            row.rtt_ms,
            f64::from(row.loss_ppm) / 10_000.0,
            number(row.bandwidth),
            number(row.queue),
            row.window >> 10,
            row.mib,
            measured / 1000.0,
            theory / 1000.0,
        );
        let (least, most) = row.bounds;
        assert!(
            (least..=most).contains(&ratio),
            "{least}..{most} is left by the last row:\n{text}"
        );
    }
    text
}

fn rows() -> Vec<Row> {
    // Above one: where nothing paces them, the segments of a window arrive at once, the last of them
    // a round trip early.
    let plain = Row {
        rtt_ms: 100,
        loss_ppm: 0,
        bandwidth: None,
        queue: None,
        window: GROWN,
        mib: 64,
        bounds: (0.85, 1.1),
    };
    let mut rows = vec![Row { ..plain }];
    // Beyond one in a hundred a window holds too few segments for three duplicates: timeouts rule.
    let mathis = (0.5, 2.0);
    for (loss_ppm, mib, bounds) in
        [(100, 256, mathis), (1_000, 64, mathis), (10_000, 16, mathis), (50_000, 8, (0.3, 1.5))]
    {
        rows.push(Row { loss_ppm, mib, bounds, ..plain });
    }
    for window in [FIXED, GROWN] {
        for rtt_ms in [2, 20, 200] {
            for bandwidth in [1_250_000, 12_500_000, 125_000_000] {
                let mib = if bandwidth > 2_000_000 { 64 } else { 16 };
                rows.push(Row { rtt_ms, bandwidth: Some(bandwidth), window, mib, ..plain });
            }
        }
    }
    // Queues of one bandwidth times delay, and of a quarter: what overflows them is lost, and what
    // waits in them keeps the link busy while the window is halved.
    let queues =
        [(20, 1_250_000, 1), (100, 1_250_000, 1), (20, 12_500_000, 1), (20, 12_500_000, 4)];
    for (rtt_ms, bandwidth, part) in queues {
        let queue = Some(bandwidth * rtt_ms / 1000 / part);
        let bounds = if part == 1 { (0.9, 1.01) } else { (0.6, 1.01) };
        rows.push(Row { rtt_ms, bandwidth: Some(bandwidth), queue, bounds, ..plain });
    }
    rows
}

fn theory(row: &Row) -> f64 {
    let rtt_s = row.rtt_ms as f64 / 1000.0;
    let bandwidth = row.bandwidth.map_or(f64::MAX, |bytes| bytes as f64 * MSS / PACKET);
    let window = f64::from(row.window) / rtt_s;
    let loss = f64::from(row.loss_ppm) / 1e6;
    let mathis = if loss > 0.0 { MSS / (rtt_s * (2.0 * loss / 3.0).sqrt()) } else { f64::MAX };
    bandwidth.min(window).min(mathis)
}

/// Bytes a second of the second half of the upload, in virtual time.
fn measure(row: &Row) -> f64 {
    let latency_ns = row.rtt_ms * 1_000_000 / 2;
    let weather = Weather {
        latency_min_ns: latency_ns,
        latency_typical_ns: latency_ns,
        latency_max_ns: latency_ns,
        loss_ppm: row.loss_ppm,
        bandwidth_bytes_per_s: row.bandwidth,
        queue_bytes: row.queue,
        recv_buffer_max_bytes: row.window,
        send_buffer_max_bytes: 2 * row.window,
        ..Weather::calm()
    };
    let total = row.mib << 20;
    let took = Arc::new(Mutex::new(Duration::ZERO));
    let book = took.clone();
    let run = Sim::new()
        .seed(1)
        .weather(weather)
        .server("srv", move || {
            let (mut stream, _) = TcpListener::bind("0.0.0.0:7")?.accept()?;
            let mut buf = vec![0; 64 << 10];
            let (mut got, mut half) = (0, None);
            while got < total {
                got += stream.read(&mut buf)? as u64;
                if got >= total / 2 {
                    half.get_or_insert((got, Instant::now()));
                }
            }
            let (at, since) = half.expect("half came before all");
            // As if all of it were the second half, whatever the first read beyond it took.
            *book.lock().unwrap() = since.elapsed().mul_f64(total as f64 / (total - at) as f64);
            stream.write_all(b"x")
        })
        .client("cli", move || {
            let mut stream = TcpStream::connect(SocketAddr::from(([10, 0, 0, 1], 7)))?;
            let chunk = vec![7; 64 << 10];
            for _ in 0..total >> 16 {
                stream.write_all(&chunk)?;
            }
            stream.read_exact(&mut [0])
        })
        .run();
    assert!(run.outcome.held(), "{}", run.outcome);
    let took = *took.lock().unwrap();
    total as f64 / took.as_secs_f64()
}
