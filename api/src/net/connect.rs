//! Connections to whoever has several addresses: [`create_connection`] tries them one after the
//! other, [`connect_racing`] side by side.

use std::io;
use std::time::Duration;

use super::{SocketAddr, TcpStream, ToSocketAddrs, domain_of, each_address, no_addresses};
use crate::call::{Descriptor, refuse_zero};
use crate::hub::{Address, Kind};
use crate::wait::{self, Timer, Waitable, Watcher};

/// Connects to the first of the addresses that answers, each within `timeout`, from `source` if one
/// is given: gevent's and Python's `create_connection`.
///
/// The look-up is outside the timeout. The time is each attempt's own, and the stream has no timeout
/// of its own afterwards. The socket of an attempt that failed, was killed or ran out of time is
/// closed.
///
/// # Errors
///
/// The last attempt's, [`TimedOut`](io::ErrorKind::TimedOut) where its time was up: also when
/// `source` cannot be bound. [`InvalidInput`](io::ErrorKind::InvalidInput) for a zero timeout and
/// where there is no address.
///
/// # Examples
///
/// ```no_run
/// # fn main() -> std::io::Result<()> {
/// use std::time::Duration;
/// use greenroom::net::create_connection;
///
/// let from = "10.0.0.7:0".parse().unwrap();
/// let stream = create_connection("db:5432", Some(Duration::from_secs(3)), Some(from))?;
/// # Ok(()) }
/// ```
pub fn create_connection<A: ToSocketAddrs>(
    addr: A,
    timeout: Option<Duration>,
    source: Option<SocketAddr>,
) -> io::Result<TcpStream> {
    timeout.map_or(Ok(()), refuse_zero)?;
    each_address(addr, |peer| TcpStream::connect_from(source, peer, timeout))
}

/// How long RFC 8305 has an attempt alone before the next one starts beside it.
pub const CONNECTION_ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// What RFC 8305 has that time be at least.
const ATTEMPT_DELAY_MIN: Duration = Duration::from_millis(10);

/// Connects to whichever of the addresses answers first ("happy eyeballs", RFC 8305), so that one
/// that is silent costs a moment and not minutes.
///
/// The families take turns, beginning with the first address's; else the order stays the look-up's.
/// An attempt starts `attempt_delay` after the one before it, or at once when one fails:
/// [`CONNECTION_ATTEMPT_DELAY`] is the RFC's advice, and less than 10 ms is taken as 10 ms, as it
/// demands. The first connection that stands is the answer, and the other sockets are closed, as
/// all are when the greenlet is killed. There is no limit in all: [`time::timeout`] sets one.
///
/// [`time::timeout`]: crate::time::timeout
///
/// # Errors
///
/// The last one when every attempt failed; [`InvalidInput`](io::ErrorKind::InvalidInput) where there
/// is no address.
///
/// # Examples
///
/// ```no_run
/// # fn main() -> std::io::Result<()> {
/// use std::time::Duration;
/// use greenroom::net::{CONNECTION_ATTEMPT_DELAY, connect_racing};
/// use greenroom::time::timeout;
///
/// let race = || connect_racing("www.example.com:80", CONNECTION_ATTEMPT_DELAY);
/// let stream = timeout(Duration::from_secs(10), race).map_err(std::io::Error::other)??;
/// # Ok(()) }
/// ```
pub fn connect_racing<A: ToSocketAddrs>(addr: A, attempt_delay: Duration) -> io::Result<TcpStream> {
    let delay = attempt_delay.max(ATTEMPT_DELAY_MIN);
    let mut waiting = in_turns(addr.to_socket_addrs()?).into_iter();
    let mut running = Vec::new();
    let mut last = None;
    loop {
        if let Some(peer) = waiting.next() {
            match Attempt::start(peer) {
                Ok(Progress::Stands(stream)) => return Ok(stream),
                Ok(Progress::Runs(attempt)) => running.push(attempt),
                Err(error) => {
                    last = Some(error);
                    continue;
                }
            }
        } else if running.is_empty() {
            return Err(last.unwrap_or_else(no_addresses));
        }
        let next = (waiting.len() > 0).then(|| wait::after(delay));
        match first_news(&mut running, next)? {
            News::Stands(stream) => return Ok(stream),
            News::Failed(error) => last = Some(error),
            News::Time => {}
        }
    }
}

/// The order to try them in: families take turns, beginning with the first one's.
fn in_turns(all: impl Iterator<Item = SocketAddr>) -> Vec<SocketAddr> {
    let all: Vec<SocketAddr> = all.collect();
    let first_is_v6 = all.first().is_some_and(SocketAddr::is_ipv6);
    let (firsts, others): (Vec<SocketAddr>, Vec<SocketAddr>) =
        all.iter().copied().partition(|address| address.is_ipv6() == first_is_v6);
    let (mut firsts, mut others) = (firsts.into_iter(), others.into_iter());
    let mut order = Vec::new();
    while order.len() < all.len() {
        order.extend(firsts.next());
        order.extend(others.next());
    }
    order
}

/// One connection under way.
struct Attempt {
    peer: Address,
    watcher: Watcher,
    stream: TcpStream,
}

enum Progress {
    Runs(Attempt),
    Stands(TcpStream),
}

enum News {
    Stands(TcpStream),
    Failed(io::Error),
    /// It is time for the next attempt.
    Time,
}

impl Attempt {
    fn start(peer: SocketAddr) -> io::Result<Progress> {
        let stream = TcpStream(Descriptor::socket(domain_of(&peer), Kind::Stream)?);
        let peer = Address::from(peer);
        if stream.0.begin_connect(&peer)? {
            return Ok(Progress::Stands(stream));
        }
        let watcher = Watcher::write(&stream)?;
        Ok(Progress::Runs(Attempt { peer, watcher, stream }))
    }
}

/// Waits until one of these is over, well or badly, or it is time for the next; it is no longer
/// among them then.
fn first_news(running: &mut Vec<Attempt>, next: Option<Timer>) -> io::Result<News> {
    loop {
        let mut all: Vec<&dyn Waitable> = Vec::with_capacity(running.len() + 1);
        all.extend(running.iter().map(|attempt| &attempt.watcher as &dyn Waitable));
        all.extend(next.iter().map(|timer| timer as &dyn Waitable));
        let index = wait::any(&all, None)?;
        let Some(attempt) = running.get(index) else { return Ok(News::Time) };
        match attempt.stream.0.is_connected(&attempt.peer) {
            Ok(false) => {}
            Ok(true) => return Ok(News::Stands(running.remove(index).stream)),
            Err(error) => {
                running.remove(index);
                return Ok(News::Failed(error));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_take_turns_beginning_with_the_first_ones() {
        let order = |all: &[&str]| -> Vec<String> {
            let all = all.iter().map(|address| address.parse().unwrap());
            in_turns(all).iter().map(SocketAddr::to_string).collect()
        };
        let (a, b, c) = ("10.0.0.1:1", "10.0.0.2:1", "10.0.0.3:1");
        let (v, w) = ("[::1]:1", "[::2]:1");
        assert_eq!(order(&[v, w, a, b, c]), [v, a, w, b, c]);
        assert_eq!(order(&[a, b, v]), [a, v, b]);
        assert_eq!(order(&[a, b]), [a, b]);
        assert!(order(&[]).is_empty());
    }
}
