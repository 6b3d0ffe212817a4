//! [`OpenOptions`]: how a file is opened.

use std::io;
use std::path::Path;

use super::call;
use super::file::File;
use crate::hub::{FileCall, OpenHow};

/// How a file is opened. See [`std::fs::OpenOptions`].
///
/// # Examples
///
/// ```no_run
/// use std::io::Write;
/// use greenroom::fs::OpenOptions;
///
/// let mut log = OpenOptions::new().append(true).create(true).open("/var/log/greenroom")?;
/// log.write_all(b"one more line\n")?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct OpenOptions(pub(crate) OpenHow);

/// What a file may be read and written by, before the system takes its mask off.
const MODE: u32 = 0o666;

impl OpenOptions {
    /// Options of which none is set.
    #[allow(clippy::new_without_default)] // std has none.
    #[must_use]
    pub fn new() -> OpenOptions {
        OpenOptions(OpenHow { mode: MODE, ..OpenHow::default() })
    }
    /// Whether it can be read.
    pub fn read(&mut self, read: bool) -> &mut OpenOptions {
        self.0.read = read;
        self
    }
    /// Whether it can be written. What is there stays where it is not written over.
    pub fn write(&mut self, write: bool) -> &mut OpenOptions {
        self.0.write = write;
        self
    }
    /// Whether each write goes to its end, wherever that is then. Linux appends a
    /// [`write_at`](crate::os::unix::fs::FileExt::write_at) too.
    pub fn append(&mut self, append: bool) -> &mut OpenOptions {
        self.0.append = append;
        self
    }
    /// Whether it is emptied, which needs write access.
    pub fn truncate(&mut self, truncate: bool) -> &mut OpenOptions {
        self.0.truncate = truncate;
        self
    }
    /// Whether it is made if it is missing, which needs write or append access.
    pub fn create(&mut self, create: bool) -> &mut OpenOptions {
        self.0.create = create;
        self
    }
    /// Whether it is made, and must have been missing, even as a symbolic link that leads nowhere.
    pub fn create_new(&mut self, create_new: bool) -> &mut OpenOptions {
        self.0.create_new = create_new;
        self
    }

    /// Opens it.
    ///
    /// # Errors
    ///
    /// The system's, as in std: [`NotFound`](io::ErrorKind::NotFound),
    /// [`AlreadyExists`](io::ErrorKind::AlreadyExists),
    /// [`IsADirectory`](io::ErrorKind::IsADirectory) where a directory is opened for writing,
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) for options that contradict each other; and those of
    /// [any operation](super#errors).
    pub fn open<P: AsRef<Path>>(&self, path: P) -> io::Result<File> {
        let path = call::named(path.as_ref())?;
        self.check()?;
        call::open(FileCall::Open { path, how: self.0 }).map(File)
    }

    /// std's rules, which are not the system's.
    fn check(&self) -> io::Result<()> {
        let OpenHow { read, write, append, truncate, create, create_new, .. } = self.0;
        let refused = match (write, append) {
            (false, false) if truncate || create || create_new => {
                "creating or truncating a file requires write or append access"
            }
            (false, false) if !read => "must specify at least one of read, write, or append access",
            (_, true) if truncate && !create_new => "a file that is appended to is not truncated",
            _ => return Ok(()),
        };
        Err(io::Error::new(io::ErrorKind::InvalidInput, refused))
    }
}
