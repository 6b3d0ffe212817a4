//! Directories: what is in one, and how one is made.

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::iter::FusedIterator;
use std::path::{Path, PathBuf};
use std::vec;

use super::call;
use super::metadata::{FileType, Metadata};
use super::symlink_metadata;
use crate::hub::{Entry, FileAnswer, FileCall};

/// What is in a directory, name by name; `.` and `..` are left out.
///
/// All names are read at once, so that what is made or removed meanwhile changes nothing: std leaves open
/// whether it does. They come in no order that a program could rely on.
///
/// # Errors
///
/// `NotFound`, `NotADirectory`, and those of [any operation](super#errors).
///
/// # Examples
///
/// ```no_run
/// for entry in greenroom::fs::read_dir("/etc")? {
///     println!("{}", entry?.path().display());
/// }
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn read_dir<P: AsRef<Path>>(path: P) -> io::Result<ReadDir> {
    let root = path.as_ref().to_owned();
    match call::perform("read directory", FileCall::ReadDir(call::named(&root)?))? {
        FileAnswer::Entries(entries) => Ok(ReadDir { root, entries: entries.into_iter() }),
        _ => Err(call::unexpected()),
    }
}

/// The names of a directory. See [`std::fs::ReadDir`] and [`read_dir`].
pub struct ReadDir {
    root: PathBuf,
    entries: vec::IntoIter<Entry>,
}

impl Iterator for ReadDir {
    type Item = io::Result<DirEntry>;
    fn next(&mut self) -> Option<io::Result<DirEntry>> {
        let entry = self.entries.next()?;
        Some(Ok(DirEntry { root: self.root.clone(), entry }))
    }
}

impl FusedIterator for ReadDir {}

impl fmt::Debug for ReadDir {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ReadDir").field(&self.root).finish()
    }
}

/// A name in a directory. See [`std::fs::DirEntry`].
pub struct DirEntry {
    root: PathBuf,
    pub(crate) entry: Entry,
}

impl DirEntry {
    /// The directory's path, as it was given, and the name.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.root.join(&self.entry.name)
    }
    /// The name.
    #[must_use]
    pub fn file_name(&self) -> OsString {
        self.entry.name.clone()
    }
    /// What it names; a symbolic link is not followed.
    ///
    /// # Errors
    ///
    /// As [`symlink_metadata`].
    pub fn metadata(&self) -> io::Result<Metadata> {
        symlink_metadata(self.path())
    }
    /// The type of what it names; a symbolic link is not followed.
    ///
    /// # Errors
    ///
    /// Those of [`symlink_metadata`], which is asked where the directory does not say.
    pub fn file_type(&self) -> io::Result<FileType> {
        match self.entry.kind {
            0 => Ok(self.metadata()?.file_type()),
            kind => Ok(FileType(kind)),
        }
    }
}

impl fmt::Debug for DirEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DirEntry").field(&self.path()).finish()
    }
}

/// How a directory is made. See [`std::fs::DirBuilder`].
///
/// # Examples
///
/// ```no_run
/// greenroom::fs::DirBuilder::new().recursive(true).create("/srv/data/new")?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct DirBuilder {
    pub(crate) mode: u32,
    recursive: bool,
}

impl DirBuilder {
    /// One directory, whose parent is there, and everybody's as far as the system's mask goes.
    #[allow(clippy::new_without_default)] // std has none.
    #[must_use]
    pub fn new() -> DirBuilder {
        DirBuilder { mode: 0o777, recursive: false }
    }
    /// Whether parents that are missing are made, and one that is there already is no error.
    pub fn recursive(&mut self, recursive: bool) -> &mut DirBuilder {
        self.recursive = recursive;
        self
    }
    /// Makes it.
    ///
    /// # Errors
    ///
    /// `AlreadyExists`, `NotFound`, `NotADirectory`, and those of [any operation](super#errors).
    pub fn create<P: AsRef<Path>>(&self, path: P) -> io::Result<()> {
        if self.recursive { self.create_all(path.as_ref()) } else { self.create_one(path.as_ref()) }
    }

    fn create_one(&self, path: &Path) -> io::Result<()> {
        let path = call::named(path)?;
        call::done("make directory", FileCall::CreateDir { path, mode: self.mode })
    }

    /// Goes up to what is there, then down again. Others may make directories meanwhile.
    fn create_all(&self, path: &Path) -> io::Result<()> {
        if path == Path::new("") {
            return Ok(());
        }
        let mut missing = Vec::new();
        for above in path.ancestors() {
            if above == Path::new("") {
                break;
            }
            match self.create_one(above) {
                Ok(()) => break,
                Err(error) if error.kind() == io::ErrorKind::NotFound => missing.push(above),
                Err(_) if is_dir(above) => break,
                Err(error) => return Err(error),
            }
        }
        for below in missing.into_iter().rev() {
            match self.create_one(below) {
                Ok(()) => {}
                Err(_) if is_dir(below) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

fn is_dir(path: &Path) -> bool {
    super::metadata(path).is_ok_and(|found| found.is_dir())
}
