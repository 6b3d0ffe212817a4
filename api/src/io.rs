//! `std::io::pipe` under greenlets. Everything else of `std::io` works with our handles as it is.

use std::fmt;
use std::fs::OpenOptions;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::process::Stdio;

use crate::call::Descriptor;
use crate::net::handle::{handle, reads, writes};

/// Makes a pipe: what is written to one end is read from the other. See [`std::io::pipe`].
///
/// # Errors
///
/// `EMFILE` where descriptors are out; [`Unsupported`](io::ErrorKind::Unsupported) on a hub without
/// pipes; [`NotConnected`](io::ErrorKind::NotConnected) outside any hub.
///
/// # Examples
///
/// ```no_run
/// # fn main() -> std::io::Result<()> {
/// use std::io::{Read, Write};
///
/// let (mut reader, mut writer) = greenroom::io::pipe()?;
/// let reading = greenroom::thread::spawn(move || {
///     let mut all = String::new();
///     reader.read_to_string(&mut all).map(|_| all)
/// });
/// writer.write_all(b"through the wall")?;
/// drop(writer);
/// assert_eq!(reading.join().unwrap()?, "through the wall");
/// # Ok(()) }
/// ```
pub fn pipe() -> io::Result<(PipeReader, PipeWriter)> {
    let (reader, writer) = Descriptor::pipe()?;
    Ok((PipeReader(reader), PipeWriter(writer)))
}

/// The end of a pipe that is read from. See [`std::io::PipeReader`].
///
/// A read waits until there is a byte; it returns 0 once every writer is gone.
pub struct PipeReader(pub(crate) Descriptor);

handle!(PipeReader);
reads!(PipeReader, &PipeReader);

/// For a child process to read from. It is a descriptor of its own, which waits where it reads: that
/// the hub's does not is no affair of the child's. The end is used up, other clones of it are not.
///
/// # Errors
///
/// [`Unsupported`](io::ErrorKind::Unsupported) on a hub that is not the operating system, `EBADF`
/// once closed, `EMFILE` where descriptors are out.
impl TryFrom<PipeReader> for Stdio {
    type Error = io::Error;
    fn try_from(reader: PipeReader) -> io::Result<Stdio> {
        reopen(&reader.try_to_owned_fd()?, OpenOptions::new().read(true))
    }
}

/// The end of a pipe that is written to. See [`std::io::PipeWriter`].
///
/// A write waits while the pipe is full; it returns [`BrokenPipe`](io::ErrorKind::BrokenPipe) once
/// every reader is gone.
pub struct PipeWriter(pub(crate) Descriptor);

handle!(PipeWriter);
writes!(PipeWriter, &PipeWriter);

/// For a child process to write to, as with [`PipeReader`].
///
/// # Errors
///
/// Those of a [`PipeReader`].
impl TryFrom<PipeWriter> for Stdio {
    type Error = io::Error;
    fn try_from(writer: PipeWriter) -> io::Result<Stdio> {
        reopen(&writer.try_to_owned_fd()?, OpenOptions::new().write(true))
    }
}

/// Opens a pipe again. Copies of a descriptor share whether calls wait, and the hub's must not.
fn reopen(pipe: &OwnedFd, how: &OpenOptions) -> io::Result<Stdio> {
    Ok(how.open(format!("/proc/self/fd/{}", pipe.as_raw_fd()))?.into())
}

impl fmt::Debug for PipeReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.show_number("PipeReader", f)
    }
}

impl fmt::Debug for PipeWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.show_number("PipeWriter", f)
    }
}
