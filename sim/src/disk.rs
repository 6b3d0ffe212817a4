//! A host's disk: inodes and directories as programs see them, and what of them is durable.
//!
//! Each thing stands here twice, as it is *now* and as it is *saved*, with the changes between. A file's sync
//! saves its changes, a directory's sync those of its names; nothing else is promised, as by fsync(2). What
//! is left of it after a power cut is in `power`, how names are found in `walk`.
//!
//! What is not here: who waits, and for how long (`net/file.rs`); and who may do what, for every program is
//! root's: permissions are kept and stop nobody.

mod calls;
mod content;
mod look;
mod names;
mod node;
mod open;
mod power;
mod tree;
mod walk;
#[cfg(test)]
mod tests;

pub(crate) use calls::Answer;
pub(crate) use node::OpenId;
pub(crate) use power::{SECTOR, Survival, Unsynced};
pub(crate) use tree::Disk;
