//! The servers in a process of their own, and what /proc says of it.

use std::fs;
use std::io::{self, BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::rc::Rc;
use std::time::Duration;

use greenroom::server::StreamServer;
use greenroom::wait::{Raw, wait_read};
use greenroom_scenarios::http;
use greenroom_scenarios::kv::Limits;
use greenroom_scenarios::kv::server::Server;

pub const MB: usize = 1024 * 1024;
/// What keys may take, and the clients of either server: less than hostile clients ask for.
const MEMORY: usize = 64 * MB;
const MEMORY_CLIENTS: usize = 32 * MB;
/// Code, stacks, the allocator's own.
const REST: usize = 64 * MB;
/// What it may take in all.
pub const RESIDENT_MAX: usize = MEMORY + 2 * MEMORY_CLIENTS + REST;
/// How long a client may send or take nothing.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The two servers' addresses.
#[derive(Clone, Copy, Debug)]
pub struct Addresses {
    pub kv: SocketAddr,
    pub http: SocketAddr,
}

/// Serves until standard input ends, which it does with whoever started us.
pub fn serve() -> io::Result<()> {
    greenroom_real::run(|| {
        let (memory, memory_clients) = (Some(MEMORY), Some(MEMORY_CLIENTS));
        let limits = Limits { memory, memory_clients, timeout: Some(TIMEOUT), ..Limits::default() };
        let store = Server::within(limits);
        let kv = StreamServer::bind("127.0.0.1:0", move |stream, _| store.serve_one(stream))?;
        let pages = Rc::new(http::Server::within(MEMORY_CLIENTS, Some(TIMEOUT)));
        let http = StreamServer::bind("127.0.0.1:0", move |stream, _| pages.serve_one(&stream))?;
        kv.start()?;
        http.start()?;
        say!("{} {}", kv.local_addr()?, http.local_addr()?);
        wait_read(&Raw(0), None)
    })
}

/// The process; ended when dropped.
pub struct Servers {
    child: Child,
    _stdin: ChildStdin,
}

/// Starts it.
pub fn start() -> Result<(Servers, Addresses), String> {
    let xtask = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut command = Command::new(xtask);
    command.arg("soak-child").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().map_err(|error| format!("the servers can't start: {error}"))?;
    let stdin = child.stdin.take().expect("it was piped");
    let mut out = BufReader::new(child.stdout.take().expect("it was piped"));
    let servers = Servers { child, _stdin: stdin };
    let mut line = String::new();
    out.read_line(&mut line).map_err(|error| error.to_string())?;
    let addresses: Vec<SocketAddr> =
        line.split_whitespace().filter_map(|address| address.parse().ok()).collect();
    match addresses[..] {
        [kv, http] => Ok((servers, Addresses { kv, http })),
        _ => Err(format!("the servers said `{}`, not where they listen", line.trim())),
    }
}

impl Servers {
    /// How it ended, if it did.
    pub fn end(&mut self) -> Option<String> {
        let status = self.child.try_wait().ok()??;
        Some(format!("the servers' process ended: {status}"))
    }

    /// Open descriptors.
    pub fn descriptors(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.child.id())).map_or(0, Iterator::count)
    }

    /// Resident bytes: now (`VmRSS`), or the most there ever were (`VmHWM`).
    pub fn resident(&self, field: &str) -> usize {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<usize>().ok());
        kib.unwrap_or(0) * 1024
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
