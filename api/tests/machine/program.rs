//! A program: a few greenlets, a few streams, and what arrives on them when.

use std::fmt;
use std::time::Duration;

/// Times are few and small, so that ties are common.
pub const UNIT: Duration = Duration::from_millis(10);

#[derive(Clone, Debug)]
pub struct Program {
    /// Of the choices that a world makes by itself, if it makes any.
    pub seed: u16,
    pub streams: u8,
    /// In order of time.
    pub arrivals: Vec<Arrival>,
    pub actors: Vec<Vec<Op>>,
}

/// Bytes arrive on a stream, or its end (0 bytes).
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    pub at: u8,
    pub stream: u8,
    pub bytes: u8,
}

#[derive(Clone, Debug)]
pub enum Op {
    Sleep(u8),
    Yield,
    Read {
        stream: u8,
        len: u8,
        within: Option<u8>,
    },
    /// With a watcher of its own.
    WaitRead {
        stream: u8,
        within: Option<u8>,
    },
    /// With the watcher everybody shares.
    Wait {
        stream: u8,
        within: Option<u8>,
    },
    /// With `EBADF`, or an error of its own.
    Cancel {
        stream: u8,
        code: Option<u8>,
    },
    Close(u8),
    Kill(u8),
    Set,
    Clear,
    WaitSet {
        within: Option<u8>,
    },
    Timeout(u8, Vec<Op>),
}

impl Op {
    /// How many operations it is, itself among them.
    pub fn size(&self) -> usize {
        match self {
            Op::Timeout(_, body) => 1 + body.iter().map(Op::size).sum::<usize>(),
            _ => 1,
        }
    }
}

impl Program {
    /// The bytes of this arrival: each is its place in the stream.
    pub fn bytes_of(&self, stream: u8, at: u8, n: u8) -> Vec<u8> {
        let before =
            self.arrivals.iter().filter(|before| before.stream == stream && before.at < at);
        let first: u8 = before.map(|before| before.bytes).sum();
        (first..first + n).collect()
    }

    /// An actor's operations by number, bodies after their scope.
    pub fn flat(&self, actor: usize) -> Vec<&Op> {
        fn add<'a>(ops: &'a [Op], flat: &mut Vec<&'a Op>) {
            for op in ops {
                flat.push(op);
                if let Op::Timeout(_, body) = op {
                    add(body, flat);
                }
            }
        }
        let mut flat = Vec::new();
        add(&self.actors[actor], &mut flat);
        flat
    }
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Arrival { at, stream, bytes } in &self.arrivals {
            match bytes {
                0 => writeln!(f, "at {at}: s{stream} ends")?,
                n => writeln!(f, "at {at}: {n} bytes on s{stream}")?,
            }
        }
        for (number, ops) in self.actors.iter().enumerate() {
            write!(f, "g{number}:")?;
            list(f, ops, 0)?;
            writeln!(f)?;
        }
        Ok(())
    }
}

fn list(f: &mut fmt::Formatter<'_>, ops: &[Op], first: usize) -> fmt::Result {
    let mut number = first;
    for op in ops {
        write!(f, " {number}:{op}")?;
        if let Op::Timeout(_, body) = op {
            write!(f, " {{")?;
            list(f, body, number + 1)?;
            write!(f, " }}")?;
        }
        write!(f, ";")?;
        number += op.size();
    }
    Ok(())
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let limit = |within: &Option<u8>| within.map_or(String::new(), |n| format!(" within {n}"));
        match self {
            Op::Sleep(time) => write!(f, "sleep {time}"),
            Op::Yield => write!(f, "yield"),
            Op::Read { stream, len, within } => {
                write!(f, "read s{stream} {len}{}", limit(within))
            }
            Op::WaitRead { stream, within } => write!(f, "wait_read s{stream}{}", limit(within)),
            Op::Wait { stream, within } => write!(f, "wait w{stream}{}", limit(within)),
            Op::Cancel { stream, code: None } => write!(f, "cancel w{stream}"),
            Op::Cancel { stream, code: Some(code) } => write!(f, "cancel w{stream} with {code}"),
            Op::Close(stream) => write!(f, "close s{stream}"),
            Op::Kill(actor) => write!(f, "kill g{actor}"),
            Op::Set => write!(f, "set"),
            Op::Clear => write!(f, "clear"),
            Op::WaitSet { within } => write!(f, "wait_set{}", limit(within)),
            Op::Timeout(time, _) => write!(f, "timeout {time}"),
        }
    }
}
