//! Peers of the same run: a folder that builds them and us and runs all of them in turn, its `with-ours.sh`.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use super::REPETITIONS;
use crate::steps;

/// What a build may take. Where it takes longer our own figures are printed without peers.
const BUILD_MAX: Duration = Duration::from_secs(300);
/// How the folder is called: WITH-OURS PROJECT SCRATCH SECTION…
const WITH_OURS: &str = "with-ours.sh";

/// The folder's sections that measure what a benchmark does.
fn sections(benchmark: &str) -> &'static [&'static str] {
    match benchmark {
        "echo" => &["echoab"],
        "instr" => &["instr"],
        "spawn" | "yield" => &["micro"],
        "parked" => &["idle"],
        "sim" => &["simcg", "sim"],
        _ => &[],
    }
}

/// A folder of peers.
pub struct Peers {
    folder: PathBuf,
    scratch: PathBuf,
}

impl Peers {
    /// The folder, if it is one.
    pub fn at(folder: &str) -> Result<Peers, String> {
        let folder = Path::new(folder);
        if !folder.join(WITH_OURS).is_file() {
            let shown = folder.display();
            return Err(format!("`--peers {shown}`: a folder with a {WITH_OURS} is accepted"));
        }
        Ok(Peers { folder: folder.to_owned(), scratch: steps::root().join("target/bench-peers") })
    }

    /// Builds the peers and us, and prints what the sections of these benchmarks measure of all; an error is
    /// why not.
    pub fn bench(&self, benchmarks: &[&str]) -> Result<(), String> {
        let mut wanted: Vec<&str> =
            benchmarks.iter().copied().flat_map(sections).copied().collect();
        wanted.dedup();
        if wanted.is_empty() {
            return Err("no peer does what is asked for".into());
        }
        let start = Instant::now();
        let built = self.run(&[])?.end_within(BUILD_MAX)?;
        let built =
            built.ok_or_else(|| format!("they were not built within {} s", BUILD_MAX.as_secs()))?;
        succeeded("the build", built)?;
        say!("peers: built in {:.0} s", start.elapsed().as_secs_f64());
        // Figures of another day do not stand beside these.
        let _ = std::fs::remove_dir_all(self.scratch.join("results"));
        succeeded("a section", self.run(&wanted)?.end()?)?;
        let mut report = Command::new("python3");
        report.arg("tools/report.py").current_dir(&self.scratch);
        let tables = report.output().map_err(|error| format!("python3: {error}"))?;
        succeeded("tools/report.py", tables.status)?;
        say!("{}", String::from_utf8_lossy(&tables.stdout).trim_end());
        Ok(())
    }

    fn run(&self, sections: &[&str]) -> Result<Group, String> {
        let mut command = Command::new(self.folder.join(WITH_OURS));
        command.arg(steps::root()).arg(&self.scratch).args(sections);
        command.env("REPS", REPETITIONS.to_string()).stdin(Stdio::null()).stdout(Stdio::null());
        // Of its own, so that what it started ends with it.
        let child = command.process_group(0).spawn();
        child.map(Group).map_err(|error| format!("{WITH_OURS}: {error}"))
    }
}

fn succeeded(what: &str, status: ExitStatus) -> Result<(), String> {
    match status.success() {
        true => Ok(()),
        false => Err(format!("{what} ended with {status}")),
    }
}

/// A process with all that it starts, ended when dropped.
struct Group(Child);

impl Group {
    fn end(mut self) -> Result<ExitStatus, String> {
        self.0.wait().map_err(|error| error.to_string())
    }

    /// How it ended, if it did in time.
    fn end_within(mut self, limit: Duration) -> Result<Option<ExitStatus>, String> {
        let end = Instant::now() + limit;
        while Instant::now() < end {
            if let Some(status) = self.0.try_wait().map_err(|error| error.to_string())? {
                return Ok(Some(status));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(None)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if matches!(self.0.try_wait(), Ok(None)) {
            if let Some(group) = rustix::process::Pid::from_raw(self.0.id() as i32) {
                let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
            }
            let _ = self.0.wait();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder whose `with-ours.sh` is this, and a scratch folder beside it.
    fn peers(name: &str, script: &str) -> Peers {
        use std::os::unix::fs::PermissionsExt;
        let place =
            std::env::temp_dir().join(format!("greenroom-peers-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&place).expect("it may write there");
        let path = place.join(WITH_OURS);
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("it may write there");
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).expect("it is ours");
        Peers { scratch: place.join("scratch"), folder: place }
    }

    fn benched(name: &str, script: &str, benchmarks: &[&str]) -> (Result<(), String>, String) {
        let peers = peers(name, script);
        let done = peers.bench(benchmarks);
        let told = std::fs::read_to_string(peers.folder.join("told")).unwrap_or_default();
        std::fs::remove_dir_all(&peers.folder).expect("it is ours");
        (done, told)
    }

    #[test]
    fn it_is_built_first_and_then_called_with_sections_and_nothing_of_another_day() {
        let script =
            "mkdir -p $2/tools $2/results; echo 'print(1)' >$2/tools/report.py; d=$(dirname $0)
            shift; s=$1; shift; echo \"$# $* $(ls $s/results)\" >>$d/told; touch $s/results/old";
        let (done, told) = benched("built", script, &["instr", "sim", "crowds"]);
        assert_eq!((done, told.as_str()), (Ok(()), "0  \n3 instr simcg sim \n"));
    }

    #[test]
    fn what_cannot_be_built_or_has_no_peer_is_said() {
        let (done, _) = benched("broken", "exit 3", &["echo"]);
        assert_eq!(done, Err("the build ended with exit status: 3".into()));
        let (done, told) = benched("unasked", "touch $(dirname $0)/told", &["crowds"]);
        assert_eq!(done, Err("no peer does what is asked for".into()));
        assert_eq!(told, "");
    }

    #[test]
    fn what_takes_too_long_is_ended_with_all_that_it_started() {
        let mut command = Command::new("sh");
        // What it started has its output, whose end is theirs.
        command.args(["-c", "sleep 600 & wait"]).stdout(Stdio::piped()).process_group(0);
        let mut child = command.spawn().expect("there is a shell");
        let mut output = child.stdout.take().expect("it was piped");
        assert_eq!(Group(child).end_within(Duration::ZERO), Ok(None));
        assert_eq!(std::io::Read::read(&mut output, &mut [0]).expect("it ends"), 0);
    }
}
