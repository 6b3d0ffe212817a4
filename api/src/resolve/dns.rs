//! [`Dns`]: names from name servers, over this crate's own sockets, so that it runs in every world.

mod cache;
mod config;
mod exchange;
#[doc(hidden)]
pub mod fuzz;
mod message;

use std::cell::{Cell, RefCell};
use std::net::IpAddr;

use super::{Family, GaiError, HostEntry, Hosts, Resolver, numeric};
use crate::driver;
use crate::thread;
use crate::time::Instant;
use cache::Cache;
pub use config::Config;
use exchange::Failure;
use message::{Kind, Question, Verdict};

/// Asks name servers as resolver(3) does: over UDP, again and elsewhere where no answer comes, over
/// TCP where one does not fit; aliases are followed, search domains tried, answers kept for as long as
/// they say. A hosts file comes first.
///
/// Every question has a source port and a number of its own, from the hub's chance; an answer counts
/// only if it comes from the server that was asked, with that number and the same question.
///
/// # Examples
///
/// ```no_run
/// use std::rc::Rc;
/// use greenroom::resolve::{self, Dns};
///
/// resolve::set_resolver(Rc::new(Dns::system()));
/// greenroom::net::TcpStream::connect("example.org:80")?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Dns {
    config: Config,
    hosts: Hosts,
    cache: RefCell<Cache>,
    /// How many questions were asked: where the next begins, if servers take turns.
    asked: Cell<usize>,
}

/// Why a name has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Miss {
    NoName,
    NoData,
    /// A server answered that it cannot.
    Refused,
    /// No server answered.
    Silent,
    /// Aliases that lead nowhere, or an answer that is none.
    Nonsense,
}

/// The records of one type that a name has.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Found {
    canonical: String,
    records: Vec<Record>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Record {
    Address(IpAddr),
    Name(String),
}

/// Aliases whose target has to be asked for again.
const ALIASES_MAX: u32 = 8;
/// There are no sockets there.
const OUTSIDE: Result<HostEntry, GaiError> = Err(GaiError::System(libc::ENOTCONN));
const LABEL_MAX: usize = 63;
/// Of a whole name as text, without a dot at its end.
const NAME_MAX: usize = 253;

impl Dns {
    /// As this machine is set up: its resolv.conf(5), hosts(5) and services(5).
    pub fn system() -> Dns {
        let config = Config::file("/etc/resolv.conf").unwrap_or_default();
        Dns::new(config).with_hosts(Hosts::system())
    }

    /// Asks these servers. Of hosts, it knows `localhost` itself.
    pub fn new(config: Config) -> Dns {
        let hosts = Hosts::parse("127.0.0.1 localhost\n::1 localhost");
        Dns { config, hosts, cache: RefCell::default(), asked: Cell::new(0) }
    }

    /// The same with other hosts, which come before all servers, and their services.
    #[must_use]
    pub fn with_hosts(self, hosts: Hosts) -> Dns {
        Dns { hosts, ..self }
    }

    /// Forgets what servers have answered.
    pub fn clear_cache(&self) {
        *self.cache.borrow_mut() = Cache::default();
    }

    /// One name as it stands and in the search domains, in the order of resolv.conf(5): first as it
    /// stands if it has enough dots, else last.
    fn search(&self, name: &str, family: Family) -> Result<HostEntry, Miss> {
        if let Some(absolute) = name.strip_suffix('.') {
            return self.addresses(absolute, family);
        }
        let dots = name.bytes().filter(|&byte| byte == b'.').count();
        let as_it_stands_first = dots >= self.config.ndots as usize;
        let mut first_miss = None;
        if as_it_stands_first {
            match self.addresses(name, family) {
                Ok(entry) => return Ok(entry),
                Err(miss) => first_miss = Some(miss),
            }
        }
        let mut best = None;
        for domain in &self.config.search {
            let whole = format!("{name}.{domain}");
            match self.addresses(whole.trim_end_matches('.'), family) {
                Ok(entry) => return Ok(entry),
                Err(Miss::NoName) => {}
                Err(Miss::NoData) => best = Some(Miss::NoData),
                Err(Miss::Refused) => best = best.or(Some(Miss::Refused)),
                Err(_) => break,
            }
        }
        // As it stands counts most; else that a name was there, be it without an address.
        match first_miss {
            Some(miss) => Err(miss),
            None => self.addresses(name, family).map_err(|miss| best.unwrap_or(miss)),
        }
    }

    /// The addresses of one whole name. Both families are asked for at the same time.
    fn addresses(&self, name: &str, family: Family) -> Result<HostEntry, Miss> {
        if !is_name(name) {
            return Err(Miss::NoName);
        }
        let found = match family {
            Family::V4 => self.records(name, Kind::A),
            Family::V6 => self.records(name, Kind::Aaaa),
            Family::Any => {
                let (v4, v6) = thread::scope(|scope| {
                    let v6 = scope.spawn(|| self.records(name, Kind::Aaaa));
                    let v4 = self.records(name, Kind::A);
                    (v4, v6.join().unwrap_or(Err(Miss::Nonsense)))
                });
                of_both(v4, v6)
            }
        }?;
        let addresses = found.records.into_iter().filter_map(|record| match record {
            Record::Address(address) => Some(address),
            Record::Name(_) => None,
        });
        // In the letters it was asked for, unless it is an alias.
        let is_same = found.canonical.eq_ignore_ascii_case(name);
        let canonical = if is_same { name.to_owned() } else { found.canonical };
        Ok(HostEntry { name: canonical, aliases: Vec::new(), addresses: addresses.collect() })
    }

