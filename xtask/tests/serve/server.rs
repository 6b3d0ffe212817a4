//! A `cargo xtask real kv --serve` in a process of its own, and clients of it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use greenroom_scenarios::kv::resp::{Reply, ReplyReader, encode_request};

/// A reply that takes longer is missing.
const PATIENCE: Duration = Duration::from_secs(20);

/// The server; ended when dropped.
pub struct Serving {
    child: Child,
    port: u16,
}

impl Serving {
    /// Served with these flags.
    pub fn start(flags: &[&str]) -> Serving {
        Serving::spawn("exec \"$0\" \"$@\"", flags)
    }

    /// A server that may hold so many descriptors.
    pub fn with_descriptors(most: u32) -> Serving {
        Serving::spawn(&format!("ulimit -n {most}; exec \"$0\" \"$@\""), &[])
    }

    fn spawn(script: &str, flags: &[&str]) -> Serving {
        let mut child = Command::new("sh")
            .args(["-c", script, env!("CARGO_BIN_EXE_xtask"), "real", "kv"])
            .args(["--serve", "127.0.0.1:0"])
            .args(flags)
            .stdout(Stdio::piped())
            .spawn()
            .expect("sh runs");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("a line");
        let port = line.trim().rsplit(':').next().and_then(|port| port.parse().ok());
        Serving { child, port: port.expect("a port") }
    }

    pub fn connect(&self) -> Client {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket takes a timeout");
        Client(stream)
    }

    /// The most that was ever resident of it, in bytes.
    pub fn peak_bytes(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.expect("it lives");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("VmHWM");
        let kib = line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number");
        kib * 1024
    }

    /// Ctrl-C; the exit code.
    pub fn interrupt(mut self) -> i32 {
        let process = self.child.id().to_string();
        let sent = Command::new("kill").args(["-INT", &process]).status().expect("kill runs");
        assert!(sent.success());
        self.child.wait().expect("it ends").code().expect("it exits")
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One connection.
pub struct Client(pub TcpStream);

impl Client {
    pub fn send(&self, args: &[&[u8]]) {
        (&self.0).write_all(&request(args)).expect("it takes a request");
    }

    pub fn ask(&self, args: &[&[u8]]) -> Reply {
        self.send(args);
        self.reply()
    }

    /// One reply, where no more than that is on its way.
    pub fn reply(&self) -> Reply {
        ReplyReader::new(&self.0).read().expect("a reply")
    }

    /// Asks what is always answered alike.
    pub fn is_served(&self) {
        assert_eq!(self.ask(&[b"ECHO", b"here"]), Reply::Bulk(b"here".to_vec()));
    }

    /// Waits until something has come, and leaves it there.
    pub fn wait_for_reply(&self) {
        assert_eq!(self.0.peek(&mut [0]).expect("a reply begins"), 1);
    }

    /// Whether a reply comes within a moment, once asked.
    pub fn is_answered_at_once(&self) -> bool {
        let moment = Duration::from_millis(500);
        self.0.set_read_timeout(Some(moment)).expect("a socket takes a timeout");
        let answered = self.0.peek(&mut [0]).is_ok();
        self.0.set_read_timeout(Some(PATIENCE)).expect("a socket takes a timeout");
        answered
    }

    /// All that comes until the server closes.
    pub fn rest(&self) -> String {
        let mut rest = Vec::new();
        // After a reset what came before it is lost or not, as TCP has it.
        let _ = (&self.0).read_to_end(&mut rest);
        String::from_utf8_lossy(&rest).into_owned()
    }
}

pub fn request(args: &[&[u8]]) -> Vec<u8> {
    let mut request = Vec::new();
    encode_request(&mut request, args);
    request
}
