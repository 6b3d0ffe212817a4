//! Programs on a machine that is short of something, or that is held up: descriptors, address space,
//! threads, room for what they log; storms of signals, and a stop of the whole process.
//!
//! A test starts this very program again, to be one of them under the limit.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use greenroom::net::{TcpListener, TcpStream};
use greenroom::signal::{Kind, Signal};
use greenroom::thread;
use rustix::process::{Pid, Signal as Number, kill_process};

const PROGRAM: &str = "GREENROOM_LIMITED";

/// The programs; by itself it does nothing.
#[test]
fn is_a_program_if_told_to() {
    match std::env::var(PROGRAM).as_deref() {
        Ok("greets") => greets(),
        Ok("spawns many") => spawns_many(),
        Ok("works in threads") => works_in_threads(),
        Ok("complains") => complains(),
        Ok("carries") => carries(),
        Ok("is stopped") => is_stopped(),
        _ => {}
    }
}

/// What starts this program as one of them, after a command of the shell.
fn program(name: &str, shell: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("{shell}\nexec \"$@\""), "sh"]);
    command.arg(std::env::current_exe().unwrap());
    command.args(["is_a_program_if_told_to", "--exact", "--nocapture", "--test-threads=1"]);
    command.env(PROGRAM, name).stdin(Stdio::null());
    command
}

fn played(name: &str, shell: &str) -> (Output, String) {
    let output = program(name, shell).output().unwrap();
    let said = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    let said = said.concat();
    (output, said)
}

/// Bytes there and back between two greenlets.
fn echo(bytes: usize) -> std::io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let server = thread::spawn(move || -> std::io::Result<()> {
        let (mut stream, _) = listener.accept()?;
        let mut buf = vec![0; 16 * 1024];
        loop {
            match stream.read(&mut buf)? {
                0 => return Ok(()),
                n => stream.write_all(&buf[..n])?,
            }
        }
    });
    let mut stream = TcpStream::connect(address)?;
    let (mut sender, sent) = (stream.try_clone()?, pattern(bytes));
    let theirs = sent.clone();
    let sending = thread::spawn(move || -> std::io::Result<()> {
        sender.write_all(&theirs)?;
        sender.shutdown(std::net::Shutdown::Write)
    });
    let mut back = Vec::new();
    stream.read_to_end(&mut back)?;
    sending.join().expect("it does not panic")?;
    server.join().expect("it does not panic")?;
    assert!(back == sent, "{} of {bytes} bytes came back as they were", back.len());
    Ok(())
}

/// The thread stands still for so long: that it does is what is tried, and no event ends it.
fn stand_still(time: Duration) {
    let (_sender, nothing) = std::sync::mpsc::channel::<()>();
    assert!(nothing.recv_timeout(time).is_err());
}

fn pattern(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|at| (at % 251) as u8).collect()
}

// Descriptors.

fn greets() {
    match greenroom_real::try_run(|| echo(100)) {
        Ok(echoed) => println!("\nechoed: {:?}", echoed.map_err(|error| error.raw_os_error())),
        Err(error) => println!("\nno run: {error}"),
    }
}

/// From none at all to enough: each step ends in an error or in what was asked for, and none in a panic.
#[test]
fn without_descriptors_there_is_an_error_for_the_hub_or_for_the_call() {
    let mut seen = Vec::new();
    for descriptors in 3..24 {
        let (output, said) = played("greets", &format!("ulimit -n {descriptors}"));
        let Some(line) = said.lines().find(|l| l.starts_with("echoed") || l.starts_with("no run"))
        else {
            // Too few for the program to begin at all, or for std.
            assert!(descriptors < 6, "{descriptors} descriptors: {said}");
            continue;
        };
        assert!(output.status.success(), "{descriptors} descriptors: {said}");
        seen.push(line.to_owned());
    }
    let full = format!("echoed: Err(Some({}))", libc::EMFILE);
    assert!(seen.iter().any(|line| line.starts_with("no run: the hub cannot go on:")), "{seen:?}");
    assert!(seen.contains(&full), "{seen:?}");
    assert_eq!(seen.last().map(String::as_str), Some("echoed: Ok(())"), "{seen:?}");
}

