//! `greenroom::fs` on both hubs: what a program is told is what Linux tells it.

mod both;
mod kinds;
mod shape;
