//! What a peer may do to the key-value server: talk nonsense, talk without end, vanish. It gets an
//! error reply and a closed connection; the others are served on.

use std::io::{self, Read, Write};

use greenroom::check::Shared;
use greenroom::net::{TcpListener, TcpStream};
use greenroom::scenario::{Scenario, Stage};
use greenroom::sync::Arc;
use greenroom::thread;
use greenroom::time::Duration;
use greenroom_scenarios::kv::Limits;
use greenroom_scenarios::kv::request::{LINE_BYTES_MAX, encode_request};
use greenroom_scenarios::kv::resp::{Reply, ReplyReader};
use greenroom_scenarios::kv::server::Server;
use greenroom_sim::faults::{Fault, Weather};
use greenroom_sim::run::{Spec, run};

const ADDRESS: (&str, u16) = ("srv", 7379);
const IDLE_MAX: Duration = Duration::from_secs(10);

/// Plays it in every weather.
#[track_caller]
fn holds(scenario: &Scenario, seeds: u64) {
    for name in Weather::NAMES {
        let weather = Weather::by_name(name).expect("it is one of the names");
        for seed in 0..seeds {
            let outcome = run(scenario, &Spec { weather: weather.clone(), ..Spec::seed(seed) });
            assert!(outcome.outcome.held(), "seed {seed}, {name}: {}", outcome.outcome);
        }
    }
}

/// A server on a host of its own, to be looked at from outside.
fn serve(stage: &mut Stage) -> Shared<Option<Arc<Server>>> {
    let server = Shared::new(None);
    let announced = server.clone();
    stage.server("srv", move || {
        let listener = TcpListener::bind(("0.0.0.0", ADDRESS.1))?;
        let server = Server::new(Some(IDLE_MAX));
        announced.with(|announced| *announced = Some(server.clone()));
        server.serve(&listener)
    });
    server
}

fn ask(stream: &TcpStream, args: &[&[u8]]) -> io::Result<Reply> {
    let mut request = Vec::new();
    encode_request(&mut request, args);
    let mut out = stream;
    out.write_all(&request)?;
    ReplyReader::new(stream).read()
}

/// Somebody well-behaved, before, while and after the others misbehave.
fn regular(stage: &mut Stage) {
    stage.client("regular", || {
        let stream = TcpStream::connect(ADDRESS)?;
        for count in 1..=20 {
            let counted = ask(&stream, &[b"INCR", b"k"])?;
            greenroom::always!(counted == Reply::Integer(count), "the others are served on");
            thread::sleep(Duration::from_millis(30));
        }
        Ok(())
    });
}

