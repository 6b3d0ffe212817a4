//! System calls, a protocol a file, and what moves packets between them.
//!
//! In floors: `memory`, `readiness`, `route`, `interface`, `address` and `ports` say how things stand; `link`,
//! `loopback` and `outgoing` send; `connection`, `stream`, `listener`, `datagram`, `multicast`, `udp`, `icmp`, `pipe`
//! and `unix` are the protocols; `message` and `urgent` are calls of several; `deliver` hands them what arrives;
//! `life` ends them, `disconnect` has them forget their peers, `facts` tells how they stand.

pub(crate) mod address;
pub(crate) mod connection;
pub(crate) mod datagram;
pub(crate) mod deliver;
pub(crate) mod disconnect;
pub(crate) mod facts;
pub(crate) mod file;
pub(crate) mod groups;
pub(crate) mod icmp;
pub(crate) mod interface;
pub(crate) mod job;
pub(crate) mod life;
pub(crate) mod link;
pub(crate) mod listener;
pub(crate) mod loopback;
pub(crate) mod memory;
pub(crate) mod message;
pub(crate) mod multicast;
pub(crate) mod names;
pub(crate) mod naming;
pub(crate) mod options;
pub(crate) mod outgoing;
pub(crate) mod pipe;
pub(crate) mod ports;
pub(crate) mod readiness;
pub(crate) mod route;
pub(crate) mod signal;
pub(crate) mod stream;
pub(crate) mod udp;
pub(crate) mod unix;
pub(crate) mod urgent;
pub(crate) mod way;
