//! Addresses for a performance: a loopback net of its own, held against every other performance of
//! this machine for as long as it lasts.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// The addresses of one performance, which no other of this machine uses at the same time.
pub(super) struct Net {
    pub(super) names: Arc<BTreeMap<String, Vec<Ipv4Addr>>>,
    /// Bound as long as the addresses are ours.
    _claim: UdpSocket,
}

impl Net {
    const ADDRESSES_MAX: usize = 250;
    /// Where a claim is staked, on the last address of a net.
    const CLAIM_PORT: u16 = 20_771;

    /// Addresses for the hosts, each as many as is said with its name.
    pub(super) fn claim<'a>(hosts: impl Iterator<Item = (&'a str, u8)>) -> io::Result<Net> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        const TRIES: u32 = 1000;
        let mut last = None;
        for _ in 0..TRIES {
            // Processes start apart, and go on to nets that were not used for long.
            let number = std::process::id().wrapping_mul(251);
            let number = number.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
            let (a, b) = (1 + (number >> 8) % 253, number & 0xff);
            let address = |c: usize| Ipv4Addr::new(127, a as u8, b as u8, c as u8);
            match UdpSocket::bind((address(255), Net::CLAIM_PORT)) {
                Ok(claim) => return Net::of(hosts, address, claim),
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| io::ErrorKind::AddrNotAvailable.into()))
    }

    fn of<'a>(
        hosts: impl Iterator<Item = (&'a str, u8)>,
        address: impl Fn(usize) -> Ipv4Addr,
        claim: UdpSocket,
    ) -> io::Result<Net> {
        let mut free = (1..=Net::ADDRESSES_MAX).map(address);
        let mut names = BTreeMap::new();
        for (name, count) in hosts {
            let own: Vec<Ipv4Addr> = free.by_ref().take(count.into()).collect();
            if own.len() < usize::from(count) {
                let most = format!("a performance has {} addresses at most", Net::ADDRESSES_MAX);
                return Err(io::Error::new(io::ErrorKind::InvalidInput, most));
            }
            names.insert(name.to_owned(), own);
        }
        Ok(Net { names: Arc::new(names), _claim: claim })
    }

    pub(super) fn addresses_of(&self, host: &str) -> Vec<Ipv4Addr> {
        self.names.get(host).cloned().unwrap_or_else(|| vec![Ipv4Addr::LOCALHOST])
    }
}
