//! What std has for Linux only.

pub mod net;
