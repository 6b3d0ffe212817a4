//! The system's calls on names: what each does, and with which error it fails.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use greenroom::hub::{
    self, FileAnswer, FileCall, OnFile, OpenHow, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG,
};
use greenroom::time::SystemTime;

use super::names::NameChange;
use super::node::{Body, Directory, FileBody, Ino, Open, OpenId, ROOT};
use super::tree::Disk;
use super::walk::{Followed, Last, Place};
use crate::choices::{hash_bytes, mix};
use crate::errno::errno;

/// What came of a call; a file that it opened has no descriptor yet.
pub(crate) enum Answer {
    Opened(OpenId),
    Other(FileAnswer),
}

/// Linux's usual `umask`.
const UMASK: u32 = 0o022;
/// Flags of open(2) that are done here, or that ask for nothing that is not.
const FLAGS: i32 = libc::O_DIRECTORY
    | libc::O_NOFOLLOW
    | libc::O_SYNC
    | libc::O_DSYNC
    | libc::O_CLOEXEC
    | libc::O_NOATIME
    | libc::O_ACCMODE;

impl Disk {
    pub(crate) fn named(&mut self, call: FileCall, now: SystemTime) -> io::Result<Answer> {
        let answer = match call {
            FileCall::Open { path, how } => {
                return self.open_path(&path, how, now).map(Answer::Opened);
            }
            FileCall::On { .. } => return Err(errno(libc::EBADF)),
            FileCall::Stat { path, follow } => {
                FileAnswer::Stat(self.stat(self.find(&path, follow)?))
            }
            FileCall::ReadDir(path) => FileAnswer::Entries(self.entries(&path)?),
            FileCall::ReadLink(path) => {
                let found = self.find(&path, false)?;
                let link = self.link_to(found).ok_or_else(|| errno(libc::EINVAL))?;
                FileAnswer::Path(link.to_owned())
            }
            FileCall::Canonicalize(path) => FileAnswer::Path(self.real_path(&path)?),
            changes => {
                self.change(changes, now)?;
                FileAnswer::Done
            }
        };
        Ok(Answer::Other(answer))
    }

    pub(crate) fn on(&mut self, id: OpenId, what: OnFile, now: SystemTime) -> io::Result<Answer> {
        self.on_file(id, what, now).map(Answer::Other)
    }

    fn change(&mut self, call: FileCall, now: SystemTime) -> io::Result<()> {
        match call {
            FileCall::CreateDir { path, mode } => self.make_directory(&path, mode, now),
            FileCall::Rename(from, to) => self.rename(&from, &to, now),
            FileCall::Link(original, link) => self.link(&original, &link, now),
            FileCall::Symlink(original, link) => self.symlink(&original, &link, now),
            FileCall::Unlink(path) => self.unlink(&path, now),
            FileCall::RemoveDir(path) => self.remove_directory(&path, now),
            FileCall::RemoveTree(path) => self.remove_tree(&path, now),
            FileCall::SetMode(path, mode) => {
                let found = self.find(&path, true)?;
                self.set_mode(found, mode);
                Ok(())
            }
            _ => Err(errno(libc::EINVAL)),
        }
    }

    fn open_path(&mut self, path: &Path, how: OpenHow, now: SystemTime) -> io::Result<OpenId> {
        if how.custom_flags & !FLAGS != 0 {
            let flags = how.custom_flags & !FLAGS;
            let text = format!("a simulated disk has no flags {flags:#o} of open(2)");
            return Err(io::Error::new(io::ErrorKind::Unsupported, text));
        }
        let asks = |flag: i32| how.custom_flags & flag == flag;
        let creates = how.create || how.create_new;
        if creates && asks(libc::O_DIRECTORY) {
            return Err(errno(libc::EINVAL));
        }
        let (ino, is_new) = match self.find_to_open(path, how)? {
            Ok(ino) => (ino, false),
            Err((directory, name)) => {
                let mode = S_IFREG | how.mode & 0o7777 & !UMASK;
                let ino = self.add_node(mode, Body::File(FileBody::default()), now);
                self.change_names(NameChange::add(ino, directory, &name), now);
                (ino, true)
            }
        };
        let writes = how.write || how.append;
        match self.is_directory(ino) {
            true if creates || writes => return Err(errno(libc::EISDIR)),
            false if asks(libc::O_DIRECTORY) => return Err(errno(libc::ENOTDIR)),
            _ => {}
        }
        if how.truncate && !is_new {
            self.truncate(ino, 0, now);
        }
        self.last_open = OpenId(self.last_open.0 + 1);
        let open = Open {
            ino,
            offset: 0,
            can_read: how.read,
            can_write: writes,
            appends: how.append,
            syncs: if asks(libc::O_SYNC) {
                Some(true)
            } else {
                asks(libc::O_DSYNC).then_some(false)
            },
            told_of: self.node(ino).failed_syncs,
            holds: 1,
            path: path.display().to_string(),
        };
        self.open.insert(self.last_open, open);
        Ok(self.last_open)
    }

