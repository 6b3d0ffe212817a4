//! What a server grants its clients, in the words of Redis's settings.

use greenroom::time::Duration;

use super::request::{BULK_BYTES_MAX, Bounds, REQUEST_BYTES_MAX};

/// What clients may use of a server. A client that uses more is told why and its connection closed;
/// the others are served on. Sizes are in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Redis's `maxclients`: connections at once.
    pub clients: usize,
    /// Redis's `timeout`: how long a client may send nothing, or take nothing; `None` is for ever.
    /// Without it, one that vanished silently keeps its greenlet for good.
    pub timeout: Option<Duration>,
    /// Redis's `maxmemory`: what keys and values may take. Commands that would add to them beyond it
    /// are refused; nothing is thrown away to make room.
    pub memory: Option<usize>,
    /// Redis's `maxmemory-clients`: what unfinished requests and unsent replies may take, those of
    /// all connections together. When it is used up, the connection that holds the most is closed.
    pub memory_clients: Option<usize>,
    /// Redis's `client-query-buffer-limit`: one request with all its arguments.
    pub query_buffer: usize,
    /// Redis's `proto-max-bulk-len`: one argument.
    pub bulk_len: usize,
}

const MB: usize = 1024 * 1024;

impl Limits {
    /// No bounds but the protocol's: for a server among friends, as a story's is.
    pub fn of_a_story(timeout: Option<Duration>) -> Limits {
        let (query_buffer, bulk_len) = (REQUEST_BYTES_MAX, BULK_BYTES_MAX as usize);
        let clients = usize::MAX;
        Limits { clients, timeout, memory: None, memory_clients: None, query_buffer, bulk_len }
    }

    pub(super) fn bounds(&self) -> Bounds {
        let bulk_bytes_max = i64::try_from(self.bulk_len).unwrap_or(i64::MAX);
        Bounds { bulk_bytes_max, request_bytes_max: self.query_buffer }
    }
}

/// For a server among strangers.
impl Default for Limits {
    fn default() -> Limits {
        Limits {
            clients: 10_000,
            memory: Some(1024 * MB),
            memory_clients: Some(256 * MB),
            ..Limits::of_a_story(None)
        }
    }
}
