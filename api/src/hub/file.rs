//! Operations on files, as data: what is asked ([`FileCall`]) and what comes back ([`FileAnswer`]).
//!
//! A file never holds a hub up, so an operation is a source, as a query is: readable once it is over. It
//! owns its buffer, for it may go on when nobody waits for it any more.

use std::ffi::OsString;
use std::io::SeekFrom;
use std::path::PathBuf;

use super::{Io, SystemTime};

/// An operation on files: a call of the system, with all that it needs.
#[derive(Debug)]
pub enum FileCall {
    /// open(2).
    Open {
        /// What is opened.
        path: PathBuf,
        /// And how.
        how: OpenHow,
    },
    /// An operation on an open file.
    On {
        /// The file.
        file: Io,
        /// What is done with it.
        what: OnFile,
    },
    /// stat(2), or lstat(2) where it does not `follow` a last symbolic link.
    Stat {
        /// What is asked about.
        path: PathBuf,
        /// Whether a last symbolic link is followed.
        follow: bool,
    },
    /// All names of a directory but `.` and `..`, in an order of the system's.
    ReadDir(PathBuf),
    /// mkdir(2).
    CreateDir {
        /// The directory's name.
        path: PathBuf,
        /// Its permissions, before the system takes its mask off.
        mode: u32,
    },
    /// rename(2).
    Rename(PathBuf, PathBuf),
    /// link(2), which follows no last symbolic link: a second name for the first.
    Link(PathBuf, PathBuf),
    /// symlink(2): a text, and the name of the link that holds it.
    Symlink(PathBuf, PathBuf),
    /// readlink(2).
    ReadLink(PathBuf),
    /// unlink(2).
    Unlink(PathBuf),
    /// rmdir(2).
    RemoveDir(PathBuf),
    /// A directory with all that is in it, or a symbolic link: as many calls as it takes, without a chance
    /// for others to lead them elsewhere.
    RemoveTree(PathBuf),
    /// chmod(2).
    SetMode(PathBuf, u32),
    /// realpath(3).
    Canonicalize(PathBuf),
}

/// An operation on an open file.
#[derive(Debug)]
pub enum OnFile {
    /// Reads at most as many bytes as the buffer has: at the offset of the file, or at this one.
    Read {
        /// What is read into; it comes back cut to what was read.
        buffer: Vec<u8>,
        /// Where, if not at the file's own offset.
        at: Option<u64>,
    },
    /// Writes bytes: at the offset of the file, or at this one.
    Write {
        /// What is written.
        bytes: Vec<u8>,
        /// Where, if not at the file's own offset.
        at: Option<u64>,
    },
    /// lseek(2).
    Seek(SeekFrom),
    /// ftruncate(2).
    SetLen(u64),
    /// fsync(2).
    Sync,
    /// fdatasync(2).
    SyncData,
    /// fstat(2).
    Stat,
    /// fchmod(2).
    SetMode(u32),
}

/// How a file is opened: flags of open(2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OpenHow {
    /// It can be read.
    pub read: bool,
    /// It can be written.
    pub write: bool,
    /// Each write goes to its end (`O_APPEND`).
    pub append: bool,
    /// It is emptied (`O_TRUNC`).
    pub truncate: bool,
    /// It is made if it is missing (`O_CREAT`).
    pub create: bool,
    /// It is made, and must have been missing (`O_CREAT | O_EXCL`).
    pub create_new: bool,
    /// The permissions of one that is made, before the system takes its mask off.
    pub mode: u32,
    /// Other flags of the system's.
    pub custom_flags: i32,
}

/// What came of an operation.
#[derive(Debug)]
pub enum FileAnswer {
    /// Nothing is to be said.
    Done,
    /// A file was opened.
    Opened(Io),
    /// Bytes were read.
    Read(Vec<u8>),
    /// So many bytes were written, or so far into the file is its offset now.
    Count(u64),
    /// What a file is.
    Stat(Stat),
    /// What a directory holds.
    Entries(Vec<Entry>),
    /// A path, or the text of a link.
    Path(PathBuf),
}

/// The bits of a mode that are the type of a file; the same on every system.
pub const S_IFMT: u32 = 0o170_000;
/// A directory's type.
pub const S_IFDIR: u32 = 0o040_000;
/// A regular file's type.
pub const S_IFREG: u32 = 0o100_000;
/// A symbolic link's type.
pub const S_IFLNK: u32 = 0o120_000;

/// What stat(2) says of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    /// The number of its device.
    pub device: u64,
    /// Its number on that device.
    pub inode: u64,
    /// Its type and its permissions, as `st_mode` has them.
    pub mode: u32,
    /// How many names it has.
    pub links: u64,
    /// Its length in bytes.
    pub length: u64,
    /// When it was last written.
    pub modified: SystemTime,
}

/// A name in a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The name.
    pub name: OsString,
    /// The number of what it names.
    pub inode: u64,
    /// The type of what it names, as `st_mode` has it, without permissions.
    pub kind: u32,
}
