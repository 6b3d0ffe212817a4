//! [`Services`]: names of ports, as in services(5).

use std::io;
use std::path::Path;

/// Names of ports: those of a file in the format of services(5), or a few that everybody knows.
///
/// # Examples
///
/// ```
/// use greenroom::resolve::Services;
///
/// let services = Services::well_known();
/// assert_eq!(services.port("http", Some("tcp")), Some(80));
/// assert_eq!(services.name(53, "udp"), Some("domain"));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Services {
    entries: Vec<Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    /// The first is the official one.
    names: Vec<String>,
    port: u16,
    protocol: String,
}

const WELL_KNOWN: &str = "\
echo 7/tcp
echo 7/udp
discard 9/tcp sink null
discard 9/udp sink null
daytime 13/tcp
daytime 13/udp
ftp 21/tcp
ssh 22/tcp
telnet 23/tcp
smtp 25/tcp mail
time 37/tcp timserver
time 37/udp timserver
domain 53/tcp
domain 53/udp
bootps 67/udp
bootpc 68/udp
tftp 69/udp
gopher 70/tcp
finger 79/tcp
http 80/tcp www
kerberos 88/tcp kerberos5 krb5 kerberos-sec
kerberos 88/udp kerberos5 krb5 kerberos-sec
pop3 110/tcp pop-3
sunrpc 111/tcp portmapper
sunrpc 111/udp portmapper
nntp 119/tcp readnews untp
ntp 123/udp
imap2 143/tcp imap
snmp 161/tcp
snmp 161/udp
bgp 179/tcp
ldap 389/tcp
ldap 389/udp
https 443/tcp
https 443/udp
submissions 465/tcp ssmtp smtps urd
syslog 514/udp
submission 587/tcp
ldaps 636/tcp
ldaps 636/udp
domain-s 853/tcp
domain-s 853/udp
imaps 993/tcp
pop3s 995/tcp
mysql 3306/tcp
postgresql 5432/tcp postgres
mdns 5353/udp
redis 6379/tcp
http-alt 8080/tcp webcache
http-alt 8080/udp
";

impl Services {
    /// A few that everybody knows, whatever the machine has.
    pub fn well_known() -> Services {
        Services::parse(WELL_KNOWN)
    }

    /// Those of a file. It is read once.
    ///
    /// # Errors
    ///
    /// Those of reading it.
    pub fn file(path: impl AsRef<Path>) -> io::Result<Services> {
        Ok(Services::parse(&String::from_utf8_lossy(&std::fs::read(path)?)))
    }

    /// This machine's; none where it has no such file.
    pub fn system() -> Services {
        Services::file("/etc/services").unwrap_or_default()
    }

    /// Those of a text. Lines that are none are passed over.
    pub fn parse(text: &str) -> Services {
        Services { entries: text.lines().filter_map(entry).collect() }
    }

    /// The port of a service by one of its names, of a protocol or of any.
    pub fn port(&self, name: &str, protocol: Option<&str>) -> Option<u16> {
        let fits = |entry: &&Entry| protocol.is_none_or(|protocol| entry.protocol == protocol);
        let mut entries = self.entries.iter().filter(fits);
        entries.find(|entry| entry.names.iter().any(|one| one == name)).map(|entry| entry.port)
    }

    /// The official name of a protocol's port.
    pub fn name(&self, port: u16, protocol: &str) -> Option<&str> {
        let found =
            self.entries.iter().find(|entry| entry.port == port && entry.protocol == protocol);
        found.map(|entry| entry.names[0].as_str())
    }
}

fn entry(line: &str) -> Option<Entry> {
    let mut words = line.split('#').next()?.split_whitespace();
    let official = words.next()?.to_owned();
    let (port, protocol) = words.next()?.split_once('/')?;
    let names = std::iter::once(official).chain(words.map(str::to_owned)).collect();
    Some(Entry { names, port: port.parse().ok()?, protocol: protocol.to_owned() })
}