// Address space.

fn spawns_many() {
    const GREENLETS: usize = 20_000;
    let (had_a_stack, had_none) = greenroom_real::run(|| {
        let all: Vec<_> = (0..GREENLETS)
            .map(|_| thread::spawn(|| thread::sleep(Duration::from_millis(300))))
            .collect();
        let ended: Vec<_> = all.into_iter().map(thread::JoinHandle::join).collect();
        let had = ended.iter().filter(|ended| ended.is_ok()).count();
        // The others have left room.
        echo(1 << 20).unwrap();
        (had, GREENLETS - had)
    });
    println!("\nwith a stack: {had_a_stack}, without: {had_none}");
}

/// A greenlet that has no stack is over, with a panic that says so; nobody else is.
#[test]
fn without_address_space_greenlets_are_refused_and_the_others_go_on() {
    let (output, said) = played("spawns many", "ulimit -v 1500000");
    assert!(output.status.success(), "{said}");
    let line = said.lines().find(|line| line.starts_with("with a stack: ")).unwrap();
    let counts: Vec<usize> = line.split([':', ',']).filter_map(|n| n.trim().parse().ok()).collect();
    let [with, without] = counts[..] else { panic!("{line}") };
    assert!(with > 1_000 && without > 1_000, "{line}");
}

// Threads.

fn works_in_threads() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    setrlimit(Resource::Nproc, Rlimit { current: Some(1), maximum: Some(1) }).unwrap();
    greenroom_real::run(|| {
        let blocking = thread::run_blocking(|| 7).map_err(|error| error.raw_os_error());
        println!("\nblocking: {blocking:?}");
        println!("echoed: {:?}", echo(1 << 16).is_ok());
    });
}

/// The user has as many as it may, this process's own: a job that needs one is refused, and nothing
/// else needs any.
#[test]
fn without_threads_a_blocking_job_is_refused_and_the_rest_goes_on() {
    // Root is asked for no limit.
    let nobody = 65_534;
    let mut command = program("works in threads", "");
    if rustix::process::getuid().is_root() {
        command.uid(nobody).gid(nobody);
    }
    let output = command.output();
    let Ok(output) = output else {
        eprintln!("skipped: another user cannot run this program");
        return;
    };
    let said =
        [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes)).concat();
    if output.status.code() == Some(126) {
        eprintln!("skipped: another user cannot run this program: {said}");
        return;
    }
    let refused = format!("blocking: Err(Some({}))", libc::EAGAIN);
    assert!(said.lines().any(|line| line == refused), "{said}");
    assert!(said.lines().any(|line| line == "echoed: true"), "{said}");
    assert!(output.status.success(), "{said}");
}

// Logs.

fn complains() {
    let held = greenroom_real::try_run(|| {
        // Nobody joins it: its panic is told at the end, and by std at once.
        thread::spawn(|| panic!("nobody hears of it"));
        thread::spawn(|| stand_still(Duration::from_millis(60))).join().unwrap();
        echo(1 << 16)
    });
    std::process::exit(if held.is_ok_and(|echoed| echoed.is_ok()) { 33 } else { 1 });
}

/// What cannot be told is not, and that is all: panics that nobody joins, the watchdog.
#[test]
fn without_room_for_what_is_logged_a_program_goes_on() {
    for full in ["exec 2>/dev/full", "exec 2>&-"] {
        let mut command = program("complains", full);
        command.env("GREENROOM_WATCHDOG", "20").stdout(Stdio::null());
        let status = command.status().unwrap();
        assert_eq!(status.code(), Some(33), "{full}");
    }
}

// Signals, stops.

