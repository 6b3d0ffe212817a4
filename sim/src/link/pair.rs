//! Two hosts that have talked: what lies between them.

use std::collections::HashMap;

use crate::choices::Fixed;
use crate::id::{HostId, Id, PairId};
use crate::link::icmp::Why;

/// All who have talked.
#[derive(Default)]
pub(crate) struct Pairs {
    ids: HashMap<(HostId, HostId), PairId, Fixed>,
    rows: Vec<Pair>,
}

impl Pairs {
    /// Which pair these two are, the one with the lower number first.
    #[inline]
    pub(crate) fn find(&self, key: (HostId, HostId)) -> Option<PairId> {
        self.ids.get(&key).copied()
    }
    pub(crate) fn insert(&mut self, key: (HostId, HostId), pair: Pair) -> PairId {
        let id = PairId::of_row(self.rows.len());
        self.rows.push(pair);
        self.ids.insert(key, id);
        id
    }
    pub(crate) fn get(&self, id: PairId) -> &Pair {
        &self.rows[id.row()]
    }
    #[inline]
    pub(crate) fn get_mut(&mut self, id: PairId) -> &mut Pair {
        &mut self.rows[id.row()]
    }
    /// Without a pair, with their memory unless it is of more than so many.
    pub(crate) fn emptied(mut self, most: usize) -> Pairs {
        if self.rows.capacity() > most || self.ids.capacity() > most {
            return Pairs::default();
        }
        self.rows.clear();
        self.ids.clear();
        self
    }
}

/// Two hosts that have talked.
pub(crate) struct Pair {
    /// When they are cut off from each other, from and until.
    pub(crate) cut_ns: Option<(u64, u64)>,
    /// What a router says of a packet that meets the cut, if one says anything.
    pub(crate) cut_answer: Option<Why>,
    /// When the last packet will have left each direction's queue; the first is the one from the
    /// host with the lower number.
    pub(super) empty_ns: [u64; 2],
    /// When a packet last left for the other, by direction likewise.
    pub(super) sent_ns: [Option<u64>; 2],
    /// Until when the sender asks who has the other's address.
    pub(super) asking_until_ns: [u64; 2],
    /// Until when the sender remembers the MTU of the path.
    mtu_known_ns: [u64; 2],
}

impl Pair {
    pub(crate) fn new(cut_ns: Option<(u64, u64)>, cut_answer: Option<Why>) -> Pair {
        Pair {
            cut_ns,
            cut_answer,
            empty_ns: [0; 2],
            sent_ns: [None; 2],
            asking_until_ns: [0; 2],
            mtu_known_ns: [0; 2],
        }
    }

    /// Whether the sender of this direction remembers the MTU of the path.
    #[inline]
    pub(crate) fn knows_mtu(&self, way: usize, now_ns: u64) -> bool {
        self.mtu_known_ns[way] > now_ns
    }

    /// A router said what the MTU of the path is.
    pub(crate) fn learn_mtu(&mut self, way: usize, now_ns: u64) {
        /// Linux's `mtu_expires`.
        const REMEMBERED_NS: u64 = 600_000_000_000;
        self.mtu_known_ns[way] = now_ns.saturating_add(REMEMBERED_NS);
    }
}

/// The key of two hosts, and which of a pair's two directions leads from one to the other.
#[inline]
pub(crate) fn direction(from: HostId, to: HostId) -> ((HostId, HostId), usize) {
    ((from.min(to), from.max(to)), usize::from(from > to))
}
