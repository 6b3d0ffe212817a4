//! Child processes of a benchmark: started pinned, asked for their figures, always reaped; they end with us.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

use crate::kin::{self, Tie};

/// A child that is ended when dropped.
pub struct Running {
    child: Child,
    _tie: Tie,
    out: BufReader<std::process::ChildStdout>,
}

/// Whether a program can be started at all.
pub fn has(program: &str) -> bool {
    let mut probe = Command::new(program);
    probe.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
    probe.status().is_ok()
}

/// `xtask bench-child ARGS` on one CPU; under `before` (a profiler and its flags) if not empty.
pub fn start(cpu: usize, before: &[&str], args: &[&str]) -> Result<Running, String> {
    let xtask = std::env::current_exe().map_err(|error| error.to_string())?;
    let cpu = cpu.to_string();
    let mut line: Vec<&str> = Vec::new();
    if has("taskset") {
        line.extend(["taskset", "-c", &cpu]);
    }
    line.extend(before);
    let xtask = xtask.to_str().ok_or("the binary's path is not text")?;
    line.extend([xtask, "bench-child"]);
    line.extend(args);
    let mut command = Command::new(line[0]);
    command.args(&line[1..]).stdout(Stdio::piped());
    if !before.is_empty() {
        command.stderr(Stdio::piped());
    }
    let started = kin::start(&mut command).map_err(|error| format!("{}: {error}", line[0]));
    let (mut child, tie) = started?;
    let out = BufReader::new(child.stdout.take().expect("it was piped"));
    Ok(Running { child, _tie: tie, out })
}

impl Running {
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The next line it prints.
    pub fn line(&mut self) -> Result<String, String> {
        let mut line = String::new();
        match self.out.read_line(&mut line) {
            Ok(0) => Err("a child ended without its figures".into()),
            Ok(_) => Ok(line.trim().to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }

    /// The next line it prints, as numbers.
    pub fn figures<const N: usize>(&mut self) -> Result<[f64; N], String> {
        let line = self.line()?;
        let numbers: Vec<f64> = line.split_whitespace().filter_map(|n| n.parse().ok()).collect();
        numbers.try_into().map_err(|_| format!("a child said `{line}`, not {N} figures"))
    }

    /// Waits for its end; returns what it wrote to a piped error stream.
    pub fn finish(mut self) -> Result<String, String> {
        let mut said = String::new();
        if let Some(mut errors) = self.child.stderr.take() {
            errors.read_to_string(&mut said).map_err(|error| error.to_string())?;
        }
        let status = self.child.wait().map_err(|error| error.to_string())?;
        if status.success() {
            Ok(said)
        } else {
            Err(format!("a child ended with {status}: {said}"))
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // One that has been reaped is left alone by std.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Nanoseconds on a CPU so far, all threads of a process together (`self` for this one).
pub fn cpu_ns(process: &str) -> u64 {
    if process == "self" {
        // The kernel counts the running thread up to date when it gives way.
        std::thread::yield_now();
    }
    let Ok(threads) = std::fs::read_dir(format!("/proc/{process}/task")) else { return 0 };
    let of_thread = |thread: std::io::Result<std::fs::DirEntry>| {
        let text = std::fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<u64>().ok()
    };
    threads.filter_map(of_thread).sum()
}
