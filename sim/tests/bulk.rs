//! Many bytes through one connection that loses one packet in a hundred: all arrive, in order, and
//! memory is what the windows hold, however many bytes pass.
//!
//! `GREENROOM_BULK_MIB` says how many MiB; `--nocapture` shows what it took.

use std::io::{self, Read, Write};
use std::net::SocketAddr;

use greenroom::net::{TcpListener, TcpStream};
use greenroom_sim::choices::Fault;
use greenroom_sim::{Sim, Weather};

const MIB_DEFAULT: u64 = 128;
/// Both buffers at their largest, twice for rings that grow by doubling, what is under way between
/// them, the record of a few thousand losses, and the program.
const MEMORY_MAX_KIB: u64 = 24 << 10;

/// The bytes from this position of the stream on; a period that no segment and no buffer divides.
fn fill(position: u64, bytes: &mut [u8]) {
    bytes.iter_mut().zip(position..).for_each(|(byte, at)| *byte = (at % 65_521 % 251) as u8);
}

fn receive(total: u64) -> io::Result<()> {
    let (mut stream, _) = TcpListener::bind("0.0.0.0:7")?.accept()?;
    let (mut got, mut buf, mut expected) = (0, vec![0; 64 << 10], vec![0; 64 << 10]);
    loop {
        let n = stream.read(&mut buf)?;
        if n == 0 {
            assert_eq!(got, total);
            return stream.write_all(b"x");
        }
        fill(got, &mut expected[..n]);
        assert!(buf[..n] == expected[..n], "wrong after {got} bytes");
        got += n as u64;
    }
}

fn send(total: u64) -> io::Result<()> {
    let mut stream = TcpStream::connect(SocketAddr::from(([10, 0, 0, 1], 7)))?;
    let mut buf = vec![0; 64 << 10];
    for at in (0..total).step_by(buf.len()) {
        fill(at, &mut buf);
        stream.write_all(&buf)?;
    }
    stream.shutdown(std::net::Shutdown::Write)?;
    stream.read_exact(&mut [0])
}

/// The most memory this process ever had, where the system tells.
fn memory_max_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

#[test]
fn a_lossy_connection_delivers_everything_in_bounded_memory() {
    let asked = std::env::var("GREENROOM_BULK_MIB");
    let mib = asked.map_or(MIB_DEFAULT, |mib| mib.parse().expect("GREENROOM_BULK_MIB is a number"));
    let total = mib << 20;
    let run = Sim::new()
        .weather(Weather { loss_ppm: 10_000, ..Weather::calm() })
        .server("srv", move || receive(total))
        .client("cli", move || send(total))
        .run();
    assert!(run.outcome.held(), "{}", run.outcome);
    let lost = run.fired.of(Fault::Lost) * 1_000_000 / (total / 1460);
    assert!((8_000..20_000).contains(&lost), "{lost} ppm");
    let memory = memory_max_kib();
    println!("{mib} MiB, {} lost, {memory:?} KiB", run.fired.of(Fault::Lost));
    assert!(memory.is_none_or(|kib| kib < MEMORY_MAX_KIB), "{memory:?} KiB");
}
