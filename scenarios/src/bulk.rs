//! `bulk` and `bulk_unix`: a stream that is written by one greenlet while another reads what comes
//! back is the one that was sent, over TCP and over a Unix socket.

use std::io::{self, Read, Write};
use std::sync::Arc;

use greenroom::net::{Shutdown, TcpStream};
use greenroom::os::unix::net::{UnixListener, UnixStream};
use greenroom::scenario::{Scenario, Stage};

use crate::bytes::pattern;
use crate::common::{Complaints, join_all, serve, spawn};

const PORT: u16 = 7013;
/// Each host has its own paths, on either hub.
const PLACE: &str = "/run/bulk.sock";
const BUFFER_BYTES: usize = 64 * 1024;

/// The story between two hosts. Knob: `bytes` there and back.
pub fn bulk() -> Scenario {
    Scenario::new("bulk", "a stream comes back while it is sent, byte for byte", set_tcp)
        .knob("bytes", 40_000)
}

/// The same on one host, over a Unix socket.
pub fn bulk_unix() -> Scenario {
    Scenario::new("bulk_unix", "so does one over a Unix socket", set_unix).knob("bytes", 100_000)
}

const PROPERTY: &str = "every byte comes back, and then the end";

fn set_tcp(stage: &mut Stage) {
    let complaints = Complaints::on(stage, PROPERTY);
    let sent = Arc::new(pattern(1, 0, stage.knob("bytes") as usize));
    let book = complaints.clone();
    stage.server("srv", move || serve(PORT, book.clone(), |stream| echo(&stream)));
    stage.client("cli", move || {
        let stream = TcpStream::connect(("srv", PORT))?;
        talk(stream, |stream| stream.shutdown(Shutdown::Write), &sent, &complaints)
    });
}

fn set_unix(stage: &mut Stage) {
    let complaints = Complaints::on(stage, PROPERTY);
    let sent = Arc::new(pattern(2, 0, stage.knob("bytes") as usize));
    stage.client("host", move || {
        let listener = UnixListener::bind(PLACE)?;
        let server = spawn("server", move || echo(&listener.accept()?.0))?;
        let stream = UnixStream::connect(PLACE)?;
        talk(stream, |stream| stream.shutdown(Shutdown::Write), &sent, &complaints)?;
        join_all([server])
    });
}

fn echo<S>(stream: &S) -> io::Result<()>
where
    for<'a> &'a S: Read + Write,
{
    let (mut from, mut to) = (stream, stream);
    let mut buf = vec![0; BUFFER_BYTES];
    loop {
        let count = from.read(&mut buf)?;
        if count == 0 {
            return Ok(());
        }
        to.write_all(&buf[..count])?;
    }
}

/// Sends all and then the end, and meanwhile reads to the end.
fn talk<S: 'static>(
    stream: S,
    end: fn(&S) -> io::Result<()>,
    sent: &Arc<Vec<u8>>,
    complaints: &Complaints,
) -> io::Result<()>
where
    for<'a> &'a S: Read + Write,
{
    let stream = Arc::new(stream);
    let (way_out, bytes) = (stream.clone(), sent.clone());
    let writer = spawn("writer", move || {
        bytes.chunks(BUFFER_BYTES).try_for_each(|chunk| (&*way_out).write_all(chunk))?;
        end(&way_out)
    })?;
    let (mut buf, mut position) = (vec![0; BUFFER_BYTES], 0);
    loop {
        let count = (&*stream).read(&mut buf)?;
        let expected = sent.get(position..position + count);
        complaints.unless(expected == Some(&buf[..count]), || {
            format!("what came back differs within {count} bytes from {position}")
        });
        position += count;
        if count == 0 {
            break;
        }
    }
    complaints
        .unless(position == sent.len(), || format!("{position} bytes of {} came", sent.len()));
    join_all([writer])
}
