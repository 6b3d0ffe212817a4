//! Locks, queues and what else greenlets wait in, against models: random programs, one step at a
//! time, on the operating system and in the simulator. After each step everybody has run as far as
//! they can, and what has come of whom is what the model says.

#[path = "sync/ends.rs"]
mod ends;
#[path = "sync/fair.rs"]
mod fair;
#[path = "sync/harness.rs"]
mod harness;
#[path = "sync/locks.rs"]
mod locks;
#[path = "sync/meetings.rs"]
mod meetings;
#[path = "sync/queues.rs"]
mod queues;
#[path = "sync/semaphores.rs"]
mod semaphores;
