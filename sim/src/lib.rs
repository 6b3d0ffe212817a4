//! stub front
pub mod choices;
pub mod faults;
pub mod trace;
mod clock;
mod host;
mod hub;
mod net;
pub mod path;
mod scheduler;
#[allow(missing_docs)]
mod tcp;
mod world;
pub mod run;
