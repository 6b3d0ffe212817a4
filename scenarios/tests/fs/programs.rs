//! Random programs of file operations come to the same on both hubs.

use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use greenroom::fs::{self, File, OpenOptions};
use greenroom::os::unix::fs::{FileExt, MetadataExt, symlink};
use greenroom_sim::Weather;
use proptest::prelude::*;

use crate::both::{in_sim, on_real, told};

#[derive(Clone, Debug)]
enum Step {
    /// Options as bits: read, write, append, truncate, create, create_new.
    Open(Name, u8),
    OnFile(usize, Act),
    Rename(Name, Name),
    Link(Name, Name),
    Symlink(Name, Name),
    Unlink(Name),
    MakeDir(Name, bool),
    RemoveDir(Name, bool),
    Look(Name),
    Copy(Name, Name),
}

#[derive(Clone, Debug)]
enum Act {
    Read(usize),
    ReadAt(usize, u64),
    Write(usize),
    WriteAt(usize, u64),
    Seek(SeekFrom),
    SetLen(u64),
    Sync,
    SyncData,
    Clone,
    Close,
    Look,
}

type Name = &'static str;

const NAMES: [Name; 14] = [
    "a", "b", "c", "d", "d/a", "d/b", "d/c", "d/c/a", "a/", "d/", "c/.", "d/../b", "b/a",
    "c/../d/a",
];

fn name() -> impl Strategy<Value = Name> {
    proptest::sample::select(&NAMES[..])
}

fn act() -> impl Strategy<Value = Act> {
    let (length, at) = (0..6000usize, 0..20_000u64);
    let seek = prop_oneof![
        at.clone().prop_map(SeekFrom::Start),
        (-9000..9000i64).prop_map(SeekFrom::Current),
        (-9000..9000i64).prop_map(SeekFrom::End),
    ];
    prop_oneof![
        4 => length.clone().prop_map(Act::Read),
        2 => (length.clone(), at.clone()).prop_map(|(length, at)| Act::ReadAt(length, at)),
        6 => length.clone().prop_map(Act::Write),
        2 => (length, at.clone()).prop_map(|(length, at)| Act::WriteAt(length, at)),
        3 => seek.prop_map(Act::Seek),
        2 => at.prop_map(Act::SetLen),
        1 => Just(Act::Sync),
        1 => Just(Act::SyncData),
        1 => Just(Act::Clone),
        1 => Just(Act::Close),
        1 => Just(Act::Look),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (name(), 0..64u8).prop_map(|(name, options)| Step::Open(name, options)),
        3 => (name(), Just(0b01_0011)).prop_map(|(name, options)| Step::Open(name, options)),
        12 => (0..8usize, act()).prop_map(|(file, act)| Step::OnFile(file, act)),
        4 => (name(), name()).prop_map(|(from, to)| Step::Rename(from, to)),
        2 => (name(), name()).prop_map(|(from, to)| Step::Link(from, to)),
        2 => (name(), name()).prop_map(|(from, to)| Step::Symlink(from, to)),
        2 => name().prop_map(Step::Unlink),
        4 => (name(), any::<bool>()).prop_map(|(name, all)| Step::MakeDir(name, all)),
        2 => (name(), any::<bool>()).prop_map(|(name, all)| Step::RemoveDir(name, all)),
        4 => name().prop_map(Step::Look),
        1 => (name(), name()).prop_map(|(from, to)| Step::Copy(from, to)),
    ]
}

/// A program's open files, and how far it has come.
struct Player<'a> {
    root: &'a Path,
    files: Vec<File>,
    step: u8,
}

