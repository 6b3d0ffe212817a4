//! What `Stage::opaque_payload` is for: a library's own chance is left out of what two runs of a
//! seed are compared by, and nothing else is.

use std::io::{self, Write};
use std::process::Command;
use std::sync::atomic::{AtomicU8, Ordering};

use greenroom::net::{Domain, Socket, TcpListener, TcpStream, Type, UdpSocket};
use greenroom::os::unix::net::{UnixDatagram, UnixStream};
use greenroom::scenario::Scenario;
use greenroom_sim::report::report;
use greenroom_sim::run::{Outcome, Spec, run};
use greenroom_sim::sweep::play;
use greenroom_sim::trace::Level;

use crate::{tls, websocket};

const SEEDS: u64 = 10;
/// Set in the process that a test starts to be compared with.
const OTHER: &str = "GREENROOM_OTHER_PROCESS";

fn twice(story: &Scenario, seed: u64) -> Outcome {
    play(story, &Spec::seed(seed), true).0.outcome
}

#[test]
fn two_runs_of_a_seed_are_one_where_the_payload_is_opaque() {
    for seed in 0..SEEDS {
        for declared in [tls::story(true), websocket::story(true)] {
            assert_eq!(twice(&declared, seed), Outcome::Held, "{}", declared.name());
        }
    }
}

#[test]
fn without_the_declaration_they_are_two_and_the_check_names_it() {
    for seed in 0..SEEDS {
        for undeclared in [tls::story(false), websocket::story(false)] {
            let outcome = twice(&undeclared, seed);
            let Outcome::Nondeterministic(why) = &outcome else { panic!("seed {seed}: {outcome}") };
            assert!(why.contains("opaque_payload"), "{why}");
        }
    }
}

/// A failure cannot be made smaller where it cannot be played again; the report says what to do.
#[test]
fn a_report_of_a_failure_names_the_declaration() {
    let failing = |declares: bool| {
        let story = Scenario::new("failing", "it always fails", move |stage| {
            if declares {
                stage.opaque_payload();
            }
            stage.client("cli", || {
                UnixStream::pair()?.0.write_all(&[number()])?;
                Err(io::ErrorKind::Other.into())
            });
        });
        let spec = Spec::seed(0);
        report(&story, &spec, &run(&story, &spec), "greenroom").text
    };
    let (declared, undeclared) = (failing(true), failing(false));
    assert!(declared.contains("minimised") && declared.contains("B opaque"), "{declared}");
    assert!(undeclared.contains("NOT DETERMINISTIC"), "{undeclared}");
    assert!(undeclared.contains("opaque_payload"), "{undeclared}");
}

#[test]
fn a_trace_says_that_the_payload_is_opaque() {
    let spec = Spec { keeps_events: true, ..Spec::seed(0) };
    let text = |story| {
        let trace = run(&story, &spec).trace.expect("its events are kept");
        trace.text(Level::Api, "tls")
    };
    let sent = |text: &str, what: &str| {
        let mut writes = text.lines().filter(|line| line.contains(" write ")).peekable();
        assert!(writes.peek().is_some());
        writes.all(|line| line.ends_with(what))
    };
    assert!(sent(&text(tls::story(true)), "B opaque"));
    assert!(!text(tls::story(false)).contains("opaque"));
}

#[test]
fn another_process_plays_the_same_runs() {
    let hashes = || {
        let stories = [tls::story(true), websocket::story(true)];
        let runs =
            (0..SEEDS).flat_map(|seed| stories.iter().map(move |s| (s, seed)).collect::<Vec<_>>());
        runs.map(|(story, seed)| format!("{:016x} ", run(story, &Spec::seed(seed)).hash)).collect()
    };
    let here: String = hashes();
    if std::env::var_os(OTHER).is_some() {
        println!("hashes: {here}");
        return;
    }
    let mut other = Command::new(std::env::current_exe().expect("a test knows its program"));
    let name = "opaque::another_process_plays_the_same_runs";
    other.args(["--exact", name, "--nocapture"]).env(OTHER, "1");
    let output = other.output().expect("it starts once more");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains(&format!("hashes: {here}")), "{said}");
}

/// Another number each time, as from outside.
fn number() -> u8 {
    static NUMBERS: AtomicU8 = AtomicU8::new(1);
    NUMBERS.fetch_add(1, Ordering::Relaxed)
}

type Way = (&'static str, fn(&[u8]) -> io::Result<()>);

/// Every way of sending bytes.
const WAYS: [Way; 8] = [
    ("tcp", |bytes| TcpStream::connect("srv:7050")?.write_all(bytes)),
    ("udp", |bytes| UdpSocket::bind("0.0.0.0:0")?.send_to(bytes, "srv:7051").map(drop)),
    ("multicast", |bytes| UdpSocket::bind("0.0.0.0:0")?.send_to(bytes, "239.1.2.3:7051").map(drop)),
    ("urgent", |bytes| {
        let socket = Socket::from(TcpStream::connect("srv:7050")?);
        socket.send_out_of_band(bytes).map(drop)
    }),
    ("unix_urgent", |bytes| {
        Socket::pair(Domain::UNIX, Type::STREAM, None)?.0.send_out_of_band(bytes).map(drop)
    }),
    ("unix", |bytes| UnixStream::pair()?.0.write_all(bytes)),
    ("unix_datagram", |bytes| UnixDatagram::pair()?.0.send(bytes).map(drop)),
    ("pipe", |bytes| {
        let (_reader, mut writer) = greenroom::io::pipe()?;
        writer.write_all(bytes)
    }),
];

fn sends(way: Way, is_opaque: bool, bytes: fn() -> Vec<u8>) -> Scenario {
    let (name, send) = way;
    Scenario::new(name, "bytes that no seed decides", move |stage| {
        if is_opaque {
            stage.opaque_payload();
        }
        stage.server("srv", || {
            let _mailbox = UdpSocket::bind("0.0.0.0:7051")?;
            TcpListener::bind("0.0.0.0:7050")?.accept().map(drop)
        });
        stage.client("cli", move || send(&bytes()));
    })
}

#[test]
fn every_way_of_sending_heeds_the_declaration() {
    let bytes = || vec![number(); 3];
    for way in WAYS {
        assert_eq!(twice(&sends(way, true, bytes), 0), Outcome::Held, "{}", way.0);
        let outcome = twice(&sends(way, false, bytes), 0);
        let Outcome::Nondeterministic(why) = &outcome else { panic!("{}: {outcome}", way.0) };
        assert!(why.contains("opaque_payload"), "{}: {why}", way.0);
    }
}

/// What a program does must not depend on the bytes: where it does, the check still says so.
#[test]
fn lengths_still_count() {
    for way in WAYS {
        let outcome = twice(&sends(way, true, || vec![0; number().into()]), 0);
        let Outcome::Nondeterministic(why) = &outcome else { panic!("{}: {outcome}", way.0) };
        assert!(!why.contains("opaque_payload"), "{}: {why}", way.0);
    }
}
