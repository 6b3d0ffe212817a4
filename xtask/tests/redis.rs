//! Redis's own clients against `cargo xtask real kv --serve`. Needs Debian's redis-tools.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Output, Stdio};

/// The server; ended when dropped.
struct Serving {
    child: Child,
    port: String,
}

impl Serving {
    fn start() -> Serving {
        let mut child = Command::new(env!("CARGO_BIN_EXE_xtask"))
            .args(["real", "kv", "--serve", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("xtask runs");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("a line");
        let port = line.trim().rsplit(':').next().expect("a port").to_owned();
        Serving { child, port }
    }

    fn run(&self, tool: &str, args: &[&str]) -> Output {
        Command::new(tool).args(["-p", &self.port]).args(args).output().expect("the tool runs")
    }

    /// Ctrl-C; answers the exit code.
    fn interrupt(mut self) -> i32 {
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

/// Whether the tools are there. `GREENROOM_REQUIRE_TOOLS` makes it a failure that they are not.
fn has_tools() -> bool {
    let found = ["redis-cli", "redis-benchmark"]
        .iter()
        .all(|tool| Command::new(tool).arg("--version").stdout(Stdio::null()).status().is_ok());
    if !found {
        assert!(std::env::var_os("GREENROOM_REQUIRE_TOOLS").is_none(), "redis-tools is required");
        println!("skipped: redis-tools");
    }
    found
}

#[test]
fn redis_cli_sets_gets_and_counts_and_an_interrupt_closes_cleanly() {
    if !has_tools() {
        return;
    }
    let serving = Serving::start();
    for (args, answer) in [
        (&["ping"][..], "PONG"),
        (&["set", "a", "41"], "OK"),
        (&["incr", "a"], "42"),
        (&["get", "a"], "42"),
        (&["set", "a", "1", "nx"], ""),
        (&["set", "t", "x", "ex", "100"], "OK"),
        (&["ttl", "t"], "100"),
        (&["mset", "b", "1", "c", "2"], "OK"),
        (&["mget", "b", "c", "none"], "1\n2"),
        (&["exists", "a", "b", "none"], "2"),
        (&["del", "a", "b"], "2"),
        (&["flushall"], "OK"),
        (&["echo", "hello"], "hello"),
        (&["incr"], "ERR wrong number of arguments for 'incr' command"),
    ] {
        let said = String::from_utf8(serving.run("redis-cli", args).stdout).expect("text");
        assert_eq!(said.trim(), answer, "{args:?}");
    }
    assert_eq!(serving.interrupt(), 0);
}

#[test]
fn redis_benchmark_completes_plain_and_pipelined() {
    if !has_tools() {
        return;
    }
    let serving = Serving::start();
    for depth in ["1", "16"] {
        let args = ["-t", "ping,set,get,incr,mset", "-n", "20000", "-c", "50", "-q", "-P", depth];
        let output = serving.run("redis-benchmark", &args);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{said}");
        assert_eq!(said.matches("requests per second").count(), 6, "{said}");
        assert!(!said.to_lowercase().contains("error"), "{said}");
    }
    assert_eq!(serving.interrupt(), 0);
}
