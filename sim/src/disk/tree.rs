//! The disk itself: files by their numbers, names now and saved, and what makes the one of the other.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;

use greenroom::hub::{S_IFDIR, S_IFMT, Stat};
use greenroom::time::SystemTime;

use super::content::PAGE;
use super::names::NameChange;
use super::node::{Body, Change, Directory, FileBody, Ino, Node, Open, OpenId, ROOT};
use crate::errno::errno;

/// More changes than this wait for no sync: Linux writes what is dirty back by itself, too.
const UNSAVED_MAX: usize = 1024;

/// A host's disk. See the [module](super).
#[derive(Clone, Debug)]
pub(crate) struct Disk {
    pub(super) nodes: BTreeMap<Ino, Node>,
    pub(super) last: Ino,
    /// Changes of names that are not saved, oldest first.
    pub(super) unsaved: Vec<NameChange>,
    pub(super) open: BTreeMap<OpenId, Open>,
    pub(super) last_open: OpenId,
    /// How many pages it has, if that is limited.
    pub(super) pages_max: Option<u64>,
    /// Directories list their names in an order of the host's.
    pub(super) seed: u64,
    /// How many were removed since those were looked for that nothing leads to.
    pub(super) removed: usize,
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
        disk.nodes.insert(ROOT, Node::new(S_IFDIR | 0o755, root, now));
        let tmp = disk.add_node(S_IFDIR | 0o1777, Body::Directory(Directory::below(ROOT)), now);
        disk.change_names(NameChange::add(tmp, ROOT, OsStr::new("tmp")), now);
        disk.save_names(ROOT);
        disk
    }

    pub(super) fn node(&self, ino: Ino) -> &Node {
        &self.nodes[&ino]
    }
    pub(super) fn node_mut(&mut self, ino: Ino) -> &mut Node {
        self.nodes.get_mut(&ino).expect("what has a name or is open is not forgotten")
    }
    pub(super) fn directory(&self, ino: Ino) -> io::Result<&Directory> {
        match &self.node(ino).body {
            Body::Directory(directory) => Ok(directory),
            _ => Err(errno(libc::ENOTDIR)),
        }
    }
    pub(super) fn directory_mut(&mut self, ino: Ino) -> &mut Directory {
        match &mut self.node_mut(ino).body {
            Body::Directory(directory) => directory,
            _ => unreachable!("it was found to be one"),
        }
    }
    pub(super) fn is_directory(&self, ino: Ino) -> bool {
        matches!(self.node(ino).body, Body::Directory(_))
    }
    pub(super) fn file_mut(&mut self, ino: Ino) -> Option<&mut FileBody> {
        match &mut self.node_mut(ino).body {
            Body::File(file) => Some(file),
            _ => None,
        }
    }

    pub(super) fn add_node(&mut self, mode: u32, body: Body, now: SystemTime) -> Ino {
        self.last = Ino(self.last.0 + 1);
        self.nodes.insert(self.last, Node::new(mode, body, now));
        self.last
    }

    /// Changes names, for all to see. It is not saved.
    pub(super) fn change_names(&mut self, change: NameChange, now: SystemTime) {
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
    pub(super) fn save_file(&mut self, ino: Ino, with_metadata: bool) {
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
    pub(super) fn note_change(&mut self, ino: Ino, change: Change) {
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

    pub(super) fn is_open(&self, ino: Ino) -> bool {
        self.open.values().any(|open| open.ino == ino)
    }

    /// How many pages are free.
    pub(super) fn pages_free(&self) -> u64 {
        let Some(most) = self.pages_max else { return u64::MAX };
        let held = |(ino, node): (&Ino, &Node)| match &node.body {
            Body::File(file) if node.links > 0 || self.is_open(*ino) => file.now.page_count(),
            _ => 0,
        };
        most.saturating_sub(self.nodes.iter().map(held).sum())
    }

    /// Forgets files that have no name, now or saved, and that nobody has open.
    pub(super) fn forget_unreachable(&mut self) {
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

    pub(super) fn saved_of(
        &mut self,
        directory: Ino,
        f: impl FnOnce(&mut std::collections::BTreeMap<OsString, Ino>),
    ) {
        if let Body::Directory(directory) = &mut self.node_mut(directory).body {
            f(&mut directory.saved);
        }
    }

    pub(super) fn stat(&self, ino: Ino) -> Stat {
        let node = self.node(ino);
        let (links, length) = match &node.body {
            Body::File(file) => (node.links, file.now.len()),
            Body::Link(path) => (node.links, path.as_os_str().len() as u64),
            Body::Directory(directory) => {
                let below = directory.now.values().filter(|ino| self.is_directory(**ino)).count();
                // In its parent and in itself; one that was removed has no name at all.
                let is_there = ino == ROOT || node.links > 0;
                (if is_there { 2 + below as u32 } else { 0 }, 4096)
            }
        };
        let (inode, mode, modified) = (ino.0, node.mode, node.modified);
        Stat { device: 1, inode, mode, links: links.into(), length, modified }
    }

    pub(super) fn truncate(&mut self, ino: Ino, length: u64, now: SystemTime) {
        let Some(file) = self.file_mut(ino) else { return };
        file.now.set_len(length);
        self.note_change(ino, Change::SetLen(length));
        self.node_mut(ino).modified = now;
    }

    pub(super) fn set_mode(&mut self, ino: Ino, mode: u32) {
        let node = self.node_mut(ino);
        node.mode = node.mode & S_IFMT | mode & 0o7777;
        let mode = node.mode;
        self.note_change(ino, Change::Mode(mode));
    }
}
