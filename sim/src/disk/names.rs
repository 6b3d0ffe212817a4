//! Changes of names, each all or nothing, and in which order they may be saved.

use std::ffi::{OsStr, OsString};

use super::node::Ino;

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
