//! How a trace is laid out, and whether it shows what was sent.

use serde::{Deserialize, Serialize};

/// How a trace is shown. The default does not depend on who reads it: lanes of one width, and of bytes
/// no more than their count and hash.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Style {
    /// As many columns as a line has. Lanes are narrower than usual where that makes them fit; where
    /// there are too many hosts even so, each line begins with its host instead.
    pub columns: Option<usize>,
    /// Shows what was sent and received.
    pub payload: Option<PayloadAs>,
}

/// How bytes are shown: the first of them, and no byte that a terminal would act on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PayloadAs {
    /// As text in quotes; what is not printable ASCII is escaped.
    Text,
    /// Each byte as two hexadecimal digits.
    Hex,
}

/// So many bytes of each payload are kept to be shown.
pub(super) const HEAD_MAX: usize = 48;

pub(super) const TIME_WIDTH: usize = 14;
const LANE_WIDTH: usize = 46;
const LANE_WIDTH_MIN: usize = 30;

/// Where a host's lines stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lanes {
    /// Beside those of the others, in a lane of this width.
    Beside(usize),
    /// Below them, behind the host's name in a column of this width.
    Below(usize),
}

impl Style {
    pub(super) fn lanes<'a>(&self, hosts: impl ExactSizeIterator<Item = &'a str>) -> Lanes {
        let Some(columns) = self.columns else { return Lanes::Beside(LANE_WIDTH) };
        let each = columns.saturating_sub(TIME_WIDTH + 2) / hosts.len().max(1);
        match each {
            LANE_WIDTH_MIN.. => Lanes::Beside(each.min(LANE_WIDTH)),
            _ => Lanes::Below(hosts.map(|name| name.chars().count()).max().unwrap_or(0) + 2),
        }
    }
}

impl PayloadAs {
    /// The way of this name.
    pub fn by_name(name: &str) -> Option<PayloadAs> {
        match name {
            "text" => Some(PayloadAs::Text),
            "hex" => Some(PayloadAs::Hex),
            _ => None,
        }
    }

    pub(super) fn show(self, bytes: &[u8]) -> String {
        let (shown, more) = match bytes.split_at_checked(HEAD_MAX) {
            Some((shown, [_, ..])) => (shown, "…"),
            _ => (bytes, ""),
        };
        match self {
            PayloadAs::Text => format!("\"{}\"{more}", shown.escape_ascii()),
            PayloadAs::Hex => {
                let digits: Vec<String> = shown.iter().map(|byte| format!("{byte:02x}")).collect();
                format!("{}{more}", digits.join(" "))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_bounded_and_no_terminal_acts_on_them() {
        assert_eq!(
            PayloadAs::Text.show(b"GET \"a\"\r\n\x1b[2J\xff"),
            r#""GET \"a\"\r\n\x1b[2J\xff""#
        );
        assert_eq!(PayloadAs::Hex.show(b"\x00\xff"), "00 ff");
        assert_eq!(PayloadAs::Text.show(&[b'x'; HEAD_MAX]).len(), HEAD_MAX + 2);
        assert!(PayloadAs::Text.show(&[b'x'; HEAD_MAX + 1]).ends_with("x\"…"));
    }

    #[test]
    fn lanes_narrow_to_what_there_is_and_stand_below_each_other_where_it_is_too_little() {
        let lanes = |columns, hosts: usize| {
            Style { columns, payload: None }.lanes(vec!["srv"; hosts].into_iter())
        };
        assert_eq!(lanes(None, 9), Lanes::Beside(LANE_WIDTH));
        assert_eq!(lanes(Some(300), 2), Lanes::Beside(LANE_WIDTH));
        assert_eq!(lanes(Some(100), 2), Lanes::Beside(42));
        assert_eq!(lanes(Some(80), 3), Lanes::Below(5));
        assert_eq!(lanes(Some(0), 0), Lanes::Below(2));
    }
}
