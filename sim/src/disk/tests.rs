//! Any program of file operations, syncs and power cuts against what fsync(2) promises.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use greenroom::hub::{FileAnswer, FileCall, OnFile, OpenHow};
use proptest::prelude::*;

use super::{Answer, Disk, OpenId, Survival, Unsynced};
use crate::clock::calendar;

#[derive(Clone, Debug)]
enum Step {
    Write { name: usize, at: u64, length: usize, fill: u8 },
    SetLen { name: usize, length: u64 },
    Rename(usize, usize),
    Link(usize, usize),
    Unlink(usize),
    Sync(usize),
    SyncDirectory(usize),
    Cut { fates: u64 },
}

const NAMES: [&str; 6] = ["/a", "/b", "/c", "/d/a", "/d/b", "/d/c"];
const DIRECTORIES: [&str; 2] = ["/", "/d"];

fn step() -> impl Strategy<Value = Step> {
    let name = 0..NAMES.len();
    let sized = (name.clone(), 0..2000u64, 1..1500usize, 1..=255u8);
    prop_oneof![
        6 => sized.prop_map(|(name, at, length, fill)| Step::Write { name, at, length, fill }),
        1 => (name.clone(), 0..2000u64).prop_map(|(name, length)| Step::SetLen { name, length }),
        3 => (name.clone(), name.clone()).prop_map(|(from, to)| Step::Rename(from, to)),
        1 => (name.clone(), name.clone()).prop_map(|(from, to)| Step::Link(from, to)),
        1 => name.clone().prop_map(Step::Unlink),
        2 => name.prop_map(Step::Sync),
        2 => (0..DIRECTORIES.len()).prop_map(Step::SyncDirectory),
        2 => any::<u64>().prop_map(|fates| Step::Cut { fates }),
    ]
}

/// What a file may hold after a power cut.
#[derive(Clone, Debug, Default)]
struct File {
    now: Vec<u8>,
    /// The values that each byte has had since the last sync.
    had: Vec<BTreeSet<u8>>,
    lengths: (usize, usize),
    /// It was synced, and not changed since.
    is_clean: bool,
    /// It has a name that was synced, and none was taken from it since but by renames.
    is_anchored: bool,
}

impl File {
    fn changed(&mut self) {
        let length = self.now.len();
        self.lengths = (self.lengths.0.min(length), self.lengths.1.max(length));
        self.had.resize_with(self.had.len().max(length), || BTreeSet::from([0]));
        self.had.iter_mut().zip(&self.now).for_each(|(had, byte)| _ = had.insert(*byte));
        // What is cut off may grow again as zeros.
        self.had.iter_mut().skip(length).for_each(|had| _ = had.insert(0));
        self.is_clean = false;
    }
    fn synced(&mut self) {
        self.had = self.now.iter().map(|byte| BTreeSet::from([*byte])).collect();
        self.lengths = (self.now.len(), self.now.len());
        self.is_clean = true;
    }
    fn check(&self, found: &[u8]) -> Result<(), String> {
        if self.is_clean && found != self.now {
            return Err("what was synced is not what is there".into());
        }
        if !(self.lengths.0..=self.lengths.1).contains(&found.len()) {
            return Err(format!("{} bytes, not {:?}", found.len(), self.lengths));
        }
        match found.iter().zip(&self.had).position(|(byte, had)| *byte != 0 && !had.contains(byte))
        {
            Some(at) => Err(format!("byte {at} was never {}", found[at])),
            None => Ok(()),
        }
    }
}

struct Model {
    disk: Disk,
    files: Vec<File>,
    now: BTreeMap<&'static str, usize>,
    /// What each name has meant since its directory was synced.
    had: BTreeMap<&'static str, BTreeSet<Option<usize>>>,
    /// The numbers of files on the disk.
    inodes: BTreeMap<u64, usize>,
}

