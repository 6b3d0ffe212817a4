//! The Unix names of one host of a performance. The hosts share a machine, but not their names:
//! what a program calls `/run/db.sock` is on no disk, and another host's is another.
//!
//! Each name stands for an abstract one made of the host's address, which no other performance of
//! the machine has meanwhile, and a number. What makes a path another thing than that is kept here:
//! it stays taken once it was bound, as there is nothing to unlink, and by sockets of every type.

use std::collections::BTreeMap;
use std::io;
use std::net::Ipv4Addr;
use std::os::unix::net::SocketAddr;
use std::path::PathBuf;

use greenroom::hub::{Address, unsupported};
use socket2::{Socket, Type};

use crate::address::{abstract_name, named_abstractly, to_system};

pub(crate) struct Names {
    /// What every name of this host begins with.
    prefix: Vec<u8>,
    numbers: BTreeMap<Name, usize>,
    entries: Vec<Entry>,
    /// How many sockets were given a name without asking for one.
    made_up: usize,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Name {
    Path(PathBuf),
    Abstract(Vec<u8>),
}

struct Entry {
    /// As the program knows it.
    given: SocketAddr,
    /// As the system does.
    staged: SocketAddr,
    /// The type of the socket that was bound to it, if one was.
    bound: Option<Type>,
}

impl Entry {
    /// Whether that socket is still there: nobody else can have its name until it is gone.
    fn is_held(&self, of: Type) -> io::Result<bool> {
        let probe = Socket::new(socket2::Domain::UNIX, of, None)?;
        match probe.bind(&to_system(&self.staged.clone().into())?) {
            Err(error) if error.raw_os_error() == Some(libc::EADDRINUSE) => Ok(true),
            answer => answer.map(|()| false),
        }
    }
}

impl Names {
    pub(crate) fn new(host: Ipv4Addr) -> Names {
        Names {
            prefix: format!("greenroom {host} ").into_bytes(),
            numbers: BTreeMap::new(),
            entries: Vec::new(),
            made_up: 0,
        }
    }

    /// The system's name for one that a socket is bound to. The unnamed address asks for any.
    /// `EADDRINUSE` for a path that somebody was bound to.
    pub(crate) fn stage_local(&mut self, local: &SocketAddr) -> io::Result<Address> {
        let number = match named(local) {
            Some(name) => self.number(name, local, None)?,
            None => self.make_up()?,
        };
        let entry = &self.entries[number];
        if local.as_pathname().is_some() && entry.bound.is_some() {
            return Err(io::Error::from_raw_os_error(libc::EADDRINUSE));
        }
        Ok(entry.staged.clone().into())
    }

    /// The bind of a socket of this type to this name went through.
    pub(crate) fn was_bound(&mut self, local: &SocketAddr, by: Type) {
        if let Some(number) = named(local).and_then(|name| self.numbers.get(&name)) {
            self.entries[*number].bound = Some(by);
        }
    }

    /// The system's name of a peer, for a socket of this type. `ENOENT` for a path that nobody was
    /// bound to, `EPROTOTYPE` for one that a socket of another type has: to the system those are two
    /// names, and it would refuse the connection.
    pub(crate) fn stage_peer(&mut self, peer: &SocketAddr, from: Type) -> io::Result<Address> {
        let Some(name) = named(peer) else { return Ok(peer.clone().into()) };
        let number = self.number(name, peer, None)?;
        let entry = &self.entries[number];
        if peer.as_pathname().is_some() {
            let of = entry.bound.ok_or_else(|| io::Error::from_raw_os_error(libc::ENOENT))?;
            if of != from && entry.is_held(of)? {
                return Err(io::Error::from_raw_os_error(libc::EPROTOTYPE));
            }
        }
        Ok(entry.staged.clone().into())
    }

    /// The program's name for one of the system's. One that the system made up stands for itself.
    pub(crate) fn unstage(&mut self, address: Address) -> Address {
        let Address::Unix(staged) = &address else { return address };
        let Some(name) = abstract_name(staged) else { return address };
        match name.strip_prefix(&self.prefix[..]) {
            Some(number) => {
                let number = str::from_utf8(number).ok().and_then(|digits| digits.parse().ok());
                let entry = number.and_then(|number: usize| self.entries.get(number));
                entry.map_or_else(Address::unnamed, |entry| entry.given.clone().into())
            }
            None => {
                let _ = self.number(Name::Abstract(name.to_vec()), staged, Some(staged));
                address
            }
        }
    }

