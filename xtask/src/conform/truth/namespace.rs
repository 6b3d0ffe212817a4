//! Rows that need a network of their own: this program again, in a fresh network namespace.

use std::process::{Command, Stdio};

use super::super::play::Outcome;
use super::file::Row;
use crate::kin;

/// Whether and how this machine makes network namespaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Namespaces {
    /// As root of a user namespace of its own.
    User,
    /// As who we are.
    Plain,
    None,
}

impl Namespaces {
    pub fn flag(self) -> &'static str {
        if self == Namespaces::User { "-rn" } else { "-n" }
    }
}

/// Tries once.
pub fn available() -> Namespaces {
    let works = |namespaces: &Namespaces| {
        let mut probe = Command::new("unshare");
        probe.args([namespaces.flag(), "sh", "-c", "ip link set lo up"]);
        let status =
            probe.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
        status.is_ok_and(|status| status.success())
    };
    let found = [Namespaces::User, Namespaces::Plain].into_iter().find(works);
    found.unwrap_or(Namespaces::None)
}

/// Plays the row on the system, where only the loopback interface is.
pub fn on_real(row: &Row, namespaces: Namespaces, settle_ms: u64) -> Vec<Outcome> {
    let range = match &row.ports {
        Some(ports) => format!(
            "echo {} {} > /proc/sys/net/ipv4/ip_local_port_range && ",
            ports.start(),
            ports.end()
        ),
        None => String::new(),
    };
    let limit = row.descriptors.map_or(String::new(), |n| format!("ulimit -n {n} && "));
    let less = match row.is_unprivileged {
        true => "setpriv --bounding-set=-net_bind_service --inh-caps=-net_bind_service ",
        false => "",
    };
    let script = format!("ip link set lo up && {range}{limit}exec {less}\"$0\" \"$@\"");
    let program = match std::env::current_exe() {
        Ok(program) => program,
        Err(error) => return vec![Err(format!("no program to start: {error}"))],
    };
    let mut command = Command::new("unshare");
    command.args([namespaces.flag(), "sh", "-c", &script]).arg(program);
    command.args(["conform", "--truth-child", &row.place(), &settle_ms.to_string()]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let ended = kin::start(&mut command).and_then(|(child, _tie)| child.wait_with_output());
    match ended {
        Ok(output) if output.status.success() => read(&String::from_utf8_lossy(&output.stdout)),
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr);
            vec![Err(format!("its namespace: {}", said.trim().replace('\n', "; ")))]
        }
        Err(error) => vec![Err(format!("unshare: {error}"))],
    }
}

/// Outcomes as lines, which [`read`] reads.
pub fn written(outcomes: &[Outcome]) -> String {
    let line = |outcome: &Outcome| match outcome {
        Ok(text) => format!("+{}\n", text.escape_debug()),
        Err(text) => format!("-{}\n", text.escape_debug()),
    };
    outcomes.iter().map(line).collect()
}

fn read(text: &str) -> Vec<Outcome> {
    let lines = text.lines().map(|line| match line.split_at_checked(1) {
        Some(("+", rest)) => Ok(unescaped(rest)),
        Some(("-", rest)) => Err(unescaped(rest)),
        _ => Err(format!("its namespace said: {line}")),
    });
    lines.collect()
}

/// Of what `escape_debug` escapes, outcomes have quotation marks, backslashes and apostrophes.
fn unescaped(text: &str) -> String {
    let (mut out, mut chars) = (String::new(), text.chars());
    while let Some(char) = chars.next() {
        match char {
            '\\' => out.extend(chars.next()),
            char => out.push(char),
        }
    }
    out
}
