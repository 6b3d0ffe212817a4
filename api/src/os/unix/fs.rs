//! `std::os::unix::fs` under greenlets: reads and writes at an offset, modes, inodes, symbolic links.

use std::io;
use std::path::Path;

use crate::fs::{self, DirBuilder, DirEntry, File, Metadata, OpenOptions, Permissions};

/// Makes a symbolic link that leads to `original`, which need not be there.
///
/// # Errors
///
/// `AlreadyExists`, `NotFound`, and those of [any operation](crate::fs#errors).
///
/// # Examples
///
/// ```no_run
/// greenroom::os::unix::fs::symlink("releases/7", "/srv/current")?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn symlink<P: AsRef<Path>, Q: AsRef<Path>>(original: P, link: Q) -> io::Result<()> {
    fs::symlink(original.as_ref(), link.as_ref())
}

mod sealed {
    pub trait Sealed {}
}
use sealed::Sealed;

/// What Unix adds to a [`File`]: an offset of the call's own, beside which the file's stays where it is. See
/// std's trait of this name.
///
/// # Examples
///
/// ```no_run
/// use greenroom::fs::File;
/// use greenroom::os::unix::fs::FileExt;
///
/// let file = File::open("/srv/table")?;
/// let mut record = [0; 64];
/// file.read_exact_at(&mut record, 7 * 64)?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub trait FileExt: Sealed {
    /// Reads at an offset (pread(2)); 0 bytes from its end on.
    ///
    /// # Errors
    ///
    /// As a read; `EINVAL` where the system cannot count so far.
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes at an offset (pwrite(2)). Linux appends to a file that was opened to be appended to,
    /// whatever the offset.
    ///
    /// # Errors
    ///
    /// As a write; `EINVAL` where the system cannot count so far.
    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<usize>;

    /// Reads all of it, at an offset.
    ///
    /// # Errors
    ///
    /// As [`read_at`](FileExt::read_at); [`UnexpectedEof`](io::ErrorKind::UnexpectedEof) where the file ends
    /// before.
    fn read_exact_at(&self, mut buf: &mut [u8], mut offset: u64) -> io::Result<()> {
        while !buf.is_empty() {
            match self.read_at(buf, offset) {
                Ok(0) => break,
                Ok(n) => {
                    buf = &mut buf[n..];
                    offset += n as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        match buf.is_empty() {
            true => Ok(()),
            false => {
                Err(io::Error::new(io::ErrorKind::UnexpectedEof, "failed to fill whole buffer"))
            }
        }
    }

    /// Writes all of it, at an offset.
    ///
    /// # Errors
    ///
    /// As [`write_at`](FileExt::write_at); [`WriteZero`](io::ErrorKind::WriteZero) where nothing more goes in.
    fn write_all_at(&self, mut buf: &[u8], mut offset: u64) -> io::Result<()> {
        while !buf.is_empty() {
            match self.write_at(buf, offset) {
                Ok(0) => {
                    let text = "failed to write whole buffer";
                    return Err(io::Error::new(io::ErrorKind::WriteZero, text));
                }
                Ok(n) => {
                    buf = &buf[n..];
                    offset += n as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

impl Sealed for File {}
impl FileExt for File {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.read_into(buf, Some(offset))
    }
    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<usize> {
        self.write_from(buf, Some(offset))
    }
}

/// What Unix adds to [`OpenOptions`]. See std's trait of this name.
///
/// # Examples
///
/// ```no_run
/// use greenroom::fs::OpenOptions;
/// use greenroom::os::unix::fs::OpenOptionsExt;
///
/// let key = OpenOptions::new().write(true).create_new(true).mode(0o600).open("/etc/key")?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub trait OpenOptionsExt: Sealed {
    /// The permissions of a file that is made, before the system takes its mask off: 0o666 unless it is
    /// said.
    fn mode(&mut self, mode: u32) -> &mut Self;
    /// More flags of open(2). A simulated host knows `O_DIRECTORY`, `O_NOFOLLOW`, `O_SYNC`, `O_DSYNC`,
    /// `O_CLOEXEC` and `O_NOATIME`, and refuses others as [`Unsupported`](io::ErrorKind::Unsupported).
    fn custom_flags(&mut self, flags: i32) -> &mut Self;
}

impl Sealed for OpenOptions {}
impl OpenOptionsExt for OpenOptions {
    fn mode(&mut self, mode: u32) -> &mut OpenOptions {
        self.0.mode = mode;
        self
    }
    fn custom_flags(&mut self, flags: i32) -> &mut OpenOptions {
        self.0.custom_flags = flags;
        self
    }
}

/// What Unix adds to a [`DirBuilder`]. See std's trait of this name.
///
/// # Examples
///
/// ```no_run
/// use greenroom::fs::DirBuilder;
/// use greenroom::os::unix::fs::DirBuilderExt;
///
/// DirBuilder::new().mode(0o700).create("/srv/private")?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub trait DirBuilderExt: Sealed {
    /// Its permissions, before the system takes its mask off: 0o777 unless it is said.
    fn mode(&mut self, mode: u32) -> &mut Self;
}

impl Sealed for DirBuilder {}
impl DirBuilderExt for DirBuilder {
    fn mode(&mut self, mode: u32) -> &mut DirBuilder {
        self.mode = mode;
        self
    }
}

/// What Unix adds to [`Permissions`]. See std's trait of this name.
///
/// # Examples
///
/// ```no_run
/// use greenroom::fs::{self, Permissions};
/// use greenroom::os::unix::fs::PermissionsExt;
///
/// fs::set_permissions("/srv/run", Permissions::from_mode(0o755))?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub trait PermissionsExt: Sealed {
    /// The permissions as a number.
    fn mode(&self) -> u32;
    /// Sets them.
    fn set_mode(&mut self, mode: u32);
    /// Those of a number.
    fn from_mode(mode: u32) -> Self;
}

impl Sealed for Permissions {}
impl PermissionsExt for Permissions {
    fn mode(&self) -> u32 {
        self.0
    }
    fn set_mode(&mut self, mode: u32) {
        self.0 = mode;
    }
    fn from_mode(mode: u32) -> Permissions {
        Permissions(mode)
    }
}

/// What Unix adds to [`Metadata`], as far as every hub knows it: users, times and blocks are left out. See
/// std's trait of this name.
///
/// # Examples
///
/// ```no_run
/// use greenroom::fs;
/// use greenroom::os::unix::fs::MetadataExt;
///
/// let (one, other) = (fs::metadata("/srv/one")?, fs::metadata("/srv/other")?);
/// let is_same = (one.dev(), one.ino()) == (other.dev(), other.ino());
/// # Ok::<(), std::io::Error>(())
/// ```
pub trait MetadataExt: Sealed {
    /// The number of its device.
    fn dev(&self) -> u64;
    /// Its number on the device.
    fn ino(&self) -> u64;
    /// Its type and its permissions.
    fn mode(&self) -> u32;
    /// How many names it has.
    fn nlink(&self) -> u64;
    /// Its length in bytes.
    fn size(&self) -> u64;
}

impl Sealed for Metadata {}
impl MetadataExt for Metadata {
    fn dev(&self) -> u64 {
        self.0.device
    }
    fn ino(&self) -> u64 {
        self.0.inode
    }
    fn mode(&self) -> u32 {
        self.0.mode
    }
    fn nlink(&self) -> u64 {
        self.0.links
    }
    fn size(&self) -> u64 {
        self.0.length
    }
}

/// What Unix adds to a [`DirEntry`]. See std's trait of this name.
///
/// # Examples
///
/// ```no_run
/// use greenroom::os::unix::fs::DirEntryExt;
///
/// for entry in greenroom::fs::read_dir("/srv")? {
///     println!("{}", entry?.ino());
/// }
/// # Ok::<(), std::io::Error>(())
/// ```
pub trait DirEntryExt: Sealed {
    /// The number of what it names.
    fn ino(&self) -> u64;
}

impl Sealed for DirEntry {}
impl DirEntryExt for DirEntry {
    fn ino(&self) -> u64 {
        self.entry.inode
    }
}
