//! A series: decisions of one entity that are counted together, under one name in tokens.

/// What an entity's decisions are counted by. A token names a decision by its series, its entity and
/// which of the entity's decisions in the series it is; a seed gives each series of an entity a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Series {
    /// Who runs next.
    Turn,
    /// How long something is under way or takes, in nanoseconds.
    Delay,
    /// What happens to something that is sent, or is said of it.
    Fate,
    /// How much a read takes.
    Size,
    /// When something fails, in nanoseconds of virtual time.
    Fault,
    /// How long a failure lasts, in nanoseconds.
    Length,
    /// Choices of the program's own.
    User,
    /// Random bytes.
    Entropy,
    /// Where something that is sent is cut, in bytes.
    Split,
}

/// How many series there are.
pub const COUNT: usize = Series::ALL.len();

impl Series {
    /// All series, in the order of their keys.
    pub const ALL: [Series; 9] = [
        Series::Turn,
        Series::Delay,
        Series::Fate,
        Series::Size,
        Series::Fault,
        Series::Length,
        Series::User,
        Series::Entropy,
        Series::Split,
    ];

    /// Its name in tokens.
    pub const fn name(self) -> &'static str {
        match self {
            Series::Turn => "turn",
            Series::Delay => "delay",
            Series::Fate => "fate",
            Series::Size => "size",
            Series::Fault => "fault",
            Series::Length => "length",
            Series::User => "user",
            Series::Entropy => "entropy",
            Series::Split => "split",
        }
    }

    /// The series of this name.
    pub fn by_name(name: &str) -> Option<Series> {
        Series::ALL.into_iter().find(|series| series.name() == name)
    }
}