    /// The number of a name, from now on if it had none.
    fn number(
        &mut self,
        name: Name,
        given: &SocketAddr,
        staged: Option<&SocketAddr>,
    ) -> io::Result<usize> {
        if let Some(number) = self.numbers.get(&name) {
            return Ok(*number);
        }
        let number = self.entries.len();
        let staged = match staged {
            Some(staged) => staged.clone(),
            None => named_abstractly(&[&self.prefix, number.to_string().as_bytes()].concat())
                .ok_or_else(|| unsupported("Unix names in a performance"))?,
        };
        self.entries.push(Entry { given: given.clone(), staged, bound: None });
        self.numbers.insert(name, number);
        Ok(number)
    }

    /// A name that is still free, of the form the system's own have.
    fn make_up(&mut self) -> io::Result<usize> {
        loop {
            let name = format!("{:05x}", self.made_up).into_bytes();
            self.made_up += 1;
            let given = named_abstractly(&name)
                .ok_or_else(|| unsupported("Unix names in a performance"))?;
            if !self.numbers.contains_key(&Name::Abstract(name.clone())) {
                return self.number(Name::Abstract(name), &given, None);
            }
        }
    }
}

fn named(address: &SocketAddr) -> Option<Name> {
    match (address.as_pathname(), abstract_name(address)) {
        (Some(path), _) => Some(Name::Path(path.to_owned())),
        (None, Some(name)) => Some(Name::Abstract(name.to_owned())),
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(path: &str) -> SocketAddr {
        SocketAddr::from_pathname(path).unwrap()
    }

    #[test]
    fn names_of_two_hosts_do_not_meet_and_come_back_as_given() {
        let mut hosts = [1, 2].map(|host| Names::new(Ipv4Addr::new(127, 9, 9, host)));
        let given = path("/run/db.sock");
        let staged = hosts.each_mut().map(|names| names.stage_local(&given).unwrap());
        assert_ne!(staged[0], staged[1]);
        for (names, staged) in hosts.iter_mut().zip(staged) {
            let Address::Unix(name) = &staged else { panic!() };
            assert!(name.as_pathname().is_none(), "nothing is left on a disk");
            assert_eq!(names.unstage(staged), given.clone().into());
        }
    }

    #[test]
    fn a_path_is_there_once_it_was_bound() {
        let mut names = Names::new(Ipv4Addr::LOCALHOST);
        let given = path("db.sock");
        let missing = names.stage_peer(&given, Type::STREAM).unwrap_err();
        assert_eq!(missing.raw_os_error(), Some(libc::ENOENT));
        let staged = names.stage_local(&given).unwrap();
        names.was_bound(&given, Type::STREAM);
        assert_eq!(names.stage_peer(&given, Type::STREAM).unwrap(), staged);
        let again = names.stage_local(&given).unwrap_err();
        assert_eq!(again.raw_os_error(), Some(libc::EADDRINUSE));
    }

    #[test]
    fn a_path_is_of_another_type_as_long_as_its_socket_is_there() {
        let mut names = Names::new(Ipv4Addr::new(127, 9, 9, 3));
        let given = path("db.sock");
        let staged = names.stage_local(&given).unwrap();
        let holder = Socket::new(socket2::Domain::UNIX, Type::STREAM, None).unwrap();
        holder.bind(&to_system(&staged).unwrap()).unwrap();
        names.was_bound(&given, Type::STREAM);
        let other = names.stage_peer(&given, Type::DGRAM).unwrap_err();
        assert_eq!(other.raw_os_error(), Some(libc::EPROTOTYPE));
        drop(holder);
        assert_eq!(names.stage_peer(&given, Type::DGRAM).unwrap(), staged);
    }

    #[test]
    fn names_nobody_asked_for_can_be_answered_to() {
        let mut names = Names::new(Ipv4Addr::LOCALHOST);
        let Address::Unix(unnamed) = Address::unnamed() else { panic!() };
        let [first, second] = [(); 2].map(|()| names.stage_local(&unnamed).unwrap());
        assert_ne!(first, second);
        let shown = names.unstage(first.clone());
        assert_eq!(names.stage_peer(shown.unix().unwrap(), Type::DGRAM).unwrap(), first);
        let systems = Address::from(named_abstractly(b"0abcd").unwrap());
        assert_eq!(names.unstage(systems.clone()), systems);
        assert_eq!(names.stage_peer(systems.unix().unwrap(), Type::DGRAM).unwrap(), systems);
    }
}
