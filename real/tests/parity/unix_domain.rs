//! Streams, listeners and datagrams of the Unix domain.

use std::io::{Read, Write};
use std::os::linux::net::SocketAddrExt;
use std::path::Path;
use std::time::Duration;

use super::net::Shutdown;
use super::stage::{Folder, Seen, said, shown};
use super::thread;
use super::unix::{SocketAddr, UnixDatagram, UnixListener, UnixStream};

const SOON: Duration = Duration::from_millis(20);

/// An address, its path shortened to the file's name.
fn named(address: std::io::Result<SocketAddr>) -> String {
    said(address.map(|address| match (address.as_pathname(), address.as_abstract_name()) {
        (Some(path), _) => format!("{:?}", path.file_name()),
        (None, name) => format!("{name:?} {}", address.is_unnamed()),
    }))
}

pub fn stream() -> String {
    let mut seen = Seen::default();
    let folder = Folder::new();
    let listener = UnixListener::bind(folder.join("a")).unwrap();
    seen.note(named(listener.local_addr()));
    let mut near = UnixStream::connect(folder.join("a")).unwrap();
    let (far, peer) = listener.accept().unwrap();
    seen.note(named(Ok(peer)));
    seen.note(named(near.local_addr()));
    seen.note(named(near.peer_addr()));
    seen.note(named(far.local_addr()));
    seen.note(named(far.peer_addr()));
    seen.says(near.write(b"hello"));
    let mut buf = [0; 8];
    seen.says((&far).read(&mut buf));
    seen.note(format!("{buf:?}"));
    seen.says(near.shutdown(Shutdown::Write));
    seen.says(near.write(b"x"));
    seen.says((&far).read(&mut buf));
    seen.says((&far).write(b"back"));
    drop(far);
    seen.says(near.read(&mut buf));
    seen.says(near.read(&mut buf));
    seen.says(near.take_error().map(|error| error.is_none()));
    seen.all()
}

pub fn bad_paths() -> String {
    let mut seen = Seen::default();
    let folder = Folder::new();
    let (stale, missing) = (folder.join("stale"), folder.join("missing"));
    drop(UnixListener::bind(&stale).unwrap());
    let long = folder.join(&"x".repeat(120));
    let odd = Path::new("nul\0inside");
    for path in [&*stale, &missing, &long, &missing.join("a"), odd, Path::new("")] {
        seen.says(UnixStream::connect(path).map(|_| ()));
    }
    for path in [&*stale, &long, odd] {
        seen.says(UnixListener::bind(path).map(|_| ()));
        seen.says(UnixDatagram::bind(path).map(|_| ()));
    }
    let datagrams = UnixDatagram::unbound().unwrap();
    for path in [&*stale, &missing, &long, odd] {
        seen.says(datagrams.connect(path));
        seen.says(datagrams.send_to(b"x", path));
    }
    let _listener = UnixListener::bind(folder.join("stream")).unwrap();
    seen.says(datagrams.connect(folder.join("stream")));
    let _bound = UnixDatagram::bind(folder.join("datagram")).unwrap();
    seen.says(UnixStream::connect(folder.join("datagram")).map(|_| ()));
    seen.all()
}

pub fn paths_and_files() -> String {
    let mut seen = Seen::default();
    let folder = Folder::new();
    drop(UnixListener::bind(folder.join("a")).unwrap());
    seen.note(format!("{}", folder.join("a").exists()));
    let (file, no_folder) = (folder.join("file"), folder.join("missing").join("a"));
    std::fs::write(&file, "text").unwrap();
    seen.says(UnixStream::connect(&file).map(|_| ()));
    let datagrams = UnixDatagram::unbound().unwrap();
    seen.says(datagrams.connect(&file));
    seen.says(datagrams.send_to(b"x", &file));
    for path in [&*file, &no_folder, folder.path()] {
        seen.says(UnixListener::bind(path).map(|_| ()));
        seen.says(UnixDatagram::bind(path).map(|_| ()));
    }
    seen.all()
}

