//! Greenlets parked on sockets of the real hub, as many as descriptors allow; peers in a process of
//! their own.

use std::io::{Read, Write};
use std::net::TcpStream;

use greenroom::net::TcpListener;
use greenroom::thread;

use super::echo::announce;
use super::machine::{ANOTHER_DAY, figure, table};
use super::process;

/// Descriptors left for what is no connection.
const SPARE: usize = 64;
/// One address and port reaches no more than the ephemeral ports, 28 232 of them.
const CONNECTIONS_MAX: usize = 25_000;

/// What each connection has sent and got back before it idles.
const MESSAGE: [u8; 64] = [7; 64];

/// Raises the soft limit of descriptors to the hard one, and becomes the child.
const AT_THE_HARD_LIMIT: [&str; 4] = ["sh", "-c", "ulimit -n $(ulimit -Hn); exec \"$@\"", "sh"];

/// Prints how many were parked at once and what each cost.
pub fn bench() -> Result<(), String> {
    let mut server = process::start(0, &AT_THE_HARD_LIMIT, &["serve-parked"])?;
    let port = server.line()?;
    let before_kib = resident_kib(server.id());
    let mut peers = process::start(1, &AT_THE_HARD_LIMIT, &["park", &port])?;
    let [reached, limit] = peers.figures()?;
    let grown_b = (resident_kib(server.id()) - before_kib) * 1024.0;
    let row = [reached, limit, grown_b / reached].map(figure).to_vec();
    let title = "parked: greenlets idle in a read on the real hub, one 64 B echo done on each";
    table(title, &["parked at once", "limit of descriptors", "B of memory each"], &[row]);
    say!("  {ANOTHER_DAY}, B each: may 7 916, gevent 9 647, tokio 901; a page of stack is 4 096");
    Ok(())
}

fn resident_kib(process: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0.0)
}

/// The server: a greenlet a connection. It runs until it is ended from outside.
pub fn serve() -> Result<(), String> {
    greenroom_real::run(|| -> std::io::Result<()> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        announce(listener.local_addr()?);
        loop {
            let (mut stream, _) = listener.accept()?;
            thread::spawn(move || -> std::io::Result<()> {
                let mut buf = MESSAGE;
                loop {
                    match stream.read(&mut buf)? {
                        0 => return Ok(()),
                        count => stream.write_all(&buf[..count])?,
                    }
                }
            });
        }
    })
    .map_err(|error| error.to_string())
}

/// The peers: connects until no descriptor is left, prints how many answered and the limit, and
/// holds them until it is ended.
pub fn park(port: &str) -> Result<(), String> {
    let port: u16 = port.parse().map_err(|_| format!("`{port}` is no port"))?;
    let limit = descriptors_max();
    let mut open = Vec::new();
    while open.len() < limit.saturating_sub(SPARE).min(CONNECTIONS_MAX) {
        let connected = TcpStream::connect(("127.0.0.1", port)).and_then(|mut stream| {
            stream.write_all(&MESSAGE)?;
            stream.read_exact(&mut MESSAGE.clone())?;
            Ok(stream)
        });
        match connected {
            Ok(stream) => open.push(stream),
            Err(_) => break,
        }
    }
    say!("{} {limit}", open.len());
    std::thread::park();
    Ok(())
}

fn descriptors_max() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(1024)
}
