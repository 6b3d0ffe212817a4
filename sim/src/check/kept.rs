//! What a check leaves in the user's tree: tokens of runs that failed, and the seed under way.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use greenroom::scenario::Scenario;

use crate::search::token::{Token, is_outdated};
use crate::text::read_text;

/// Where failing tokens are kept and tried first.
const REGRESSIONS: &str = "greenroom-regressions";

fn file_of(scenario: &Scenario, ending: &str) -> PathBuf {
    PathBuf::from(REGRESSIONS).join(format!("{}.{ending}", scenario.name().replace('/', "-")))
}

/// The most that is read of what is kept.
const KEPT_MAX_BYTES: u64 = 64 << 20;

fn read_kept(file: &Path) -> io::Result<String> {
    read_text(&file.to_string_lossy(), KEPT_MAX_BYTES)
}

/// The tokens of this scenario that are kept. Two scenarios may share a file, and a person may have
/// written in it.
pub(super) fn kept_tokens(scenario: &Scenario) -> Vec<Token> {
    let kept = read_kept(&file_of(scenario, "tokens")).unwrap_or_default();
    let tokens = kept.lines().filter_map(|line| Token::parse(line).ok());
    tokens.filter(|token| token.scenario == scenario.name()).collect()
}

/// What to say of tokens in the file that can't be played any more.
pub(super) fn outdated_ones(scenario: &Scenario) -> Option<String> {
    let file = file_of(scenario, "tokens");
    let kept = read_kept(&file).ok()?;
    let count = kept.lines().filter(|line| is_outdated(line)).count();
    let what = "of an older format are not played: find the failures again, or delete them";
    (count > 0).then(|| format!("{}: {count} tokens {what}", file.display()))
}

/// Keeping is a courtesy: a read-only checkout still gets its report.
pub(super) fn keep(scenario: &Scenario, token: &Token) {
    if kept_tokens(scenario).contains(token) {
        return;
    }
    let _ = fs::create_dir_all(REGRESSIONS);
    let file = fs::OpenOptions::new().create(true).append(true).open(file_of(scenario, "tokens"));
    if let Ok(mut file) = file {
        let _ = writeln!(file, "{token}");
    }
}

/// The run under way, for whoever finds the process gone. The file is there only meanwhile, and stays open: to
/// open and close it for each seed took longer than most seeds do.
pub(super) struct Diary {
    path: PathBuf,
    /// Without one, as in a read-only checkout, nothing is written.
    file: Option<File>,
    length: usize,
}

impl Diary {
    pub(super) fn open(scenario: &Scenario) -> Diary {
        let _ = fs::create_dir_all(REGRESSIONS);
        let path = file_of(scenario, &format!("{}.seed", std::process::id()));
        let file = File::create(&path).ok();
        Diary { path, file, length: 0 }
    }

    /// Writes over what stood there. What ends the process ends no write of this.
    pub(super) fn write(&mut self, what: &str) {
        let Some(file) = &self.file else { return };
        let line = format!("{what}\n");
        let _ = file.write_all_at(line.as_bytes(), 0);
        if line.len() < self.length {
            let _ = file.set_len(line.len() as u64);
        }
        self.length = line.len();
    }
}

impl Drop for Diary {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
        // Gone again unless tokens are kept there.
        let _ = fs::remove_dir(REGRESSIONS);
    }
}
