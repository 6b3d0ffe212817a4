//! The two namespaces: this program again, in a fresh one, with another beside it.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::os::fd::{AsFd, BorrowedFd};
use std::process::{Child, ChildStdout, Command, Stdio};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::super::truth::namespace::{Namespaces, available};
use crate::kin;

/// How the devices are called.
const HERE: &str = "green0";
const THERE: &str = "green1";

/// What both are told: two hosts as the simulator has them, without what a machine remembers of
/// connections before. Segments are of 1460 bytes, and every packet is answered that may be.
const SETTINGS: [(&str, &str); 7] = [
    ("net/ipv4/tcp_congestion_control", "reno"),
    ("net/ipv4/tcp_timestamps", "0"),
    ("net/ipv4/tcp_no_metrics_save", "1"),
    ("net/ipv4/icmp_ratelimit", "0"),
    ("net/ipv6/icmp/ratelimit", "0"),
    ("net/ipv6/conf/all/accept_dad", "0"),
    ("net/ipv6/conf/default/accept_dad", "0"),
];

/// Runs `conform` again, so told, in a network of its own; `None` where namespaces cannot be made.
pub fn run(child: &str, args: &[String]) -> Result<Option<bool>, String> {
    let namespaces = available();
    if namespaces == Namespaces::None {
        return Ok(None);
    }
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut command = Command::new("unshare");
    command.arg(namespaces.flag()).arg(program).args(["conform", child]).args(args);
    let ended = kin::start(&mut command).and_then(|(mut child, _tie)| child.wait());
    ended.map(|status| Some(status.success())).map_err(|error| format!("unshare: {error}"))
}

/// The far host's namespace, as long as somebody is in it.
pub struct Far {
    namespace: File,
    holder: Child,
}

impl Far {
    /// Has the calling thread be of the far host from now on: the sockets that it makes are.
    pub fn enter(&self) -> std::io::Result<()> {
        let namespace: BorrowedFd<'_> = self.namespace.as_fd();
        move_into_link_name_space(namespace, Some(LinkNameSpaceType::Network)).map_err(Into::into)
    }
}

impl Drop for Far {
    fn drop(&mut self) {
        // It ends with its input, at the latest.
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

/// In a namespace of its own: makes the other one, and a link between the two.
pub fn child() -> Result<Far, String> {
    let mut holder = Command::new("unshare");
    holder.args(["-n", "sh", "-c", &format!("{}; echo up; exec cat", script(None))]);
    let holder = holder.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut holder = holder.map_err(|error| format!("unshare: {error}"))?;
    wait_for_line(holder.stdout.take())?;
    let pid = holder.id();
    let path = format!("/proc/{pid}/ns/net");
    let namespace = File::open(&path).map_err(|error| format!("{path}: {error}"))?;
    let far = Far { namespace, holder };
    sh(&script(Some(pid)))?;
    sh(&format!("nsenter -t {pid} -n sh -c '{}'", address(THERE, 2)))?;
    sh(&address(HERE, 1))?;
    Ok(far)
}

/// In a namespace of its own: no other ports than these are given out.
pub fn give_few_ports((first, last): (u16, u16)) -> Result<(), String> {
    let range = "/proc/sys/net/ipv4/ip_local_port_range";
    sh(&format!("ip link set lo up && echo {first} {last} > {range}"))
}

/// Loopback and the settings; and the devices, the second in the other process's namespace.
fn script(other: Option<u32>) -> String {
    let mut script = "ip link set lo up".to_owned();
    for (name, value) in SETTINGS {
        script += &format!("; echo {value} > /proc/sys/{name}");
    }
    if let Some(pid) = other {
        script += &format!(" && ip link add {HERE} type veth peer name {THERE} netns {pid}");
    }
    script
}

fn address(device: &str, last: u8) -> String {
    format!(
        "ip addr add 10.0.0.{last}/24 brd + dev {device} && \
         ip addr add fd00::{last}/32 nodad dev {device} && ip link set {device} up"
    )
}

fn sh(script: &str) -> Result<(), String> {
    let output = Command::new("sh").args(["-c", script]).stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("sh: {error}"))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(format!("{script}: {}", String::from_utf8_lossy(&output.stderr).trim())),
    }
}

fn wait_for_line(from: Option<ChildStdout>) -> Result<(), String> {
    let mut line = String::new();
    let read = from.map(|from| BufReader::new(from).read_line(&mut line));
    match line.trim() {
        "up" => Ok(()),
        said => Err(format!("the far namespace said `{said}`, {read:?}")),
    }
}