    /// The file that a path names for open(2), or where it is to be made.
    #[allow(clippy::type_complexity)] // It is taken apart at once.
    fn find_to_open(&self, path: &Path, how: OpenHow) -> io::Result<Result<Ino, (Ino, OsString)>> {
        let followed = &mut Followed::default();
        let creates = how.create || how.create_new;
        let mut place = self.place(path)?;
        loop {
            let is_name = matches!(place.last, Last::Name(_));
            if creates && is_name && place.slash {
                return Err(errno(libc::EISDIR));
            }
            let found = self.at(&place)?;
            if found.is_some() && how.create_new {
                return Err(errno(libc::EEXIST));
            }
            let Some(found) = found else {
                return match place.last {
                    Last::Name(name) if creates => Ok(Err((place.directory, name))),
                    _ => Err(errno(libc::ENOENT)),
                };
            };
            if let Some(link) = self.link_to(found) {
                if how.custom_flags & libc::O_NOFOLLOW != 0 && !place.slash {
                    return Err(errno(libc::ELOOP));
                }
                let slash = place.slash;
                place = self.place_of_link(&place, link, followed)?;
                place.slash |= slash;
                continue;
            }
            if place.slash {
                self.directory(found)?;
            }
            return Ok(Ok(found));
        }
    }

    fn entries(&self, path: &Path) -> io::Result<Vec<hub::Entry>> {
        let directory = self.directory(self.find(path, true)?)?;
        let mut names: Vec<_> = directory.now.iter().collect();
        names.sort_by_cached_key(|(name, _)| (mix(self.seed, hash_bytes(name.as_bytes())), *name));
        let entry = |(name, ino): (&OsString, &Ino)| hub::Entry {
            name: name.clone(),
            inode: ino.0,
            kind: self.node(*ino).mode & S_IFMT,
        };
        Ok(names.into_iter().map(entry).collect())
    }

    /// Where a new name goes. `dots` is the error of a path that ends in no name, `slash` that of one that
    /// ends with a slash.
    fn free_place(&self, path: &Path, slash: Option<i32>) -> io::Result<(Ino, OsString)> {
        let place = self.place(path)?;
        if self.at(&place)?.is_some() {
            return Err(errno(libc::EEXIST));
        }
        match (place.last, slash) {
            (_, Some(error)) if place.slash => Err(errno(error)),
            (Last::Name(name), _) => Ok((place.directory, name)),
            _ => Err(errno(libc::EEXIST)),
        }
    }

    fn make_directory(&mut self, path: &Path, mode: u32, now: SystemTime) -> io::Result<()> {
        let (above, name) = self.free_place(path, None)?;
        let mode = S_IFDIR | mode & 0o1777 & !UMASK;
        let made = self.add_node(mode, Body::Directory(Directory::below(above)), now);
        self.change_names(NameChange::add(made, above, &name), now);
        Ok(())
    }

    fn link(&mut self, original: &Path, link: &Path, now: SystemTime) -> io::Result<()> {
        let found = self.find(original, false)?;
        let (directory, name) = self.free_place(link, Some(libc::ENOENT))?;
        if self.is_directory(found) {
            return Err(errno(libc::EPERM));
        }
        self.change_names(NameChange::add(found, directory, &name), now);
        Ok(())
    }

    fn symlink(&mut self, original: &Path, link: &Path, now: SystemTime) -> io::Result<()> {
        match original.as_os_str().len() {
            0 => return Err(errno(libc::ENOENT)),
            4096.. => return Err(errno(libc::ENAMETOOLONG)),
            _ => {}
        }
        let (directory, name) = self.free_place(link, Some(libc::ENOENT))?;
        let made = self.add_node(S_IFLNK | 0o777, Body::Link(original.to_owned()), now);
        self.change_names(NameChange::add(made, directory, &name), now);
        Ok(())
    }

    fn unlink(&mut self, path: &Path, now: SystemTime) -> io::Result<()> {
        let place = self.place(path)?;
        let Last::Name(name) = &place.last else { return Err(errno(libc::EISDIR)) };
        let found = self.at(&place)?.ok_or_else(|| errno(libc::ENOENT))?;
        if self.is_directory(found) {
            return Err(errno(libc::EISDIR));
        }
        if place.slash {
            return Err(errno(libc::ENOTDIR));
        }
        self.change_names(NameChange::remove(found, place.directory, name), now);
        Ok(())
    }

    fn remove_directory(&mut self, path: &Path, now: SystemTime) -> io::Result<()> {
        let place = self.place(path)?;
        let name = match &place.last {
            Last::Name(name) => name,
            Last::Dot => return Err(errno(libc::EINVAL)),
            Last::DotDot => return Err(errno(libc::ENOTEMPTY)),
            Last::Root => return Err(errno(libc::EBUSY)),
        };
        let found = self.at(&place)?.ok_or_else(|| errno(libc::ENOENT))?;
        if !self.directory(found)?.now.is_empty() {
            return Err(errno(libc::ENOTEMPTY));
        }
        let change = NameChange::remove(found, place.directory, name);
        self.change_names(NameChange { removes_directory: Some(found), ..change }, now);
        Ok(())
    }

