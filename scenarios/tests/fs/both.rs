//! Plays a program of file operations on both hubs, each time in a directory of its own.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use greenroom::check::Shared;
use greenroom::fs;
use greenroom::scenario::{Scenario, Stage};
use greenroom_sim::Weather;
use greenroom_sim::run::{Spec, run};

static DIRECTORIES: AtomicU32 = AtomicU32::new(0);

/// What a program says, on the operating system and in the simulator.
pub fn play<T: Send + 'static>(program: impl Fn(&Path) -> T + Send + Sync + 'static) -> (T, T) {
    let program = Arc::new(program);
    let theirs = program.clone();
    (on_real(move |root| theirs(root)), in_sim(0, Weather::calm(), move |root| program(root)))
}

/// Asserts that they are the same and returns it.
pub fn same<T: PartialEq + std::fmt::Debug + Send + 'static>(
    program: impl Fn(&Path) -> T + Send + Sync + 'static,
) -> T {
    let (real, sim) = play(program);
    assert_eq!(real, sim, "the first is the operating system's");
    real
}

pub fn on_real<T: 'static>(program: impl FnOnce(&Path) -> T + 'static) -> T {
    let number = DIRECTORIES.fetch_add(1, Ordering::Relaxed);
    let name = format!("greenroom-fs-{}-{number}", std::process::id());
    greenroom_real::run(move || {
        let root = TempDir(std::env::temp_dir().join(name));
        fs::create_dir(&root.0).expect("nobody else has a directory of this name");
        program(&root.0)
    })
}

/// Gone when the program is, however it ends.
struct TempDir(PathBuf);

impl Drop for TempDir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub fn in_sim<T: Send + 'static>(
    seed: u64,
    weather: Weather,
    program: impl Fn(&Path) -> T + Send + Sync + 'static,
) -> T {
    let said = Shared::new(None);
    let (theirs, program) = (said.clone(), Arc::new(program));
    let scenario = Scenario::new("files", "one host and its disk", move |stage: &mut Stage| {
        let (theirs, program) = (theirs.clone(), program.clone());
        stage.client("host", move || {
            fs::create_dir("/tmp/greenroom")?;
            let said = program(Path::new("/tmp/greenroom"));
            theirs.with(|theirs| *theirs = Some(said));
            Ok(())
        });
    });
    let run = run(&scenario, &Spec { weather, ..Spec::seed(seed) });
    assert!(run.outcome.held(), "in sim: {}", run.outcome);
    said.with(Option::take).expect("it has returned")
}

/// What became of a call: what it returned, or the number of its error.
pub fn told<T>(outcome: io::Result<T>) -> Result<T, String> {
    outcome.map_err(|error| match error.raw_os_error() {
        Some(number) => format!("{number} {:?}", error.kind()),
        None => format!("{:?}: {error}", error.kind()),
    })
}
