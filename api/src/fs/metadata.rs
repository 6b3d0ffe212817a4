//! What a file is: [`Metadata`], [`FileType`], [`Permissions`].

use std::fmt;
use std::io;

use crate::hub::{S_IFDIR, S_IFLNK, S_IFMT, S_IFREG, Stat};
use crate::time::SystemTime;

/// What a file is. See [`std::fs::Metadata`].
///
/// # Examples
///
/// ```no_run
/// let hosts = greenroom::fs::metadata("/etc/hosts")?;
/// assert!(hosts.is_file() && hosts.len() > 0);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct Metadata(pub(crate) Stat);

impl Metadata {
    /// Its type.
    #[must_use]
    pub fn file_type(&self) -> FileType {
        FileType(self.0.mode & S_IFMT)
    }
    /// Whether it is a directory.
    #[must_use]
    pub fn is_dir(&self) -> bool {
        self.file_type().is_dir()
    }
    /// Whether it is a regular file.
    #[must_use]
    pub fn is_file(&self) -> bool {
        self.file_type().is_file()
    }
    /// Whether it is a symbolic link, as only [`symlink_metadata`](super::symlink_metadata) tells.
    #[must_use]
    pub fn is_symlink(&self) -> bool {
        self.file_type().is_symlink()
    }
    /// Its length in bytes.
    #[must_use]
    #[allow(clippy::len_without_is_empty)] // std has none.
    pub fn len(&self) -> u64 {
        self.0.length
    }
    /// Who may read, write and run it.
    #[must_use]
    pub fn permissions(&self) -> Permissions {
        Permissions(self.0.mode & !S_IFMT)
    }
    /// When it was last written, on the clock of the host that wrote.
    ///
    /// # Errors
    ///
    /// None on Unix.
    pub fn modified(&self) -> io::Result<SystemTime> {
        Ok(self.0.modified)
    }
}

impl fmt::Debug for Metadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metadata")
            .field("file_type", &self.file_type())
            .field("permissions", &self.permissions())
            .field("len", &self.len())
            .field("modified", &self.0.modified)
            .finish_non_exhaustive()
    }
}

/// A type of file. See [`std::fs::FileType`].
///
/// # Examples
///
/// ```no_run
/// assert!(greenroom::fs::metadata("/")?.file_type().is_dir());
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct FileType(pub(crate) u32);

impl FileType {
    /// Whether it is that of directories.
    #[must_use]
    pub fn is_dir(&self) -> bool {
        self.0 == S_IFDIR
    }
    /// Whether it is that of regular files.
    #[must_use]
    pub fn is_file(&self) -> bool {
        self.0 == S_IFREG
    }
    /// Whether it is that of symbolic links.
    #[must_use]
    pub fn is_symlink(&self) -> bool {
        self.0 == S_IFLNK
    }
}

impl fmt::Debug for FileType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileType")
            .field("is_file", &self.is_file())
            .field("is_dir", &self.is_dir())
            .field("is_symlink", &self.is_symlink())
            .finish_non_exhaustive()
    }
}

/// Who may read, write and run a file. See [`std::fs::Permissions`]; numbers are
/// [`PermissionsExt`](crate::os::unix::fs::PermissionsExt)'s.
///
/// # Examples
///
/// ```no_run
/// let mut permissions = greenroom::fs::metadata("/etc/motd")?.permissions();
/// permissions.set_readonly(true);
/// greenroom::fs::set_permissions("/etc/motd", permissions)?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Permissions(pub(crate) u32);

impl Permissions {
    /// Whether nobody may write it.
    #[must_use]
    pub fn readonly(&self) -> bool {
        self.0 & 0o222 == 0
    }
    /// Has nobody write it, or everybody. Files do not change before they are given it.
    pub fn set_readonly(&mut self, readonly: bool) {
        match readonly {
            true => self.0 &= !0o222,
            false => self.0 |= 0o222,
        }
    }
}

impl fmt::Debug for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Permissions({:#o})", self.0)
    }
}