/// Says this; answers what came back until the server closed.
fn provoke(words: &[u8]) -> io::Result<String> {
    let mut stream = TcpStream::connect(ADDRESS)?;
    stream.write_all(words)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

fn refused(words: Vec<u8>, refusal: &'static str) -> Scenario {
    Scenario::new("nonsense", "nonsense is answered, and the connection closed", move |stage| {
        serve(stage);
        regular(stage);
        let words = words.clone();
        stage.client("rude", move || {
            let answer = provoke(&words)?;
            if answer == format!("-ERR Protocol error: {refusal}\r\n") {
                return Ok(());
            }
            Err(io::Error::other(format!("{answer:?}")))
        });
    })
}

#[test]
fn garbage_is_answered_and_ends_the_connection() {
    holds(&refused(b"*1\r\nGET\r\n".to_vec(), "expected '$', got 'G'"), 40);
    holds(&refused(b"GET \"\xff\0\r\n".to_vec(), "unbalanced quotes in request"), 10);
}

#[test]
fn giant_lengths_are_answered_and_end_the_connection() {
    holds(&refused(b"*2147483647\r\n".to_vec(), "invalid multibulk length"), 40);
    holds(&refused(b"*1\r\n$99999999999\r\n".to_vec(), "invalid bulk length"), 10);
    holds(&refused(b"*1\r\n$536870912\r\n".to_vec(), "too big request"), 10);
}

#[test]
fn an_over_long_line_is_answered_although_more_is_coming() {
    let long = vec![b'a'; LINE_BYTES_MAX + 50_000];
    holds(&refused(long, "too big inline request"), 20);
}

/// No one says goodbye where the power fails: only time tells.
#[test]
fn a_peer_that_vanishes_frees_its_greenlet_and_descriptor() {
    let story = Scenario::new("vanish", "a peer that vanished is given up", |stage| {
        let server = serve(stage);
        stage.server("ghost", || {
            let stream = TcpStream::connect(ADDRESS)?;
            ask(&stream, &[b"SET", b"ghost", b"here"])?;
            thread::sleep(Duration::from_secs(3600));
            Ok(())
        });
        stage.may_lose_power("ghost", Duration::from_millis(500));
        let attended = server.clone();
        stage.client("regular", move || {
            thread::sleep(Duration::from_secs(60));
            let count = || attended.with(|server| server.as_ref().map(|s| s.connection_count()));
            greenroom::always!(count() == Some(0), "nobody is left");
            let stream = TcpStream::connect(ADDRESS)?;
            greenroom::always!(ask(&stream, &[b"PING"])? == Reply::Simple("PONG".into()), "served");
            greenroom::always!(count() == Some(1), "the newcomer is attended");
            Ok(())
        });
    });
    let weather = Weather { power_cut_ppm: 1_000_000, ..Weather::default() };
    for seed in 0..100 {
        let run = run(&story, &Spec { weather: weather.clone(), ..Spec::seed(seed) });
        assert!(run.outcome.held(), "seed {seed}: {}", run.outcome);
        assert_eq!(run.fired.of(Fault::PowerCut), 1);
    }
}

/// The hog's request and the other's do not fit together: the hog's is the larger.
#[test]
fn who_holds_the_most_is_told_and_goes_for_another() {
    let story = Scenario::new("hog", "the largest unfinished request goes first", |stage| {
        stage.server("srv", || {
            let limits = Limits { memory_clients: Some(600 * 1024), ..Limits::of_a_story(None) };
            let listener = TcpListener::bind(("0.0.0.0", ADDRESS.1))?;
            Server::within(limits).serve(&listener)
        });
        stage.client("cli", || {
            let mut hog = TcpStream::connect(ADDRESS)?;
            hog.write_all(b"*2\r\n$4\r\nECHO\r\n$400000\r\n")?;
            hog.write_all(&[b'x'; 300_000])?;
            // Everything has arrived by then, in any weather.
            thread::sleep(Duration::from_secs(300));
            let stream = TcpStream::connect(ADDRESS)?;
            let stored = ask(&stream, &[b"SET", b"k", &[b'y'; 100_000]])?;
            greenroom::always!(stored == Reply::Simple("OK".into()), "the smaller one is served");
            let mut answer = String::new();
            hog.read_to_string(&mut answer)?;
            greenroom::always!(
                answer.starts_with("-ERR ") && answer.contains("'maxmemory-clients'"),
                "the hog is told"
            );
            Ok(())
        });
    });
    holds(&story, 20);
}

/// A bad line makes the reader slow, and the server waits with a large reply.
#[test]
fn a_slow_reader_of_what_many_hold_gets_all_of_it() {
    let story = Scenario::new("shares", "a reply is what was stored when it was asked", |stage| {
        serve(stage);
        stage.client("cli", || {
            let stream = TcpStream::connect(ADDRESS)?;
            let (old, new) = (vec![b'o'; 30_000], vec![b'n'; 30_000]);
            ask(&stream, &[b"SET", b"k", &old])?;
            let mut requests = Vec::new();
            encode_request(&mut requests, &[b"MGET", b"k", b"none", b"k", b"k"]);
            encode_request(&mut requests, &[b"SET", b"k", &new]);
            encode_request(&mut requests, &[b"GET", b"k"]);
            (&stream).write_all(&requests)?;
            let mut replies = ReplyReader::new(&stream);
            let olds = || Reply::Bulk(old.clone());
            let due = Reply::Array(vec![olds(), Reply::Nil, olds(), olds()]);
            greenroom::always!(replies.read()? == due, "it is the old one");
            greenroom::always!(replies.read()? == Reply::Simple("OK".into()), "it is stored");
            greenroom::always!(replies.read()? == Reply::Bulk(new), "it is the new one");
            Ok(())
        });
    });
    holds(&story, 10);
}

#[test]
fn a_closing_server_answers_what_it_has_and_says_goodbye() {
    let story = Scenario::new("close", "a server closes cleanly", |stage| {
        stage.client("srv", || {
            let listener = Arc::new(TcpListener::bind(("0.0.0.0", ADDRESS.1))?);
            let door = listener.clone();
            thread::Builder::new().name("clock".into()).spawn(move || {
                thread::sleep(Duration::from_secs(20));
                door.close();
            })?;
            let server = Server::new(None);
            server.serve(&listener)?;
            server.close_connections(Duration::from_secs(5));
            greenroom::always!(server.connection_count() == 0, "every connection has ended");
            Ok(())
        });
        stage.client("cli", || {
            thread::sleep(Duration::from_millis(50));
            let stream = TcpStream::connect(ADDRESS)?;
            ask(&stream, &[b"SET", b"a", b"1"])?;
            let end = (&stream).read(&mut [0]).map_err(|error| error.kind());
            greenroom::always!(end == Ok(0), "the server's end is an end, not an error");
            Ok(())
        });
    });
    holds(&story, 30);
}

#[test]
fn the_store_serves_the_operating_system_too() -> io::Result<()> {
    greenroom_real::run(|| {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let server = Server::new(Some(Duration::from_millis(200)));
        thread::spawn(move || server.serve(&listener));
        let clients = (0..4).map(|_| {
            thread::spawn(move || {
                let stream = TcpStream::connect(address)?;
                for _ in 0..100 {
                    assert!(matches!(ask(&stream, &[b"INCR", b"a"])?, Reply::Integer(_)));
                }
                // It idles, and is given up.
                (&stream).read(&mut [0])
            })
        });
        for client in clients.collect::<Vec<_>>() {
            assert_eq!(client.join().expect("no client panics")?, 0);
        }
        let stream = TcpStream::connect(address)?;
        assert_eq!(ask(&stream, &[b"GET", b"a"])?, Reply::Bulk(b"400".to_vec()));
        Ok(())
    })
}
