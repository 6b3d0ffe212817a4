//! What a trace shows, and how: one name for each socket, what deviated, the bytes, the lanes.

use std::io::{Read, Write};

use greenroom::net::{TcpListener, TcpStream};
use greenroom_sim::run::{Choice, Spec, run};
use greenroom_sim::trace::{Level, Log, PayloadAs, Style};
use greenroom_sim::{Outcome, Sim, Weather};

/// A client that sends a line and waits for an answer that never comes.
fn told() -> greenroom::scenario::Scenario {
    greenroom::scenario::Scenario::new("told", "a line, and no answer", |stage| {
        stage.server("srv", || {
            let (mut stream, _) = TcpListener::bind("0.0.0.0:7")?.accept()?;
            stream.read_exact(&mut [0; 6])?;
            stream.read_exact(&mut [0; 1])
        });
        stage.client("cli", || {
            let mut stream = TcpStream::connect("srv:7")?;
            stream.write_all(b"GET \"\n")?;
            stream.read_exact(&mut [0; 1])
        });
    })
}

fn taped(tape: &[&str]) -> (Outcome, Log) {
    let read = |text: &&str| {
        let token = format!("v2:told;{text}");
        greenroom_sim::token::Token::parse(&token).expect("it reads").choices.remove(0)
    };
    let tape: Vec<Choice> = tape.iter().map(read).collect();
    let played = run(&told(), &Spec { tape: Some(tape), ..Spec::seed(0) }.traced());
    (played.outcome, played.trace.expect("its events are kept"))
}

const LEVELS: [Level; 4] = [Level::Faults, Level::Api, Level::Sched, Level::Wire];

#[test]
fn a_socket_has_one_name_in_deviations_traces_and_wait_tables() {
    let (outcome, log) =
        taped(&["delay@cli/.tcp>srv:7.3=9000000ns", "delay@srv/.tcp:7/<cli.1=2000000ns"]);
    let table = outcome.to_string();
    assert!(table.contains("data on cli/.tcp>srv:7, cli:"), "{table}");
    assert!(table.contains("data on srv/.tcp:7/<cli, srv:7 from cli:"), "{table}");
    for level in LEVELS {
        let text = log.text(level, "");
        // A number in place of a name.
        let numbered =
            |word: &str| word.strip_prefix('s').is_some_and(|rest| rest.parse::<u32>().is_ok());
        assert!(!text.split_whitespace().any(numbered), "{text}");
        assert!(text.contains(".tcp>srv:7") && text.contains(".tcp:7/<cli"), "{text}");
    }
}

#[test]
fn a_delay_that_a_tape_has_is_marked_at_every_level() {
    let (_, log) = taped(&["delay@cli/.tcp>srv:7.3=9000000ns"]);
    for level in LEVELS {
        let text = log.text(level, "");
        let marked =
            |line: &&str| line.contains("! ") && line.contains("packet 3 of .tcp>srv:7 takes 9ms");
        assert_eq!(text.lines().filter(marked).count(), 1, "{level:?}: {text}");
    }
}

/// Where a seed decides nearly every packet has one: `api` and `sched` have what the programs did.
#[test]
fn delays_that_a_seed_draws_are_shown_among_faults_and_packets() {
    let played = run(&told(), &Spec::seed(1).traced());
    let log = played.trace.expect("its events are kept");
    let count = |level| log.text(level, "").matches(" takes ").count();
    assert!(count(Level::Faults) > 3);
    assert_eq!(count(Level::Wire), count(Level::Faults));
    assert_eq!((count(Level::Api), count(Level::Sched)), (0, 0));
}

#[test]
fn hosts_that_are_cut_off_are_said_to_be() {
    let weather = Weather { partition_ppm: 1_000_000, ..Weather::calm() };
    let played = run(&told(), &Spec { weather, ..Spec::seed(1) }.traced());
    let text = played.trace.expect("its events are kept").text(Level::Faults, "");
    assert!(text.contains("srv and cli are cut off for "), "{text}");
}

#[test]
fn bytes_are_shown_where_they_are_asked_for() {
    let (_, log) = taped(&[]);
    let shown = |payload, level| log.text_in(&Style { payload, columns: None }, level, "");
    for level in [Level::Api, Level::Wire] {
        let text = shown(Some(PayloadAs::Text), level);
        assert!(text.contains(r#"write .tcp>srv:7 6B "#), "{text}");
        assert!(text.contains(r#"read .tcp:7/<cli 6B  "GET \"\n""#), "{text}");
        let hex = shown(Some(PayloadAs::Hex), level);
        assert!(hex.contains("read .tcp:7/<cli 6B  47 45 54 20 22 0a\n"), "{hex}");
        assert!(!shown(None, level).contains("GET"));
    }
    let wire = shown(Some(PayloadAs::Text), Level::Wire);
    let sent = |line: &&str| line.contains(".tcp>srv:7 > srv:7 ACK 6B at ");
    assert!(wire.lines().filter(sent).all(|line| line.ends_with(r#"  "GET \"\n""#)), "{wire}");
    assert_eq!(wire.lines().filter(sent).count(), 1, "{wire}");
}

#[test]
fn lanes_fit_a_terminal_and_the_columns_before_them_are_explained() {
    let (_, log) = taped(&[]);
    let text = |columns| log.text_in(&Style { columns, payload: None }, Level::Api, "");
    let second = |text: &str| text.lines().nth(2).unwrap_or_default().to_owned();
    assert!(second(&text(None)).contains("+t: since the host's line before"));
    let lane = |text: &str| text.lines().nth(1).and_then(|line| line.find("cli"));
    assert_eq!(lane(&text(None)), Some(16 + 46));
    assert_eq!(lane(&text(Some(80))), Some(16 + 32));
    // Too narrow for two: each line begins with its host.
    let below = text(Some(60));
    assert_eq!(lane(&below), None);
    assert!(
        below
            .lines()
            .skip(3)
            .all(|line| line[16..].starts_with("srv  ") || line[16..].starts_with("cli  ")),
        "{below}"
    );
}

/// One attempt at a time: each connection of a socket has a name of its own, at both ends.
#[test]
fn a_socket_that_connects_again_is_named_again() {
    use greenroom::net::{Domain, Protocol, Socket, Type};
    let played = Sim::new()
        .weather(Weather::calm())
        .server("srv", || {
            let listener = TcpListener::bind("0.0.0.0:7")?;
            loop {
                drop(listener.accept()?);
            }
        })
        .client("cli", || {
            let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
            let address =
                |text: &str| text.parse::<std::net::SocketAddr>().expect("an address").into();
            assert!(socket.connect(&address("10.0.0.1:9")).is_err());
            socket.connect(&address("10.0.0.1:7"))
        })
        .traced()
        .run();
    assert!(played.outcome.held(), "{}", played.outcome);
    let text = played.trace.expect("it was traced").text(Level::Wire, "");
    assert!(
        text.contains(".tcp>srv:9 > srv:9 SYN") && text.contains(".tcp>srv:7 > srv:7 SYN"),
        "{text}"
    );
}
