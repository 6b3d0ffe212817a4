//! A program: a few greenlets, what they share, and what the world does when.

use std::fmt;
use std::time::Duration;

/// Times are few and small, so that ties are common.
pub const UNIT: Duration = Duration::from_millis(10);

/// So many units.
pub fn units(n: u8) -> Duration {
    UNIT * u32::from(n)
}

#[derive(Clone, Debug)]
pub struct Program {
    /// Of the choices that a world makes by itself, if it makes any.
    pub seed: u16,
    pub streams: u8,
    /// The first stream can also be written to; how much it takes is an arrival of room.
    pub writes: bool,
    /// There is a listener.
    pub accepts: bool,
    /// In order of time.
    pub arrivals: Vec<Arrival>,
    /// So many of the actors begin by themselves; each of the others is spawned by an operation.
    pub roots: usize,
    pub actors: Vec<Vec<Op>>,
}

/// One end that calls line up for: a stream's bytes, a stream's room, a listener's connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Read,
    Write,
    Accept,
}

/// So much arrives on a side, or its end (0 of it).
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    pub at: u8,
    pub side: u8,
    pub count: u8,
}

/// From this number on, an actor means a child of the scope it is named in.
pub const KIN: u8 = 100;

/// An operation. `within` is how long it may take of its own.
#[derive(Clone, Debug)]
pub enum Op {
    Sleep(u8),
    Yield,
    /// Reads, writes or accepts, as the side has it.
    Take {
        side: u8,
        len: u8,
        within: Option<u8>,
    },
    /// Waits until the side is ready, with a watcher of its own.
    WaitReady {
        side: u8,
        within: Option<u8>,
    },
    /// The same with the watcher everybody shares.
    Wait {
        side: u8,
        within: Option<u8>,
    },
    /// With `EBADF`, or an error of its own.
    Cancel {
        side: u8,
        code: Option<u8>,
    },
    /// The handle that the side is of.
    Close(u8),
    Shutdown {
        stream: u8,
        how: How,
    },
    Kill(u8),
    Set,
    Clear,
    WaitSet {
        within: Option<u8>,
    },
    Lock,
    Unlock,
    Park {
        within: Option<u8>,
    },
    Unpark(u8),
    Spawn(u8),
    Join {
        actor: u8,
        within: Option<u8>,
    },
    Panic,
    Timeout(u8, Vec<Op>),
    /// A `thread::scope`: it spawns these actors, numbered from `first` on, and performs its body.
    Scope {
        first: u8,
        children: Vec<Vec<Op>>,
        body: Vec<Op>,
    },
    /// The end of a scope's body, from where on it waits for its children: the last operation of
    /// each, written down nowhere.
    ScopeEnd,
    /// An arrival that an actor makes, where the world has none of its own.
    Feed {
        side: u8,
        count: u8,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    Read,
    Write,
    Both,
}

impl How {
    pub fn reads(self) -> bool {
        self != How::Write
    }
    pub fn writes(self) -> bool {
        self != How::Read
    }
}

impl Op {
    /// How many operations it is, itself among them.
    pub fn size(&self) -> usize {
        match self {
            Op::Timeout(_, body) => 1 + size(body),
            Op::Scope { body, .. } => 2 + size(body),
            _ => 1,
        }
    }
}

/// How many operations these are, with those in bodies, without those of children.
pub fn size(ops: &[Op]) -> usize {
    ops.iter().map(Op::size).sum()
}

/// The operations of each actor of these scopes, and of the scopes in them, by its number.
fn add_children<'a>(ops: &'a [Op], to: &mut Vec<(u8, &'a [Op])>) {
    for op in ops {
        match op {
            Op::Timeout(_, body) => add_children(body, to),
            Op::Scope { first, children, body } => {
                for (number, child) in (*first..).zip(children) {
                    to.push((number, child));
                    add_children(child, to);
                }
                add_children(body, to);
            }
            _ => {}
        }
    }
}

impl Program {
    /// Every actor's operations: of those that begin by themselves, of those that are spawned, and
    /// of the children of scopes.
    pub fn all_actors(&self) -> Vec<&[Op]> {
        let mut children = Vec::new();
        self.actors.iter().for_each(|ops| add_children(ops, &mut children));
        children.sort_by_key(|(number, _)| *number);
        let children = children.into_iter().map(|(_, ops)| ops);
        self.actors.iter().map(Vec::as_slice).chain(children).collect()
    }

    pub fn sides(&self) -> u8 {
        self.streams + u8::from(self.writes) + u8::from(self.accepts)
    }
    pub fn kind(&self, side: u8) -> Kind {
        match side {
            _ if side < self.streams => Kind::Read,
            _ if side == self.streams && self.writes => Kind::Write,
            _ => Kind::Accept,
        }
    }
    /// The stream that a side is of; none for the listener.
    pub fn stream(&self, side: u8) -> Option<u8> {
        match self.kind(side) {
            Kind::Read => Some(side),
            Kind::Write => Some(0),
            Kind::Accept => None,
        }
    }
    /// Where room to write is a side of this stream.
    pub fn room_of(&self, stream: u8) -> Option<u8> {
        (self.writes && stream == 0).then_some(self.streams)
    }

