//! A small HTTP server that ends in good order: on Ctrl-C or SIGTERM it takes no new connections,
//! answers those it has, and exits with 0.
//!
//! ```text
//! cargo run -p greenroom-real --example serve -- 127.0.0.1:8080
//! curl http://127.0.0.1:8080/hello
//! ```

use std::io::{self, BufRead, BufReader, Write};
use std::time::Duration;

use greenroom::net::TcpStream;
use greenroom::server::StreamServer;
use greenroom::signal::{Kind, Signal};
use greenroom::wait::{Watcher, any};

/// How long a request may take once the server is to stop.
const PATIENCE: Duration = Duration::from_secs(30);

#[allow(dead_code, reason = "its test begins at serve")]
fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8080".into());
    greenroom_real::run(move || serve(&address))
}

/// Serves until it is asked to stop.
///
/// # Errors
///
/// When the address cannot be had.
pub fn serve(address: &str) -> io::Result<()> {
    // Before anybody is served: no signal then ends the process amid a request.
    let (interrupt, terminate) = (Signal::new(Kind::Interrupt)?, Signal::new(Kind::Terminate)?);
    let server = StreamServer::bind(address, |stream, peer| {
        say(&format!("{peer} is here"));
        if let Err(error) = answer(stream) {
            say(&format!("{peer}: {error}"));
        }
    })?
    .on_scarcity(|error, held| say(&format!("{error}: no more than {held} are served")));
    server.start()?;
    say(&format!("serving http://{}", server.local_addr()?));
    any(&[&Watcher::read(&interrupt)?, &Watcher::read(&terminate)?], None)?;
    say("stopping");
    let stopped = server.stop(Some(PATIENCE));
    say(&format!("stopped, {} unanswered", stopped.killed));
    Ok(())
}

/// One request of a connection, whatever it asks for.
fn answer(stream: TcpStream) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut request = BufReader::new(&stream).lines();
    let first = request.next().transpose()?.unwrap_or_default();
    for line in request {
        if line?.is_empty() {
            break;
        }
    }
    let path = first.split(' ').nth(1).unwrap_or("nothing");
    let body = format!("you asked for {path}\n");
    let length = body.len();
    write!(
        &stream,
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n{body}"
    )
}

/// A line on standard output, whether or not anybody reads it still.
fn say(line: &str) {
    let _ = writeln!(io::stdout(), "{line}");
}
