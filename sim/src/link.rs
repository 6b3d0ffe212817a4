//! What becomes of a packet between two hosts, as far as it can be said without the world: what it is, how
//! large it is on the wire, what lies between the two, and the verdict.

pub(crate) mod icmp;
pub(crate) mod packet;
pub(crate) mod pair;
pub(crate) mod verdict;
pub(crate) mod wire;
