//! `std::fs` under greenlets: files and directories, with std's names, signatures and errors.
//!
//! Over the operating system these are its files; a simulated host has a disk of its own, which stays when
//! its program ends and loses what was not synced when its power fails.
//!
//! # Operations
//!
//! Every call is an operation that others do not wait for: over the operating system on a thread of the
//! [blocking pool](crate::thread::spawn_blocking), in a simulation after a time that the seed chooses. The
//! greenlet waits as it does for a socket. One that is killed meanwhile, or runs out of
//! [time](crate::time::timeout), does not wait for the end, and the operation **may happen all the same**,
//! then or later: what was to be written may be, and what was read is gone and the offset behind it. A
//! call in a destructor that a kill runs is begun and not waited for.
//!
//! Operations of one greenlet happen in its order; those of several on one file in any.
//!
//! # Errors
//!
//! The system's, with its number, as in std; beside them [`NotConnected`](io::ErrorKind::NotConnected)
//! outside any hub, [`Unsupported`](io::ErrorKind::Unsupported) on a hub without files,
//! [`InvalidInput`](io::ErrorKind::InvalidInput) for a name with a zero byte in it, `TimedOut` in a timeout
//! that is over, and `EBADF` of a file that was closed.
//!
//! # What std has beside
//!
//! - `File::lock` and its kin: a lock is waited for without a limit, and would hold a thread of the pool for
//!   as long. `File::set_times`, `Metadata::accessed` and `created`: nothing in a simulation depends on
//!   times but [`modified`](Metadata::modified).
//! - `AsFd`, `From<OwnedFd>` and the like: not every hub has descriptors.
//! - `Read` and `Write` of `Arc<File>`: only std may say so of its `Arc`. `&File` has both.
//! - `soft_link`: deprecated; [`os::unix::fs::symlink`](crate::os::unix::fs::symlink) is it.

mod call;
mod dir;
mod file;
mod metadata;
mod open;

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use crate::hub::FileCall;

pub use dir::{DirBuilder, DirEntry, ReadDir, read_dir};
pub use file::File;
pub use metadata::{FileType, Metadata, Permissions};
pub use open::OpenOptions;

/// All bytes of a file.
///
/// # Errors
///
/// As [`File::open`] and its reads.
///
/// # Examples
///
/// ```no_run
/// let hosts = greenroom::fs::read("/etc/hosts")?;
/// assert!(!hosts.is_empty());
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn read<P: AsRef<Path>>(path: P) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let mut all = Vec::new();
    file.read_to_end(&mut all)?;
    Ok(all)
}

/// The text of a file.
///
/// # Errors
///
/// As [`read`]; [`InvalidData`](io::ErrorKind::InvalidData) where it is not UTF-8.
///
/// # Examples
///
/// ```no_run
/// assert!(greenroom::fs::read_to_string("/etc/hosts")?.contains("localhost"));
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn read_to_string<P: AsRef<Path>>(path: P) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.read_to_string(&mut text)?;
    Ok(text)
}

/// Makes a file of these bytes, or has it hold nothing else. It is not synced.
///
/// # Errors
///
/// As [`File::create`] and its writes.
///
/// # Examples
///
/// ```no_run
/// greenroom::fs::write("/tmp/greeting", "hello")?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn write<P: AsRef<Path>, C: AsRef<[u8]>>(path: P, contents: C) -> io::Result<()> {
    File::create(path)?.write_all(contents.as_ref())
}

/// Copies a file's bytes and permissions over another, which is made if it is missing; returns how many
/// bytes. It is not synced.
///
/// # Errors
///
/// As [`File::open`], [`File::create`], reads and writes; [`InvalidInput`](io::ErrorKind::InvalidInput)
/// where `from` is no regular file.
///
/// # Examples
///
/// ```no_run
/// greenroom::fs::copy("/etc/hosts", "/tmp/hosts")?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn copy<P: AsRef<Path>, Q: AsRef<Path>>(from: P, to: Q) -> io::Result<u64> {
    let mut source = File::open(from)?;
    let found = source.metadata()?;
    if !found.is_file() {
        let text = "the source path is neither a regular file nor a symlink to a regular file";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    }
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    options.0.mode = found.permissions().0;
    let mut copy = options.open(to)?;
    // What there was has other permissions.
    if copy.metadata()?.is_file() {
        copy.set_permissions(found.permissions())?;
    }
    io::copy(&mut source, &mut copy)
}

/// What a file is; symbolic links are followed.
///
/// # Errors
///
/// `NotFound`, `NotADirectory`, and those of [any operation](self#errors).
///
/// # Examples
///
/// ```no_run
/// assert!(greenroom::fs::metadata("/etc")?.is_dir());
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn metadata<P: AsRef<Path>>(path: P) -> io::Result<Metadata> {
    let path = call::named(path.as_ref())?;
    call::stat("stat", FileCall::Stat { path, follow: true }).map(Metadata)
}

/// What a file is; a last symbolic link is not followed.
///
/// # Errors
///
/// As [`metadata`].
///
/// # Examples
///
/// ```no_run
/// assert!(greenroom::fs::symlink_metadata("/bin")?.is_symlink());
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn symlink_metadata<P: AsRef<Path>>(path: P) -> io::Result<Metadata> {
    let path = call::named(path.as_ref())?;
    call::stat("lstat", FileCall::Stat { path, follow: false }).map(Metadata)
}

