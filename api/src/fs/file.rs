//! [`File`]: an open file.

use std::fmt;
use std::io::{self, IoSlice, IoSliceMut, Read, Seek, SeekFrom, Write};
use std::path::Path;

use super::call;
use super::metadata::{Metadata, Permissions};
use super::open::OpenOptions;
use crate::call::Descriptor;
use crate::hub::{FileAnswer, FileCall, OnFile, gather, scatter};

/// The most that one operation moves: it owns its bytes, and a helper thread that is busy with them is
/// nobody else's.
const MOST: usize = 2 << 20;

/// An open file, or a directory that is open to be read. See [`std::fs::File`].
///
/// Each call is an [operation of its own](super#operations). Two handles of [`try_clone`](File::try_clone)
/// share one offset. A file that lost its last name while it is open lives on. A directory can be opened
/// to be synced: that is how its names are made durable.
///
/// # Examples
///
/// ```no_run
/// use std::io::Write;
/// use greenroom::fs::{self, File};
///
/// // All of the new text or all of the old, whenever the power fails.
/// let mut file = File::create("/etc/motd.new")?;
/// file.write_all(b"mind the gap\n")?;
/// file.sync_all()?;
/// fs::rename("/etc/motd.new", "/etc/motd")?;
/// File::open("/etc")?.sync_all()?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct File(pub(crate) Descriptor);

impl File {
    /// Opens a file, or a directory, to be read.
    ///
    /// # Errors
    ///
    /// As [`OpenOptions::open`].
    pub fn open<P: AsRef<Path>>(path: P) -> io::Result<File> {
        OpenOptions::new().read(true).open(path)
    }

    /// Opens a file to be written, and empties it; one that is missing is made.
    ///
    /// # Errors
    ///
    /// As [`OpenOptions::open`].
    pub fn create<P: AsRef<Path>>(path: P) -> io::Result<File> {
        OpenOptions::new().write(true).create(true).truncate(true).open(path)
    }

    /// Makes a file, which must be missing, to be read and written.
    ///
    /// # Errors
    ///
    /// As [`OpenOptions::open`].
    pub fn create_new<P: AsRef<Path>>(path: P) -> io::Result<File> {
        OpenOptions::new().read(true).write(true).create_new(true).open(path)
    }

    /// The same as [`OpenOptions::new`].
    #[must_use]
    pub fn options() -> OpenOptions {
        OpenOptions::new()
    }

    /// Makes durable what was written, and all that is known of the file (fsync(2)). Its *name* is its
    /// directory's affair, which is synced by itself.
    ///
    /// # Errors
    ///
    /// `EIO` where something that was written could not be: once for each handle that was open then. What
    /// was not written stays readable and is never tried again, so a second call that succeeds says
    /// nothing of it.
    pub fn sync_all(&self) -> io::Result<()> {
        self.done("sync", OnFile::Sync)
    }

    /// As [`sync_all`](File::sync_all), without what a reader of the data does not need (fdatasync(2)):
    /// permissions and times.
    ///
    /// # Errors
    ///
    /// Those of [`sync_all`](File::sync_all).
    pub fn sync_data(&self) -> io::Result<()> {
        self.done("sync data", OnFile::SyncData)
    }

    /// Cuts the file, or has it grow by zeros. Offsets stay where they are.
    ///
    /// # Errors
    ///
    /// `EINVAL` of a handle that cannot write, `EFBIG` of more than a file may hold.
    pub fn set_len(&self, size: u64) -> io::Result<()> {
        // std's: what the system cannot count it cannot be told.
        if i64::try_from(size).is_err() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "the size does not fit the system's",
            ));
        }
        self.done("set length", OnFile::SetLen(size))
    }

    /// What the file is.
    ///
    /// # Errors
    ///
    /// Those of [any operation](super#errors).
    pub fn metadata(&self) -> io::Result<Metadata> {
        call::stat("stat", self.call(OnFile::Stat)?).map(Metadata)
    }

    /// A second handle of the same open file: they share its offset.
    ///
    /// # Errors
    ///
    /// `EMFILE` where descriptors are out.
    pub fn try_clone(&self) -> io::Result<File> {
        self.0.dup().map(File)
    }

    /// Sets who may read, write and run it.
    ///
    /// # Errors
    ///
    /// `EPERM` of another user's file.
    pub fn set_permissions(&self, perm: Permissions) -> io::Result<()> {
        self.done("set permissions", OnFile::SetMode(perm.0))
    }

    /// Closes this handle now: every later call on it returns `EBADF`. An operation that is under way goes
    /// on. It never switches; closing twice is nothing. Not in std, where only a drop closes.
    pub fn close(&self) {
        self.0.close();
    }

    // Operations, which `FileExt` has too.

    pub(crate) fn read_into(&self, buf: &mut [u8], at: Option<u64>) -> io::Result<usize> {
        let buffer = vec![0; buf.len().min(MOST)];
        match call::perform("read", self.call(OnFile::Read { buffer, at })?)? {
            FileAnswer::Read(read) => {
                buf[..read.len()].copy_from_slice(&read);
                Ok(read.len())
            }
            _ => Err(call::unexpected()),
        }
    }

    pub(crate) fn write_from(&self, bytes: &[u8], at: Option<u64>) -> io::Result<usize> {
        let bytes = bytes[..bytes.len().min(MOST)].to_vec();
        let written = call::count("write", self.call(OnFile::Write { bytes, at })?)?;
        Ok(written as usize)
    }

    fn done(&self, op: &'static str, what: OnFile) -> io::Result<()> {
        call::done(op, self.call(what)?)
    }

    fn call(&self, what: OnFile) -> io::Result<FileCall> {
        self.0.with(|_, file| Ok(FileCall::On { file, what }))
    }

    fn read_all(&self, all: &mut Vec<u8>) -> io::Result<usize> {
        /// A read of a file costs the same up to here, by and large.
        const CHUNK: usize = 64 << 10;
        let before = all.len();
        loop {
            let room = CHUNK.max(all.capacity() - all.len()).min(MOST);
            let buffer = vec![0; room];
            match call::perform("read", self.call(OnFile::Read { buffer, at: None })?) {
                Ok(FileAnswer::Read(read)) if read.is_empty() => return Ok(all.len() - before),
                Ok(FileAnswer::Read(read)) => all.extend_from_slice(&read),
                Ok(_) => return Err(call::unexpected()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

impl Read for &File {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.read_into(buf, None)
    }
    fn read_vectored(&mut self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        let length: usize = bufs.iter().map(|buf| buf.len()).sum();
        let mut gathered = vec![0; length.min(MOST)];
        let read = self.read_into(&mut gathered, None)?;
        scatter(&gathered[..read], bufs);
        Ok(read)
    }
    fn read_to_end(&mut self, all: &mut Vec<u8>) -> io::Result<usize> {
        self.read_all(all)
    }
}

impl Write for &File {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.write_from(buf, None)
    }
    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        self.write_from(&gather(bufs), None)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for &File {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        call::count("seek", self.call(OnFile::Seek(to))?)
    }
}

impl Read for File {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        (&*self).read(buf)
    }
    fn read_vectored(&mut self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        (&*self).read_vectored(bufs)
    }
    fn read_to_end(&mut self, all: &mut Vec<u8>) -> io::Result<usize> {
        self.read_all(all)
    }
}

impl Write for File {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        (&*self).write(buf)
    }
    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        (&*self).write_vectored(bufs)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for File {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        (&*self).seek(to)
    }
}

impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.show_number("File", f)
    }
}
