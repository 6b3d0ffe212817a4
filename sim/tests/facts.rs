//! What `TCP_INFO` says at the end of a lossy run, against its trace.

use std::io::{Read, Write};
use std::sync::{Arc, Mutex};

use greenroom::net::{Shutdown, Socket, TcpInfo, TcpListener, TcpState, TcpStream};
use greenroom::scenario::Scenario;
use greenroom::thread;
use greenroom::time::Duration;
use greenroom_sim::Weather;
use greenroom_sim::run::{Spec, run};
use greenroom_sim::trace::Level;

const TOTAL: usize = 200_000;

/// Both sides' numbers, once all is there and nothing under way; the reader's count.
type Told = Arc<Mutex<Vec<(&'static str, TcpInfo, usize)>>>;

fn bulk(told: &Told) -> Scenario {
    let (servers, clients) = (told.clone(), told.clone());
    Scenario::new("bulk", "bytes over a link that loses some", move |stage| {
        let (servers, clients) = (servers.clone(), clients.clone());
        stage.server("srv", move || {
            let (mut stream, _) = TcpListener::bind("0.0.0.0:7")?.accept()?;
            let mut bytes = Vec::new();
            stream.read_to_end(&mut bytes)?;
            stream.write_all(b"x")?;
            let info = Socket::from(stream.try_clone()?).tcp_info()?;
            servers.lock().unwrap().push(("srv", info, bytes.len()));
            // Its end would come among the client's numbers.
            thread::sleep(Duration::from_secs(60));
            Ok(())
        });
        stage.client("cli", move || {
            let mut stream = TcpStream::connect("srv:7")?;
            stream.write_all(&vec![7; TOTAL])?;
            stream.shutdown(Shutdown::Write)?;
            stream.read_exact(&mut [0])?;
            let info = Socket::from(stream.try_clone()?).tcp_info()?;
            clients.lock().unwrap().push(("cli", info, 1));
            Ok(())
        });
    })
}

/// Segments of the client with positions, in the order they left, that repeat some.
fn repeated(trace: &str) -> u32 {
    let (mut end, mut opened, mut closed, mut repeated) = (0, false, false, 0);
    let sent = trace.lines().filter_map(|line| line.split_once(".tcp>srv:7 > ")).map(|(_, it)| it);
    for segment in sent {
        let words: Vec<&str> = segment.split_whitespace().collect();
        let length = words.iter().find_map(|word| word.strip_suffix('B')?.parse::<u64>().ok());
        let flags = words.get(1).copied().unwrap_or_default();
        let again = match length {
            Some(length) => {
                let at: u64 = words.last().unwrap().parse().expect("a position");
                let is_again = at < end;
                end = end.max(at + length);
                closed |= flags.contains("FIN");
                is_again
            }
            None if flags.contains("SYN") => std::mem::replace(&mut opened, true),
            None if flags.contains("FIN") => std::mem::replace(&mut closed, true),
            None => false,
        };
        repeated += u32::from(again);
    }
    repeated
}

#[test]
fn counts_of_a_lossy_run_are_those_of_its_trace() {
    let mut losses = 0;
    for seed in 0..12 {
        let told = Told::default();
        let weather = Weather { loss_ppm: 30_000, ..Weather::calm() };
        let spec = Spec { weather, ..Spec::seed(seed) }.traced();
        let played = run(&bulk(&told), &spec);
        assert!(played.outcome.held(), "{}", played.outcome);
        let trace = played.trace.expect("its events are kept").text(Level::Wire, "");
        let told = told.lock().unwrap();
        let of = |name| told.iter().find(|(host, ..)| *host == name).expect("it got there");
        let ((_, client, _), (_, server, read)) = (of("cli"), of("srv"));
        assert_eq!(*read, TOTAL);
        // A SYN and a FIN count as one each.
        assert_eq!(client.bytes_acked, *read as u64 + 2, "seed {seed}");
        assert_eq!(server.bytes_received, *read as u64 + 1, "seed {seed}");
        assert_eq!(client.bytes_received, 1);
        assert_eq!(client.total_retrans, repeated(&trace), "seed {seed}:\n{trace}");
        assert_eq!((client.state, server.state), (TcpState::FinWait2, TcpState::CloseWait));
        assert!(client.rtt.is_some_and(|rtt| !rtt.is_zero()), "{client:?}");
        losses += client.total_retrans;
    }
    assert!(losses > 20, "too few were lost to tell: {losses}");
}
