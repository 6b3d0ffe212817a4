//! What the table says of a decision.

use super::super::series::Series;
use super::super::unit::Greenlet;
use super::{Decision, Fault};

/// Which entity a decision is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// A greenlet.
    Greenlet,
    /// A socket, a query or a job.
    Socket,
    /// The socket that sends, or its host for what is sent without a socket.
    Sender,
    /// A host.
    Host,
    /// A file or a directory of a host's disk.
    File,
    /// Two hosts.
    Pair,
    /// A label in a greenlet's program.
    Label,
}

/// An entry of the table of decisions.
#[derive(Debug)]
pub struct Entry {
    /// What it is counted by, and written under in tokens.
    pub series: Series,
    /// Which entity it is about.
    pub about: About,
    /// The fields of the weather that say how often it deviates; none where it may at any time.
    pub rates: &'static [&'static str],
    /// What strikes where it deviates: as such it stands in a trace and is counted.
    pub strikes: &'static [Fault],
    /// What a report says of a deviation: `{who}` is the entity, `{nth}` the ordinal, `{value}` the value.
    pub says: &'static str,
}

/// Defines [`Decision`](super::Decision) and the table's entries.
macro_rules! decisions {
    ($(
        $(#[$doc:meta])*
        $name:ident($unit:ty) {
            series: $series:ident,
            about: $about:ident,
            rates: $rates:expr,
            strikes: $strikes:expr,
            says: $says:literal $(,)?
        }
    )*) => {
        /// A decision with its value: an entry of the table.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Decision {
            $($(#[$doc])* $name($unit)),*
        }

        /// All decisions, in the order of the table, with their boring values.
        pub const DECISIONS: &[Decision] =
            &[$(Decision::$name(<$unit as Unit>::BORING)),*];

        impl Decision {
            /// Its entry.
            #[inline]
            pub const fn entry(&self) -> &'static Entry {
                match self {
                    $(Decision::$name(_) => &Entry {
                        series: Series::$series,
                        about: About::$about,
                        rates: &$rates,
                        strikes: &$strikes,
                        says: $says,
                    }),*
                }
            }

            /// The number of its value on the tape.
            #[inline]
            pub fn number(&self) -> u64 {
                match self {
                    $(Decision::$name(value) => value.number()),*
                }
            }

            pub(super) fn value(&self) -> String {
                match self {
                    $(Decision::$name(value) => value.to_string()),*
                }
            }
        }
    };
}
pub(super) use decisions;

impl Decision {
    /// What it is counted by.
    #[inline]
    pub const fn series(&self) -> Series {
        self.entry().series
    }

    /// A sentence about it, as a report has it, given the entity and the ordinal. `path_text` is the text
    /// of a path.
    pub fn in_words(
        &self,
        entity: &str,
        ordinal: u32,
        path_text: impl FnOnce(u32) -> String,
    ) -> String {
        let Entry { about, says, .. } = self.entry();
        let who = match about {
            About::Pair => entity.replace('=', " and "),
            _ => entity.to_owned(),
        };
        let value = match self {
            Decision::Turn(Greenlet(path)) => path_text(*path),
            other => other.value(),
        };
        let nth = ordinal.to_string();
        // Between braces stand names, so every other piece is one.
        let pieces = says.split(['{', '}']).enumerate();
        let fill = pieces.map(|(at, piece)| match (at % 2, piece) {
            (1, "who") => &who,
            (1, "nth") => &nth,
            (1, "value") => &value,
            _ => piece,
        });
        fill.collect()
    }
}
