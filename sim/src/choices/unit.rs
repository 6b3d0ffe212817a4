//! What decisions are measured in.

use std::fmt;

/// Nanoseconds with a unit and no needless digits: `12.5ms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ns(pub u64);

impl fmt::Display for Ns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, name) = match self.0 {
            0 => return f.write_str("0"),
            1..1_000 => (1, "ns"),
            1_000..1_000_000 => (1_000, "us"),
            1_000_000..1_000_000_000 => (1_000_000, "ms"),
            _ => (1_000_000_000, "s"),
        };
        let (whole, rest) = (self.0 / unit, self.0 % unit);
        let digits = format!("{:0width$}", rest, width = unit.ilog10() as usize);
        let digits = if unit == 1 { "" } else { digits.trim_end_matches('0') };
        match digits {
            "" => write!(f, "{whole}{name}"),
            digits => write!(f, "{whole}.{digits}{name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_a_unit_and_no_needless_digits() {
        let shown: Vec<String> = [0, 7, 1_500, 12_500_000, 1_000_000_000, 61_000_000_001]
            .into_iter()
            .map(|ns| Ns(ns).to_string())
            .collect();
        assert_eq!(shown, ["0", "7ns", "1.5us", "12.5ms", "1s", "61.000000001s"]);
    }
}
