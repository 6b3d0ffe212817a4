//! Which host a hub is in a performance: an address of its own, names for the others, and someone
//! who takes down what is claimed. Outside a performance a hub has none.

mod names;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use greenroom::hub::{Address, Note, unsupported};
use socket2::Socket;

pub(crate) use names::Names;

pub(crate) struct Identity {
    /// The host's name.
    pub(crate) host: String,
    /// The addresses that only this host uses, in the order of its links; there is one.
    pub(crate) addresses: Vec<Ipv4Addr>,
    /// The hosts of the scenario, with theirs.
    pub(crate) names: Arc<BTreeMap<String, Vec<Ipv4Addr>>>,
    /// What the host's Unix sockets are called.
    pub(crate) unix: Names,
    /// How many programs the hub starts.
    pub(crate) programs: u32,
    /// Set, and followed by a wake, when the run is over.
    pub(crate) is_over: Arc<AtomicBool>,
    /// Called when the hub has nothing to do for the first time.
    pub(crate) on_idle: Option<Box<dyn FnOnce() + Send>>,
    pub(crate) record: Arc<Record>,
}

impl Identity {
    /// The address of the process for one that the program binds a socket to.
    pub(crate) fn stage_local(&mut self, local: &Address) -> io::Result<Address> {
        match local {
            Address::Inet(address) if address.ip().is_unspecified() && self.addresses.len() > 1 => {
                Err(unsupported("a socket on every address of a host that has several"))
            }
            Address::Inet(address) => Ok(self.stage_address(*address).into()),
            Address::Unix(name) => self.unix.stage_local(name),
        }
    }

    /// The address of the process for one that the program wants to reach from this socket.
    pub(crate) fn stage_peer(&mut self, peer: &Address, from: &Socket) -> io::Result<Address> {
        match peer {
            Address::Inet(address) => Ok(self.stage_address(*address).into()),
            Address::Unix(name) => self.unix.stage_peer(name, from.r#type()?),
        }
    }

    /// An address of the program's in terms of the process: on its own host, "everywhere" and
    /// "here" both mean the host's first address, so that hosts do not meet on a port.
    fn stage_address(&self, address: SocketAddr) -> SocketAddr {
        let ip = match address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() || ip == Ipv4Addr::LOCALHOST => {
                IpAddr::V4(self.addresses[0])
            }
            IpAddr::V6(ip) if ip.is_unspecified() || ip.is_loopback() => {
                IpAddr::V6(self.addresses[0].to_ipv6_mapped())
            }
            ip => ip,
        };
        SocketAddr::new(ip, address.port())
    }

    /// The source address for a connection to `peer`, if this host's are of its family: the one on the
    /// same link, or else the first.
    pub(crate) fn source_for(&self, peer: &Address) -> Option<Ipv4Addr> {
        let Address::Inet(SocketAddr::V4(peer)) = peer else { return None };
        let on = |all: &Vec<Ipv4Addr>| all.iter().position(|address| address == peer.ip());
        let link = self.names.values().find_map(on).unwrap_or_default();
        self.addresses.get(link).or(self.addresses.first()).copied()
    }

    pub(crate) fn addresses_of(&self, name: &str) -> Option<Vec<IpAddr>> {
        let found = match name {
            "localhost" => &self.addresses[..1],
            name => self.names.iter().find(|(k, _)| k.eq_ignore_ascii_case(name))?.1,
        };
        Some(found.iter().copied().map(IpAddr::from).collect())
    }
}

/// What the hosts of a performance claim and say.
pub(crate) struct Record {
    said: Mutex<Said>,
    /// Told of every claim that does not hold.
    on_violation: Box<dyn Fn() + Send + Sync>,
}

#[derive(Default)]
pub(crate) struct Said {
    /// Claims that did not hold, once each, with who made them first.
    pub(crate) violations: Vec<String>,
    /// `sometimes!` claims, and whether they ever held.
    pub(crate) sometimes: BTreeMap<&'static str, bool>,
    /// Lines of the programs' own, each with its host.
    pub(crate) notes: Vec<(String, String)>,
    broken: BTreeSet<&'static str>,
}

impl Record {
    pub(crate) fn new(on_violation: impl Fn() + Send + Sync + 'static) -> Record {
        Record { said: Mutex::default(), on_violation: Box::new(on_violation) }
    }

    pub(crate) fn take_down(&self, host: &str, note: &Note<'_>) {
        let mut said = self.lock();
        match note {
            Note::Always(name, false) => {
                if said.broken.insert(name) {
                    said.violations.push(format!("{host}: not always: {name}"));
                }
                drop(said);
                (self.on_violation)();
            }
            Note::Sometimes(name, held) => *said.sometimes.entry(name).or_default() |= held,
            Note::Text(line) => said.notes.push((host.to_owned(), (*line).to_owned())),
            _ => {}
        }
    }

    pub(crate) fn take(&self) -> Said {
        std::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Said> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
