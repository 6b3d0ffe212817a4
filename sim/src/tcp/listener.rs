//! A listening socket's two queues: half-open connections and completed ones. It keeps keys and
//! counts only; the world owns the connections, and nothing here sees a segment.
//!
//! ```text
//!  SYN ──▶ half-open (SYN_RECV) ──final ACK──▶ completed (FIFO) ──▶ accept()
//!   │            │                   │
//!   dropped when the completed queue is full: the client sends SYN again,
//!   and a half-open connection stays so and sends its SYN-ACK again
//! ```

use std::collections::VecDeque;

/// Linux's net.ipv4.tcp_max_syn_backlog on a machine of ordinary size. SYN cookies, which lift the
/// bound there, are not modelled.
const HALF_OPEN_MAX: usize = 1024;

#[derive(Clone, Debug)]
pub struct Listener<K> {
    backlog: usize,
    half_open: VecDeque<K>,
    completed: VecDeque<K>,
}

impl<K: PartialEq> Listener<K> {
    /// `listen(backlog)`: Linux lets `backlog + 1` completed connections wait.
    pub fn new(backlog: u32) -> Listener<K> {
        Listener {
            backlog: backlog as usize,
            half_open: VecDeque::new(),
            completed: VecDeque::new(),
        }
    }

    /// `listen()` again on a listening socket; nobody waiting is thrown out.
    pub fn set_backlog(&mut self, backlog: u32) {
        self.backlog = backlog as usize;
    }

    pub fn backlog(&self) -> usize {
        self.backlog
    }

    pub fn half_open(&self) -> usize {
        self.half_open.len()
    }

    /// Connections that `accept` would return at once, dead ones included: a client that has gone
    /// away keeps its slot.
    pub fn pending(&self) -> usize {
        self.completed.len()
    }

    pub fn is_full(&self) -> bool {
        self.completed.len() > self.backlog
    }

    /// A SYN came for a new connection. False: drop the SYN and make none.
    pub fn begin(&mut self, key: K) -> bool {
        let room = !self.is_full() && self.half_open.len() < HALF_OPEN_MAX;
        if room {
            self.half_open.push_back(key);
        }
        room
    }

    /// Ask before a segment is given to a half-open connection. False: drop the segment, unless it
    /// is a SYN or RST, so that the connection stays half-open.
    pub fn may_complete(&self) -> bool {
        !self.is_full()
    }

    /// The half-open connection `key` is established: it waits for `accept` now. False if it was
    /// not half-open here, or there is no room.
    pub fn complete(&mut self, key: &K) -> bool {
        if self.is_full() {
            return false;
        }
        let key = self.remove_half_open(key);
        let known = key.is_some();
        self.completed.extend(key);
        known
    }

    /// The half-open connection `key` died: reset, or nobody answered its SYN-ACK.
    pub fn abandon(&mut self, key: &K) -> bool {
        self.remove_half_open(key).is_some()
    }

    /// The connection that completed first.
    pub fn accept(&mut self) -> Option<K> {
        self.completed.pop_front()
    }

    /// The listener closes: every connection nobody accepted, to be aborted by the caller.
    pub fn close(&mut self) -> impl Iterator<Item = K> + '_ {
        self.half_open.drain(..).chain(self.completed.drain(..))
    }

    fn remove_half_open(&mut self, key: &K) -> Option<K> {
        let at = self.half_open.iter().position(|other| other == key)?;
        self.half_open.remove(at)
    }
}