impl Player<'_> {
    fn at(&self, name: Name) -> PathBuf {
        // By hand: a path's own parts have no slash at their end.
        format!("{}/{name}", self.root.display()).into()
    }

    fn play(&mut self, step: &Step) -> Result<String, String> {
        self.step += 1;
        told(match *step {
            Step::Open(name, options) => self.open(name, options),
            Step::OnFile(file, ref act) => match self.files.len() {
                0 => Ok(String::new()),
                count => self.act(file % count, act),
            },
            Step::Rename(from, to) => shown(fs::rename(self.at(from), self.at(to))),
            Step::Link(from, to) => shown(fs::hard_link(self.at(from), self.at(to))),
            Step::Symlink(from, to) => shown(symlink(from, self.at(to))),
            Step::Unlink(name) => shown(fs::remove_file(self.at(name))),
            Step::MakeDir(name, false) => shown(fs::create_dir(self.at(name))),
            Step::MakeDir(name, true) => shown(fs::create_dir_all(self.at(name))),
            Step::RemoveDir(name, false) => shown(fs::remove_dir(self.at(name))),
            Step::RemoveDir(name, true) => shown(fs::remove_dir_all(self.at(name))),
            Step::Look(name) => self.look(name),
            Step::Copy(from, to) => shown(fs::copy(self.at(from), self.at(to))),
        })
    }

    fn open(&mut self, name: Name, options: u8) -> io::Result<String> {
        const FILES_MAX: usize = 8;
        let is = |bit: u8| options >> bit & 1 == 1;
        let opened = OpenOptions::new()
            .read(is(0))
            .write(is(1))
            .append(is(2))
            .truncate(is(3))
            .create(is(4))
            .create_new(is(5))
            .open(self.at(name))?;
        if self.files.len() < FILES_MAX {
            self.files.push(opened);
        }
        Ok("open".into())
    }

    fn act(&mut self, at: usize, act: &Act) -> io::Result<String> {
        let file = &mut self.files[at];
        let bytes = |length| vec![self.step; length];
        match *act {
            Act::Read(length) => {
                let mut buf = vec![0; length];
                shown(file.read(&mut buf).map(|n| (n, sum(&buf[..n]))))
            }
            Act::ReadAt(length, from) => {
                let mut buf = vec![0; length];
                shown(file.read_at(&mut buf, from).map(|n| (n, sum(&buf[..n]))))
            }
            Act::Write(length) => shown(file.write(&bytes(length))),
            Act::WriteAt(length, from) => shown(file.write_at(&bytes(length), from)),
            // Where a directory's names lie is its system's affair.
            Act::Seek(_) if file.metadata()?.is_dir() => Ok(String::new()),
            Act::Seek(to) => shown(file.seek(to)),
            Act::SetLen(length) => shown(file.set_len(length)),
            Act::Sync => shown(file.sync_all()),
            Act::SyncData => shown(file.sync_data()),
            Act::Clone => {
                let clone = file.try_clone()?;
                self.files[at] = clone;
                Ok(String::new())
            }
            Act::Close => {
                self.files.remove(at);
                Ok(String::new())
            }
            Act::Look => shown(file.metadata().map(|it| seen(&it))),
        }
    }

    fn look(&self, name: Name) -> io::Result<String> {
        let path = self.at(name);
        let real =
            told(fs::canonicalize(&path)).map(|it| it.strip_prefix(self.root).map(PathBuf::from));
        let names = fs::read_dir(&path).and_then(|entries| {
            let mut names: Vec<_> =
                entries.map(|it| it.map(|it| it.file_name())).collect::<io::Result<_>>()?;
            names.sort();
            Ok(names)
        });
        let seen = [fs::metadata(&path), fs::symlink_metadata(&path)];
        Ok(format!(
            "{:?} {real:?} {:?} {:?} {:?} {:?}",
            seen.map(|it| told(it.map(|it| self::seen(&it)))),
            told(names),
            told(fs::read(&path).map(|bytes| (bytes.len(), sum(&bytes)))),
            told(fs::read_link(&path)),
            told(fs::exists(&path)),
        ))
    }
}

fn shown<T: std::fmt::Debug>(outcome: io::Result<T>) -> io::Result<String> {
    outcome.map(|value| format!("{value:?}"))
}

fn seen(found: &fs::Metadata) -> (u32, u64, u64) {
    // How long a directory is is its system's affair.
    (found.mode(), found.nlink(), if found.is_dir() { 0 } else { found.len() })
}

fn sum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(7, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(*byte)))
}

fn play(root: &Path, steps: &[Step]) -> Vec<Result<String, String>> {
    let mut player = Player { root, files: Vec::new(), step: 0 };
    steps.iter().map(|step| player.play(step)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn what_linux_says_is_what_the_simulator_says(
        steps in proptest::collection::vec(step(), 1..60),
        seed in 0..1000u64,
    ) {
        let (real, sim) = (steps.clone(), steps.clone());
        let real = on_real(move |root| play(root, &real));
        let sim = in_sim(seed, Weather::default(), move |root| play(root, &sim));
        for (at, (real, sim)) in real.iter().zip(&sim).enumerate() {
            prop_assert_eq!(real, sim, "step {}, {:?}: the first is Linux's", at, steps[at]);
        }
    }
}
