//! A small key-value server that speaks Redis's protocol: strings, counters, expiry.
//! Not Redis: one type of value, no persistence, no replication, no publish/subscribe.
//!
//! ```text
//!   bytes ─ buffer ─ request ─┐                     ┌─ reply, replies ─ bytes
//!                    (inline) ├─ store ─ keyspace ──┤
//!                             │   strings, session  │
//!                             └────── server ───────┘   the only file that meets a socket
//! ```
//!
//! Beside it, `linearizable` judges what clients saw, knowing nothing of how it was served; `client`
//! asks, and `play` is the story in which several do.

pub mod resp;

mod buffer;
mod memory;
mod inline;
mod replies;
pub mod reply;
pub mod request;

mod keyspace;
mod session;
pub mod store;
mod strings;

pub mod linearizable;
mod order;
pub mod register;

mod limits;
mod serve;
pub mod server;

mod client;
mod play;

pub use limits::Limits;
pub use play::story;
pub use serve::serve;