/// A program that says a line when it is ready.
struct Started {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Started {
    fn start(name: &str) -> Started {
        let mut child = program(name, "").stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut started = Started { child, lines };
        started.line("ready");
        started
    }
    fn line(&mut self, start: &str) -> String {
        let mut lines = self.lines.by_ref().map(Result::unwrap);
        lines.find(|line| line.starts_with(start)).unwrap_or_else(|| panic!("it says no {start}"))
    }
    fn send(&self, signal: Number) {
        let id = Pid::from_child(&self.child);
        kill_process(id, signal).expect("it is there until it is waited for");
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn carries() {
    greenroom_real::run(|| {
        let heard = Signal::new(Kind::User1).unwrap();
        println!("\nready");
        let start = Instant::now();
        let mut times = 0;
        // Long enough for some thousand signals.
        while start.elapsed() < Duration::from_millis(1500) {
            echo(1 << 20).unwrap();
            let before = Instant::now();
            thread::sleep(Duration::from_millis(5));
            assert!(before.elapsed() >= Duration::from_millis(5), "no sleep is short");
            let (reader, writer) = greenroom::io::pipe().unwrap();
            (&writer).write_all(b"x").unwrap();
            (&reader).read_exact(&mut [0]).unwrap();
            assert_eq!(thread::run_blocking(|| 7).unwrap(), 7);
            let file = std::fs::read("/proc/self/stat").unwrap();
            assert!(!file.is_empty());
            times += 1;
        }
        let caught = greenroom::time::timeout(Duration::ZERO, || heard.wait()).is_ok();
        println!("\ncarried {times} times, signals came: {caught}");
        // While the signal is still heard: after that it ends the process.
        std::process::exit(0);
    });
}

/// Every call that the system interrupts is made again: no error of it reaches the program.
#[test]
fn a_storm_of_signals_is_no_error_of_any_call() {
    let mut started = Started::start("carries");
    while started.child.try_wait().unwrap().is_none() {
        for _ in 0..50 {
            started.send(Number::USR1);
            started.send(Number::URG);
            stand_still(Duration::from_millis(1));
        }
    }
    let line = started.line("carried");
    assert!(line.ends_with("signals came: true"), "{line}");
    assert!(started.child.wait().unwrap().success());
}

fn is_stopped() {
    greenroom_real::run(|| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut ours = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut theirs, _) = listener.accept().unwrap();
        theirs.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        let timed_out = thread::spawn(move || (theirs.read(&mut [0]).unwrap_err().kind(), theirs));
        let ticks =
            thread::spawn(|| (0..3).for_each(|_| thread::sleep(Duration::from_millis(100))));
        println!("\nready");
        let (kind, mut theirs) = timed_out.join().unwrap();
        ticks.join().unwrap();
        ours.write_all(b"x").unwrap();
        theirs.read_exact(&mut [0]).unwrap();
        println!("\nwent on: {kind:?}");
    });
}

/// Time goes on meanwhile, as it does on the wall: what was due comes at once, and nothing is lost. The
/// watchdog takes nobody for one who held the hub.
#[test]
fn a_process_that_is_stopped_for_a_time_goes_on_where_it_was() {
    let mut command = program("is stopped", "");
    command.env("GREENROOM_WATCHDOG", "150").stderr(Stdio::piped());
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let stderr = child.stderr.take().unwrap();
    let mut started = Started { child, lines };
    started.line("ready");
    started.send(Number::STOP);
    // The stop has to last: longer than its timers and the watchdog's patience.
    stand_still(Duration::from_millis(600));
    started.send(Number::CONT);
    let line = started.line("went on");
    assert!(line.ends_with("WouldBlock") || line.ends_with("TimedOut"), "{line}");
    assert!(started.child.wait().unwrap().success());
    let said: Vec<String> = BufReader::new(stderr).lines().map_while(Result::ok).collect();
    assert!(!said.iter().any(|line| line.contains("has held its hub")), "{said:?}");
}
