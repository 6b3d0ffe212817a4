//! The operating system as a greenroom world: [`run`] runs a program's greenlets on this thread,
//! over real sockets.
//!
//! ```
//! use std::io::{self, Read, Write};
//!
//! use greenroom::net::{TcpListener, TcpStream};
//! use greenroom::thread;
//!
//! fn main() -> io::Result<()> {
//!     greenroom_real::run(|| {
//!         let listener = TcpListener::bind("127.0.0.1:0")?;
//!         let address = listener.local_addr()?;
//!         let server = thread::spawn(move || -> io::Result<()> {
//!             let (mut stream, _) = listener.accept()?;
//!             let mut line = [0; 5];
//!             stream.read_exact(&mut line)?;
//!             stream.write_all(&line)
//!         });
//!         let mut stream = TcpStream::connect(address)?;
//!         stream.write_all(b"hello")?;
//!         let mut echo = [0; 5];
//!         stream.read_exact(&mut echo)?;
//!         assert_eq!(&echo, b"hello");
//!         server.join().expect("the server does not panic")
//!     })
//! }
//! ```
//!
//! A hub belongs to one thread. To use more cores, call [`run`] on more threads, or [`run_on`]:
//! greenlets stay where they are, and `greenroom::sync` works across.
//!
//! A greenlet that holds its hub for a second, in a call that is not greenroom's, is named on stderr,
//! in release builds too; `GREENROOM_WATCHDOG` is `off` or the milliseconds. One thread watches all hubs, and
//! asks the one that is held by a signal, `SIGURG`, unless the program handles that itself or the call would end
//! with an error by it (a wait for a socket of std's, `poll(2)`): then the greenlet goes unnamed.
//!
//! # Short of something
//!
//! Each is an error of the call that needs it, and costs nobody else anything:
//!
//! - Descriptors (`RLIMIT_NOFILE`): `EMFILE`; a run that has none for its hub is [`RunError::Io`]. A
//!   [`StreamServer`](greenroom::server::StreamServer) serves those it holds and goes on as they leave.
//! - Address space (`RLIMIT_AS`) and stacks: a greenlet without one is over, with a panic that says so, which its
//!   `join` returns. Some is left to the heap, whose end aborts any program.
//! - Threads (`RLIMIT_NPROC`): `EAGAIN` from blocking jobs and look-ups of names; there is no watchdog then.
//! - Room for what is logged: what cannot be written to stderr is left out.
//!
//! A call that a signal interrupts is made again. Timers go by `CLOCK_MONOTONIC`: a jump of the wall clock moves
//! none. What was due while the process was stopped (`SIGSTOP`) is due when it goes on.
//!
//! [`perform`] plays a [`Scenario`](greenroom::scenario::Scenario), which the simulator rehearses,
//! on the operating system. What is not here: who runs and who waits (`greenroom::driver`), and
//! anything simulated.

mod perform;
mod run;

mod address;
mod hub;
mod blocking_pool;
mod facts;
mod fs;
mod options;
mod identity;
mod resolver;
mod retries;
mod signal;
mod socket;
mod sys;
mod table;
mod watch;
mod watchdog;

pub use hub::RealHub;
pub use perform::{Performance, perform, try_perform, try_perform_within};
pub use resolver::{Blocking, Threaded};
pub use run::{RunError, run, run_on, try_run};
