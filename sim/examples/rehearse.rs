//! A user's own command line: `cargo run --example rehearse -- sim --seeds 0..1000`.

use std::io::{self, Read, Write};
use std::time::Duration;

use greenroom::net::{TcpListener, TcpStream};
use greenroom::scenario::Scenario;
use greenroom_sim::cli::{self, Suite};

fn main() {
    let suite = Suite::new("cargo run --example rehearse --", vec![echo()]);
    std::process::exit(cli::main(&suite, std::env::args_os().skip(1)));
}

/// A server that sends back what it is sent, and a client that tries again where the network fails it.
pub fn echo() -> Scenario {
    Scenario::new("echo", "bytes come back", |stage| {
        stage.server("srv", || {
            let listener = TcpListener::bind("0.0.0.0:7070")?;
            loop {
                let (stream, _) = listener.accept()?;
                greenroom::thread::spawn(move || send_back(stream));
            }
        });
        stage.client("cli", || {
            for _ in 0..20 {
                if ask().is_ok() {
                    return Ok(());
                }
                greenroom::sometimes!(true, "a client tries again");
            }
            Err(io::Error::other("twenty attempts failed"))
        });
    })
}

fn send_back(mut stream: TcpStream) -> io::Result<()> {
    let mut buf = [0; 1024];
    loop {
        match stream.read(&mut buf)? {
            0 => return Ok(()),
            n => stream.write_all(&buf[..n])?,
        }
    }
}

fn ask() -> io::Result<()> {
    let mut stream = TcpStream::connect("srv:7070")?;
    stream.set_read_timeout(Some(Duration::from_secs(2)))?;
    stream.write_all(b"hello")?;
    let mut echo = [0; 5];
    stream.read_exact(&mut echo)?;
    greenroom::always!(&echo == b"hello", "what comes back is what went out");
    Ok(())
}
