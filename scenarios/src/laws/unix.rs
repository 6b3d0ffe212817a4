//! Unix sockets: names of the host, streams and datagrams that stay on it.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use greenroom::net::{Domain, Shutdown, SockAddr, Socket, Type};
use greenroom::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use greenroom::thread;
use greenroom::time::Duration;
use greenroom::wait::wait_read;

use super::{EINVAL, Law, code, kind};
use crate::common::{Complaints, join_all, spawn};

pub(super) const LAWS: &[(&str, &str, Law)] = &[
    ("unix-stream", "a Unix stream carries bytes both ways, and half-closes", stream),
    ("unix-names", "a path is missing, in use, of another kind, or stale", names),
    ("unix-backlog", "a connection that does not fit waits until one is accepted", backlog),
    ("unix-reset", "closing a Unix stream over unread bytes resets the peer", reset),
    ("unix-full", "a Unix stream that is full holds the writer back, and loses nothing", full),
    ("unix-shutdown", "shutting one end of a Unix stream shuts the other", shut),
    ("unix-shutdown-full", "a shutdown wakes who waits for room in a stream", shut_over_writer),
    ("unix-shutdown-waits", "a shutdown wakes who waits for a peer", shut_over_waiters),
    ("unix-datagrams", "a Unix datagram comes whole and in order, with a name", datagrams),
    ("unix-lagging", "a Unix receiver that lags holds its senders back", lagging),
    ("unix-gone", "a Unix peer that is gone refuses once and is forgotten", gone),
];

/// Each host has its own paths, on either hub.
const PLACE: &str = "/run/law.sock";

fn stream(complaints: &Complaints) -> io::Result<()> {
    let listener = UnixListener::bind(PLACE)?;
    let client = spawn("client", move || {
        let mut stream = UnixStream::connect(PLACE)?;
        // Before anybody accepted.
        stream.write_all(b"question")?;
        stream.shutdown(Shutdown::Write)?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let peer = stream.peer_addr()?;
        Ok::<_, io::Error>((answer, peer.as_pathname().map(Path::to_owned)))
    })?;
    let (mut stream, peer) = listener.accept()?;
    complaints.unless(peer.is_unnamed(), || format!("a client without a name is {peer:?}"));
    let mut question = String::new();
    stream.read_to_string(&mut question)?;
    complaints.unless(question == "question", || question.clone());
    stream.write_all(b"answer")?;
    drop(stream);
    let (answer, named) = client.join().unwrap_or_else(|payload| thread::resume(payload))?;
    complaints.unless(answer == "answer", || answer);
    complaints.unless(named.as_deref() == Some(Path::new(PLACE)), || format!("{named:?}"));
    Ok(())
}

fn names(complaints: &Complaints) -> io::Result<()> {
    let missing = kind(UnixStream::connect(PLACE).map(drop));
    complaints.unless(missing == Err(io::ErrorKind::NotFound), || format!("{missing:?}"));
    let listener = UnixListener::bind(PLACE)?;
    let second = kind(UnixListener::bind(PLACE).map(drop));
    complaints.unless(second == Err(io::ErrorKind::AddrInUse), || format!("{second:?}"));
    let of_another = kind(UnixDatagram::bind(PLACE).map(drop));
    complaints.unless(of_another == Err(io::ErrorKind::AddrInUse), || format!("{of_another:?}"));
    let datagrams = UnixDatagram::unbound()?;
    let other = [code(datagrams.connect(PLACE)), code(datagrams.send_to(b"x", PLACE).map(drop))];
    // Linux's number for `EPROTOTYPE`; std has no kind for it.
    let expected = if cfg!(target_os = "linux") { 91 } else { 41 };
    complaints.unless(other == [Err(Some(expected)); 2], || format!("another kind: {other:?}"));
    drop(listener);
    let stale = [
        kind(UnixStream::connect(PLACE).map(drop)),
        kind(datagrams.connect(PLACE)),
        kind(UnixListener::bind(PLACE).map(drop)),
    ];
    let expected = [
        Err(io::ErrorKind::ConnectionRefused),
        Err(io::ErrorKind::ConnectionRefused),
        Err(io::ErrorKind::AddrInUse),
    ];
    complaints.unless(stale == expected, || format!("{stale:?}"));
    Ok(())
}

