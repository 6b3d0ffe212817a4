//! greenroom's virtual world: hosts, links, TCP and time under unchanged blocking code, every
//! chance decided by a seed.
//!
//! ```
//! use std::io::{Read, Write};
//! use greenroom::net::{TcpListener, TcpStream};
//! use greenroom_sim::Sim;
//!
//! let run = Sim::new()
//!     .seed(42)
//!     .server("srv", || {
//!         let listener = TcpListener::bind("0.0.0.0:7")?;
//!         let (mut stream, _) = listener.accept()?;
//!         let mut buf = [0; 5];
//!         stream.read_exact(&mut buf)?;
//!         stream.write_all(&buf)
//!     })
//!     .client("cli", || {
//!         let mut stream = TcpStream::connect("srv:7")?;
//!         stream.write_all(b"hello")?;
//!         let mut echo = [0; 5];
//!         stream.read_exact(&mut echo)?;
//!         greenroom::always!(&echo == b"hello", "what comes back is what went out");
//!         Ok(())
//!     })
//!     .run();
//! assert!(run.outcome.held());
//! ```
//!
//! In reading order: [`run`] plays a scenario once; [`choices`] is the tape every decision comes
//! off; `tcp`, `link`, `socket`, `host`, `world` and `net` are what is simulated; [`trace`] is what a run leaves;
//! [`search`] is what is done with many: [`shrink`] makes a failing one small, [`report`] says it, [`sweep`] plays
//! seeds; [`cli`] is the command line; [`check()`] is all of it in a `#[test]`.

mod builder;
mod check;
pub mod choices;
pub mod cli;
#[doc = include_str!("socket/options/options.md")]
pub mod options {}
pub mod path;
pub mod run;
pub mod search;
pub mod trace;
pub mod weather;

mod clock;
mod disk;
mod errno;
mod host;
mod hub;
mod id;
mod keeper;
mod link;
mod net;
mod scheduler;
mod socket;
// Its names are RFC 9293's and the world's own affair.
#[allow(missing_docs, dead_code)]
mod tcp;
#[cfg(test)]
mod testing;
mod text;
mod world;

pub use builder::Sim;
pub use check::{check, check_in};
pub use run::{Outcome, Run, Spec};
pub use search::{again, report, shrink, sweep, token};
#[doc(no_inline)]
pub use weather as faults;
pub use weather::Weather;
