//! What is done with many runs: a [`sweep`] plays seeds, [`shrink`] makes a failing run small,
//! [`token`] writes it down and [`report`] says it.

pub(crate) mod difference;
pub mod report;
pub mod shrink;
pub mod sweep;
pub mod token;