/// Whether there is such a file; a symbolic link that leads nowhere is none.
///
/// # Errors
///
/// As [`metadata`], but for `NotFound`.
///
/// # Examples
///
/// ```no_run
/// assert!(greenroom::fs::exists("/etc/hosts")?);
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn exists<P: AsRef<Path>>(path: P) -> io::Result<bool> {
    match metadata(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Gives a file another name. What had that name before loses it, in one step: whoever looks, also after
/// a power cut, finds one or the other. It is durable once the directories are synced.
///
/// # Errors
///
/// `NotFound`; `EISDIR`, `ENOTDIR` and `ENOTEMPTY` where one is a directory; `EINVAL` into itself.
///
/// # Examples
///
/// ```no_run
/// greenroom::fs::rename("/tmp/new", "/tmp/current")?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn rename<P: AsRef<Path>, Q: AsRef<Path>>(from: P, to: Q) -> io::Result<()> {
    let (from, to) = (call::named(from.as_ref())?, call::named(to.as_ref())?);
    call::done("rename", FileCall::Rename(from, to))
}

/// Gives a file one more name.
///
/// # Errors
///
/// `NotFound`, `AlreadyExists`, `EPERM` of a directory.
///
/// # Examples
///
/// ```no_run
/// greenroom::fs::hard_link("/tmp/one", "/tmp/other")?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn hard_link<P: AsRef<Path>, Q: AsRef<Path>>(original: P, link: Q) -> io::Result<()> {
    let (original, link) = (call::named(original.as_ref())?, call::named(link.as_ref())?);
    call::done("link", FileCall::Link(original, link))
}

/// Where a symbolic link leads.
///
/// # Errors
///
/// `NotFound`; `EINVAL` of what is no symbolic link.
///
/// # Examples
///
/// ```no_run
/// println!("{}", greenroom::fs::read_link("/bin")?.display());
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn read_link<P: AsRef<Path>>(path: P) -> io::Result<PathBuf> {
    call::path("read link", FileCall::ReadLink(call::named(path.as_ref())?))
}

/// The path of a file from the root, without symbolic links, `.` or `..`.
///
/// # Errors
///
/// As [`metadata`].
///
/// # Examples
///
/// ```no_run
/// assert!(greenroom::fs::canonicalize(".")?.is_absolute());
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn canonicalize<P: AsRef<Path>>(path: P) -> io::Result<PathBuf> {
    call::path("real path", FileCall::Canonicalize(call::named(path.as_ref())?))
}

/// Takes a name away from a file. It is gone once it has none and nobody has it open.
///
/// # Errors
///
/// `NotFound`; `IsADirectory`.
///
/// # Examples
///
/// ```no_run
/// greenroom::fs::remove_file("/tmp/old")?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn remove_file<P: AsRef<Path>>(path: P) -> io::Result<()> {
    call::done("unlink", FileCall::Unlink(call::named(path.as_ref())?))
}

/// Makes a directory.
///
/// # Errors
///
/// As [`DirBuilder::create`].
///
/// # Examples
///
/// ```no_run
/// greenroom::fs::create_dir("/tmp/new")?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn create_dir<P: AsRef<Path>>(path: P) -> io::Result<()> {
    DirBuilder::new().create(path)
}

/// Makes a directory and its parents, as far as they are missing.
///
/// # Errors
///
/// As [`DirBuilder::create`].
///
/// # Examples
///
/// ```no_run
/// greenroom::fs::create_dir_all("/tmp/one/in/another")?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn create_dir_all<P: AsRef<Path>>(path: P) -> io::Result<()> {
    DirBuilder::new().recursive(true).create(path)
}

/// Removes an empty directory.
///
/// # Errors
///
/// `NotFound`, `NotADirectory`, `DirectoryNotEmpty`.
///
/// # Examples
///
/// ```no_run
/// greenroom::fs::remove_dir("/tmp/new")?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn remove_dir<P: AsRef<Path>>(path: P) -> io::Result<()> {
    call::done("remove directory", FileCall::RemoveDir(call::named(path.as_ref())?))
}

/// Removes a directory with all that is in it. Symbolic links are removed, and nothing behind them is.
///
/// # Errors
///
/// As [`remove_dir`] and [`remove_file`]; what was removed by then stays removed.
///
/// # Examples
///
/// ```no_run
/// greenroom::fs::remove_dir_all("/tmp/one")?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn remove_dir_all<P: AsRef<Path>>(path: P) -> io::Result<()> {
    call::done("remove tree", FileCall::RemoveTree(call::named(path.as_ref())?))
}

/// Sets who may read, write and run a file.
///
/// # Errors
///
/// `NotFound`; `EPERM` of another user's file.
///
/// # Examples
///
/// ```no_run
/// let hosts = greenroom::fs::metadata("/etc/hosts")?;
/// greenroom::fs::set_permissions("/tmp/hosts", hosts.permissions())?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn set_permissions<P: AsRef<Path>>(path: P, perm: Permissions) -> io::Result<()> {
    call::done("set permissions", FileCall::SetMode(call::named(path.as_ref())?, perm.0))
}

/// For `os::unix::fs::symlink`.
pub(crate) fn symlink(original: &Path, link: &Path) -> io::Result<()> {
    let (original, link) = (call::named(original)?, call::named(link)?);
    call::done("symlink", FileCall::Symlink(original, link))
}