impl Model {
    fn new() -> Model {
        let mut disk = Disk::new(1, None, calendar(0));
        done(&mut disk, FileCall::CreateDir { path: "/d".into(), mode: 0o755 });
        let had = NAMES.iter().map(|name| (*name, BTreeSet::from([None]))).collect();
        let (files, now, inodes) = Default::default();
        let mut model = Model { disk, files, now, had, inodes };
        model.sync_directory("/");
        model
    }

    fn open(&mut self, path: &str, create: bool) -> Option<OpenId> {
        let how = OpenHow {
            read: true,
            write: path != "/" && path != "/d",
            create,
            mode: 0o644,
            ..OpenHow::default()
        };
        match self.disk.named(FileCall::Open { path: path.into(), how }, calendar(0)) {
            Ok(Answer::Opened(open)) => Some(open),
            _ => None,
        }
    }

    fn on(&mut self, open: OpenId, what: OnFile) -> FileAnswer {
        match self.disk.on(open, what, calendar(0)) {
            Ok(Answer::Other(answer)) => answer,
            _ => panic!("it is open for that"),
        }
    }

    fn inode(&mut self, path: &str) -> Option<u64> {
        let call = FileCall::Stat { path: path.into(), follow: true };
        match self.disk.named(call, calendar(0)) {
            Ok(Answer::Other(FileAnswer::Stat(stat))) => Some(stat.inode),
            _ => None,
        }
    }

    fn means(&mut self, name: &'static str, file: Option<usize>) {
        match file {
            Some(file) => self.now.insert(name, file),
            None => self.now.remove(name),
        };
        self.had.get_mut(name).expect("all are there").insert(file);
    }

    fn sync_directory(&mut self, directory: &str) {
        let open = self.open(directory, false).expect("it is there");
        self.on(open, OnFile::Sync);
        self.disk.release(open);
        for name in
            NAMES.into_iter().filter(|name| Path::new(name).parent() == Some(Path::new(directory)))
        {
            let file = self.now.get(name).copied();
            self.had.insert(name, BTreeSet::from([file]));
            if let Some(file) = file {
                self.files[file].is_anchored = true;
            }
        }
    }

    fn play(&mut self, step: &Step) -> Result<(), String> {
        match *step {
            Step::Write { name, at, length, fill } => {
                self.write(NAMES[name], at, vec![fill; length])
            }
            Step::SetLen { name, length } => {
                let Some(open) = self.open(NAMES[name], false) else { return Ok(()) };
                self.on(open, OnFile::SetLen(length));
                self.disk.release(open);
                let file = &mut self.files[self.now[NAMES[name]]];
                file.now.resize(length as usize, 0);
                file.changed();
            }
            Step::Rename(from, to) => self.rename(NAMES[from], NAMES[to]),
            Step::Link(from, to) => {
                let (from, to) = (NAMES[from], NAMES[to]);
                if let (Some(&file), None) = (self.now.get(from), self.now.get(to)) {
                    done(&mut self.disk, FileCall::Link(from.into(), to.into()));
                    self.means(to, Some(file));
                }
            }
            Step::Unlink(name) => {
                if let Some(&file) = self.now.get(NAMES[name]) {
                    done(&mut self.disk, FileCall::Unlink(NAMES[name].into()));
                    self.means(NAMES[name], None);
                    self.files[file].is_anchored = false;
                }
            }
            Step::Sync(name) => {
                let Some(open) = self.open(NAMES[name], false) else { return Ok(()) };
                self.on(open, OnFile::SyncData);
                self.disk.release(open);
                self.files[self.now[NAMES[name]]].synced();
            }
            Step::SyncDirectory(which) => self.sync_directory(DIRECTORIES[which]),
            Step::Cut { fates } => return self.cut(fates),
        }
        Ok(())
    }