    /// What a name has of one type: known from before, or asked for, along its aliases.
    fn records(&self, name: &str, kind: Kind) -> Result<Found, Miss> {
        let key = (name.to_ascii_lowercase(), kind);
        if let Some(known) = self.cache.borrow_mut().get(&key, Instant::now()) {
            return known;
        }
        let mut target = key.0.clone();
        let mut ttl_s = u32::MAX;
        for _ in 0..ALIASES_MAX {
            let verdict = self.ask(&target, kind)?;
            ttl_s = ttl_s.min(verdict.ttl_s());
            let answer = match verdict {
                Verdict::Alias { to, .. } => {
                    target = to;
                    continue;
                }
                Verdict::Found { found, .. } => Ok(found),
                Verdict::NoName { .. } => Err(Miss::NoName),
                Verdict::NoData { .. } => Err(Miss::NoData),
            };
            self.cache.borrow_mut().put(key, answer.clone(), ttl_s, Instant::now());
            return answer;
        }
        Err(Miss::Nonsense)
    }

    fn ask(&self, name: &str, kind: Kind) -> Result<Verdict, Miss> {
        let question = Question::new(name, kind).ok_or(Miss::NoName)?;
        let asked = self.asked.get();
        self.asked.set(asked.wrapping_add(1));
        let first = if self.config.rotate { asked } else { 0 };
        let answer = exchange::ask(&self.config, first, &question).map_err(|why| match why {
            Failure::Refused => Miss::Refused,
            Failure::Silent => Miss::Silent,
        })?;
        question.verdict(&answer).ok_or(Miss::Nonsense)
    }
}

impl Resolver for Dns {
    fn forward(&self, name: &str, family: Family) -> Result<HostEntry, GaiError> {
        match self.hosts.forward(name, family) {
            Err(GaiError::NoName) if driver::current().is_none() => OUTSIDE,
            Err(GaiError::NoName) => self.search(name, family).map_err(GaiError::from),
            known => known,
        }
    }

    fn reverse(&self, address: IpAddr) -> Result<HostEntry, GaiError> {
        if let Ok(known) = self.hosts.reverse(address) {
            return Ok(known);
        }
        if driver::current().is_none() {
            return OUTSIDE;
        }
        let found = self.records(&message::reverse_name(address), Kind::Ptr)?;
        let mut names = found.records.into_iter().filter_map(|record| match record {
            // What comes from afar may be shown or compared: only what a host may be called.
            Record::Name(name) => is_host_name(&name).then_some(name),
            Record::Address(_) => None,
        });
        let name = names.next().ok_or(GaiError::Fail)?;
        Ok(HostEntry { name, aliases: names.collect(), addresses: vec![address] })
    }

    fn service_port(&self, name: &str, protocol: &str) -> Option<u16> {
        self.hosts.service_port(name, protocol)
    }
    fn service_name(&self, port: u16, protocol: &str) -> Option<String> {
        self.hosts.service_name(port, protocol)
    }
}

impl From<Miss> for GaiError {
    fn from(miss: Miss) -> GaiError {
        match miss {
            Miss::NoName => GaiError::NoName,
            Miss::NoData => GaiError::NoData,
            Miss::Refused | Miss::Silent => GaiError::Again,
            Miss::Nonsense => GaiError::Fail,
        }
    }
}

/// One family's addresses are enough; with none, what may be otherwise later comes before what will
/// not.
fn of_both(v4: Result<Found, Miss>, v6: Result<Found, Miss>) -> Result<Found, Miss> {
    match (v4, v6) {
        (Ok(mut v4), Ok(v6)) => {
            v4.records.extend(v6.records);
            Ok(v4)
        }
        (Ok(found), Err(_)) | (Err(_), Ok(found)) => Ok(found),
        (Err(one), Err(other)) => {
            let order = [Miss::Silent, Miss::Refused, Miss::Nonsense, Miss::NoData, Miss::NoName];
            Err(order.into_iter().find(|&miss| miss == one || miss == other).unwrap_or(one))
        }
    }
}

/// What can be asked for at all: labels that are not empty and not too long. No server is troubled
/// with others (linux-truth 259).
fn is_name(name: &str) -> bool {
    let fits = |label: &str| !label.is_empty() && label.len() <= LABEL_MAX;
    name.len() <= NAME_MAX && name.split('.').all(fits) && !name.contains(['\\', '\0'])
}

/// What a host may be called: letters, digits, `-` and `_` between dots, and no `-` at the front.
fn is_host_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let fits = |label: &str| label.bytes().all(plain) && !label.starts_with('-');
    is_name(name) && name.split('.').all(fits) && !matches!(numeric::host(name), Ok(Some(_)))
}
