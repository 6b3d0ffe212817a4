//! `greenroom::fs` on both hubs: what a program is told is what Linux tells it, and what is durable is what
//! fsync(2) promises.

mod both;
mod faults;
mod kinds;
mod power;
mod programs;
mod shape;
