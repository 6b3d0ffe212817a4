//! What a host runs on: its links and addresses, and what its kernel has to give.

use std::ops::RangeInclusive;

/// The machine of a host. What is not said is as on any Linux machine: one link with an address of
/// each family, ports 32768 to 60999 to give out, no limits.
///
/// Links are numbered as they come, eth0, eth1, and so on (interfaces 2, 3, … where a number is asked
/// for). In the simulator the third host of a scenario has `10.0.0.3` and `fd00::3` on its first link,
/// `10.1.0.3` and `fd00:1::3` on its second. All first links are one net, all second links another:
/// 10.0.0.0/24 and 10.1.0.0/24 (netmask `255.255.255.0`, broadcast `10.0.0.255`) where a scenario has
/// at most 254 hosts, 10.0.0.0/16 and 10.1.0.0/16 (`255.255.0.0`, `10.0.255.255`) where it has more;
/// fd00::/32 and fd00:1::/32. A destination that is on none of a host's links is `ENETUNREACH`, and what leaves by a link has that
/// link's address for its source, unless it is bound to another.
///
/// A host's name resolves to the addresses that its machine *declares*: to those of IPv4, then to those
/// of IPv6, as RFC 6724 orders private addresses and unique local ones; first come those that whoever
/// asks can reach. A machine that declares none resolves to its one address of IPv4, although it has
/// one of IPv6 too.
///
/// # On the operating system
///
/// `greenroom_real::perform` gives a host the addresses of IPv4 that it declares. They are all of
/// loopback, so every host reaches every address, and a socket can have but one of them: binding to
/// `0.0.0.0` on a host that has several is refused. It has no way to honour anything else, and refuses
/// to begin with an `Unsupported` error that names it.
///
/// # Examples
///
/// ```
/// use greenroom::net::{TcpListener, TcpStream};
/// use greenroom::resolve::lookup_host;
/// use greenroom::scenario::{Machine, Scenario};
///
/// let scenario = Scenario::new("links", "a server is found on both of its links", |stage| {
///     stage.server("srv", || {
///         let all: Vec<_> = lookup_host(("srv", 80))?.map(TcpListener::bind).collect();
///         assert_eq!(all.len(), 3);
///         loop {
///             greenroom::thread::park();
///         }
///     });
///     stage.machine("srv", Machine::new().v4(2).v6(1));
///     stage.client("cli", || {
///         for address in lookup_host(("srv", 80))? {
///             // Its own address on the link to the server's.
///             println!("{}", TcpStream::connect(address)?.local_addr()?);
///         }
///         Ok(())
///     });
///     stage.machine("cli", Machine::new().v4(2).ephemeral_ports(42_000..=42_001).descriptors(64));
/// });
/// assert_eq!(scenario.stage().hosts[0].machine.v4_declared(), Some(2));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    v4: Option<u8>,
    v6: Option<u8>,
    ephemeral_ports: RangeInclusive<u16>,
    descriptors: Option<u32>,
    socket_memory: Option<u64>,
    unprivileged: bool,
    disk: Option<u64>,
}

/// Linux's `ip_local_port_range`.
const EPHEMERAL_PORTS: RangeInclusive<u16> = 32_768..=60_999;

impl Machine {
    /// A machine about which nothing is said.
    pub const fn new() -> Machine {
        Machine {
            v4: None,
            v6: None,
            ephemeral_ports: EPHEMERAL_PORTS,
            descriptors: None,
            socket_memory: None,
            unprivileged: false,
            disk: None,
        }
    }
    /// How many links have an address of IPv4: the first ones.
    pub const fn v4(mut self, addresses: u8) -> Machine {
        self.v4 = Some(addresses);
        self
    }
    /// How many links have an address of IPv6: the first ones. They may be other than those of IPv4.
    pub const fn v6(mut self, addresses: u8) -> Machine {
        self.v6 = Some(addresses);
        self
    }
    /// The ports that it gives out to who asks for any (`ip_local_port_range`).
    ///
    /// # Panics
    ///
    /// If there is none, or 0 is one.
    pub fn ephemeral_ports(mut self, ports: RangeInclusive<u16>) -> Machine {
        assert!(!ports.is_empty() && *ports.start() > 0, "no ports are given out of {ports:?}");
        self.ephemeral_ports = ports;
        self
    }
    /// How many descriptors its program may hold at once; one more is `EMFILE`. Sockets and ends of
    /// pipes count, each as often as it was duplicated.
    pub const fn descriptors(mut self, most: u32) -> Machine {
        self.descriptors = Some(most);
        self
    }
    /// How many bytes its sockets of TCP and UDP may hold in all, to be sent, acknowledged or read
    /// (`tcp_mem`, `udp_mem`). Where it is used up, datagrams that arrive are dropped, segments lose what
    /// they carry and are sent again, and writes wait; a stream whose buffer is empty goes on, so that
    /// none is stuck for good.
    pub const fn socket_memory(mut self, bytes: u64) -> Machine {
        self.socket_memory = Some(bytes);
        self
    }

    /// How many bytes its disk has for what files hold, in blocks of 4 KiB; a write that finds none free is
    /// `ENOSPC`, and one that finds some is short.
    pub const fn disk(mut self, bytes: u64) -> Machine {
        self.disk = Some(bytes);
        self
    }

    /// Its program is not root's: to bind a port under 1024 is `EACCES`.
    pub const fn unprivileged(mut self) -> Machine {
        self.unprivileged = true;
        self
    }

    /// How many addresses of IPv4 were declared, if it was said.
    pub const fn v4_declared(&self) -> Option<u8> {
        self.v4
    }
    /// How many addresses of IPv6 were declared, if it was said.
    pub const fn v6_declared(&self) -> Option<u8> {
        self.v6
    }
    /// The ports that it gives out.
    pub fn given_ports(&self) -> RangeInclusive<u16> {
        self.ephemeral_ports.clone()
    }
    /// How many descriptors its program may hold at once, if that is limited.
    pub const fn descriptors_most(&self) -> Option<u32> {
        self.descriptors
    }
    /// How many bytes its sockets may hold, if that is limited.
    pub const fn socket_memory_bytes(&self) -> Option<u64> {
        self.socket_memory
    }
    /// How many bytes its disk has, if that is limited.
    pub const fn disk_bytes(&self) -> Option<u64> {
        self.disk
    }
    /// Whether its program is not root's.
    pub const fn is_unprivileged(&self) -> bool {
        self.unprivileged
    }
}

impl Default for Machine {
    fn default() -> Machine {
        Machine::new()
    }
}
