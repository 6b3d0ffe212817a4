//! The loop above every hub: runnable greenlets, timers, parked waiters, a run's end.
//!
//! ```text
//!   run ── turn? ──> resume a greenlet ── it parks, yields or ends ──┐
//!    ^                                                              │
//!    └── wake whom readiness and timers name <── poll the hub <─────┘ nobody left to run
//! ```
//!
//! It is written once, so a simulated seed exercises the very loop that production runs. It asks
//! the hub who runs next and never decides that itself. What it does not know: sockets (`net`),
//! the retry loop (`call/retry.rs`), locks (`sync`): these park here and are woken here.

mod calls;
mod counts;
mod crowd;
mod dump;
mod engine;
mod locals;
mod mailbox;
mod names;
mod parker;
mod probe;
mod program;
mod slot;
mod stall;
mod streak;
mod table;
mod task;
mod thread_locals;
mod ticket;
mod timeout;
mod timers;
mod waiters;

#[doc(hidden)]
pub use counts::{Counts, counts};
pub(crate) use crowd::{Arrival, Crowd};
pub(crate) use engine::{
    Driver, OUTSIDE, Waited, count_call, current, outside, wake_anywhere, with_current,
};
pub use engine::{run, run_judged};
pub(crate) use mailbox::{Mail, Mailbox};
pub(crate) use names::Label;
pub(crate) use parker::Parker;
#[doc(hidden)]
pub use probe::{Probe, Running};
pub(crate) use program::is_panic;
pub use program::{Ending, Killed, Panicked, Program, Role, Stop, panic_message};
pub(crate) use slot::{Helper, Holder};
pub use stall::{Stall, Stuck};
pub(crate) use task::Task;
pub(crate) use ticket::{Origin, Ticket, Woken};
pub use timeout::Elapsed;
pub(crate) use timeout::Unwind;
