//! Scopes: children borrow, are waited for, and are over before what they borrow goes.

use std::cell::Cell;
use std::io::{self, Read, Write};

use greenroom::net::{TcpListener, TcpStream};
use greenroom::thread;
use greenroom::time::{Duration, timeout};

use super::{Law, connected};
use crate::common::{Complaints, spawn};

pub(super) const LAWS: &[(&str, &str, Law)] = &[
    ("scope", "a scope waits for children that serve from borrowed data", scope),
    ("scope-ends", "a scope that is killed or out of time ends its children first", scope_ends),
];

fn scope(complaints: &Complaints) -> io::Result<()> {
    let (listener, served) = (TcpListener::bind("127.0.0.1:0")?, Cell::new(0));
    let address = listener.local_addr()?;
    let (listener, served) = (&listener, &served);
    thread::scope(|s| {
        s.spawn(move || -> io::Result<()> {
            for _ in 0..3 {
                let (mut stream, _) = listener.accept()?;
                s.spawn(move || {
                    let mut byte = [0];
                    stream.read_exact(&mut byte)?;
                    served.set(served.get() + u32::from(byte[0]));
                    stream.write_all(&byte)
                });
            }
            Ok(())
        });
        let clients = [1, 2, 3].map(|byte| {
            s.spawn(move || -> io::Result<u8> {
                let mut stream = TcpStream::connect(address)?;
                stream.write_all(&[byte])?;
                let mut echo = [0];
                stream.read_exact(&mut echo).map(|()| echo[0])
            })
        });
        for (sent, client) in (1..).zip(clients) {
            let got = client.join().map_err(|_| io::Error::other("a client was unwound"))??;
            complaints.unless(got == sent, || format!("{sent} came back as {got}"));
        }
        Ok::<_, io::Error>(())
    })?;
    complaints.unless(served.get() == 6, || format!("{} was served", served.get()));
    Ok(())
}

/// Adds to a count when it is dropped.
struct Ends<'a>(&'a Cell<u32>);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
    }
}

fn scope_ends(complaints: &Complaints) -> io::Result<()> {
    let (near, mut far) = connected()?;
    let stuck = move || {
        let (near, ends) = (near, Cell::new(0));
        thread::scope(|s| {
            for _ in 0..2 {
                s.spawn(|| {
                    let _ends = Ends(&ends);
                    (&near).read(&mut [0])
                });
            }
        });
    };
    let victim = spawn("victim", stuck)?;
    thread::sleep(Duration::from_millis(5));
    victim.kill();
    complaints.unless(victim.join().is_err(), || "a killed scope returns".into());
    // The children have let go of the socket, and it closed with the frame they borrowed it from.
    let end = far.read(&mut [0])?;
    complaints.unless(end == 0, || format!("the peer of a killed scope reads {end}"));
    let ends = Cell::new(0);
    let expired = timeout(Duration::from_millis(5), || {
        thread::scope(|s| {
            s.spawn(|| {
                let _ends = Ends(&ends);
                thread::park();
            });
        });
    });
    complaints.unless((expired.is_err(), ends.get()) == (true, 1), || {
        format!("{expired:?}, and {} of 1 ended", ends.get())
    });
    Ok(())
}
