//! CPU per echoed message on the real hub, beside a raw mio loop in the same run.

use std::cell::Cell;
use std::io::{Read, Write};
use std::rc::Rc;

use greenroom::net::{SocketAddr, TcpListener, TcpStream};
use greenroom::thread;

use super::machine::{ANOTHER_DAY, figure, median, table};
use super::{REPETITIONS, process};

/// Bytes of each connection's buffer, the same for every server.
pub const BUFFER: usize = 16 * 1024;

/// The contestants: a name, and the `bench-child` that serves.
pub const SERVERS: [(&str, &str); 2] = [("greenroom", "serve-greenroom"), ("mio", "serve-mio")];

const CONNECTIONS: u32 = 64;
const SIZE: u32 = 64;
const TIME: &str = "1000ms";

/// Prints messages per second and CPU per message of both servers, and their ratio.
pub fn bench() -> Result<(), String> {
    // Of each server, one list a column: CPU ns per message, messages per second, latency.
    let mut runs = [(); SERVERS.len()].map(|()| [Vec::new(), Vec::new(), Vec::new()]);
    for _ in 0..REPETITIONS {
        for (server, runs) in SERVERS.iter().zip(&mut runs) {
            for (figure, runs) in one_run(server.1)?.into_iter().zip(runs) {
                runs.push(figure);
            }
        }
    }
    let medians = runs.map(|server| server.map(median));
    let rows: Vec<Vec<String>> = SERVERS
        .iter()
        .zip(&medians)
        .map(|((name, _), [cpu, rate, latency])| {
            vec![(*name).into(), figure(*cpu), figure(*rate), figure(latency / 1000.0)]
        })
        .collect();
    let title = format!(
        "echo: {CONNECTIONS} connections, {SIZE} B, server on CPU 0, load on CPU 1, \
         medians of {REPETITIONS}"
    );
    table(&title, &["server", "CPU ns/message", "messages/s", "p50 µs"], &rows);
    let ratio = medians[0][0] / medians[1][0];
    say!("  CPU per message, greenroom / mio: {ratio:.2} (aim ≤ 1.15)");
    say!("  {ANOTHER_DAY}: tokio 5 310 to 5 540 ns, may 5 840 to 5 970, a bare epoll loop 5 000");
    Ok(())
}

/// CPU ns per message, messages per second, median latency in ns.
fn one_run(serve: &str) -> Result<[f64; 3], String> {
    let mut server = process::start(0, &[], &[serve])?;
    let port = server.line()?;
    let [messages, wall, cpu, latency] = load(&port, server.id(), CONNECTIONS, TIME)?;
    server.finish()?;
    Ok([cpu / messages, messages * 1e9 / wall, latency])
}

/// Loads a server from a process of its own: messages, wall ns, the server's CPU ns, latency ns.
pub fn load(port: &str, server: u32, connections: u32, amount: &str) -> Result<[f64; 4], String> {
    let (server, connections) = (server.to_string(), connections.to_string());
    let size = SIZE.to_string();
    let cpu = usize::from(std::thread::available_parallelism().map_or(1, usize::from) > 1);
    let args = ["load", port, &server, &connections, &size, amount];
    let mut load = process::start(cpu, &[], &args)?;
    let figures = load.figures()?;
    load.finish()?;
    Ok(figures)
}

/// Tells the parent the port.
pub fn announce(address: SocketAddr) {
    say!("{}", address.port());
}

/// Our server: a greenlet a connection. It ends with the last connection of the first crowd.
pub fn serve() -> Result<(), String> {
    greenroom_real::run(|| -> std::io::Result<()> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        announce(listener.local_addr()?);
        let open = Rc::new(Cell::new(0));
        loop {
            let (stream, _) = listener.accept()?;
            open.set(open.get() + 1);
            let open = open.clone();
            thread::spawn(move || {
                // A connection that fails is over; the figures come from those that do not.
                let _ = echo(stream);
                open.set(open.get() - 1);
                if open.get() == 0 {
                    std::process::exit(0);
                }
            });
        }
    })
    .map_err(|error| error.to_string())
}

fn echo(mut stream: TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buf = vec![0; BUFFER];
    loop {
        match stream.read(&mut buf)? {
            0 => return Ok(()),
            count => stream.write_all(&buf[..count])?,
        }
    }
}
