//! A dump of all greenlets in the middle of a run leaves the run what it is.

use std::io::{Read, Write};
use std::time::Duration;

use greenroom::net::{TcpListener, TcpStream};
use greenroom::thread;
use greenroom_sim::{Outcome, Run, Sim};

fn world(dumps: bool) -> Run {
    let look = move || {
        if dumps {
            let text = thread::format_greenlets();
            assert!(text.contains("srv/conn: in read on data on"), "{text}");
        }
    };
    Sim::new()
        .server("srv", || {
            let listener = TcpListener::bind("0.0.0.0:7")?;
            loop {
                let (mut stream, _) = listener.accept()?;
                let serve = move || {
                    let mut byte = [0];
                    while let Ok(1) = stream.read(&mut byte) {
                        if stream.write_all(&byte).is_err() {
                            break;
                        }
                    }
                };
                thread::Builder::new().name("conn".into()).spawn(serve)?;
            }
        })
        .client("cli", move || {
            let mut stream = TcpStream::connect("srv:7")?;
            let mut byte = [7];
            for _ in 0..3 {
                stream.write_all(&byte)?;
                stream.read_exact(&mut byte)?;
                thread::sleep(Duration::from_millis(30));
                look();
            }
            Ok(())
        })
        .seed(11)
        .run()
}

#[test]
fn a_run_with_a_dump_in_it_is_the_same_run() {
    let (with, without) = (world(true), world(false));
    assert_eq!(with.outcome, Outcome::Held, "{:?}", with.outcome);
    assert_eq!(with.hash, without.hash);
}
