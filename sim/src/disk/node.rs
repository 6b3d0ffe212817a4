//! What stands behind a number: a file, a directory or a symbolic link, now and saved.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use greenroom::time::SystemTime;

use super::content::Content;

/// The number of a file on its disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ino(pub(super) u64);

/// Linux's.
pub(super) const ROOT: Ino = Ino(2);
/// The number of an open file, which all its descriptors share.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct OpenId(pub(super) u64);

/// An open file: what Linux calls its description.
#[derive(Clone, Debug)]
pub(crate) struct Open {
    pub(super) ino: Ino,
    pub(super) offset: u64,
    pub(super) can_read: bool,
    pub(super) can_write: bool,
    pub(super) appends: bool,
    /// Each write is synced, with metadata or without.
    pub(super) syncs: Option<bool>,
    /// Failed syncs of the file that it was told of, or that were before it.
    pub(super) told_of: u32,
    /// As it was opened.
    pub(super) path: String,
    /// Descriptors, and operations that are under way.
    pub(super) holds: u32,
}

#[derive(Clone, Debug)]
pub(super) struct Node {
    /// Type and permissions.
    pub(super) mode: u32,
    pub(super) saved_mode: u32,
    /// How many names it has; those of a directory in itself and below are not counted.
    pub(super) links: u32,
    pub(super) modified: SystemTime,
    /// How many syncs of it have failed.
    pub(super) failed_syncs: u32,
    pub(super) body: Body,
}

#[derive(Clone, Debug)]
pub(super) enum Body {
    File(FileBody),
    Directory(Directory),
    Link(PathBuf),
}

#[derive(Clone, Debug, Default)]
pub(super) struct FileBody {
    pub(super) now: Content,
    pub(super) saved: Content,
    /// What makes the one of the other, oldest first.
    pub(super) unsaved: Vec<Change>,
}

#[derive(Clone, Debug)]
pub(super) enum Change {
    Write { at: u64, bytes: Vec<u8> },
    SetLen(u64),
    Mode(u32),
}

impl Change {
    pub(super) fn apply(&self, to: &mut Content) {
        match self {
            Change::Write { at, bytes } => to.write(*at, bytes),
            Change::SetLen(length) => to.set_len(*length),
            // It is the node's.
            Change::Mode(_) => {}
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Directory {
    pub(super) now: BTreeMap<OsString, Ino>,
    pub(super) saved: BTreeMap<OsString, Ino>,
    pub(super) parent: Ino,
}

impl Directory {
    pub(super) fn below(parent: Ino) -> Directory {
        Directory { now: BTreeMap::new(), saved: BTreeMap::new(), parent }
    }
}

impl Node {
    pub(super) fn new(mode: u32, body: Body, now: SystemTime) -> Node {
        Node { mode, saved_mode: mode, links: 0, modified: now, failed_syncs: 0, body }
    }
}
