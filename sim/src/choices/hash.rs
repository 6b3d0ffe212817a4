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

/// The two halves of a product, folded.
#[inline]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product >> 64) as u64 ^ product as u64
}

/// A hash of a label, a path or another short text, eight bytes at a time. It is in every decision of a seed: to
/// change it is to play other runs.
pub fn hash_bytes(bytes: &[u8]) -> u64 {
    const ODD: u64 = 0x9fb2_1c65_1e98_df25;
    let (words, rest) = bytes.as_chunks::<8>();
    let start = GOLDEN ^ bytes.len() as u64;
    let hash = words.iter().fold(start, |hash, word| fold(hash ^ u64::from_le_bytes(*word), ODD));
    let last = rest.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte));
    mix(hash, last)
}

/// A hash of what a program sends, which decides nothing. A block is taken in by four lanes, none of which waits
/// for another's product. What is short is hashed as a label is: to begin and to join lanes takes longer then.
pub(crate) fn hash_payload(bytes: &[u8]) -> u64 {
    const BLOCK: usize = 64;
    const SHORT: usize = 256;
    /// Of each lane: where it begins, and what its second word meets.
    const LANES: [(u64, u64); 4] = [
        (0x243f_6a88_85a3_08d3, 0x1319_8a2e_0370_7344),
        (0xa409_3822_299f_31d0, 0x082e_fa98_ec4e_6c89),
        (0x4528_21e6_38d0_1377, 0xbe54_66cf_34e9_0c6c),
        (0xc0ac_29b7_c97c_50dd, 0x3f84_d5b5_b547_0917),
    ];
    if bytes.len() < SHORT {
        return hash_bytes(bytes);
    }
    let (blocks, rest) = bytes.as_chunks::<BLOCK>();
    let mut lanes = LANES.map(|(start, _)| start ^ bytes.len() as u64);
    for block in blocks {
        let (words, _) = block.as_chunks::<8>();
        for (at, lane) in lanes.iter_mut().enumerate() {
            let [one, other] = [words[2 * at], words[2 * at + 1]].map(u64::from_le_bytes);
            *lane = fold(*lane ^ one, LANES[at].1 ^ other);
        }
    }
    let [a, b, c, d] = lanes;
    mix(mix(mix(a, b), mix(c, d)), hash_bytes(rest))
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Changing these changes the hash of every run that sends as much.
    #[test]
    fn golden_vectors_pin_the_hash_of_a_payload() {
        let bytes: Vec<u8> = (0..1000_u32).map(|at| ((at * at) >> 3) as u8).collect();
        assert_eq!(hash_payload(&bytes[..255]), hash_bytes(&bytes[..255]));
        let hashes = [256, 257, 1000].map(|length| hash_payload(&bytes[..length]));
        let golden =
            [10_132_894_588_008_832_555, 12_994_705_864_732_604_974, 4_347_021_063_638_706_935];
        assert_eq!(hashes, golden);
    }

    #[test]
    fn a_payload_hashes_otherwise_when_any_byte_or_its_length_is_another() {
        let mut seen = std::collections::BTreeSet::new();
        for length in [256, 300, 320, 511] {
            let mut bytes = vec![7_u8; length];
            assert!(seen.insert(hash_payload(&bytes)));
            for at in 0..length {
                for bit in 0..8 {
                    bytes[at] ^= 1 << bit;
                    assert!(seen.insert(hash_payload(&bytes)), "{length} {at} {bit}");
                    bytes[at] ^= 1 << bit;
                }
            }
            // Words that change places, too.
            bytes[..8].fill(1);
            for word in 0..length / 8 {
                bytes.copy_within(0..8, word * 8);
                assert!(seen.insert(hash_payload(&bytes)), "{length} {word}");
                bytes[word * 8..][..8].fill(if word == 0 { 1 } else { 7 });
            }
        }
    }
}
