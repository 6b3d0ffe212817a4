//! The table of a hub's sources: numbers outside, slots inside, reused with a new generation.

use std::fs::File;
use std::io;
use std::sync::Arc;

use greenroom::hub::Io;
use mio::Token;

use crate::blocking_pool::Outcome;
use crate::fs::Done;
use crate::resolver::Answer;
use crate::signal::Signal;
use crate::socket::Socket;
use crate::watch::Watch;

/// What stands behind one number.
pub(crate) enum Entry {
    Socket(Socket),
    Signal(Box<Signal>),
    Query(Arc<Answer>),
    Job(Arc<Outcome<()>>),
    Watch(Box<Watch>),
    File(Arc<File>),
    /// An operation on files.
    FileCall(Arc<Outcome<io::Result<Done>>>),
}

impl Entry {
    /// What bytes come from; a query, a job, a watch and a file have none that it is told of.
    #[inline]
    pub(crate) fn socket(&mut self) -> io::Result<&mut Socket> {
        match self {
            Entry::Socket(socket) => Ok(socket),
            Entry::Signal(signal) => Ok(&mut signal.pipe),
            Entry::Query(_)
            | Entry::Job(_)
            | Entry::Watch(_)
            | Entry::File(_)
            | Entry::FileCall(_) => Err(io::Error::from_raw_os_error(libc::ENOTSOCK)),
        }
    }
}

#[derive(Default)]
pub(crate) struct Table {
    slots: Vec<Slot>,
    free: Vec<u32>,
}

/// One line of the cache: each message of each connection touches its own.
#[repr(align(64))]
struct Slot {
    /// Which of the slot's entries this is. A late report names an older one and is dropped.
    generation: usize,
    entry: Option<(Io, Entry)>,
}

const _: () = assert!(size_of::<Slot>() == 64, "one line");

const INDEX_BITS: u32 = Io::INDEX_MAX.count_ones();

impl Table {
    /// Puts an entry in. `EMFILE` when every number is taken.
    pub(crate) fn insert(&mut self, entry: Entry) -> io::Result<Io> {
        let index = match self.free.pop() {
            Some(index) => index as usize,
            None if self.slots.len() > Io::INDEX_MAX => {
                return Err(io::Error::from_raw_os_error(libc::EMFILE));
            }
            None => {
                self.slots.push(Slot { generation: 0, entry: None });
                self.slots.len() - 1
            }
        };
        let io = Io::new(index);
        let slot = &mut self.slots[index];
        slot.generation = slot.generation.wrapping_add(1);
        slot.entry = Some((io, entry));
        Ok(io)
    }

    /// Puts two fresh sockets in, or none.
    pub(crate) fn insert_both(&mut self, (one, other): (Socket, Socket)) -> io::Result<(Io, Io)> {
        let one = self.insert(Entry::Socket(one))?;
        match self.insert(Entry::Socket(other)) {
            Ok(other) => Ok((one, other)),
            Err(error) => {
                self.remove(one);
                Err(error)
            }
        }
    }

    pub(crate) fn remove(&mut self, io: Io) -> Option<Entry> {
        let slot = self.slots.get_mut(io.index())?;
        let (_, entry) = slot.entry.take_if(|(of, _)| *of == io)?;
        self.free.push(io.index() as u32);
        Some(entry)
    }

    /// The entry of a number; `EBADF` when it is stale.
    #[inline]
    pub(crate) fn get(&mut self, io: Io) -> io::Result<&mut Entry> {
        match self.slots.get_mut(io.index()) {
            Some(Slot { entry: Some((of, entry)), .. }) if *of == io => Ok(entry),
            _ => Err(io::Error::from_raw_os_error(libc::EBADF)),
        }
    }

    /// The socket of a number, if it is one.
    #[inline]
    pub(crate) fn socket(&mut self, io: Io) -> Option<&mut Socket> {
        match self.slots.get_mut(io.index()) {
            Some(Slot { entry: Some((of, Entry::Socket(socket))), .. }) if *of == io => {
                Some(socket)
            }
            _ => None,
        }
    }

    /// What the poll reports this entry as.
    pub(crate) fn token(&self, io: Io) -> Token {
        Token(self.slots[io.index()].generation << INDEX_BITS | io.index())
    }

    /// The entry a report is about, if it is still there.
    pub(crate) fn reported(&mut self, token: Token) -> Option<(Io, &mut Entry)> {
        let index = token.0 & Io::INDEX_MAX;
        let slot = self.slots.get_mut(index)?;
        let current = Token(slot.generation << INDEX_BITS | index) == token;
        slot.entry.as_mut().filter(|_| current).map(|(io, entry)| (*io, entry))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query() -> Entry {
        Entry::Query(Arc::default())
    }

    #[test]
    fn a_reused_slot_knows_neither_the_old_number_nor_its_reports() {
        let mut table = Table::default();
        let old = table.insert(query()).unwrap();
        let report = table.token(old);
        assert!(table.reported(report).is_some());
        assert!(table.remove(old).is_some());
        assert!(table.remove(old).is_none(), "a second close does nothing");
        let new = table.insert(query()).unwrap();
        assert_eq!(new.index(), old.index());
        assert_eq!(table.get(old).err().unwrap().raw_os_error(), Some(libc::EBADF));
        assert!(table.reported(report).is_none());
        assert!(table.get(new).is_ok());
    }
}