    /// Whether an actor may end its side of a stream before it closes it.
    pub fn ends_first(&self, stream: u8) -> bool {
        let ends = |op: &&Op| matches!(op, Op::Shutdown { stream: of, how } if *of == stream && how.writes());
        self.all_actors().into_iter().any(|ops| Self::flat(ops).iter().any(ends))
    }

    /// The bytes of this arrival: each is its place in the stream.
    pub fn bytes_of(&self, arrival: &Arrival) -> Vec<u8> {
        let same = |before: &&Arrival| before.side == arrival.side && before.at < arrival.at;
        let first: u8 = self.arrivals.iter().filter(same).map(|before| before.count).sum();
        (first..first + arrival.count).collect()
    }

    /// An actor's operations by number, bodies after their scope.
    pub fn flat(ops: &[Op]) -> Vec<&Op> {
        fn add<'a>(ops: &'a [Op], flat: &mut Vec<&'a Op>) {
            for op in ops {
                flat.push(op);
                match op {
                    Op::Timeout(_, body) => add(body, flat),
                    Op::Scope { body, .. } => {
                        add(body, flat);
                        flat.push(&Op::ScopeEnd);
                    }
                    _ => {}
                }
            }
        }
        let mut flat = Vec::new();
        add(ops, &mut flat);
        flat
    }

    fn name(&self, side: u8) -> String {
        match self.kind(side) {
            Kind::Read => format!("s{side}"),
            Kind::Write => "room".into(),
            Kind::Accept => "callers".into(),
        }
    }

    fn list(&self, f: &mut fmt::Formatter<'_>, ops: &[Op], first: usize) -> fmt::Result {
        let mut number = first;
        for op in ops {
            write!(f, " {number}:")?;
            self.show(f, op)?;
            match op {
                Op::Timeout(_, body) => {
                    write!(f, " {{")?;
                    self.list(f, body, number + 1)?;
                    write!(f, " }}")?;
                }
                Op::Scope { first, children, body } => {
                    for (child, ops) in (*first..).zip(children) {
                        write!(f, " (g{child}:")?;
                        self.list(f, ops, 0)?;
                        write!(f, ")")?;
                    }
                    write!(f, " {{")?;
                    self.list(f, body, number + 1)?;
                    write!(f, " {}:end }}", number + op.size() - 1)?;
                }
                _ => {}
            }
            write!(f, ";")?;
            number += op.size();
        }
        Ok(())
    }

    fn show(&self, f: &mut fmt::Formatter<'_>, op: &Op) -> fmt::Result {
        let limit = |within: &Option<u8>| within.map_or(String::new(), |n| format!(" within {n}"));
        match op {
            Op::Sleep(time) => write!(f, "sleep {time}"),
            Op::Yield => write!(f, "yield"),
            Op::Take { side, len, within } => {
                let verb = match self.kind(*side) {
                    Kind::Read => format!("read s{side} {len}"),
                    Kind::Write => format!("write s0 {len}"),
                    Kind::Accept => "accept".into(),
                };
                write!(f, "{verb}{}", limit(within))
            }
            Op::WaitReady { side, within } => {
                write!(f, "wait_ready {}{}", self.name(*side), limit(within))
            }
            Op::Wait { side, within } => write!(f, "wait {}{}", self.name(*side), limit(within)),
            Op::Cancel { side, code: None } => write!(f, "cancel {}", self.name(*side)),
            Op::Cancel { side, code: Some(code) } => {
                write!(f, "cancel {} with {code}", self.name(*side))
            }
            Op::Close(side) => match self.stream(*side) {
                Some(stream) => write!(f, "close s{stream}"),
                None => write!(f, "close listener"),
            },
            Op::Shutdown { stream, how } => write!(f, "shutdown s{stream} {how:?}"),
            Op::Kill(actor) => write!(f, "kill g{actor}"),
            Op::Set => write!(f, "set"),
            Op::Clear => write!(f, "clear"),
            Op::WaitSet { within } => write!(f, "wait_set{}", limit(within)),
            Op::Lock => write!(f, "lock"),
            Op::Unlock => write!(f, "unlock"),
            Op::Park { within } => write!(f, "park{}", limit(within)),
            Op::Unpark(actor) => write!(f, "unpark g{actor}"),
            Op::Spawn(actor) => write!(f, "spawn g{actor}"),
            Op::Join { actor, within } => write!(f, "join g{actor}{}", limit(within)),
            Op::Panic => write!(f, "panic"),
            Op::Timeout(time, _) => write!(f, "timeout {time}"),
            Op::Scope { .. } => write!(f, "scope"),
            Op::ScopeEnd => unreachable!("it is in no list"),
            Op::Feed { side, count: 0 } => write!(f, "end {}", self.name(*side)),
            Op::Feed { side, count } => write!(f, "feed {} {count}", self.name(*side)),
        }
    }
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Arrival { at, side, count } in &self.arrivals {
            match count {
                0 => writeln!(f, "at {at}: {} ends", self.name(*side))?,
                n => writeln!(f, "at {at}: {n} on {}", self.name(*side))?,
            }
        }
        for (number, ops) in self.actors.iter().enumerate() {
            let when = if number < self.roots { "" } else { " (spawned)" };
            write!(f, "g{number}{when}:")?;
            self.list(f, ops, 0)?;
            writeln!(f)?;
        }
        Ok(())
    }
}
