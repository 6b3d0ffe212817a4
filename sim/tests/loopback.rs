//! Programs whose greenlets talk over loopback: nothing they send takes a call's time, and yet time
//! goes by, for their own host alone.

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::time::Duration;

use greenroom::net::{Domain, Socket, TcpListener, TcpStream, Type, UdpSocket};
use greenroom::scenario::Scenario;
use greenroom::time::{Instant, timeout};
use greenroom::{thread, wait};
use greenroom_sim::run::run;
use greenroom_sim::{Outcome, Run, Sim, Spec, Weather};

type Program = fn() -> io::Result<()>;

fn played(program: Program) -> Run {
    let run = Sim::new().client("cli", program).weather(Weather::calm()).run();
    assert!(run.outcome.held(), "{}", run.outcome);
    run
}

fn streams() -> io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind("127.0.0.1:7")?;
    let near = TcpStream::connect("127.0.0.1:7")?;
    Ok((near, listener.accept()?.0))
}

fn datagrams() -> io::Result<(UdpSocket, UdpSocket)> {
    let (near, far) = (UdpSocket::bind("127.0.0.1:1")?, UdpSocket::bind("127.0.0.1:2")?);
    near.connect("127.0.0.1:2")?;
    far.connect("127.0.0.1:1")?;
    Ok((near, far))
}

/// Two greenlets that answer each other for ever.
fn echo_for_ever() -> io::Result<()> {
    let (mut near, mut far) = streams()?;
    thread::spawn(move || -> io::Result<()> {
        let mut buf = [0; 64];
        while let n @ 1.. = far.read(&mut buf)? {
            far.write_all(&buf[..n])?;
        }
        Ok(())
    });
    let mut buf = [7; 8];
    loop {
        near.write_all(&buf.clone())?;
        near.read_exact(&mut buf)?;
    }
}

/// One greenlet that answers itself, and never waits.
fn echo_to_itself() -> io::Result<()> {
    let (near, far) = datagrams()?;
    loop {
        near.send(b"x")?;
        far.recv(&mut [0; 8])?;
    }
}

/// One greenlet that sends what nobody reads.
fn flood() -> io::Result<()> {
    let (near, _far) = datagrams()?;
    loop {
        near.send(b"x")?;
    }
}

/// Two greenlets that look and yield.
fn look_and_yield() -> io::Result<()> {
    let (near, far) = datagrams()?;
    near.set_nonblocking(true)?;
    far.set_nonblocking(true)?;
    let look = |socket: &UdpSocket| -> io::Result<()> {
        match socket.recv(&mut [0; 8]) {
            Ok(_) => socket.send(b"x").map(drop),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            Err(error) => Err(error),
        }
    };
    near.send(b"x")?;
    thread::spawn(move || -> io::Result<()> {
        loop {
            look(&far)?;
            thread::yield_now();
        }
    });
    loop {
        look(&near)?;
        thread::yield_now();
    }
}

const FOR_EVER: [(&str, Program); 4] = [
    ("echo", echo_for_ever),
    ("echo-to-itself", echo_to_itself),
    ("flood", flood),
    ("look-and-yield", look_and_yield),
];

#[test]
fn a_timeout_around_any_of_them_expires() {
    for (name, program) in FOR_EVER {
        let limited = move || {
            let (limit, start) = (Duration::from_millis(50), Instant::now());
            assert!(timeout(limit, program).is_err(), "{name}");
            assert!((limit..2 * limit).contains(&start.elapsed()), "{name}: {:?}", start.elapsed());
            Ok(())
        };
        let run = Sim::new().client("cli", limited).weather(Weather::calm()).run();
        assert!(run.outcome.held(), "{name}: {}", run.outcome);
        // Time neither stood still nor was it skipped: much was said in it.
        assert!((500..50_000).contains(&run.turns), "{name}: {} turns", run.turns);
    }
}

#[test]
fn a_run_of_any_of_them_reaches_its_limit() {
    for (name, program) in FOR_EVER {
        let scenario = Scenario::new(name, "says it for ever", move |stage| {
            stage.client("cli", program);
        });
        let run = run(&scenario, &Spec { time_limit: Duration::from_millis(50), ..Spec::seed(1) });
        let Outcome::Stuck(why) = &run.outcome else { panic!("{name}: {}", run.outcome) };
        assert!(why.contains("virtual time ran out"), "{name}: {why}");
    }
}

