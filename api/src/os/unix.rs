//! What std has for Unix only.

pub mod fs;
pub mod net;
