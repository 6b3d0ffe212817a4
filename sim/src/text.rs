//! Text from outside: files that a command line or a variable names are read to a limit, whatever they turn out
//! to be, and control characters are shown, not obeyed.

use std::fmt::Write;
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};

/// Reads a text of so many bytes at most. A file may be a pipe, as of a shell's `<(…)`; one that nobody writes
/// to is as good as empty, and is not waited for.
///
/// # Errors
///
/// As open(2) and read(2) have it; `FileTooLarge` over the limit; `InvalidData` where it is no UTF-8, or
/// empty.
pub fn read_text(path: &str, limit_bytes: u64) -> io::Result<String> {
    let mut options = OpenOptions::new();
    let file = options.read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path)?;
    let mut first = [0; 4096];
    let begun = match (&file).read(&mut first) {
        Ok(0) => {
            return Err(invalid("it is empty, or a pipe that nobody writes to".to_owned()));
        }
        Ok(count) => count,
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
        Err(error) => return Err(error),
    };
    // Whoever writes to a pipe may take time.
    fcntl_setfl(&file, fcntl_getfl(&file)? - OFlags::NONBLOCK)?;
    rest(&file, first[..begun].to_vec(), limit_bytes)
}

fn rest(file: &File, begun: Vec<u8>, limit_bytes: u64) -> io::Result<String> {
    let mut bytes = begun;
    let left = (limit_bytes + 1).saturating_sub(bytes.len() as u64);
    file.take(left).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit_bytes {
        let what = format!("over {limit_bytes} bytes, which is the most that is read of it");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, what));
    }
    String::from_utf8(bytes).map_err(|_| invalid("it is not UTF-8".to_owned()))
}

/// A text with its control characters escaped, so that it is one line, and a terminal shows it.
pub fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() {
            let _ = write!(shown, "{}", c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown
}

fn invalid(what: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_never_ends_or_never_begins_is_an_error() {
        let kind = |path| read_text(path, 1 << 16).unwrap_err().kind();
        assert_eq!(kind("/dev/zero"), io::ErrorKind::FileTooLarge);
        assert_eq!(kind("/dev/null"), io::ErrorKind::InvalidData);
        assert_eq!(kind("/"), io::ErrorKind::IsADirectory);
        let fifo = format!("{}/fifo-{}", std::env::temp_dir().display(), std::process::id());
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, mode, 0)
            .expect("a fifo can be made");
        assert_eq!(kind(&fifo), io::ErrorKind::InvalidData);
        std::fs::remove_file(&fifo).expect("it was made");
    }

    #[test]
    fn a_text_at_the_limit_is_read_and_one_over_it_is_not() {
        let path = format!("{}/text-{}", std::env::temp_dir().display(), std::process::id());
        std::fs::write(&path, "x".repeat(5000)).expect("a file can be made");
        assert_eq!(read_text(&path, 5000).expect("it fits").len(), 5000);
        assert_eq!(read_text(&path, 4999).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
        std::fs::remove_file(&path).expect("it was made");
    }

    /// As `--weather <(…)`.
    #[test]
    fn a_pipe_is_read_to_its_end() {
        let (reader, mut writer) = io::pipe().expect("a pipe");
        let path = format!("/dev/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&reader));
        let writes = std::thread::spawn(move || io::Write::write_all(&mut writer, b"text"));
        assert_eq!(read_text(&path, 100).expect("it is text"), "text");
        writes.join().expect("no panic").expect("it was read");
    }
}