#[test]
fn a_clock_that_is_looked_at_moves() {
    played(|| {
        let (near, far) = datagrams()?;
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(1) {
            near.send(b"x")?;
            far.recv(&mut [0; 8])?;
        }
        Ok(())
    });
}

/// A sleeper on the same host is not held up by those who are ahead of time.
#[test]
fn who_sleeps_wakes_on_time_beside_a_flood() {
    played(|| {
        let flood = thread::spawn(flood);
        for _ in 0..20 {
            let (nap, start) = (Duration::from_micros(1500), Instant::now());
            thread::sleep(nap);
            assert_eq!(start.elapsed(), nap);
        }
        flood.kill();
        Ok(())
    });
}

/// A pair of hosts that ask and answer, whose lanes are looked at.
fn talk() -> Sim {
    Sim::new()
        .server("srv", || {
            let socket = UdpSocket::bind("0.0.0.0:7")?;
            loop {
                let (_, from) = socket.recv_from(&mut [0; 8])?;
                socket.send_to(b"y", from)?;
            }
        })
        .client("cli", || {
            let socket = UdpSocket::bind("0.0.0.0:0")?;
            socket.connect("srv:7")?;
            for _ in 0..5 {
                socket.send(b"x")?;
                socket.recv(&mut [0; 8])?;
            }
            Ok(())
        })
        .weather(Weather::calm())
}

#[test]
fn what_a_host_tells_itself_moves_nobody_else() {
    let before = talk().run();
    for (name, program) in FOR_EVER {
        let other =
            move || timeout(Duration::from_millis(3), program).map_or(Ok(()), |ended| ended);
        let after = talk().client("other", other).run();
        assert!(after.outcome.held(), "{name}: {}", after.outcome);
        assert_eq!(before.host_hashes[..2], after.host_hashes[..2], "{name}");
    }
}

/// linux-truth 6, 7: as BSD's calls show it to a program.
#[test]
fn a_connection_of_one_host_stands_when_connect_returns() {
    played(|| {
        let listener = TcpListener::bind("127.0.0.1:7")?;
        let client = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        client.set_nonblocking(true)?;
        let to = SocketAddr::from(([127, 0, 0, 1], 7));
        let begun = client.connect(&to.into()).map_err(|error| error.raw_os_error());
        assert_eq!(begun, Err(Some(libc::EINPROGRESS)));
        assert_eq!(client.peer_addr()?.as_socket(), Some(to));
        wait::wait_write(&client, Some(Duration::ZERO))?;
        assert_eq!(client.send(b"x")?, 1);
        listener.set_nonblocking(true)?;
        let mut server = listener.accept()?.0;
        server.set_nonblocking(true)?;
        assert_eq!(server.read(&mut [0; 8])?, 1);
        Ok(())
    });
}

/// Whoever gave way is gone with the power, and time is not stopped for it: a client that calls goes
/// on until its own patience is out.
#[test]
fn a_host_that_is_ahead_when_its_power_fails_stops_nobody() {
    let story = Scenario::new("ahead", "a server talks to itself until it is cut off", |stage| {
        stage.server("srv", talk_to_itself_for_ever);
        stage.client("cli", || {
            // Nothing arrives: only its own timers are left to it.
            let called = TcpStream::connect(SocketAddr::from(([10, 0, 0, 1], 80)));
            assert_eq!(called.err().map(|error| error.kind()), Some(io::ErrorKind::TimedOut));
            Ok(())
        });
        stage.may_lose_power("srv", Duration::from_millis(20));
    });
    let weather = Weather { power_cut_ppm: 1_000_000, loss_ppm: 1_000_000, ..Weather::calm() };
    for seed in 0..100 {
        let run = run(&story, &Spec { weather: weather.clone(), ..Spec::seed(seed) });
        assert!(run.outcome.held(), "seed {seed}: {}", run.outcome);
    }
}

fn talk_to_itself_for_ever() -> io::Result<()> {
    let (near, _far) = datagrams()?;
    loop {
        near.send(b"x")?;
    }
}