fn backlog(complaints: &Complaints) -> io::Result<()> {
    let listener = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    listener.bind(&SockAddr::unix(PLACE)?)?;
    listener.listen(0)?;
    let mut first = UnixStream::connect(PLACE)?;
    first.write_all(b"1")?;
    let second = spawn("second", move || UnixStream::connect(PLACE)?.write_all(b"2"))?;
    thread::sleep(Duration::from_millis(5));
    let waits = !second.is_finished();
    complaints.unless(waits, || "a second connection fits where there is room for one".into());
    for expected in [b"1", b"2"] {
        let mut heard = [0];
        listener.accept()?.0.read_exact(&mut heard)?;
        complaints.unless(heard == *expected, || format!("{heard:?}, not {expected:?}"));
    }
    join_all([second])
}

fn reset(complaints: &Complaints) -> io::Result<()> {
    let (mut near, far) = UnixStream::pair()?;
    near.write_all(b"unread")?;
    (&far).write_all(b"infl")?;
    drop(far);
    let mut last = [0; 4];
    near.read_exact(&mut last)?;
    let answers = [kind(near.read(&mut [0])), kind(near.read(&mut [0])), kind(near.write(b"x"))];
    let expected = [Err(io::ErrorKind::ConnectionReset), Ok(0), Err(io::ErrorKind::BrokenPipe)];
    complaints.unless(&last == b"infl" && answers == expected, || format!("{answers:?}"));
    Ok(())
}

/// The byte at a place in a stream; no period is a power of two.
fn byte_at(place: usize) -> u8 {
    (place % 251) as u8
}

fn full(complaints: &Complaints) -> io::Result<()> {
    const LENGTH: usize = 1 << 20;
    let (near, mut far) = UnixStream::pair()?;
    let writer = spawn("writer", move || {
        let all: Vec<u8> = (0..LENGTH).map(byte_at).collect();
        (&near).write_all(&all)
    })?;
    thread::sleep(Duration::from_millis(5));
    complaints.unless(!writer.is_finished(), || "a MiB goes out and nobody reads".into());
    let mut all = Vec::new();
    far.read_to_end(&mut all)?;
    let right = all.len() == LENGTH && all.iter().enumerate().all(|(at, &b)| b == byte_at(at));
    complaints.unless(right, || format!("{} bytes came, or others", all.len()));
    join_all([writer])
}

fn shut(complaints: &Complaints) -> io::Result<()> {
    let (near, far) = UnixStream::pair()?;
    let reader = near.try_clone()?;
    let reader = spawn("reader", move || kind((&reader).read(&mut [0])))?;
    thread::sleep(Duration::from_millis(5));
    near.shutdown(Shutdown::Read)?;
    let woken = reader.join().unwrap_or_else(|payload| thread::resume(payload));
    complaints.unless(woken == Ok(0), || format!("a reader whose end is shut: {woken:?}"));
    let written = kind((&far).write(b"x"));
    complaints.unless(written == Err(io::ErrorKind::BrokenPipe), || format!("{written:?}"));
    // The other direction is as it was.
    (&near).write_all(b"y")?;
    let mut byte = [0];
    (&far).read_exact(&mut byte)?;
    complaints.unless(&byte == b"y", || format!("{byte:?}"));
    Ok(())
}

fn shut_over_writer(complaints: &Complaints) -> io::Result<()> {
    for by_peer in [true, false] {
        let (near, far) = UnixStream::pair()?;
        let writer = near.try_clone()?;
        let writer = spawn("writer", move || kind((&writer).write_all(&vec![0; 1 << 22])))?;
        thread::sleep(Duration::from_millis(5));
        complaints.unless(!writer.is_finished(), || "4 MiB go out and nobody reads".into());
        match by_peer {
            true => far.shutdown(Shutdown::Read)?,
            false => near.shutdown(Shutdown::Write)?,
        }
        let woken = writer.join().unwrap_or_else(|payload| thread::resume(payload));
        complaints.unless(woken == Err(io::ErrorKind::BrokenPipe), || format!("{woken:?}"));
    }
    Ok(())
}

