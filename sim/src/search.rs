//! What is done with many runs: a [`sweep`] plays seeds, [`shrink`] makes a failing run small,
//! [`token`] writes it down, [`report`] says it, and [`again`] how it is played once more.

pub mod again;
pub(crate) mod difference;
pub(crate) mod evidence;
pub(crate) mod job;
pub(crate) mod process;
pub mod report;
pub(crate) mod result;
pub mod shrink;
pub mod sweep;
pub mod token;
pub(crate) mod worker;
