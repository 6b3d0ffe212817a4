//! Cooperative networking in std's own shape: write blocking code once, rehearse it on a seeded
//! network, perform it on the operating system.
//!
//! This crate is the API and the driver; it knows no world. A world is a [`hub::Hub`]:
//! `greenroom_real` is the operating system's, `greenroom_sim` a virtual network's, and the same
//! program runs on both.
//!
//! ```no_run
//! use std::io::{Read, Write};
//! use greenroom::net::{TcpListener, TcpStream};
//! use greenroom::thread;
//!
//! fn program() -> std::io::Result<()> {
//!     let listener = TcpListener::bind("127.0.0.1:0")?;
//!     let address = listener.local_addr()?;
//!     thread::spawn(move || -> std::io::Result<()> {
//!         let (mut stream, _) = listener.accept()?;
//!         let mut buf = [0; 5];
//!         stream.read_exact(&mut buf)?;
//!         stream.write_all(&buf)
//!     });
//!     let mut stream = TcpStream::connect(address)?;
//!     stream.write_all(b"hello")?;
//!     let mut echo = [0; 5];
//!     stream.read_exact(&mut echo)
//! }
//! ```
//!
//! # Waiting inside a std `thread_local!` is unsound
//!
//! Greenlets of a hub share their thread, and so its thread-locals: see [`thread`], which says what
//! goes wrong, what to use instead and what finds it.
//!
//! In reading order: [`net`] and [`thread`] are what programs use; `call` holds the one retry loop
//! under every socket call; [`driver`] is the loop that runs greenlets; [`hub`] is the waist below
//! it; [`scenario`] is how a story is told so that both worlds can play it.

pub mod check;
pub mod fs;
pub mod io;
pub mod net;
pub mod os;
pub mod pool;
pub mod rand;
pub mod resolve;
pub mod scenario;
pub mod server;
pub mod signal;
pub mod sync;
pub mod thread;
pub mod time;
pub mod wait;

mod call;
pub mod driver;
mod greenlet;
pub mod hub;
mod names;
