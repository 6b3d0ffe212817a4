//! Scenarios on the operating system: who answers to which name, what counts as wrong, how it ends.

use std::io::{self, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use greenroom::check::Shared;
use greenroom::net::{TcpListener, TcpStream, UdpSocket};
use greenroom::resolve::lookup_host;
use greenroom::scenario::{Machine, Scenario, Stage};
use greenroom::{always, note, sometimes, sync, thread};
use greenroom_real::{perform, try_perform, try_perform_within};

fn play(set_stage: impl Fn(&mut Stage) + Send + Sync + 'static) -> Vec<String> {
    try_perform(&Scenario::new("test", "a test", set_stage)).violations
}

fn echo_on(port: u16) -> io::Result<()> {
    let listener = TcpListener::bind(("0.0.0.0", port))?;
    loop {
        let (mut stream, _) = listener.accept()?;
        thread::spawn(move || {
            let mut buf = [0; 64];
            while let Ok(n @ 1..) = stream.read(&mut buf) {
                stream.write_all(&buf[..n])?;
            }
            io::Result::Ok(())
        });
    }
}

fn ask(server: &str, line: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(server)?;
    stream.write_all(line.as_bytes())?;
    let mut back = vec![0; line.len()];
    stream.read_exact(&mut back)?;
    Ok(String::from_utf8_lossy(&back).into_owned())
}

#[test]
fn servers_on_one_port_answer_to_their_names() {
    let story = Scenario::new("two", "two servers, three clients", |stage| {
        stage.server("left", || echo_on(7000));
        stage.server("right", || echo_on(7000));
        for name in ["a", "b", "c"] {
            stage.client(name, move || {
                for server in ["left:7000", "right:7000"] {
                    always!(ask(server, name)? == name, "echoes are the sender's own");
                }
                sometimes!(name == "c", "c was here");
                note!("{name} is done");
                Ok(())
            });
        }
    });
    // At the same time twice: performances do not meet.
    let other = story.clone();
    let beside = std::thread::spawn(move || try_perform(&other));
    for performance in [try_perform(&story), beside.join().unwrap()] {
        assert!(performance.held(), "{:?}", performance.violations);
        assert!(performance.sometimes["c was here"]);
        assert_eq!(performance.notes.len(), 3);
        assert!(performance.notes.contains(&("b".into(), "b is done".into())));
    }
}

#[test]
fn a_host_leaves_from_its_own_address() {
    let violations = play(|stage| {
        let seen = Shared::new(Vec::new());
        let (by_tcp, by_udp, judged) = (seen.clone(), seen.clone(), seen.clone());
        stage.server("srv", move || {
            let listener = TcpListener::bind("[::]:0").and(TcpListener::bind("0.0.0.0:7001"))?;
            let socket = UdpSocket::bind("0.0.0.0:7001")?;
            let (mut stream, peer) = listener.accept()?;
            by_tcp.with(|seen| seen.push(peer.ip()));
            stream.write_all(b"x")?;
            let (_, peer) = socket.recv_from(&mut [0; 8])?;
            by_udp.with(|seen| seen.push(peer.ip()));
            socket.send_to(b"x", peer)?;
            Ok(())
        });
        stage.client("cli", move || {
            TcpStream::connect("srv:7001")?.read_exact(&mut [0])?;
            let socket = UdpSocket::bind("0.0.0.0:0")?;
            socket.send_to(b"x", "srv:7001")?;
            socket.recv_from(&mut [0; 8])?;
            let own = greenroom::resolve::gethostbyname("cli")?;
            seen.with(|seen| seen.push(own.into()));
            Ok(())
        });
        stage.judge("one address", move || {
            judged.with(|seen| match seen[..] {
                [a, b, c] if a == b && b == c => Ok(()),
                _ => Err(format!("{seen:?}")),
            })
        });
    });
    assert!(violations.is_empty(), "{violations:?}");
}

#[test]
fn localhost_is_the_host_itself() {
    let violations = play(|stage| {
        stage.server("srv", || echo_on(7002));
        stage.client("cli", || {
            let refused = TcpStream::connect("localhost:7002").map(|_| ()).unwrap_err();
            always!(refused.kind() == io::ErrorKind::ConnectionRefused, "not the server's");
            thread::spawn(|| echo_on(7002));
            thread::yield_now();
            always!(ask("127.0.0.1:7002", "me")? == "me", "its own server");
            Ok(())
        });
    });
    assert!(violations.is_empty(), "{violations:?}");
}

#[test]
fn what_is_wrong_is_told_with_its_host() {
    let violations = play(|stage| {
        stage.client("errs", || Err(io::ErrorKind::ConnectionReset.into()));
        stage.client("panics", || panic!("out of ideas"));
        stage.client("claims", || {
            thread::spawn(|| panic!("unheard"));
            thread::yield_now();
            Ok(())
        });
        stage.client("stuck", || {
            let lock = sync::Mutex::new(());
            let _held = lock.lock();
            drop(lock.lock());
            Ok(())
        });
        stage.judge("judged", || Err("too late".into()));
        stage.judge("the judge", || panic!("asleep"));
    });
    let all = violations.join("\n");
    for line in [
        "errs: connection reset",
        "panics: panicked: out of ideas",
        "claims/task panicked: unheard",
        "stuck: deadlock at ",
        "stuck: in lock on a lock held by stuck",
        "judged: too late",
        "the judge: panicked: asleep",
    ] {
        assert_eq!(all.matches(line).count(), 1, "{line} in:\n{all}");
    }
}

#[test]
fn a_performance_that_hangs_is_ended_and_says_who_waited_for_what() {
    let story = Scenario::new("hang", "an answer that never comes", |stage| {
        stage.server("srv", || {
            let listener = TcpListener::bind("0.0.0.0:7003")?;
            let _kept = listener.accept()?;
            loop {
                thread::park();
            }
        });
        stage.client("cli", || {
            TcpStream::connect("srv:7003")?.read_exact(&mut [0])?;
            Ok(())
        });
        stage.judge("not asked", || Err("a run that did not settle is not judged".into()));
    });
    let performance = try_perform_within(&story, Duration::from_millis(100));
    let all = performance.violations.join("\n");
    assert!(all.contains("cli: still running after 100ms"), "{all}");
    assert!(all.contains("cli: was in read on data on 127."), "{all}");
    assert!(!all.contains("not asked") && !all.contains("left behind"), "{all}");
}

/// The others are stopped where they wait.
#[test]
fn a_violated_claim_ends_the_performance() {
    static WENT_ON: AtomicBool = AtomicBool::new(false);
    let violations = play(|stage| {
        stage.server("srv", || {
            thread::sleep(Duration::from_secs(3600));
            Ok(())
        });
        stage.client("cli", || {
            greenroom::always!(1 + 1 == 3, "arithmetic");
            thread::yield_now();
            WENT_ON.store(true, Ordering::Relaxed);
            Ok(())
        });
        stage.client("patient", || {
            thread::sleep(Duration::from_secs(3600));
            Ok(())
        });
    });
    assert_eq!(violations, ["cli: not always: arithmetic"]);
    assert!(!WENT_ON.load(Ordering::Relaxed), "it stops at its next switch point");
}

#[test]
fn a_client_that_calls_and_never_waits_can_be_ended() {
    let story = Scenario::new("busy", "a loop without a wait", |stage| {
        stage.client("cli", || {
            loop {
                thread::yield_now();
            }
        });
    });
    let all = try_perform_within(&story, Duration::from_millis(20)).violations.join("\n");
    assert!(all.contains("cli: still running") && !all.contains("left behind"), "{all}");
}

#[test]
fn a_servers_greenlets_serve_on_when_its_program_has_returned() {
    let violations = play(|stage| {
        stage.server("srv", || {
            thread::spawn(|| echo_on(7004));
            thread::yield_now();
            Ok(())
        });
        stage.client("cli", || {
            always!(ask("srv:7004", "still there?")? == "still there?", "answered");
            Ok(())
        });
    });
    assert!(violations.is_empty(), "{violations:?}");
}

#[test]
fn a_client_serves_the_others_until_all_have_returned() {
    let violations = play(|stage| {
        stage.server("relay", || echo_on(7005));
        stage.client("first", || {
            thread::spawn(|| echo_on(7006));
            thread::yield_now();
            Ok(())
        });
        stage.client("second", || {
            // It may be there before the first is up; then it asks again.
            while let Err(error) = ask("first:7006", "hello") {
                always!(error.kind() == io::ErrorKind::ConnectionRefused, "not up yet at worst");
                always!(ask("relay:7005", "wait")? == "wait", "a round trip passes");
            }
            Ok(())
        });
    });
    assert!(violations.is_empty(), "{violations:?}");
}

#[test]
fn a_host_has_as_many_addresses_as_its_machine() {
    let seen = Shared::new(Vec::new());
    let told = seen.clone();
    let violations = play(move |stage| {
        let told = told.clone();
        stage.server("srv", || {
            for address in lookup_host(("srv", 7001))? {
                thread::spawn(move || -> io::Result<()> {
                    let listener = TcpListener::bind(address)?;
                    loop {
                        listener.accept()?;
                    }
                });
            }
            let refused = TcpListener::bind("0.0.0.0:7002").unwrap_err();
            always!(
                refused.kind() == io::ErrorKind::Unsupported,
                "no socket has several addresses"
            );
            Ok(())
        });
        stage.machine("srv", Machine::new().v4(2));
        stage.client("cli", move || {
            let own: Vec<_> = lookup_host(("cli", 0))?.map(|address| address.ip()).collect();
            let there: Vec<_> = lookup_host(("srv", 7001))?.collect();
            for (address, own) in there.iter().zip(&own) {
                let stream = TcpStream::connect(address)?;
                always!(
                    stream.local_addr()?.ip() == *own,
                    "it leaves by the link that leads there"
                );
            }
            told.with(|told| *told = vec![own.len(), there.len()]);
            Ok(())
        });
        stage.machine("cli", Machine::new().v4(3));
    });
    assert_eq!(violations, [""; 0]);
    seen.with(|seen| assert_eq!(*seen, [3, 2]));
}

#[test]
fn a_machine_that_cannot_be_had_is_refused_before_anything_runs() {
    for (machine, field) in [
        (Machine::new().v4(0), "`v4`"),
        (Machine::new().v6(1), "`v6`"),
        (Machine::new().ephemeral_ports(42_000..=42_001), "`ephemeral_ports`"),
        (Machine::new().descriptors(9), "`descriptors`"),
        (Machine::new().socket_memory(9), "`socket_memory`"),
    ] {
        let violations = play(move |stage| {
            stage.client("cli", || panic!("it runs"));
            stage.machine("cli", machine.clone());
        });
        let [line] = &violations[..] else { panic!("{violations:?}") };
        assert!(line.starts_with("cli: ") && line.contains(field), "{line}");
    }
}

#[test]
fn a_server_that_ends_with_an_error_ends_the_performance_with_it() {
    let start = std::time::Instant::now();
    let wait_for_ever = || {
        let listener = TcpListener::bind("0.0.0.0:7010")?;
        loop {
            listener.accept()?;
        }
    };
    // At its start: no client is started for nothing.
    let violations = play(move |stage| {
        stage.server("first", wait_for_ever);
        stage.server("srv", || TcpListener::bind("203.0.113.1:7010").map(drop));
        stage.client("cli", || panic!("it runs"));
        stage.judge("not asked", || Err("a run that did not settle is not judged".into()));
    });
    let [line] = &violations[..] else { panic!("{violations:?}") };
    assert!(line.starts_with("srv: ") && line.contains("os error"), "{line}");
    // Later: its clients would wait for ever. A panic is an error like any other.
    let violations = play(move |stage| {
        stage.server("srv", || {
            let (stream, _) = TcpListener::bind("0.0.0.0:7011")?.accept()?;
            std::mem::forget(stream);
            panic!("no disk")
        });
        stage.client("cli", || TcpStream::connect("srv:7011")?.read_exact(&mut [0]));
    });
    assert_eq!(violations, ["srv: panicked: no disk"]);
    assert!(start.elapsed() < Duration::from_secs(30), "it took {:?}", start.elapsed());
}

#[test]
fn a_story_that_fails_fails_its_test() {
    let fails = Scenario::new("fails", "it fails", |stage| {
        stage.client("cli", || {
            note!("about to");
            Err(io::Error::other("no disk"))
        });
    });
    let payload = catch_unwind(AssertUnwindSafe(|| perform(&fails))).expect_err("it fails");
    let said = greenroom::driver::panic_message(&*payload);
    for line in [
        "fails FAILED on the operating system after ",
        "\n  cli: no disk",
        "\nnotes:\n  cli: about to",
    ] {
        assert_eq!(said.matches(line).count(), 1, "{line} in:\n{said}");
    }
    perform(&Scenario::new("holds", "it holds", |stage| stage.client("cli", || Ok(()))));
}
