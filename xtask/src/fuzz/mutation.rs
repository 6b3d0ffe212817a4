//! Inputs out of inputs: a few changes to a kept one, chosen by a seed.

/// No input is longer.
const BYTES_MAX: usize = 8 * 1024;

/// Makes one input after the other, the same for each seed.
pub struct Mutations<'a> {
    chance: Chance,
    kept: &'a [Vec<u8>],
    words: &'a [&'a str],
}

impl<'a> Mutations<'a> {
    /// Of these inputs; `words` are what the language of the target is made of.
    pub fn new(seed: u64, kept: &'a [Vec<u8>], words: &'a [&'a str]) -> Mutations<'a> {
        Mutations { chance: Chance(seed), kept, words }
    }

    pub fn next(&mut self) -> Vec<u8> {
        let mut input = self.one_kept();
        for _ in 0..=self.chance.below(5) {
            self.change(&mut input);
        }
        input.truncate(BYTES_MAX);
        input
    }

    fn one_kept(&mut self) -> Vec<u8> {
        match self.kept.len() {
            0 => Vec::new(),
            all => self.kept[self.chance.below(all)].clone(),
        }
    }

    fn change(&mut self, input: &mut Vec<u8>) {
        let at = self.chance.below(input.len() + 1);
        let (from, to) = self.range(input.len());
        match self.chance.below(10) {
            0 if at < input.len() => input[at] ^= 1 << self.chance.below(8),
            1 if at < input.len() => input[at] = self.chance.below(256) as u8,
            2 => input.insert(at, self.chance.below(256) as u8),
            3 => drop(input.drain(from..to)),
            4 => {
                let again = input[from..to].to_vec();
                let times = 1 + self.chance.below(4);
                let at = at.min(input.len());
                input.splice(at..at, again.repeat(times));
            }
            5 => input.truncate(at),
            6 => {
                let other = self.one_kept();
                let (begin, _) = self.range(other.len());
                input.truncate(at);
                input.extend_from_slice(&other[begin..]);
            }
            7 => {
                const NUMBERS: [&str; 12] = [
                    "0",
                    "-1",
                    "1",
                    "9",
                    "255",
                    "65535",
                    "65536",
                    "2147483648",
                    "4294967296",
                    "9223372036854775807",
                    "18446744073709551616",
                    "1e99",
                ];
                let number = NUMBERS[self.chance.below(NUMBERS.len())];
                input.splice(from..to, number.bytes());
            }
            _ if !self.words.is_empty() => {
                let word = self.words[self.chance.below(self.words.len())];
                let to = if self.chance.below(2) == 0 { from } else { to };
                input.splice(from..to, word.bytes());
            }
            _ => {}
        }
    }

    /// A part of so many bytes, mostly a short one.
    fn range(&mut self, length: usize) -> (usize, usize) {
        let from = self.chance.below(length + 1);
        let most = if self.chance.below(8) == 0 { length } else { 8 };
        let to = from + self.chance.below(most + 1);
        (from, to.min(length))
    }
}

/// splitmix64: enough for mutations, and the same everywhere.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        ((u128::from(mix(self.0)) * limit as u128) >> 64) as usize
    }
}

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A name for an input.
pub fn hash(input: &[u8]) -> u64 {
    input.iter().fold(input.len() as u64, |hash, byte| mix(hash ^ u64::from(*byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_makes_the_same_inputs_again_and_most_differ() {
        let kept = [b"GET / HTTP/1.1\r\n\r\n".to_vec(), b"*1\r\n$4\r\nPING\r\n".to_vec()];
        let all = |seed| {
            let mut mutations = Mutations::new(seed, &kept, &["\r\n"]);
            (0..1000).map(|_| mutations.next()).collect::<Vec<_>>()
        };
        assert_eq!(all(1), all(1));
        assert_ne!(all(1), all(2));
        let distinct: std::collections::BTreeSet<Vec<u8>> = all(1).into_iter().collect();
        assert!(distinct.len() > 800, "{}", distinct.len());
        assert!(distinct.iter().all(|input| input.len() <= BYTES_MAX));
    }
}
