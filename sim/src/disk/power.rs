//! What a power cut leaves of a disk, as far as fsync(2) promises: what was synced, and of the rest any part.
//!
//! A write may be there, or not, or in part: sectors are written whole, in any order. Writes survive
//! independently of each other, names independently of what they name. A change of names is there as a
//! whole or not at all, and not without those before it that it [needs](super::names::NameChange::needs).

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::content::Content;
use super::node::{Body, Change, Ino, Node, ROOT};
use super::tree::Disk;

/// What a disk writes whole.
pub(crate) const SECTOR: u64 = 512;

/// What becomes of a change that was not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Survival {
    Whole,
    Lost,
    /// Of a write: only so many of its sectors, its first ones.
    Head(u64),
    /// Of a write: all but so many of its first sectors.
    Tail(u64),
}

/// A change that was not synced.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Unsynced {
    /// Of a file's bytes or length; of a write, how many sectors it lies in.
    Data { sectors: u64 },
    /// Of a name.
    Name,
}

impl Disk {
    /// The power fails: what is left is what a program finds that opens files again. `decide` is asked of each
    /// change that was not synced, oldest first in each file and directory, with the path of that.
    pub(crate) fn cut_power(&mut self, mut decide: impl FnMut(&str, Unsynced) -> Survival) {
        let paths = self.paths();
        let path_of = |ino: Ino| paths.get(&ino).map_or("unlinked", String::as_str);
        let changes = std::mem::take(&mut self.unsaved);
        let mut is_lost = Vec::with_capacity(changes.len());
        for (at, change) in changes.iter().enumerate() {
            let directory = change.directories().last().unwrap_or(ROOT);
            let survives = decide(path_of(directory), Unsynced::Name) == Survival::Whole;
            let misses = |lost: (usize, &bool)| *lost.1 && change.needs(&changes[lost.0]);
            let is_kept = survives && !is_lost.iter().enumerate().any(misses);
            is_lost.push(!is_kept);
            if is_kept {
                self.save(change);
            }
            debug_assert_eq!(is_lost.len(), at + 1);
        }
        for (ino, node) in &mut self.nodes {
            node.survive(|what| decide(path_of(*ino), what));
        }
        self.open.clear();
        self.start_anew();
    }

    /// The paths that files have, or had before names were taken away that are not saved.
    fn paths(&self) -> BTreeMap<Ino, String> {
        let mut paths = BTreeMap::new();
        self.each_path(|ino, path| {
            paths.entry(ino).or_insert_with(|| path.display().to_string());
        });
        let mut left = vec![(ROOT, PathBuf::from("/"))];
        while let Some((ino, path)) = left.pop() {
            paths.entry(ino).or_insert_with(|| path.display().to_string());
            if let Some(Node { body: Body::Directory(directory), .. }) = self.nodes.get(&ino) {
                let below = directory.saved.iter().rev();
                left.extend(below.map(|(name, ino)| (*ino, path.join(name))));
            }
        }
        paths
    }

    /// What is saved is what is there.
    fn start_anew(&mut self) {
        let mut nodes = std::mem::take(&mut self.nodes);
        let mut left = vec![(ROOT, ROOT)];
        while let Some((ino, above)) = left.pop() {
            if let Some(there) = self.nodes.get_mut(&ino) {
                there.links += 1;
                continue;
            }
            let Some(mut node) = nodes.remove(&ino) else { continue };
            node.links = u32::from(ino != ROOT);
            if let Body::Directory(directory) = &mut node.body {
                directory.now = directory.saved.clone();
                directory.parent = above;
                left.extend(directory.now.values().map(|below| (*below, ino)));
            }
            self.nodes.insert(ino, node);
        }
    }
}

impl Node {
    /// Only what is saved is left, and what survives of the rest.
    fn survive(&mut self, mut decide: impl FnMut(Unsynced) -> Survival) {
        self.failed_syncs = 0;
        if let Body::File(file) = &mut self.body {
            for change in std::mem::take(&mut file.unsaved) {
                let survival = decide(Unsynced::Data { sectors: change.sectors() });
                change.survive(survival, &mut file.saved, &mut self.saved_mode);
            }
            file.now = file.saved.clone();
        }
        self.mode = self.saved_mode;
    }
}

impl Change {
    fn sectors(&self) -> u64 {
        match self {
            Change::Write { at, bytes } => (at + bytes.len() as u64).div_ceil(SECTOR) - at / SECTOR,
            Change::SetLen(_) | Change::Mode(_) => 1,
        }
    }

    fn survive(self, how: Survival, to: &mut Content, to_mode: &mut u32) {
        match (&self, how) {
            (_, Survival::Lost) => {}
            (Change::Write { at, bytes }, Survival::Head(sectors)) => {
                let end = (at / SECTOR + sectors) * SECTOR;
                to.write(*at, &bytes[..(end.saturating_sub(*at) as usize).min(bytes.len())]);
            }
            (Change::Write { at, bytes }, Survival::Tail(sectors)) => {
                let from = ((at / SECTOR + sectors) * SECTOR).max(*at);
                let tail = bytes.get((from - at) as usize..).unwrap_or_default();
                to.write(from, tail);
            }
            (Change::Mode(mode), _) => *to_mode = *mode,
            _ => self.apply(to),
        }
    }
}
