//! Hashes without a secret: the same in every process.

use std::hash::{BuildHasherDefault, Hasher};

/// 2^64 over the golden ratio: consecutive ordinals land far apart.
pub(super) const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// Mixes two numbers into one by folding their 128-bit product.
#[inline]
pub fn mix(a: u64, b: u64) -> u64 {
    let product = u128::from(a ^ 0xa076_1d64_78bd_642f) * u128::from(b ^ 0xe703_7ed1_a0b4_28db);
    let folded = (product >> 64) as u64 ^ product as u64;
    let again = u128::from(folded ^ GOLDEN) * u128::from(0x8ebc_6af0_9c88_c6e3_u64 ^ a);
    (again >> 64) as u64 ^ again as u64
}

/// A hash of bytes, eight at a time.
pub fn hash_bytes(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let fold = |hash: u64, word: u64| {
        let product = u128::from(hash ^ word) * u128::from(0x9fb2_1c65_1e98_df25_u64);
        (product >> 64) as u64 ^ product as u64
    };
    let start = GOLDEN ^ bytes.len() as u64;
    let hash = words.iter().fold(start, |hash, word| fold(hash, u64::from_le_bytes(*word)));
    let last = rest.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte));
    mix(hash, last)
}

/// A hasher without a secret: the simulator's tables are the same in every process.
#[derive(Clone, Copy, Debug, Default)]
pub struct FixedHasher(u64);

/// Builds [`FixedHasher`]s.
pub type Fixed = BuildHasherDefault<FixedHasher>;

impl Hasher for FixedHasher {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        self.0 = mix(self.0, hash_bytes(bytes));
    }
    fn write_u64(&mut self, word: u64) {
        self.0 = mix(self.0, word);
    }
    fn write_u32(&mut self, word: u32) {
        self.write_u64(word.into());
    }
    fn write_u16(&mut self, word: u16) {
        self.write_u64(word.into());
    }
    fn write_u8(&mut self, word: u8) {
        self.write_u64(word.into());
    }
    fn write_usize(&mut self, word: usize) {
        self.write_u64(word as u64);
    }
    fn write_isize(&mut self, word: isize) {
        self.write_u64(word as u64);
    }
}
