//! What std has for some systems only, under the paths it has there: sockets of the Unix domain,
//! and what Linux adds to the others.

#[cfg(target_os = "linux")]
pub mod linux;
pub mod unix;
