//! The driver's laws (DESIGN §3.1), each a small world on the scripted hub.

mod scripted;

mod driver {
    mod cancel;
    mod close;
    mod connect;
    mod deadlock;
    mod dump;
    mod ending;
    mod guards;
    mod hosts;
    mod identity;
    mod interval;
    mod io;
    mod kill;
    mod lines;
    mod order;
    mod park;
    mod scope;
    mod sync;
    mod timeout;
    mod together;
    mod values;
}

use std::fmt::Debug;
use std::io::Read;
use std::rc::Rc;

use greenroom::net::TcpStream;
use greenroom::thread::{Builder, JoinHandle};

/// A stream whose other end the script holds.
fn dial(port: u16) -> Rc<TcpStream> {
    Rc::new(TcpStream::connect(scripted::peer(port)).unwrap())
}

#[track_caller]
fn spawn<T: 'static>(name: &str, body: impl FnOnce() -> T + 'static) -> JoinHandle<T> {
    Builder::new().name(name.into()).spawn(body).unwrap()
}

fn join_all(all: impl IntoIterator<Item = JoinHandle<()>>) {
    all.into_iter().for_each(|one| one.join().unwrap());
}

/// Reads at most `len` bytes; what came, or how it failed, as text.
fn read(stream: &TcpStream, len: usize) -> String {
    let mut buf = vec![0; len];
    said(Read::read(&mut &*stream, &mut buf).map(|n| buf[..n].to_vec()))
}

/// How a call ended, in a word.
fn said<T: Debug>(result: std::io::Result<T>) -> String {
    match result {
        Ok(value) => format!("{value:?}"),
        Err(error) if error.raw_os_error() == Some(libc::EBADF) => "EBADF".into(),
        Err(error)
            if error.get_ref().is_some_and(|inner| inner.is::<greenroom::time::Elapsed>()) =>
        {
            "Elapsed".into()
        }
        Err(error) => format!("{:?}", error.kind()),
    }
}
