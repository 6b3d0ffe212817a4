//! Files of the operating system: what an operation does, on whichever thread. It knows no hub.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{
    DirBuilderExt, DirEntryExt, FileExt, MetadataExt, OpenOptionsExt, PermissionsExt, symlink,
};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use greenroom::hub::{
    Entry, FileAnswer, FileCall, OnFile, OpenHow, S_IFDIR, S_IFLNK, S_IFREG, Stat,
};

/// What an operation comes to; a file that it opened is not the hub's yet.
pub(crate) enum Done {
    Opened(File),
    Other(FileAnswer),
}

/// An operation, with the file it is on.
pub(crate) enum Task {
    On(Arc<File>, OnFile),
    Named(FileCall),
}

impl Task {
    pub(crate) fn perform(self) -> io::Result<Done> {
        match self {
            Task::Named(FileCall::Open { path, how }) => open(&path, how).map(Done::Opened),
            Task::Named(call) => named(call).map(Done::Other),
            Task::On(file, what) => {
                let answer = on_file(&file, what);
                // It may be the last to hold it.
                drop(file);
                answer.map(Done::Other)
            }
        }
    }
}

fn open(path: &PathBuf, how: OpenHow) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(how.read).write(how.write).append(how.append).truncate(how.truncate);
    options.create(how.create).create_new(how.create_new);
    options.mode(how.mode).custom_flags(how.custom_flags);
    match options.open(path) {
        // What was closed and is not gone yet counts still.
        Err(error) if error.raw_os_error() == Some(libc::EMFILE) && CLOSED.drop_all() => {
            options.open(path)
        }
        opened => opened,
    }
}

fn named(call: FileCall) -> io::Result<FileAnswer> {
    let done = match call {
        FileCall::Open { .. } | FileCall::On { .. } => unreachable!("they are told apart before"),
        FileCall::Stat { path, follow: true } => return fs::metadata(path).map(stat_of),
        FileCall::Stat { path, follow: false } => return fs::symlink_metadata(path).map(stat_of),
        FileCall::ReadDir(path) => return entries(path).map(FileAnswer::Entries),
        FileCall::ReadLink(path) => return fs::read_link(path).map(FileAnswer::Path),
        FileCall::Canonicalize(path) => return fs::canonicalize(path).map(FileAnswer::Path),
        FileCall::CreateDir { path, mode } => DirBuilder::new().mode(mode).create(path),
        FileCall::Rename(from, to) => fs::rename(from, to),
        FileCall::Link(original, link) => fs::hard_link(original, link),
        FileCall::Symlink(original, link) => symlink(original, link),
        FileCall::Unlink(path) => fs::remove_file(path),
        FileCall::RemoveDir(path) => fs::remove_dir(path),
        FileCall::RemoveTree(path) => fs::remove_dir_all(path),
        FileCall::SetMode(path, mode) => fs::set_permissions(path, Permissions::from_mode(mode)),
    };
    done.map(|()| FileAnswer::Done)
}

fn on_file(mut file: &File, what: OnFile) -> io::Result<FileAnswer> {
    let done = match what {
        OnFile::Read { mut buffer, at } => {
            let read = match at {
                Some(at) => file.read_at(&mut buffer, at),
                None => file.read(&mut buffer),
            }?;
            buffer.truncate(read);
            return Ok(FileAnswer::Read(buffer));
        }
        OnFile::Write { bytes, at } => {
            let written = match at {
                Some(at) => file.write_at(&bytes, at),
                None => file.write(&bytes),
            }?;
            return Ok(FileAnswer::Count(written as u64));
        }
        OnFile::Seek(to) => return file.seek(to).map(FileAnswer::Count),
        OnFile::Stat => return file.metadata().map(stat_of),
        OnFile::SetLen(length) => file.set_len(length),
        OnFile::Sync => file.sync_all(),
        OnFile::SyncData => file.sync_data(),
        OnFile::SetMode(mode) => file.set_permissions(Permissions::from_mode(mode)),
    };
    done.map(|()| FileAnswer::Done)
}

fn stat_of(found: fs::Metadata) -> FileAnswer {
    let modified = found.modified().unwrap_or(std::time::UNIX_EPOCH);
    FileAnswer::Stat(Stat {
        device: found.dev(),
        inode: found.ino(),
        mode: found.mode(),
        links: found.nlink(),
        length: found.len(),
        modified: modified.into(),
    })
}

fn entries(path: PathBuf) -> io::Result<Vec<Entry>> {
    let entry = |entry: io::Result<fs::DirEntry>| {
        let entry = entry?;
        let kind = entry.file_type().map_or(0, |kind| match kind {
            kind if kind.is_dir() => S_IFDIR,
            kind if kind.is_file() => S_IFREG,
            kind if kind.is_symlink() => S_IFLNK,
            // Whoever wants to know asks for it.
            _ => 0,
        });
        Ok(Entry { name: entry.file_name(), inode: entry.ino(), kind })
    };
    fs::read_dir(path)?.map(entry).collect()
}

/// Files that were closed. To give the last name or the last write of a file back may take its system long,
/// and no hub waits for it.
pub(crate) static CLOSED: Closed = Closed(Mutex::new(Vec::new()));

pub(crate) struct Closed(Mutex<Vec<Arc<File>>>);

impl Closed {
    pub(crate) fn add(&self, file: Arc<File>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(file);
    }
    /// Lets them go; whether there was any.
    pub(crate) fn drop_all(&self) -> bool {
        let closed = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        !closed.is_empty()
    }
}
