//! Segments that are split on their way: a reader meets what was written at once in two parts, the
//! second later.

use std::io::{Read, Write};
use std::time::Duration;

use greenroom::net::{TcpListener, TcpStream};
use greenroom::scenario::Scenario;
use greenroom::time::Instant;
use greenroom_sim::choices::Fault;
use greenroom_sim::report::report;
use greenroom_sim::run::run;
use greenroom_sim::token::Token;
use greenroom_sim::{Sim, Spec, Weather};

/// A length of a byte, and so many bytes.
const FRAME: &[u8] = b"\x05hello";

/// Frames go one way. `reads_whole`: by a reader who takes it that a frame written at once is read at once.
fn frames(reads_whole: bool) -> Scenario {
    Scenario::new("frames", "every frame comes whole", move |stage| {
        stage.server("srv", move || {
            let (mut stream, _) = TcpListener::bind("0.0.0.0:7")?.accept()?;
            let mut frame = [0; 64];
            if reads_whole {
                let length = stream.read(&mut frame)?;
                greenroom::always!(frame[..length] == *FRAME, "a frame is read at once");
            } else {
                stream.read_exact(&mut frame[..1])?;
                let length = usize::from(frame[0]);
                stream.read_exact(&mut frame[1..=length])?;
                greenroom::always!(frame[..=length] == *FRAME, "a frame is what was written");
            }
            Ok(())
        });
        stage.client("cli", || {
            let mut stream = TcpStream::connect("srv:7")?;
            stream.write_all(FRAME)?;
            // Bytes that nobody reads end it with a reset.
            let _ = stream.read(&mut [0; 1]);
            Ok(())
        });
    })
}

fn split_often() -> Weather {
    Weather { split_ppm: 1_000_000, ..Weather::calm() }
}

#[test]
fn a_reader_meets_a_frame_in_two_parts_and_gets_all_of_it() {
    let run = Sim::new()
        .weather(split_often())
        .server("srv", || {
            let (mut stream, _) = TcpListener::bind("0.0.0.0:7")?.accept()?;
            let (mut frame, mut parts, mut length) = ([0; 64], 0, 0);
            let mut first_at = None;
            while length < FRAME.len() {
                length += stream.read(&mut frame[length..])?;
                first_at.get_or_insert_with(Instant::now);
                parts += 1;
            }
            let apart = first_at.expect("it was read").elapsed();
            assert_eq!((parts, &frame[..length]), (2, FRAME));
            assert_eq!(apart, Duration::from_millis(1), "the second is under way twice as long");
            Ok(())
        })
        .client("cli", || {
            let mut stream = TcpStream::connect("srv:7")?;
            stream.write_all(FRAME)?;
            stream.read(&mut [0; 1]).map(drop)
        })
        .run();
    assert!(run.outcome.held(), "{}", run.outcome);
    assert_eq!(run.fired.of(Fault::Split), 1);
}

/// All that goes over a link in parts, with loss and overtaking beside it, comes to the same stream.
#[test]
fn streams_of_split_segments_are_whole() {
    for seed in 0..50 {
        let weather = Weather {
            split_ppm: 500_000,
            loss_ppm: 20_000,
            reorder_ppm: 50_000,
            ..Weather::default()
        };
        let run = Sim::new()
            .seed(seed)
            .weather(weather)
            .server("srv", || {
                let (mut stream, _) = TcpListener::bind("0.0.0.0:7")?.accept()?;
                let mut all = Vec::new();
                stream.read_to_end(&mut all)?;
                assert!(all.iter().enumerate().all(|(at, byte)| *byte == at as u8));
                assert_eq!(all.len(), 20_000);
                Ok(())
            })
            .client("cli", || {
                let all: Vec<u8> = (0..20_000).map(|at| at as u8).collect();
                let mut stream = TcpStream::connect("srv:7")?;
                all.chunks(3000).try_for_each(|chunk| stream.write_all(chunk))?;
                stream.shutdown(std::net::Shutdown::Write)?;
                assert_eq!(stream.read(&mut [0; 1])?, 0);
                Ok(())
            })
            .run();
        assert!(run.outcome.held(), "seed {seed}: {}", run.outcome);
        assert!(run.fired.of(Fault::Split) > 0);
    }
}

/// It is a deviation like others: found in the weather of every day, minimised to itself, named, replayed.
#[test]
fn a_reader_who_trusts_a_frame_is_found_and_told_of_the_split() {
    let weather = Weather { short_read_ppm: 0, ..Weather::default() };
    let (trusting, careful) = (frames(true), frames(false));
    let spec = |seed| Spec { weather: weather.clone(), ..Spec::seed(seed) };
    assert!((0..1000).all(|seed| run(&careful, &spec(seed)).outcome.held()));
    let found = (0..1000).find(|&seed| !run(&trusting, &spec(seed)).outcome.held());
    let spec = spec(found.expect("one in a hundred frames is split"));
    let failing = run(&trusting, &spec);
    let text = report(&trusting, &spec, &failing, "greenroom").text;
    assert!(text.contains("segment 1 of cli/.tcp>srv:7 with data is split after "), "{text}");
    let least = greenroom_sim::shrink::shrink(&trusting, &spec, &failing).expect("it plays again");
    let words: Vec<String> = least.run.deviations_in_words().collect();
    assert_eq!(words.len(), 1, "{words:?}");
    let token = Token::of(&trusting, &spec, &least.run).to_string();
    assert!(token.contains("split@cli/.tcp>srv:7.1="), "{token}");
    let replayed = run(&trusting, &Token::parse(&token).and_then(|token| token.spec()).unwrap());
    assert_eq!(replayed.outcome.class(), failing.outcome.class());
}