    fn remove_tree(&mut self, path: &Path, now: SystemTime) -> io::Result<()> {
        let found = self.find(path, false)?;
        if self.link_to(found).is_some() {
            return self.unlink(path, now);
        }
        self.directory(found)?;
        self.empty(found, now);
        match self.remove_directory(path, now) {
            // The path led through what was in it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        }
    }

    fn empty(&mut self, above: Ino, now: SystemTime) {
        for (name, ino) in self.directory(above).map(|it| it.now.clone()).unwrap_or_default() {
            let change = NameChange::remove(ino, above, &name);
            let removes_directory = self.is_directory(ino).then_some(ino);
            if removes_directory.is_some() {
                self.empty(ino, now);
            }
            self.change_names(NameChange { removes_directory, ..change }, now);
        }
    }

    fn rename(&mut self, from: &Path, to: &Path, now: SystemTime) -> io::Result<()> {
        let (old, new) = (self.place(from)?, self.place(to)?);
        let (Last::Name(old_name), Last::Name(new_name)) = (&old.last, &new.last) else {
            return Err(errno(libc::EBUSY));
        };
        let moved = self.at(&old)?.ok_or_else(|| errno(libc::ENOENT))?;
        let replaced = self.at(&new)?;
        let is_directory = self.is_directory(moved);
        if !is_directory && (old.slash || new.slash) {
            return Err(errno(libc::ENOTDIR));
        }
        if is_directory && self.is_within(new.directory, moved) {
            return Err(errno(libc::EINVAL));
        }
        self.check_replaced(replaced, &old, moved)?;
        if replaced == Some(moved) {
            return Ok(());
        }
        let change = NameChange {
            target: moved,
            remove: Some((old.directory, old_name.clone())),
            add: Some((new.directory, new_name.clone())),
            removes_directory: replaced.filter(|&it| self.is_directory(it)),
            moves_directory: is_directory && old.directory != new.directory,
        };
        self.change_names(change, now);
        Ok(())
    }

    /// Whether what a rename would replace may be.
    fn check_replaced(&self, replaced: Option<Ino>, old: &Place, moved: Ino) -> io::Result<()> {
        let Some(replaced) = replaced.filter(|&replaced| replaced != moved) else { return Ok(()) };
        match (self.is_directory(moved), &self.node(replaced).body) {
            (_, Body::Directory(_)) if self.is_within(old.directory, replaced) => {
                Err(errno(libc::ENOTEMPTY))
            }
            (false, Body::Directory(_)) => Err(errno(libc::EISDIR)),
            (true, Body::Directory(it)) if !it.now.is_empty() => Err(errno(libc::ENOTEMPTY)),
            (true, Body::File(_) | Body::Link(_)) => Err(errno(libc::ENOTDIR)),
            _ => Ok(()),
        }
    }

    /// The path of a file, by the name that this path comes to.
    fn real_path(&self, path: &Path) -> io::Result<PathBuf> {
        let found = self.find(path, true)?;
        if self.is_directory(found) {
            return Ok(self.path_of_directory(found));
        }
        let followed = &mut Followed::default();
        let mut place = self.place(path)?;
        while let Some(link) = self.at(&place)?.and_then(|ino| self.link_to(ino)) {
            place = self.place_of_link(&place, link, followed)?;
        }
        let above = self.path_of_directory(place.directory);
        match place.last {
            Last::Name(name) => Ok(above.join(name)),
            _ => Ok(above),
        }
    }

    fn path_of_directory(&self, mut ino: Ino) -> PathBuf {
        let mut names = Vec::new();
        while ino != ROOT {
            let Ok(directory) = self.directory(ino) else { break };
            let above = directory.parent;
            let Ok(parent) = self.directory(above) else { break };
            names.extend(parent.now.iter().find(|(_, below)| **below == ino).map(|(name, _)| name));
            ino = above;
        }
        std::iter::once(OsStr::new("/"))
            .chain(names.into_iter().rev().map(OsString::as_os_str))
            .collect()
    }

    /// The path that a file was opened by.
    pub(crate) fn path_of_open(&self, id: OpenId) -> String {
        self.open.get(&id).map_or_else(String::new, |open| open.path.clone())
    }

    /// All files that have a name, and their paths, in order.
    pub(super) fn each_path(&self, mut f: impl FnMut(Ino, &Path)) {
        let mut left = vec![(ROOT, PathBuf::from("/"))];
        while let Some((ino, path)) = left.pop() {
            f(ino, &path);
            if let Ok(directory) = self.directory(ino) {
                let below = directory.now.iter().rev();
                left.extend(below.map(|(name, ino)| (*ino, path.join::<&OsStr>(name))));
            }
        }
    }
}
