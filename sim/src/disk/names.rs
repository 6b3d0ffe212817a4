//! Changes of names, each all or nothing, and in which order they may be saved.

use std::ffi::{OsStr, OsString};

use super::node::Body;
use super::{Disk, Ino};

/// A name that was given, taken away, or both at once.
#[derive(Clone, Debug)]
pub(super) struct NameChange {
    /// Whose name it is.
    pub(super) target: Ino,
    pub(super) remove: Option<(Ino, OsString)>,
    pub(super) add: Option<(Ino, OsString)>,
    /// The directory that is gone by it.
    pub(super) removes_directory: Option<Ino>,
    /// It has a directory stand elsewhere.
    pub(super) moves_directory: bool,
}

impl NameChange {
    pub(super) fn add(target: Ino, directory: Ino, name: &OsStr) -> NameChange {
        let add = Some((directory, name.to_owned()));
        NameChange { target, remove: None, add, removes_directory: None, moves_directory: false }
    }
    pub(super) fn remove(target: Ino, directory: Ino, name: &OsStr) -> NameChange {
        let remove = Some((directory, name.to_owned()));
        NameChange { target, remove, add: None, removes_directory: None, moves_directory: false }
    }

    /// The directories whose names it changes.
    pub(super) fn directories(&self) -> impl Iterator<Item = Ino> {
        self.remove.iter().chain(&self.add).map(|(directory, _)| *directory)
    }

    fn names(&self) -> impl Iterator<Item = &(Ino, OsString)> {
        self.remove.iter().chain(&self.add)
    }

    /// Whether it can't be saved unless an earlier one is: both are about one name; both move
    /// directories, of which one could else come to lie in itself; or a directory is removed that the
    /// earlier one emptied.
    pub(super) fn needs(&self, earlier: &NameChange) -> bool {
        self.names().any(|name| earlier.names().any(|other| name == other))
            || (self.moves_directory && earlier.moves_directory)
            || self.removes_directory.is_some_and(|gone| earlier.directories().any(|it| it == gone))
    }
}

impl Disk {
    /// Saves the changes of a directory's names, with those that they need.
    pub(super) fn save_names(&mut self, directory: Ino) {
        let changes = std::mem::take(&mut self.unsaved);
        let mut is_saved: Vec<bool> =
            changes.iter().map(|change| change.directories().any(|it| it == directory)).collect();
        for later in (0..changes.len()).rev() {
            if !is_saved[later] {
                continue;
            }
            for earlier in 0..later {
                is_saved[earlier] |= changes[later].needs(&changes[earlier]);
            }
        }
        for (change, is_saved) in changes.into_iter().zip(is_saved) {
            match is_saved {
                true => self.save(&change),
                false => self.unsaved.push(change),
            }
        }
    }

    /// Saves one change; those it needs are saved.
    pub(super) fn save(&mut self, change: &NameChange) {
        if let Some((directory, name)) = &change.remove {
            self.saved_of(*directory, |saved| _ = saved.remove(name));
        }
        if let Some((directory, name)) = &change.add {
            self.saved_of(*directory, |saved| _ = saved.insert(name.clone(), change.target));
        }
    }

    fn saved_of(
        &mut self,
        directory: Ino,
        f: impl FnOnce(&mut std::collections::BTreeMap<OsString, Ino>),
    ) {
        if let Body::Directory(directory) = &mut self.node_mut(directory).body {
            f(&mut directory.saved);
        }
    }
}