pub fn pair() -> String {
    let mut seen = Seen::default();
    let (mut a, mut b) = UnixStream::pair().unwrap();
    seen.note(named(a.local_addr()));
    seen.note(named(a.peer_addr()));
    a.write_all(b"one").unwrap();
    a.write_all(b"two").unwrap();
    let mut buf = [0; 4];
    seen.says(b.read(&mut []));
    seen.says(b.read(&mut buf));
    seen.says(b.read(&mut buf));
    let clone = a.try_clone().unwrap();
    drop(a);
    b.set_read_timeout(Some(SOON)).unwrap();
    seen.says(b.read(&mut buf));
    drop(clone);
    seen.says(b.read(&mut buf));
    seen.says(b.write(b"x"));
    seen.says(b.shutdown(Shutdown::Both));
    seen.says(b.shutdown(Shutdown::Both));
    seen.says(b.write(b"x"));
    seen.all()
}

pub fn timeouts() -> String {
    let mut seen = Seen::default();
    let (mut a, _b) = UnixStream::pair().unwrap();
    seen.says(a.set_read_timeout(Some(Duration::ZERO)));
    seen.says(a.set_write_timeout(Some(Duration::ZERO)));
    a.set_read_timeout(Some(SOON)).unwrap();
    a.set_write_timeout(Some(SOON)).unwrap();
    seen.says(a.read(&mut [0; 4]));
    seen.says(a.read(&mut []));
    let full = loop {
        if let Err(error) = a.write(&[0; 4096]) {
            break error;
        }
    };
    seen.says::<()>(Err(full));
    let clone = a.try_clone().unwrap();
    a.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
    seen.says(clone.read_timeout());
    a.set_nonblocking(true).unwrap();
    seen.says((&clone).read(&mut [0; 4]));
    seen.says((&clone).write(b"x"));
    seen.all()
}

pub fn abstract_names() -> String {
    let mut seen = Seen::default();
    let mine = format!("parity {}", std::process::id());
    let name = SocketAddr::from_abstract_name(&mine).unwrap();
    seen.says(UnixStream::connect_addr(&name).map(|_| ()));
    let listener = UnixListener::bind_addr(&name).unwrap();
    seen.note(format!(
        "{}",
        listener.local_addr().unwrap().as_abstract_name() == Some(mine.as_bytes())
    ));
    seen.says(UnixListener::bind_addr(&name).map(|_| ()));
    let near = UnixStream::connect_addr(&name).unwrap();
    seen.note(named(listener.accept().map(|(_, peer)| peer)));
    seen.note(format!("{}", near.peer_addr().unwrap().as_abstract_name() == Some(mine.as_bytes())));
    drop(listener);
    seen.says(UnixStream::connect_addr(&name).map(|_| ()));
    seen.says(UnixDatagram::bind_addr(&name).map(|_| ()));
    seen.says(SocketAddr::from_abstract_name("x".repeat(120)));
    seen.all()
}

pub fn datagrams() -> String {
    let mut seen = Seen::default();
    let folder = Folder::new();
    let a = UnixDatagram::bind(folder.join("a")).unwrap();
    let unnamed = UnixDatagram::unbound().unwrap();
    seen.note(named(a.local_addr()));
    seen.note(named(unnamed.local_addr()));
    seen.says(unnamed.send_to(b"0123456789", folder.join("a")));
    seen.says(unnamed.send_to_addr(b"", &a.local_addr().unwrap()));
    let mut buf = [0; 4];
    let (n, from) = a.recv_from(&mut buf).unwrap();
    seen.note(format!("{n} {buf:?} {}", named(Ok(from))));
    seen.says(a.recv(&mut buf));
    let b = UnixDatagram::bind(folder.join("b")).unwrap();
    seen.says(b.connect(folder.join("a")));
    seen.note(named(b.peer_addr()));
    seen.says(b.send(b"hi"));
    seen.note(named(a.recv_from(&mut buf).map(|(_, from)| from)));
    seen.says(b.connect_addr(&a.local_addr().unwrap()));
    seen.says(unnamed.send_to(b"not heard", folder.join("b")));
    seen.says(a.send_to(b"heard", folder.join("b")));
    seen.says(b.recv(&mut [0; 8]));
    seen.all()
}

pub fn datagrams_not_sent() -> String {
    let mut seen = Seen::default();
    let folder = Folder::new();
    let socket = UnixDatagram::unbound().unwrap();
    seen.says(socket.send(b"x"));
    seen.note(named(socket.peer_addr()));
    seen.says(socket.set_read_timeout(Some(SOON)));
    seen.says(socket.recv(&mut [0; 4]));
    seen.says(socket.recv_from(&mut [0; 4]).map(|(n, _)| n));
    let a = UnixDatagram::bind(folder.join("a")).unwrap();
    seen.says(socket.send_to(&vec![0; 300_000], folder.join("a")));
    socket.connect(folder.join("a")).unwrap();
    drop(a);
    seen.says(socket.send(b"x"));
    seen.says(socket.send(b"x"));
    seen.says(socket.shutdown(Shutdown::Both));
    seen.all()
}

