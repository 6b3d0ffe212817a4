//! [`Config`]: whom to ask and how, as in resolv.conf(5).

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

/// Whom to ask and how: what resolv.conf(5) says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// The name servers, in the order they are asked.
    pub servers: Vec<SocketAddr>,
    /// The domains that a name is tried in.
    pub search: Vec<String>,
    /// A name with at least so many dots is first tried as it stands. 1 unless said.
    pub ndots: u32,
    /// How long a server is waited for at first; longer in later rounds. 5 s unless said.
    pub timeout: Duration,
    /// Rounds through all servers. 2 unless said.
    pub attempts: u32,
    /// Whether questions begin with another server each.
    pub rotate: bool,
    /// Whether to ask over TCP alone.
    pub use_tcp: bool,
    /// Whether to say that longer answers over UDP are welcome; not repeated to a server that does
    /// not understand it. It is so unless changed.
    pub edns: bool,
}

const PORT: u16 = 53;
const SERVERS_MAX: usize = 3;
const NDOTS_MAX: u32 = 15;
const TIMEOUT_MAX_S: u32 = 30;
const ATTEMPTS_MAX: u32 = 5;

impl Default for Config {
    /// A server on this host, as without the file.
    fn default() -> Config {
        Config {
            servers: vec![(Ipv4Addr::LOCALHOST, PORT).into()],
            search: Vec::new(),
            ndots: 1,
            timeout: Duration::from_secs(5),
            attempts: 2,
            rotate: false,
            use_tcp: false,
            edns: true,
        }
    }
}

impl Config {
    /// The defaults with these servers.
    pub fn servers(servers: impl IntoIterator<Item = SocketAddr>) -> Config {
        Config { servers: servers.into_iter().collect(), ..Config::default() }
    }

    /// What a file says. It is read once.
    ///
    /// # Errors
    ///
    /// Those of reading it.
    pub fn file(path: impl AsRef<Path>) -> io::Result<Config> {
        Ok(Config::parse(&String::from_utf8_lossy(&std::fs::read(path)?)))
    }

    /// What a text says. Lines and options that are unknown are passed over; of `search` and
    /// `domain` the last one counts; numbers over their bounds are cut to them.
    pub fn parse(text: &str) -> Config {
        let mut config = Config { servers: Vec::new(), ..Config::default() };
        for line in text.lines().filter(|line| !line.starts_with(['#', ';'])) {
            let mut words = line.split_whitespace();
            match words.next() {
                Some("nameserver") => config.servers.extend(words.next().and_then(server)),
                Some("domain") => config.search = words.take(1).map(str::to_owned).collect(),
                Some("search") => config.search = words.map(str::to_owned).collect(),
                Some("options") => words.for_each(|word| config.set(word)),
                _ => {}
            }
        }
        config.servers.truncate(SERVERS_MAX);
        if config.servers.is_empty() {
            config.servers = Config::default().servers;
        }
        config
    }

    fn set(&mut self, option: &str) {
        let (name, value) = option.split_once(':').unwrap_or((option, ""));
        match (name, value.parse::<u32>()) {
            ("ndots", Ok(ndots)) => self.ndots = ndots.min(NDOTS_MAX),
            ("timeout", Ok(s)) => {
                self.timeout = Duration::from_secs(s.clamp(1, TIMEOUT_MAX_S).into());
            }
            ("attempts", Ok(attempts)) => self.attempts = attempts.clamp(1, ATTEMPTS_MAX),
            ("rotate", _) => self.rotate = true,
            ("use-vc", _) => self.use_tcp = true,
            ("edns0", _) => self.edns = true,
            _ => {}
        }
    }

    /// How long a server is waited for in a round, counted from 0: twice as long each time, shared
    /// among the servers.
    pub(super) fn patience(&self, round: u32) -> Duration {
        const SHORTEST: Duration = Duration::from_secs(1);
        if round == 0 {
            return self.timeout;
        }
        let servers = u32::try_from(self.servers.len()).unwrap_or(u32::MAX).max(1);
        let longer = self.timeout.saturating_mul(1 << round.min(ATTEMPTS_MAX)) / servers;
        longer.max(SHORTEST.min(self.timeout))
    }
}

/// An address; one of a link with its scope.
fn server(text: &str) -> Option<SocketAddr> {
    match text.parse::<IpAddr>() {
        Ok(ip) => Some((ip, PORT).into()),
        Err(_) => {
            let mut address = super::numeric::host(text).ok().flatten()?;
            address.set_port(PORT);
            Some(address)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resolv_conf_is_read_as_its_manual_says() {
        let config = Config::parse(
            "# nameserver 192.0.2.9\n; search not.this\ndomain first.example\n\
             nameserver 192.0.2.1\nnameserver ::1\nnameserver fe80::1%2\nnameserver 192.0.2.4\n\
             search a.example b.example\nsortlist 10.0.0.0\n\
             options ndots:99 timeout:0 attempts:9 rotate use-vc nonsense:1 ndots:x\n",
        );
        let servers = config.servers.iter().map(SocketAddr::to_string);
        let servers: Vec<_> = servers.collect();
        assert_eq!(servers, ["192.0.2.1:53", "[::1]:53", "[fe80::1%2]:53"]);
        assert_eq!(config.search, ["a.example", "b.example"]);
        assert_eq!((config.ndots, config.attempts), (15, 5));
        assert_eq!(config.timeout, Duration::from_secs(1));
        assert!(config.rotate && config.use_tcp);
        assert_eq!(Config::parse(""), Config::default());
    }

    #[test]
    fn later_rounds_wait_longer_and_share_it_among_servers() {
        let servers = ["192.0.2.1:53", "192.0.2.2:53"].map(|text| text.parse().unwrap());
        let config = Config::servers(servers);
        let rounds = [0, 1, 2].map(|round| config.patience(round).as_secs());
        assert_eq!(rounds, [5, 5, 10]);
        let hasty = Config { timeout: Duration::from_millis(10), ..config };
        assert_eq!(hasty.patience(1), Duration::from_millis(10));
    }
}