fn shut_over_waiters(complaints: &Complaints) -> io::Result<()> {
    let (receiver, _sender) = UnixDatagram::pair()?;
    let ours = receiver.try_clone()?;
    let receiving = spawn("receiver", move || kind(ours.recv(&mut [0; 4])))?;
    let listener = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    listener.bind(&SockAddr::unix(PLACE)?)?;
    listener.listen(1)?;
    let ours = listener.try_clone()?;
    let accepting = spawn("acceptor", move || code(ours.accept().map(drop)))?;
    thread::sleep(Duration::from_millis(5));
    receiver.shutdown(Shutdown::Read)?;
    listener.shutdown(Shutdown::Read)?;
    let received = receiving.join().unwrap_or_else(|payload| thread::resume(payload));
    complaints.unless(received == Ok(0), || format!("a receive from what is shut: {received:?}"));
    let accepted = accepting.join().unwrap_or_else(|payload| thread::resume(payload));
    complaints.unless(accepted == Err(Some(EINVAL)), || format!("an accept: {accepted:?}"));
    Ok(())
}

fn datagrams(complaints: &Complaints) -> io::Result<()> {
    const SENDER: &str = "/run/sender.sock";
    let receiver = UnixDatagram::bind(PLACE)?;
    let (named, unnamed) = (UnixDatagram::bind(SENDER)?, UnixDatagram::unbound()?);
    named.send_to(b"long one", PLACE)?;
    unnamed.send_to(b"", PLACE)?;
    unnamed.send_to(b"end", PLACE)?;
    let mut heard = Vec::new();
    for _ in 0..3 {
        let mut buf = [0; 4];
        let (count, from) = receiver.recv_from(&mut buf)?;
        heard.push((buf[..count].to_vec(), from.as_pathname().map(Path::to_owned)));
    }
    let known = Some(PathBuf::from(SENDER));
    let expected = [(b"long".to_vec(), known), (vec![], None), (b"end".to_vec(), None)];
    complaints.unless(heard == expected, || format!("{heard:?}"));
    let lost = kind(unnamed.send(b"to whom?").map(drop));
    complaints.unless(lost == Err(io::ErrorKind::NotConnected), || format!("{lost:?}"));
    Ok(())
}

fn lagging(complaints: &Complaints) -> io::Result<()> {
    // More than any queue holds.
    const COUNT: u32 = 2000;
    let receiver = UnixDatagram::bind(PLACE)?;
    let sender = spawn("sender", move || {
        let socket = UnixDatagram::unbound()?;
        socket.connect(PLACE)?;
        (0..COUNT).try_for_each(|number| socket.send(&number.to_be_bytes()).map(drop))
    })?;
    thread::sleep(Duration::from_millis(5));
    complaints.unless(!sender.is_finished(), || "all were sent and none received".into());
    for expected in 0..COUNT {
        let mut number = [0; 4];
        receiver.recv(&mut number)?;
        let number = u32::from_be_bytes(number);
        complaints.unless(number == expected, || format!("{number}, not {expected}"));
    }
    join_all([sender])
}

fn gone(complaints: &Complaints) -> io::Result<()> {
    let (near, far) = UnixDatagram::pair()?;
    far.send(b"last words")?;
    wait_read(&near, None)?;
    let mut words = [0; 16];
    let count = near.recv(&mut words)?;
    complaints.unless(&words[..count] == b"last words", || format!("{:?}", &words[..count]));
    drop(far);
    let answers = [kind(near.send(b"x")), kind(near.send(b"x"))];
    let expected = [Err(io::ErrorKind::ConnectionRefused), Err(io::ErrorKind::NotConnected)];
    complaints.unless(answers == expected, || format!("{answers:?}"));
    Ok(())
}