pub fn datagram_pair() -> String {
    let mut seen = Seen::default();
    let (a, b) = UnixDatagram::pair().unwrap();
    seen.says(a.send(b"one"));
    seen.says(a.send(b"two"));
    seen.says(b.recv(&mut [0; 8]));
    seen.note(named(b.recv_from(&mut [0; 8]).map(|(_, from)| from)));
    a.set_nonblocking(true).unwrap();
    seen.says(a.recv(&mut [0; 8]));
    let full = loop {
        if let Err(error) = a.send(b"x") {
            break error;
        }
    };
    seen.says::<()>(Err(full));
    seen.says(b.recv(&mut [0; 8]));
    seen.says(a.try_clone().unwrap().shutdown(Shutdown::Write));
    seen.says(a.send(b"x"));
    drop(b);
    seen.says(a.send(b"x"));
    seen.says(a.take_error().map(|error| error.map(|error| error.kind())));
    seen.all()
}

pub fn backlog() -> String {
    let mut seen = Seen::default();
    let folder = Folder::new();
    let listener = UnixListener::bind(folder.join("a")).unwrap();
    listener.set_nonblocking(true).unwrap();
    seen.says(listener.accept().map(|_| ()));
    let held: Vec<_> = (0..200).map(|_| UnixStream::connect(folder.join("a")).unwrap()).collect();
    seen.note(format!("{}", held.len()));
    let mut first = held.into_iter().next().unwrap();
    first.write_all(b"before the accept").unwrap();
    drop(first);
    let mut accepted = listener.incoming().next().unwrap().unwrap();
    let mut text = String::new();
    accepted.set_nonblocking(false).unwrap();
    seen.says(accepted.read_to_string(&mut text));
    let rest = (&listener).into_iter().take(199).filter(|one| one.is_ok()).count();
    seen.note(format!("{rest}"));
    seen.says(listener.accept().map(|_| ()));
    seen.says(listener.take_error().map(|error| error.is_none()));
    seen.all()
}

pub fn shutdown_wakes() -> String {
    let mut seen = Seen::default();
    let (near, _far) = UnixStream::pair().unwrap();
    let mut clone = near.try_clone().unwrap();
    let reading = thread::spawn(move || said(clone.read(&mut [0; 4])));
    thread::yield_now();
    seen.says(near.shutdown(Shutdown::Both));
    seen.note(reading.join().unwrap());
    seen.all()
}

pub fn shutdown_wakes_others() -> String {
    let mut seen = Seen::default();
    let (near, _far) = UnixDatagram::pair().unwrap();
    let clone = near.try_clone().unwrap();
    let waiting = thread::spawn(move || {
        (said(clone.recv(&mut [0; 4])), named(clone.recv_from(&mut [0; 4]).map(|(_, from)| from)))
    });
    thread::yield_now();
    seen.says(near.shutdown(Shutdown::Read));
    seen.note(format!("{:?}", waiting.join().unwrap()));
    for by_peer in [true, false] {
        let (near, far) = UnixStream::pair().unwrap();
        let mut clone = near.try_clone().unwrap();
        let writing = thread::spawn(move || said(clone.write_all(&vec![0; 1 << 22])));
        thread::yield_now();
        match by_peer {
            true => seen.says(far.shutdown(Shutdown::Read)),
            false => seen.says(near.shutdown(Shutdown::Write)),
        }
        seen.note(writing.join().unwrap());
    }
    seen.all()
}

pub fn shown_as() -> String {
    let mut seen = Seen::default();
    let folder = Folder::new();
    let place = folder.path().to_str().unwrap().to_owned();
    let names = [(&*place, "folder")];
    let listener = UnixListener::bind(folder.join("a")).unwrap();
    let near = UnixStream::connect(folder.join("a")).unwrap();
    let (far, _) = listener.accept().unwrap();
    seen.note(shown(&listener, &names));
    seen.note(shown(&near, &names));
    seen.note(shown(&far, &names));
    seen.note(shown(listener.incoming(), &names));
    let datagrams = UnixDatagram::bind(folder.join("b")).unwrap();
    seen.note(shown(&datagrams, &names));
    seen.note(shown(UnixDatagram::unbound().unwrap(), &names));
    seen.all()
}
