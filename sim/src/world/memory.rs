//! What a run leaves to the next one on its thread: tables without a row. Of a small world, to ask for memory and
//! give it back is a good part.

use std::cell::Cell;
use std::collections::HashMap;
use std::hash::{BuildHasher, Hash};
use std::mem::take;

use greenroom::hub::Ready;

use crate::choices::Fixed;
use crate::clock::Clock;
use crate::id::{DescriptorId, GreenletIndex, HostId, PacketId, SocketId};
use crate::link::packet::Packet;
use crate::link::pair::Pair;
use crate::socket::Socket;
use crate::socket::flow::Flow;
use crate::world::table::{Slots, Table};
use crate::world::{Descriptor, Greenlet, World};

/// What has room for more is given back: nobody knows whether there is another world as large.
const ROWS_MAX: usize = 256;
/// Likewise of bytes.
const BYTES_MAX: usize = 4096;

thread_local! {
    static LEFT: Cell<Option<Box<Memory>>> = const { Cell::new(None) };
}

/// Tables as a world begins with them.
#[derive(Default)]
pub(super) struct Memory {
    pub(super) clock: Clock,
    pub(super) greenlets: Table<GreenletIndex, Greenlet>,
    pub(super) descriptors: Slots<DescriptorId, Descriptor>,
    pub(super) sockets: Table<SocketId, Socket>,
    pub(super) packets: Slots<PacketId, Packet>,
    pub(super) buffers: Vec<Vec<u8>>,
    pub(super) flows: HashMap<Flow, SocketId, Fixed>,
    pub(super) pairs: HashMap<(HostId, HostId), Pair, Fixed>,
    pub(super) dirty: Vec<SocketId>,
    pub(super) ready: Vec<Ready>,
}

impl Memory {
    /// What the last run left, if one did.
    pub(super) fn take() -> Memory {
        LEFT.take().map_or_else(Memory::default, |left| *left)
    }
}

impl World {
    /// The run is over: leaves the memory of what nobody will read.
    pub(crate) fn leave_memory(&mut self) {
        LEFT.set(Some(Box::new(Memory {
            clock: take(&mut self.clock).emptied(ROWS_MAX),
            greenlets: take(&mut self.greenlets).emptied(ROWS_MAX),
            descriptors: take(&mut self.descriptors).emptied(ROWS_MAX),
            sockets: take(&mut self.sockets).emptied(ROWS_MAX),
            packets: take(&mut self.packets).emptied(ROWS_MAX),
            buffers: small(take(&mut self.buffers)),
            flows: emptied(take(&mut self.flows)),
            pairs: emptied(take(&mut self.pairs)),
            dirty: without_rows(take(&mut self.dirty), ROWS_MAX),
            ready: without_rows(take(&mut self.ready), ROWS_MAX),
        })));
    }
}

/// The same vector without a row, or none that has room for more than so many.
pub(super) fn without_rows<T>(mut rows: Vec<T>, most: usize) -> Vec<T> {
    rows.clear();
    if rows.capacity() > most { Vec::new() } else { rows }
}

fn emptied<K: Eq + Hash, V, S: BuildHasher + Default>(
    mut map: HashMap<K, V, S>,
) -> HashMap<K, V, S> {
    if map.capacity() > ROWS_MAX {
        return HashMap::default();
    }
    map.clear();
    map
}

fn small(mut buffers: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    buffers.retain(|buffer| buffer.capacity() <= BYTES_MAX);
    if buffers.capacity() > ROWS_MAX { Vec::new() } else { buffers }
}
