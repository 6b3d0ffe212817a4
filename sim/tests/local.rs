//! Pipes and Unix sockets as a trace shows them, and what a seed and the weather do to them.

use std::io::{self, IoSlice, IoSliceMut, Read, Write};

use greenroom::io::pipe;
use greenroom::net::{TcpListener, TcpStream};
use greenroom::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use greenroom::thread;
use greenroom_sim::choices::Fault;
use greenroom_sim::trace::Level;
use greenroom_sim::{Run, Sim, Weather};

/// What the host's program did, without times and names.
fn calls(run: &Run) -> Vec<String> {
    let text = run.trace.as_ref().expect("a traced run").text(Level::Api, "");
    let body = text.lines().skip(3).filter_map(|line| line.get(30..));
    body.map(|line| line.trim().to_owned()).collect()
}

fn played(program: impl Fn() -> io::Result<()> + Clone + Send + Sync + 'static) -> Run {
    let run = Sim::new().client("cli", program).weather(Weather::calm()).traced().run();
    assert!(run.outcome.held(), "{}", run.outcome);
    run
}

#[test]
fn names_stand_where_addresses_do() {
    let run = played(|| {
        let listener = UnixListener::bind("/run/db.sock")?;
        let mut near = UnixStream::connect("/run/db.sock")?;
        let (mut far, _) = listener.accept()?;
        near.write_all(b"hello")?;
        far.read_exact(&mut [0; 5])?;
        let refused = UnixStream::connect("/run/none");
        assert_eq!(refused.map(drop).map_err(|error| error.kind()), Err(io::ErrorKind::NotFound));
        Ok(())
    });
    let expected = [
        "start",
        "bind .unix:|run|db.sock /run/db.sock",
        "listen .unix:|run|db.sock backlog 4096",
        "connect .unix>|run|db.sock",
        "accept .unix:|run|db.sock/<cli from (unnamed)",
        "write .unix>|run|db.sock 5B f3f9e4cb",
        "read .unix:|run|db.sock/<cli 5B",
        "connect .unix#3 ENOENT",
        "close .unix#3",
        "close .unix:|run|db.sock/<cli",
        "close .unix>|run|db.sock",
        "close .unix:|run|db.sock",
        "end",
    ];
    assert_eq!(calls(&run), expected);
}

#[test]
fn pairs_and_pipes_are_numbered_among_their_like() {
    let run = played(|| {
        let (mut reader, mut writer) = pipe()?;
        writer.write_all(b"ab")?;
        reader.read_exact(&mut [0; 2])?;
        let (near, far) = UnixDatagram::pair()?;
        near.send(b"abc")?;
        far.recv(&mut [0; 8])?;
        Ok(())
    });
    let calls = calls(&run);
    let expected =
        ["start", "pipe .pipe .pipe#2", "write .pipe#2 2B", "read .pipe 2B", "pair .pair .pair#2"];
    for (call, expected) in calls.iter().zip(expected) {
        assert!(call.starts_with(expected), "{call}, not {expected}");
    }
    assert!(
        calls[5].starts_with("send_to .pair 3B") && calls[5].ends_with("(unnamed)"),
        "{calls:?}"
    );
    assert_eq!(calls[6], "recv_from .pair#2 3B (unnamed)");
}

#[test]
fn a_vectored_call_is_one_call_in_the_trace() {
    let run = played(|| {
        let listener = TcpListener::bind("0.0.0.0:7")?;
        let mut near = TcpStream::connect("127.0.0.1:7")?;
        let (mut far, _) = listener.accept()?;
        let written = near.write_vectored(&[IoSlice::new(b"ab"), IoSlice::new(b"cde")])?;
        let (mut head, mut rest) = ([0; 1], [0; 8]);
        let mut bufs = [IoSliceMut::new(&mut head), IoSliceMut::new(&mut rest)];
        let read = far.read_vectored(&mut bufs)?;
        assert_eq!((written, read, &head, &rest[..4]), (5, 5, b"a", &b"bcde"[..]));
        Ok(())
    });
    let calls = calls(&run);
    let bytes = calls.iter().filter(|call| call.starts_with("write") || call.starts_with("read"));
    let bytes: Vec<&str> = bytes.map(|call| &call[..call.find('B').expect("a count")]).collect();
    assert_eq!(bytes, ["write .tcp>cli:7 5", "read .tcp:7/<cli 5"]);
}

/// Two programs over one stream, with threads of their own.
fn chatter() -> Sim {
    Sim::new().client("cli", || {
        let (near, far) = UnixStream::pair()?;
        let echo = thread::spawn(move || {
            let mut buf = [0; 64];
            while let Ok(count @ 1..) = (&far).read(&mut buf) {
                (&far).write_all(&buf[..count])?;
            }
            Ok::<_, io::Error>(())
        });
        for length in 1..20 {
            // A read is short between two writes, if at all.
            (&near).write_all(&[7])?;
            (&near).write_all(&vec![7; length])?;
            (&near).read_exact(&mut vec![0; 1 + length])?;
        }
        drop(near);
        echo.join().map_err(|_| io::Error::other("it panicked"))?
    })
}

#[test]
fn a_seed_is_the_same_run_and_reads_are_short_in_some() {
    let mut shortened = 0;
    for seed in 0..30 {
        let sim = || chatter().weather(Weather::stormy()).seed(seed);
        let (first, again) = (sim().run(), sim().run());
        assert!(first.outcome.held(), "seed {seed}: {}", first.outcome);
        assert_eq!(first.hash, again.hash, "seed {seed}");
        shortened += first.fired.of(Fault::ShortRead);
    }
    assert!(shortened > 0, "no read was short in 30 seeds");
}

/// What is local takes no time and meets no weather.
#[test]
fn the_boring_run_of_local_sockets_decides_nothing_and_takes_no_time() {
    let run = chatter().weather(Weather::calm()).run();
    assert_eq!(run.virtual_ns, 0);
    assert_eq!(run.fired, Default::default());
}

#[test]
fn an_end_of_a_simulated_pipe_is_no_childs_stdio() {
    use std::process::Stdio;
    played(|| {
        let (reader, writer) = pipe()?;
        let kinds = [Stdio::try_from(reader).map(drop), Stdio::try_from(writer).map(drop)];
        let kinds = kinds.map(|end| end.unwrap_err().kind());
        assert_eq!(kinds, [io::ErrorKind::Unsupported; 2]);
        Ok(())
    });
}
