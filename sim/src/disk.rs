//! A host's disk: inodes and directories as programs see them, and what of them is durable.
//!
//! Each thing stands here twice, as it is *now* and as it is *saved*, with the changes between. A file's sync
//! saves its changes, a directory's sync those of its names; nothing else is promised, as by fsync(2). What
//! is left of it after a power cut is in `power`, how names are found in `walk`.
//!
//! What is not here: who waits, and for how long (`net/file.rs`); and who may do what, for every program is
//! root's: permissions are kept and stop nobody.

mod calls;
mod content;
mod look;
mod names;
mod node;
mod open;
mod power;
mod walk;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;

use greenroom::time::SystemTime;

use crate::errno::errno;
pub(crate) use calls::Answer;
use content::PAGE;
use names::NameChange;
use node::{Body, Change, Directory, FileBody, Node};
pub(crate) use open::{Open, OpenId};
pub(crate) use power::{SECTOR, Survival, Unsynced};

/// The number of a file on its disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ino(u64);

/// Linux's.
const ROOT: Ino = Ino(2);
/// More changes than this wait for no sync: Linux writes what is dirty back by itself, too.
const UNSAVED_MAX: usize = 1024;

#[derive(Clone, Debug)]
pub(crate) struct Disk {
    nodes: BTreeMap<Ino, Node>,
    last: Ino,
    /// Changes of names that are not saved, oldest first.
    unsaved: Vec<NameChange>,
    open: BTreeMap<OpenId, Open>,
    last_open: OpenId,
    /// How many pages it has, if that is limited.
    pages_max: Option<u64>,
    /// Directories list their names in an order of the host's.
    seed: u64,
    /// How many were removed since those were looked for that nothing leads to.
    removed: usize,
}

impl Disk {
    /// One with a root and `/tmp`.
    pub(crate) fn new(seed: u64, bytes_max: Option<u64>, now: SystemTime) -> Disk {
        let mut disk = Disk {
            nodes: BTreeMap::new(),
            last: ROOT,
            unsaved: Vec::new(),
            open: BTreeMap::new(),
            last_open: OpenId::default(),
            pages_max: bytes_max.map(|bytes| bytes / PAGE),
            seed,
            removed: 0,
        };
        let root = Body::Directory(Directory::below(ROOT));
        disk.nodes.insert(ROOT, Node::new(libc::S_IFDIR | 0o755, root, now));
        let tmp =
            disk.add_node(libc::S_IFDIR | 0o1777, Body::Directory(Directory::below(ROOT)), now);
        disk.change_names(NameChange::add(tmp, ROOT, OsStr::new("tmp")), now);
        disk.save_names(ROOT);
        disk
    }

    fn node(&self, ino: Ino) -> &Node {
        &self.nodes[&ino]
    }
    fn node_mut(&mut self, ino: Ino) -> &mut Node {
        self.nodes.get_mut(&ino).expect("what has a name or is open is not forgotten")
    }
    fn directory(&self, ino: Ino) -> io::Result<&Directory> {
        match &self.node(ino).body {
            Body::Directory(directory) => Ok(directory),
            _ => Err(errno(libc::ENOTDIR)),
        }
    }
    fn directory_mut(&mut self, ino: Ino) -> &mut Directory {
        match &mut self.node_mut(ino).body {
            Body::Directory(directory) => directory,
            _ => unreachable!("it was found to be one"),
        }
    }
    fn is_directory(&self, ino: Ino) -> bool {
        matches!(self.node(ino).body, Body::Directory(_))
    }
    fn file_mut(&mut self, ino: Ino) -> Option<&mut FileBody> {
        match &mut self.node_mut(ino).body {
            Body::File(file) => Some(file),
            _ => None,
        }
    }

    fn add_node(&mut self, mode: u32, body: Body, now: SystemTime) -> Ino {
        self.last = Ino(self.last.0 + 1);
        self.nodes.insert(self.last, Node::new(mode, body, now));
        self.last
    }

