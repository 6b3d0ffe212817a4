//! Values from a seed: a key for each series of each entity, and samples from it.
//!
//! The sampling is integer arithmetic of our own, pinned by golden vectors: no library's version shifts it.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

use super::hash::{GOLDEN, mix};
use super::series::COUNT;

/// 128 bits for one series of one entity, in one seed.
pub(super) type Key = (u64, u64);

pub(super) fn root(seed: u64) -> ChaCha8Rng {
    let mut bytes = *b"greenroom choices, version 1....";
    bytes[24..].copy_from_slice(&seed.to_le_bytes());
    ChaCha8Rng::from_seed(bytes)
}

pub(super) fn derive(root: &ChaCha8Rng, entity: u64) -> [Key; COUNT] {
    let mut stream = root.clone();
    stream.set_stream(entity);
    std::array::from_fn(|_| (stream.next_u64(), stream.next_u64()))
}

/// Samples for one decision.
#[derive(Clone, Debug)]
pub struct Draw {
    key: Key,
    at: u64,
}

impl Draw {
    #[inline]
    pub(super) fn new(key: Key, ordinal: u32) -> Draw {
        Draw { key, at: u64::from(ordinal) << 32 }
    }
    /// Any number.
    #[inline]
    pub fn next_u64(&mut self) -> u64 {
        self.at += 1;
        mix(self.key.0 ^ self.at.wrapping_mul(GOLDEN), self.key.1 ^ self.at)
    }
    /// A number below `bound`; 0 if that is 0. The bias is under 2^-32 for bounds under 2^32.
    #[inline]
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next_u64()) * u128::from(bound)) >> 64) as u64
    }
    /// A number from `low` to `high`, both among them.
    #[inline]
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below((high.max(low) - low).saturating_add(1))
    }
    /// True so many times in a million.
    #[inline]
    pub fn happens(&mut self, ppm: u32) -> bool {
        ppm > 0 && self.below(1_000_000) < u64::from(ppm)
    }
    /// So many times in a million a number from `low` to `high`, otherwise 0.
    #[inline]
    pub fn sometimes(&mut self, ppm: u32, low: u64, high: u64) -> u64 {
        if self.happens(ppm) { self.between(low, high) } else { 0 }
    }
}