    fn write(&mut self, name: &'static str, at: u64, bytes: Vec<u8>) {
        let open = self.open(name, true).expect("it is there, or made");
        if !self.now.contains_key(name) {
            self.files.push(File::default());
            self.means(name, Some(self.files.len() - 1));
            let inode = self.inode(name).expect("it was made");
            self.inodes.insert(inode, self.files.len() - 1);
        }
        let file = &mut self.files[self.now[name]];
        let end = at as usize + bytes.len();
        file.now.resize(file.now.len().max(end), 0);
        file.now[at as usize..end].copy_from_slice(&bytes);
        file.changed();
        self.on(open, OnFile::Write { bytes, at: Some(at) });
        self.disk.release(open);
    }

    fn rename(&mut self, from: &'static str, to: &'static str) {
        let Some(&file) = self.now.get(from) else { return };
        done(&mut self.disk, FileCall::Rename(from.into(), to.into()));
        match self.now.get(to).copied() {
            Some(same) if same == file => return,
            Some(replaced) => self.files[replaced].is_anchored = false,
            None => {}
        }
        self.means(from, None);
        self.means(to, Some(file));
    }

    /// All is as it was promised, and what is there is what there is from here on.
    fn cut(&mut self, fates: u64) -> Result<(), String> {
        let before = self.now.clone();
        let mut draw = fates;
        self.disk.cut_power(|_, what| {
            draw = draw.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let sectors = match what {
                Unsynced::Data { sectors } => sectors.max(1),
                Unsynced::Name => 1,
            };
            // Some cuts lose everything, some nothing.
            match (fates % 4, draw >> 62, sectors) {
                (0, ..) => Survival::Whole,
                (1, ..) => Survival::Lost,
                (_, 0, _) => Survival::Lost,
                (_, 1, 2..) => Survival::Head(1 + (draw >> 33) % (sectors - 1)),
                (_, 2, 2..) => Survival::Tail(1 + (draw >> 33) % (sectors - 1)),
                _ => Survival::Whole,
            }
        });
        let mut found = BTreeMap::new();
        for name in NAMES {
            let file = self.inode(name).map(|inode| self.inodes[&inode]);
            if !self.had[name].contains(&file) {
                return Err(format!("{name} is {file:?}, and was {:?}", self.had[name]));
            }
            let Some(file) = file else { continue };
            found.insert(name, file);
            let open = self.open(name, false).expect("it is there");
            let FileAnswer::Read(bytes) =
                self.on(open, OnFile::Read { buffer: vec![0; 9000], at: None })
            else {
                return Err("no bytes".into());
            };
            self.disk.release(open);
            self.files[file].check(&bytes).map_err(|what| format!("{name}: {what}"))?;
            if fates.is_multiple_of(4) && bytes != self.files[file].now {
                return Err(format!("{name} lost something although nothing was lost"));
            }
            self.files[file].now = bytes;
        }
        for (number, file) in self.files.iter().enumerate().filter(|(_, file)| file.is_anchored) {
            if !found.values().any(|other| *other == number) {
                return Err(format!("file {number} has lost its names: {file:?}"));
            }
        }
        if fates.is_multiple_of(4) && found != before {
            return Err(format!("{found:?}, not {before:?}, although nothing was lost"));
        }
        self.now = found;
        for name in NAMES {
            self.had.insert(name, BTreeSet::from([self.now.get(name).copied()]));
        }
        for (number, file) in self.files.iter_mut().enumerate() {
            file.synced();
            file.is_anchored = self.now.values().any(|other| *other == number);
        }
        Ok(())
    }
}