    /// Changes names, for all to see. It is not saved.
    fn change_names(&mut self, change: NameChange, now: SystemTime) {
        let is_directory = self.is_directory(change.target);
        if let Some((directory, name)) = &change.remove {
            self.directory_mut(*directory).now.remove(name);
            self.node_mut(change.target).links -= 1;
            self.node_mut(*directory).modified = now;
        }
        if let Some((directory, name)) = &change.add {
            let replaced = self.directory_mut(*directory).now.insert(name.clone(), change.target);
            if let Some(replaced) = replaced {
                self.node_mut(replaced).links -= 1;
                self.removed += 1;
            }
            self.node_mut(change.target).links += 1;
            self.node_mut(*directory).modified = now;
            if is_directory {
                self.directory_mut(change.target).parent = *directory;
            }
        } else {
            self.removed += 1;
        }
        self.unsaved.push(change);
        if self.unsaved.len() > UNSAVED_MAX {
            let oldest = self.unsaved.remove(0);
            self.save(&oldest);
        }
        self.forget_unreachable();
    }

    /// Saves what a file holds, and all that is known of it.
    fn save_file(&mut self, ino: Ino, with_metadata: bool) {
        if let Some(file) = self.file_mut(ino) {
            for change in std::mem::take(&mut file.unsaved) {
                match change {
                    Change::Mode(_) if !with_metadata => file.unsaved.push(change),
                    change => change.apply(&mut file.saved),
                }
            }
        }
        if with_metadata || self.is_directory(ino) {
            let node = self.node_mut(ino);
            node.saved_mode = node.mode;
        }
        if self.is_directory(ino) {
            self.save_names(ino);
        }
    }

    /// Notes a change of a file that is not saved. The oldest are saved if there are many.
    fn note_change(&mut self, ino: Ino, change: Change) {
        let Some(file) = self.file_mut(ino) else { return };
        file.unsaved.push(change);
        if file.unsaved.len() > UNSAVED_MAX {
            let oldest = file.unsaved.remove(0);
            let Change::Mode(mode) = oldest else {
                oldest.apply(&mut file.saved);
                return;
            };
            self.node_mut(ino).saved_mode = mode;
        }
    }

    fn is_open(&self, ino: Ino) -> bool {
        self.open.values().any(|open| open.ino == ino)
    }

    /// How many pages are free.
    fn pages_free(&self) -> u64 {
        let Some(most) = self.pages_max else { return u64::MAX };
        let held = |(ino, node): (&Ino, &Node)| match &node.body {
            Body::File(file) if node.links > 0 || self.is_open(*ino) => file.now.page_count(),
            _ => 0,
        };
        most.saturating_sub(self.nodes.iter().map(held).sum())
    }

    /// Forgets files that have no name, now or saved, and that nobody has open.
    fn forget_unreachable(&mut self) {
        /// Looked for when there may be many: all others are passed by then.
        const MANY: usize = 64;
        if self.removed < MANY.max(self.nodes.len() / 2) {
            return;
        }
        self.removed = 0;
        let mut left: Vec<Ino> = self.open.values().map(|open| open.ino).collect();
        left.push(ROOT);
        for change in &self.unsaved {
            left.push(change.target);
            left.extend(change.directories());
            left.extend(change.removes_directory);
        }
        let mut reached = BTreeMap::new();
        while let Some(ino) = left.pop() {
            if reached.insert(ino, ()).is_none()
                && let Some(Node { body: Body::Directory(directory), .. }) = self.nodes.get(&ino)
            {
                left.extend(directory.now.values().chain(directory.saved.values()));
                left.push(directory.parent);
            }
        }
        self.nodes.retain(|ino, _| reached.contains_key(ino));
    }
}

fn name_of(bytes: &[u8]) -> OsString {
    use std::os::unix::ffi::OsStrExt;
    OsStr::from_bytes(bytes).to_owned()
}
