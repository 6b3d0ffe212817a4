//! What decisions are measured in. Each unit has a number on the tape, and 0 is always the boring one.

use std::fmt;

/// The value of a decision, in a unit of its own.
pub trait Unit: Copy + fmt::Display {
    /// The boring value, whose number is 0.
    const BORING: Self;
    /// The value with this number.
    fn of(number: u64) -> Self;
    /// Its number on the tape.
    fn number(self) -> u64;
}

macro_rules! units {
    ($($(#[$doc:meta])* $name:ident($number:ty) as $pattern:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub struct $name(pub $number);

        impl Unit for $name {
            const BORING: $name = $name(0);
            #[inline]
            fn of(number: u64) -> $name {
                $name(number as $number)
            }
            #[inline]
            fn number(self) -> u64 {
                u64::from(self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, $pattern, self.0)
            }
        }
    )*};
}

units! {
    /// A greenlet, by the number of its path in the run.
    Greenlet(u32) as "greenlet {}";
    /// A size.
    Bytes(u64) as "{} bytes";
    /// Pieces of a stream: each is what one write sent.
    Pieces(u64) as "{} bytes";
    /// A plain number.
    Number(u64) as "{}";
}

/// What happens to something that is sent, or is said of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fate {
    /// Nothing: it arrives, and nobody says anything.
    Usual,
    /// It does not arrive.
    Lost,
    /// It arrives twice.
    Duplicated,
    /// What is sent later arrives before it.
    Overtaken,
    /// A router says that it has no route to the network.
    NetUnreachable,
    /// A router says that it has no route to the host.
    HostUnreachable,
}

impl Fate {
    /// All fates, in the order of their numbers.
    pub const ALL: [Fate; 6] = [
        Fate::Usual,
        Fate::Lost,
        Fate::Duplicated,
        Fate::Overtaken,
        Fate::NetUnreachable,
        Fate::HostUnreachable,
    ];

    /// Its name in tokens.
    pub const fn name(self) -> &'static str {
        match self {
            Fate::Usual => "usual",
            Fate::Lost => "lost",
            Fate::Duplicated => "duplicated",
            Fate::Overtaken => "overtaken",
            Fate::NetUnreachable => "net-unreachable",
            Fate::HostUnreachable => "host-unreachable",
        }
    }
}

impl Unit for Fate {
    const BORING: Fate = Fate::Usual;
    #[inline]
    fn of(number: u64) -> Fate {
        match number {
            1 => Fate::Lost,
            2 => Fate::Duplicated,
            3 => Fate::Overtaken,
            4 => Fate::NetUnreachable,
            5 => Fate::HostUnreachable,
            _ => Fate::Usual,
        }
    }
    #[inline]
    fn number(self) -> u64 {
        self as u64
    }
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Nanoseconds, printed with a unit and no needless digits: `12.5ms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ns(pub u64);

impl Unit for Ns {
    const BORING: Ns = Ns(0);
    #[inline]
    fn of(number: u64) -> Ns {
        Ns(number)
    }
    #[inline]
    fn number(self) -> u64 {
        self.0
    }
}

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
