//! What std has for Unix only.

pub mod net;
