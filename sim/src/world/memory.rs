//! What a run leaves to the next one on its thread: tables without a row. Of a small world, to ask for memory and
//! give it back is a good part.

use std::cell::Cell;
use std::collections::HashMap;
use std::hash::{BuildHasher, Hash};
use std::mem::take;

use greenroom::hub::Ready;

use crate::choices::Fixed;
use crate::id::{DescriptorId, GreenletIndex, PacketId, SocketId};
use crate::link::packet::{Packet, Spare};
use crate::link::pair::Pairs;
use crate::socket::Socket;
use crate::socket::flow::Flow;
use crate::world::table::{Slots, Table, without_rows};
use crate::world::{Descriptor, Greenlet, World};

/// What has room for more is given back: nobody knows whether there is another world as large.
const ROWS_MAX: usize = 256;
/// Likewise of bytes.
const BYTES_MAX: usize = 4096;

thread_local! {
    static LEFT: Cell<Option<Box<Memory>>> = const { Cell::new(None) };
}

/// Tables as a world begins with them.
struct Memory {
    greenlets: Table<GreenletIndex, Greenlet>,
    descriptors: Slots<DescriptorId, Descriptor>,
    sockets: Table<SocketId, Socket>,
    packets: Slots<PacketId, Box<Packet>>,
    spare: Spare,
    buffers: Vec<Vec<u8>>,
    flows: HashMap<Flow, SocketId, Fixed>,
    pairs: Pairs,
    dirty: Vec<SocketId>,
    ready: Vec<Ready>,
}

impl World {
    /// Nothing has happened yet: takes what the last run left, if one did.
    pub(crate) fn take_memory(&mut self) {
        let Some(left) = LEFT.take() else { return };
        let Memory { greenlets, descriptors, sockets, packets, buffers, .. } = *left;
        (self.greenlets, self.descriptors, self.sockets) = (greenlets, descriptors, sockets);
        (self.packets, self.buffers) = (packets, buffers);
        (self.flows, self.pairs) = (left.flows, left.pairs);
        (self.dirty, self.ready, self.spare) = (left.dirty, left.ready, left.spare);
    }

    /// The run is over: leaves the memory of what nobody will read.
    pub(crate) fn leave_memory(&mut self) {
        LEFT.set(Some(Box::new(Memory {
            greenlets: take(&mut self.greenlets).emptied(ROWS_MAX),
            descriptors: take(&mut self.descriptors).emptied(ROWS_MAX),
            sockets: take(&mut self.sockets).emptied(ROWS_MAX),
            packets: take(&mut self.packets).emptied(ROWS_MAX),
            spare: few_and_small(take(&mut self.spare)),
            buffers: small(take(&mut self.buffers)),
            flows: emptied(take(&mut self.flows)),
            pairs: take(&mut self.pairs).emptied(ROWS_MAX),
            dirty: without_rows(take(&mut self.dirty), ROWS_MAX),
            ready: without_rows(take(&mut self.ready), ROWS_MAX),
        })));
    }
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

fn few_and_small(mut spare: Spare) -> Spare {
    spare.truncate(ROWS_MAX);
    spare.retain(|packet| packet.payload.capacity() <= BYTES_MAX);
    spare
}
