//! Names to addresses, by the system's resolver: it blocks, so it is a job of an office of its own.

use std::io;
use std::net::{IpAddr, ToSocketAddrs};
use std::sync::Arc;

use greenroom::hub::Io;

use crate::office::{Inbox, Office, Outcome, Task};

/// Look-ups under way at a time; more wait their turn. Apart from the program's own jobs, which may
/// take long.
static OFFICE: Office = Office::new("greenroom-resolve", 4);

/// What a question came to. Dropping it gives the question up.
pub(crate) type Answer = Outcome<io::Result<Vec<IpAddr>>>;

/// Has a name looked up; the answer goes to its place and its number to the inbox.
///
/// # Errors
///
/// When no thread can be made and none is there.
pub(crate) fn ask(host: &str, io: Io, answer: &Arc<Answer>, inbox: &Arc<Inbox>) -> io::Result<()> {
    let host = host.to_owned();
    OFFICE.take_on(Task::new(io, answer, inbox, move || look_up(&host)))
}

fn look_up(host: &str) -> io::Result<Vec<IpAddr>> {
    let mut addresses = Vec::new();
    for address in (host, 0).to_socket_addrs()? {
        if !addresses.contains(&address.ip()) {
            addresses.push(address.ip());
        }
    }
    Ok(addresses)
}
