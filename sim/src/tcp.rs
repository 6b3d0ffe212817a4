//! TCP of the simulator: segments and `now` go in, segments and a next deadline come out. No clock,
//! no chance, no sockets, no addresses.
//!
//! Modelled, because an application can see it: the handshake (simultaneous open and a connection to
//! oneself too), backlog, both windows with backpressure, zero-window probes and the receiver's silly
//! window avoidance, segmentation, reassembly, retransmission with back-off in time (RFC 6298),
//! selective acknowledgments (RFC 2018, RFC 6675),
//! congestion control (Reno's; Linux's own default is CUBIC), buffers that grow, Nagle's rule, corks
//! and delayed ACKs, giving up, half-close, RST for unread data, late data and dead ports, challenge ACKs
//! (RFC 5961), keepalive, user timeout, urgent bytes (RFC 6093), what routers say of the path (RFC
//! 1191, RFC 6069), TIME-WAIT. Errors and readiness are those of Linux.
//!
//! Not modelled: options as such (what SACK says travels beside the header, windows need no scale),
//! timestamps, tail loss probes, pacing, the memory that Linux counts beside
//! the bytes of a buffer, checksums. With TCP_NODELAY the writes of one instant share
//! segments, as they do under Linux's autocorking. Positions are `u64` counted from the ISN and never
//! wrap; give ISNs below 2^62.
//!
//! ```text
//!    connect()                                          a SYN at a Listener
//!        │                                                       │
//!        ▼               SYN (both call connect)                 ▼
//!    SYN_SENT ────────────────────────────────────────────▶ SYN_RECEIVED
//!        │                                                       │
//!        └──── SYN,ACK ─────▶  ESTABLISHED  ◀─── ACK of our SYN ─┘
//!                                │       │
//!         close or shutdown(WR)  │       │  FIN
//!                  ┌─────────────┘       └────────────┐
//!                  ▼                                  ▼
//!              FIN_WAIT1 ─── FIN ──▶ CLOSING      CLOSE_WAIT
//!                  │                    │             │ close or shutdown(WR)
//!       ACK of FIN │         ACK of FIN │             ▼
//!                  ▼                    │         LAST_ACK
//!              FIN_WAIT2                │             │ ACK of FIN
//!                  │ FIN                ▼             ▼
//!                  └──────────────▶ TIME_WAIT ────▶ CLOSED   ◀── RST, or giving up, from anywhere
//!                                           60 s
//! ```

mod acks;
mod appetite;
mod buffer;
mod config;
mod congestion;
pub mod connection;
mod errno;
mod facts;
pub mod listener;
mod moment;
mod rtt;
mod sack;
pub mod segment;
pub mod state;
#[cfg(test)]
mod tests;
mod urgent;

pub use config::{Config, Keepalive};
pub use connection::Connection;
pub use listener::Listener;
pub use segment::{Flags, Segment};
pub use state::State;
