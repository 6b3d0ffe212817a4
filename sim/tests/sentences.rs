//! What a report says of each kind of deviation.

use std::io::{Read, Write};
use std::time::Duration;

use greenroom::net::{TcpListener, TcpStream, UdpSocket};
use greenroom::os::unix::net::UnixStream;
use greenroom::thread;
use greenroom_sim::{Sim, Weather};

/// The sentences of the first of some seeds in which one begins so.
fn sentences(begin: &str, sim: impl Fn() -> Sim) -> Vec<String> {
    for seed in 0..20 {
        let run = sim().seed(seed).run();
        assert!(run.outcome.held(), "{}", run.outcome);
        let words: Vec<String> = run.deviations_in_words().collect();
        if words.iter().any(|words| words.starts_with(begin)) {
            return words;
        }
    }
    panic!("no sentence begins with `{begin}` in 20 seeds");
}

#[test]
fn a_jobs_duration_is_the_jobs() {
    let sim = || {
        Sim::new().client("cli", || {
            thread::spawn_blocking(|| ()).join().expect("it does nothing");
            Ok(())
        })
    };
    let words = sentences("the job cli/.job takes ", sim);
    assert!(!words.iter().any(|words| words.contains("packet")), "{words:?}");
}

#[test]
fn a_resolvers_answer_is_no_packet_of_the_query() {
    let sim = || {
        let server = || {
            let (mut stream, _) = TcpListener::bind("0.0.0.0:7")?.accept()?;
            stream.read(&mut [0; 1]).map(drop)
        };
        Sim::new().server("srv", server).client("cli", || TcpStream::connect("srv:7").map(drop))
    };
    let words = sentences("the query cli/.query>srv is answered after ", sim);
    assert!(!words.iter().any(|words| words.contains("packet 1 of cli/.query>srv")), "{words:?}");
}

#[test]
fn a_short_read_of_a_unix_stream_counts_pieces() {
    let sim = || {
        let weather = Weather { short_read_ppm: 1_000_000, ..Weather::calm() };
        Sim::new().weather(weather).client("cli", || {
            let (mut near, mut far) = UnixStream::pair()?;
            for _ in 0..4 {
                near.write_all(b"piece")?;
            }
            far.read(&mut [0; 64]).map(drop)
        })
    };
    let words = sentences("read 1 of cli/.pair", sim);
    let is_right = |words: &String| {
        let what = words.split_once(" returns ").map(|(_, what)| what);
        matches!(what, Some("1 piece at most" | "2 pieces at most" | "3 pieces at most"))
    };
    assert!(words.iter().any(is_right), "{words:?}");
}

#[test]
fn a_lost_icmp_message_is_no_packet_of_the_host() {
    let sim = || {
        let weather =
            Weather { icmp_loss_ppm: 1_000_000, path_mtu_bytes: Some(1000), ..Weather::calm() };
        Sim::new()
            .weather(weather)
            .server("srv", || UdpSocket::bind("0.0.0.0:7")?.recv(&mut [0; 8]).map(drop))
            .client("cli", || {
                let socket = UdpSocket::bind("0.0.0.0:0")?;
                socket.send_to(&[0; 1200], "10.0.0.1:7")?;
                thread::sleep(Duration::from_secs(1));
                Ok(())
            })
    };
    let words = sentences("an ICMP message to cli is lost", sim);
    assert!(!words.iter().any(|words| words.contains("packet")), "{words:?}");
}
