//! What a scene needs and neither world has: a folder for paths, a listener that is full, and the
//! words in which an outcome is told.

use std::fmt::Debug;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// A folder of its own for a scene's paths, gone with it.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Folder {
        static MADE: AtomicU32 = AtomicU32::new(0);
        loop {
            let number = MADE.fetch_add(1, Ordering::Relaxed);
            let path = std::env::temp_dir().join(format!("parity-{}-{number}", std::process::id()));
            match std::fs::create_dir(&path) {
                Ok(()) => return Folder(path),
                // A run that was killed left it behind; numbers of processes come again.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => panic!("{}: {error}", path.display()),
            }
        }
    }
    pub fn path(&self) -> &Path {
        &self.0
    }
    pub fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A listener whose queue is full: connecting to it takes for ever.
pub struct Full {
    pub address: SocketAddr,
    _held: (socket2::Socket, std::net::TcpStream),
}

impl Full {
    pub fn new() -> Full {
        let listener = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None);
        let listener = listener.expect("a socket");
        listener.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).expect("a free port");
        listener.listen(0).expect("it listens");
        let address = listener.local_addr().expect("bound").as_socket().expect("of the internet");
        let in_line = std::net::TcpStream::connect(address).expect("the one that fits");
        Full { address, _held: (listener, in_line) }
    }
}

/// How a call ended: its value; or the kind of its error, the number, and the text if there is none.
pub fn said<T: Debug>(result: io::Result<T>) -> String {
    match result {
        Ok(value) => format!("{value:?}"),
        Err(error) => match error.raw_os_error() {
            Some(number) => format!("{:?} {number}", error.kind()),
            None => format!("{:?} {error}", error.kind()),
        },
    }
}

/// What `Debug` shows, without the numbers that no two runs share: std's of the descriptor, ours of
/// the hub's table.
pub fn shown(value: impl Debug, names: &[(&str, &str)]) -> String {
    let mut text = format!("{value:?}");
    for (long, short) in names {
        text = text.replace(long, short);
    }
    for (before, after) in [("fd: FileDesc(OwnedFd { fd: ", " })"), ("fd: ", ""), ("io: Io(", ")")]
    {
        while let Some((start, rest)) = text.split_once(before) {
            let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
            let rest = rest.strip_prefix(after).expect("a number and its end");
            text = format!("{start}(number){rest}");
        }
    }
    text
}

/// The outcomes of a scene, in order.
#[derive(Default)]
pub struct Seen(Vec<String>);

impl Seen {
    pub fn note(&mut self, what: impl Into<String>) {
        self.0.push(what.into());
    }
    /// Takes down how a call ended.
    pub fn says<T: Debug>(&mut self, result: io::Result<T>) {
        self.note(said(result));
    }
    pub fn all(self) -> String {
        self.0.join("; ")
    }
}