fn done(disk: &mut Disk, call: FileCall) {
    if let Err(error) = disk.named(call, calendar(0)) {
        panic!("{error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn a_power_cut_leaves_what_was_promised(steps in proptest::collection::vec(step(), 1..40)) {
        let mut model = Model::new();
        for (at, step) in steps.iter().enumerate() {
            let played = model.play(step);
            prop_assert!(played.is_ok(), "step {at}, {step:?}: {}", played.unwrap_err());
        }
    }
}

/// Plays calls on a disk, has the power fail with this fate for all that is not synced, and lists `/`.
fn names_after(fate: Survival, calls: impl FnOnce(&mut Disk)) -> Vec<String> {
    let mut disk = Disk::new(1, None, calendar(0));
    calls(&mut disk);
    disk.cut_power(|_, _| fate);
    let mut names = Vec::new();
    disk.each_path(|_, path| names.push(path.display().to_string()));
    names
}

fn make(disk: &mut Disk, path: &str) -> OpenId {
    let how = OpenHow { read: true, write: true, create: true, mode: 0o644, ..OpenHow::default() };
    match disk.named(FileCall::Open { path: PathBuf::from(path), how }, calendar(0)) {
        Ok(Answer::Opened(open)) => open,
        _ => panic!("it can be made"),
    }
}

fn sync(disk: &mut Disk, path: &str) {
    let how = OpenHow { read: true, ..OpenHow::default() };
    match disk.named(FileCall::Open { path: path.into(), how }, calendar(0)) {
        Ok(Answer::Opened(open)) => assert!(disk.on(open, OnFile::Sync, calendar(0)).is_ok()),
        _ => panic!("it is there"),
    }
}

#[test]
fn a_name_is_durable_once_its_directory_is_synced() {
    let by_file = |disk: &mut Disk| {
        make(disk, "/a");
        sync(disk, "/a");
    };
    assert_eq!(names_after(Survival::Lost, by_file), ["/", "/tmp"]);
    assert_eq!(names_after(Survival::Whole, by_file), ["/", "/a", "/tmp"]);
    let by_directory = |disk: &mut Disk| {
        make(disk, "/a");
        sync(disk, "/");
    };
    assert_eq!(names_after(Survival::Lost, by_directory), ["/", "/a", "/tmp"]);
    let below = |disk: &mut Disk| {
        done(disk, FileCall::CreateDir { path: "/d".into(), mode: 0o755 });
        make(disk, "/d/a");
        sync(disk, "/d");
    };
    assert_eq!(names_after(Survival::Lost, below), ["/", "/tmp"], "nor is what leads to it");
}

#[test]
fn a_rename_across_directories_is_saved_by_the_sync_of_either() {
    for synced in ["/", "/tmp"] {
        let names = names_after(Survival::Lost, |disk| {
            make(disk, "/a");
            sync(disk, "/");
            done(disk, FileCall::Rename("/a".into(), "/tmp/b".into()));
            sync(disk, synced);
        });
        assert_eq!(names, ["/", "/tmp", "/tmp/b"], "synced {synced}");
    }
}

#[test]
fn a_failed_sync_is_told_once_to_each_and_what_it_lost_is_never_written() {
    let mut disk = Disk::new(1, None, calendar(0));
    let (one, other) = (make(&mut disk, "/a"), make(&mut disk, "/a"));
    sync(&mut disk, "/");
    let write = OnFile::Write { bytes: b"lost".into(), at: None };
    assert!(disk.on(one, write, calendar(0)).is_ok());
    assert!(disk.fail_sync(one).is_err_and(|error| error.raw_os_error() == Some(libc::EIO)));
    let later = make(&mut disk, "/a");
    for (who, is_told) in [(one, false), (other, true), (other, false), (later, false)] {
        assert_eq!(disk.on(who, OnFile::Sync, calendar(0)).is_err(), is_told);
    }
    let read = |disk: &mut Disk, from| match disk.on(
        from,
        OnFile::Read { buffer: vec![0; 9], at: Some(0) },
        calendar(0),
    ) {
        Ok(Answer::Other(FileAnswer::Read(bytes))) => bytes,
        _ => panic!("it is open"),
    };
    assert_eq!(read(&mut disk, one), b"lost");
    disk.cut_power(|_, _| Survival::Whole);
    let again = make(&mut disk, "/a");
    assert_eq!(read(&mut disk, again), b"");
}
