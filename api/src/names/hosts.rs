//! [`Hosts`]: names from a hosts file.

use std::cell::RefCell;
use std::net::{IpAddr, Ipv4Addr};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::{Family, GaiError, HostEntry, Resolver, Services};

/// Answers from a file in the format of hosts(5), which is read again when it has changed. While it
/// cannot be read, what it said last is answered.
///
/// As with glibc, names differ by more than case; all lines of a name count; its first line's first
/// name is the canonical one; and loopback's address of IPv6 stands for IPv4's where only IPv4 is
/// asked for (linux-truth 251, 252, 260).
///
/// # Examples
///
/// ```
/// use greenroom::resolve::{Family, Hosts, Resolver};
///
/// let hosts = Hosts::parse("192.0.2.1 gate.example gate");
/// let entry = hosts.forward("gate", Family::Any)?;
/// assert_eq!(entry.name, "gate.example");
/// # Ok::<(), greenroom::resolve::GaiError>(())
/// ```
#[derive(Debug)]
pub struct Hosts {
    path: Option<PathBuf>,
    services: Services,
    state: RefCell<State>,
}

#[derive(Debug, Default)]
struct State {
    seen: Option<Version>,
    lines: Vec<Line>,
}

#[derive(Debug)]
struct Line {
    address: IpAddr,
    /// The first is the canonical one.
    names: Vec<String>,
}

/// What changes with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Version {
    file: (u64, u64),
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Hosts {
    /// This machine's hosts, with its services.
    pub fn system() -> Hosts {
        Hosts::file("/etc/hosts").with_services(Services::system())
    }

    /// Those of a file, which need not be there yet, with the services that everybody knows.
    pub fn file(path: impl Into<PathBuf>) -> Hosts {
        let path = Some(path.into());
        Hosts { path, services: Services::well_known(), state: RefCell::default() }
    }

    /// Those of a text, with the services that everybody knows. Lines that are none are passed over.
    pub fn parse(text: &str) -> Hosts {
        let state = State { seen: None, lines: text.lines().filter_map(line).collect() };
        Hosts { path: None, services: Services::well_known(), state: RefCell::new(state) }
    }

    /// The same with other services.
    #[must_use]
    pub fn with_services(self, services: Services) -> Hosts {
        Hosts { services, ..self }
    }

    /// Reads the file again if it is not what it was.
    fn refresh(&self) {
        let Some(path) = &self.path else { return };
        let Some(version) = version(path) else { return };
        let mut state = self.state.borrow_mut();
        if state.seen == Some(version) {
            return;
        }
        if let Ok(bytes) = std::fs::read(path) {
            let text = String::from_utf8_lossy(&bytes);
            *state = State { seen: Some(version), lines: text.lines().filter_map(line).collect() };
        }
    }
}

fn version(path: &Path) -> Option<Version> {
    let of = std::fs::metadata(path).ok()?;
    Some(Version {
        file: (of.dev(), of.ino()),
        size: of.size(),
        modified: (of.mtime(), of.mtime_nsec()),
        changed: (of.ctime(), of.ctime_nsec()),
    })
}

fn line(text: &str) -> Option<Line> {
    let mut words = text.split('#').next()?.split_whitespace();
    let address = words.next()?.parse().ok()?;
    let names: Vec<String> = words.map(str::to_owned).collect();
    (!names.is_empty()).then_some(Line { address, names })
}

impl Resolver for Hosts {
    fn forward(&self, name: &str, family: Family) -> Result<HostEntry, GaiError> {
        self.refresh();
        let state = self.state.borrow();
        let mut entry = HostEntry::default();
        for line in &state.lines {
            if !line.names.iter().any(|one| one.eq_ignore_ascii_case(name)) {
                continue;
            }
            let Some(address) = in_family(line.address, family) else { continue };
            if entry.addresses.is_empty() {
                entry.name.clone_from(&line.names[0]);
            }
            entry.addresses.push(address);
            let others = line.names.iter().filter(|&one| *one != entry.name);
            let new: Vec<String> =
                others.filter(|one| !entry.aliases.contains(one)).cloned().collect();
            entry.aliases.extend(new);
        }
        if entry.addresses.is_empty() { Err(GaiError::NoName) } else { Ok(entry) }
    }

    fn reverse(&self, address: IpAddr) -> Result<HostEntry, GaiError> {
        self.refresh();
        let state = self.state.borrow();
        let found = state.lines.iter().find(|line| line.address == address);
        let (name, aliases) = found.ok_or(GaiError::NoName)?.names.split_first().expect("a name");
        Ok(HostEntry { name: name.clone(), aliases: aliases.to_vec(), addresses: vec![address] })
    }

    fn service_port(&self, name: &str, protocol: &str) -> Option<u16> {
        self.services.port(name, Some(protocol))
    }

    fn service_name(&self, port: u16, protocol: &str) -> Option<String> {
        self.services.name(port, protocol).map(str::to_owned)
    }
}

/// A line's address where this family is asked for.
fn in_family(address: IpAddr, family: Family) -> Option<IpAddr> {
    match (family, address) {
        (Family::V4, IpAddr::V6(v6)) if v6.is_loopback() => Some(Ipv4Addr::LOCALHOST.into()),
        (Family::V4, IpAddr::V6(v6)) => v6.to_ipv4_mapped().map(IpAddr::V4),
        (family, address) => family.has(address).then_some(address),
    }
}
