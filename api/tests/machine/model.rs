//! What a program may have seen: the log is replayed against streams, a flag and scopes.
//!
//! Within a tick the log's order is taken as it is; between ticks the model moves time itself. At
//! a tick first bytes arrive, then deadlines come, then greenlets run, and all who have reason to
//! run do before time moves again. The first of a wait's reasons to end fixes its outcome.

use std::ops::Range;
use std::time::Duration;

use super::Observed;
use super::perform::{Entry, Outcome, What};
use super::program::{Op, Program, UNIT};

/// What a world promises beyond the laws.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// What arrives at a tick is named before that tick's deadlines are looked at. Where several
    /// events of a tick come one by one, a deadline may find the bytes not there yet.
    pub data_first: bool,
    /// Greenlets run in wake order, so nobody overtakes anybody in line.
    pub wake_order: bool,
    /// Others may run after a read that did not wait, before its greenlet goes on with the bytes.
    /// If it is killed then, they are lost with it.
    pub interrupts: bool,
}

impl Rules {
    pub const STRICT: Rules = Rules { data_first: true, wake_order: true, interrupts: false };
}

type Verdict = Result<(), String>;

/// Whether the log is one that the laws allow. What it does not tell is guessed: it stands if any
/// guess makes sense of it.
pub fn judge(program: &Program, observed: &Observed, rules: Rules) -> Verdict {
    let mut guesses = Vec::new();
    let mut first = None;
    loop {
        let mut model = Model::new(program, observed, rules, guesses);
        let Err(reason) = model.replay_all() else { return Ok(()) };
        let reason = first.get_or_insert(reason);
        guesses = model.guesses;
        while guesses.pop_if(|last| *last).is_some() {}
        match guesses.last_mut() {
            Some(last) => *last = true,
            None => return Err(reason.clone()),
        }
    }
}

struct Model<'a> {
    program: &'a Program,
    observed: &'a Observed,
    rules: Rules,
    now: Duration,
    streams: Vec<Stream>,
    /// Arrivals that have come.
    arrived: usize,
    is_set: bool,
    actors: Vec<Actor<'a>>,
    /// Answers to what the log does not tell, in the order it comes up; more are `false`.
    guesses: Vec<bool>,
    guessed: usize,
}

#[derive(Default)]
struct Stream {
    /// Bytes are their places in the stream: these have come, and these were read.
    come: u8,
    read: u8,
    ended: bool,
    closed: bool,
}

impl Stream {
    fn readable(&self) -> bool {
        !self.closed && (self.come > self.read || self.ended)
    }
    fn take(&mut self, len: u8) -> Range<u8> {
        let first = self.read;
        self.read += len.min(self.come - self.read);
        first..self.read
    }
}

struct Actor<'a> {
    ops: Vec<&'a Op>,
    scopes: Vec<Scope>,
    doing: Option<Doing>,
    killed: bool,
    gone: bool,
}

/// A `timeout` an actor is inside of.
struct Scope {
    op: usize,
    deadline: Duration,
    /// A call has answered its expiry.
    known: bool,
    /// Its time came while all its greenlet did was to yield: it may be known by now.
    maybe_known: bool,
}

/// A call that has begun.
struct Doing {
    op: usize,
    since: Duration,
    /// Its line of the log.
    place: usize,
    start: Start,
    fixed: Option<Fixed>,
    /// Its deadline came at the same tick as its data.
    tie: bool,
    /// The bytes it took when it began.
    took: Range<u8>,
}

/// What a call found when it began.
#[derive(Clone, Copy, PartialEq)]
enum Start {
    /// It waits for something to happen.
    Waits,
    /// It only steps aside for the others.
    Yields,
    Closed,
    Busy,
    /// An enclosing scope is over already.
    Expired,
    /// A read has its bytes at once.
    Took,
    Scope,
}

/// What ended a wait, whatever happens before its greenlet runs.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fixed {
    Named,
    Closed,
    Cancelled(Option<u8>),
    Deadline,
}

fn units(n: u8) -> Duration {
    UNIT * u32::from(n)
}

fn demand(holds: bool, reason: &str) -> Verdict {
    if holds { Ok(()) } else { Err(reason.into()) }
}

impl<'a> Model<'a> {
    fn new(
        program: &'a Program,
        observed: &'a Observed,
        rules: Rules,
        guesses: Vec<bool>,
    ) -> Model<'a> {
        let actor = |actor| Actor {
            ops: program.flat(actor),
            scopes: Vec::new(),
            doing: None,
            killed: false,
            gone: false,
        };
        Model {
            program,
            observed,
            rules,
            now: Duration::ZERO,
            streams: (0..program.streams).map(|_| Stream::default()).collect(),
            arrived: 0,
            is_set: false,
            actors: (0..program.actors.len()).map(actor).collect(),
            guesses,
            guessed: 0,
        }
    }

    fn replay_all(&mut self) -> Verdict {
        for (place, entry) in self.observed.log.iter().enumerate() {
            let told = |reason| format!("line {}: {entry:?}: {reason}", place + 1);
            self.advance(entry.at).map_err(told)?;
            self.replay(place, entry).map_err(told)?;
        }
        match self.actors.iter().position(|actor| !actor.gone) {
            Some(actor) => Err(format!("g{actor} is neither over nor stuck")),
            None => Ok(()),
        }
    }

    fn guess(&mut self) -> bool {
        if self.guessed == self.guesses.len() {
            self.guesses.push(false);
        }
        self.guessed += 1;
        self.guesses[self.guessed - 1]
    }

    // Time.

    fn advance(&mut self, to: Duration) -> Verdict {
        demand(to >= self.now, "time went backwards")?;
        while self.now < to {
            self.settled()?;
            let arrival = self.program.arrivals.get(self.arrived).map(|next| units(next.at));
            let deadlines = (0..self.actors.len()).filter_map(|actor| self.deadline(actor));
            let later = arrival.into_iter().chain(deadlines).filter(|&at| at > self.now);
            self.now = later.chain([to]).min().expect("at least one");
            self.arrive();
            self.expire();
        }
        Ok(())
    }

    /// Time may move: everyone who had reason to run has run.
    fn settled(&self) -> Verdict {
        for (number, actor) in self.actors.iter().enumerate().filter(|(_, actor)| !actor.gone) {
            let late =
                |why: &str| Err(format!("g{number} {why}, and has not run while time moves"));
            if actor.killed {
                return late("was killed");
            }
            let Some(doing) = &actor.doing else { continue };
            match (doing.start, doing.fixed, actor.ops[doing.op]) {
                (Start::Yields | Start::Scope, ..) => {}
                (Start::Waits, None, Op::Read { stream, .. }) => {
                    if self.stream(*stream).readable() {
                        return late("waits in read, there are bytes");
                    }
                }
                (Start::Waits, None, _) => {}
                (_, fixed, _) => return late(&format!("had to end its call ({fixed:?})")),
            }
        }
        Ok(())
    }

    fn arrive(&mut self) {
        while let Some(arrival) = self.program.arrivals.get(self.arrived) {
            if units(arrival.at) > self.now {
                return;
            }
            self.arrived += 1;
            let stream = &mut self.streams[usize::from(arrival.stream)];
            stream.come += arrival.bytes;
            stream.ended |= arrival.bytes == 0;
            if stream.closed {
                continue;
            }
            self.fix(|op| watched(op) == Some(arrival.stream), Fixed::Named);
        }
    }

    fn expire(&mut self) {
        for number in 0..self.actors.len() {
            if self.deadline(number).is_none_or(|at| at > self.now) {
                continue;
            }
            let Some(doing) = &mut self.actors[number].doing else { continue };
            if doing.start == Start::Waits {
                doing.tie = doing.fixed == Some(Fixed::Named);
                doing.fixed.get_or_insert(Fixed::Deadline);
            }
        }
    }

    /// When the call an actor waits in gives up.
    fn deadline(&self, number: usize) -> Option<Duration> {
        let actor = &self.actors[number];
        let doing = actor.doing.as_ref().filter(|doing| doing.start == Start::Waits)?;
        let own = own_limit(actor.ops[doing.op]).map(|limit| doing.since + limit);
        own.into_iter().chain(actor.scopes.iter().map(|scope| scope.deadline)).min()
    }

    /// Fixes the outcome of all who wait in such a call and whose outcome is open.
    fn fix(&mut self, of: impl Fn(&Op) -> bool, how: Fixed) {
        for actor in &mut self.actors {
            let Actor { doing: Some(doing), ops, .. } = actor else { continue };
            // A set counts for whoever has not run yet, even if its time is up.
            let open = doing.fixed.is_none()
                || (how == Fixed::Named && matches!(ops[doing.op], Op::WaitSet { .. }));
            if doing.start == Start::Waits && open && of(ops[doing.op]) {
                doing.fixed = Some(how);
            }
        }
    }

    fn stream(&self, stream: u8) -> &Stream {
        &self.streams[usize::from(stream)]
    }

    // The log.

    fn replay(&mut self, place: usize, entry: &Entry) -> Verdict {
        let number = entry.actor;
        let actor = &self.actors[number];
        demand(!actor.gone, "it was over already")?;
        match &entry.what {
            What::Left { killed: true } => self.left_killed(number)?,
            _ if actor.killed => return Err("it goes on after its kill".into()),
            What::Left { killed: false } => {
                demand(actor.doing.is_none() && actor.scopes.is_empty(), "it left amid a call")?;
            }
            What::Began(op) => {
                let start = self.start(number, *op, place);
                let took = self.take(number, *op, start);
                let (since, fixed, tie) = (self.now, None, false);
                let doing = Doing { op: *op, since, place, start, fixed, tie, took };
                self.actors[number].doing = Some(doing);
                if let Op::Timeout(time, _) = self.actors[number].ops[*op] {
                    let deadline = self.now + units(*time);
                    let scope = Scope { op: *op, deadline, known: false, maybe_known: false };
                    self.actors[number].scopes.push(scope);
                    self.actors[number].doing = None;
                }
                return Ok(());
            }
            What::Ended(op, outcome) => {
                let doing = self.actors[number].doing.take();
                return match self.actors[number].ops[*op] {
                    Op::Timeout(..) => self.scope_ended(number, *op, outcome, doing),
                    _ => {
                        let doing = doing.ok_or("it ended what it had not begun")?;
                        self.call_ended(number, place, doing, outcome)
                    }
                };
            }
        }
        self.actors[number].gone = true;
        Ok(())
    }

    /// Killed by a greenlet, or at the end of a run that could not go on.
    fn left_killed(&self, number: usize) -> Verdict {
        let actor = &self.actors[number];
        if actor.killed {
            let took = actor.doing.as_ref().is_some_and(|doing| doing.start == Start::Took);
            return demand(!took || self.rules.interrupts, "it had its bytes");
        }
        demand(self.observed.deadlocked, "nobody killed it")?;
        let doing = actor.doing.as_ref().ok_or("it was not stuck in a call")?;
        demand(doing.start == Start::Waits && doing.fixed.is_none(), "it could have gone on")?;
        demand(self.deadline(number).is_none(), "it had a deadline")?;
        let waits_on = match actor.ops[doing.op] {
            Op::Read { stream, .. } => Some(*stream),
            op => watched(op),
        };
        let Some(stream) = waits_on else { return Ok(()) };
        let to_come = &self.program.arrivals[self.arrived..];
        demand(!to_come.iter().any(|next| next.stream == stream), "bytes were to come")?;
        demand(!self.stream(stream).readable(), "there was something to read")
    }

    /// What a call finds when it begins.
    fn start(&mut self, number: usize, op: usize, place: usize) -> Start {
        let actor = &self.actors[number];
        let over = actor.scopes.iter().any(|scope| scope.known || scope.deadline < self.now);
        match actor.ops[op] {
            Op::Timeout(..) => Start::Scope,
            Op::Read { stream, .. } if self.stream(*stream).closed => Start::Closed,
            Op::WaitRead { stream, .. } if self.stream(*stream).closed => Start::Closed,
            Op::Wait { stream, .. } if self.is_waited_on(*stream) => Start::Busy,
            _ if over => Start::Expired,
            Op::Wait { stream, .. } if self.stream(*stream).closed => Start::Closed,
            Op::WaitRead { stream, .. } | Op::Wait { stream, .. }
                if self.stream(*stream).readable() =>
            {
                Start::Yields
            }
            Op::Read { stream, .. } if self.stream(*stream).readable() => {
                self.start_of_read(number, *stream, place)
            }
            Op::Yield | Op::Sleep(0) => Start::Yields,
            _ => Start::Waits,
        }
    }

    /// Whether a read of bytes that are there gets them at once.
    fn start_of_read(&mut self, number: usize, stream: u8, place: usize) -> Start {
        // A scope may be known to be over, and whether it is the answer tells.
        let errs = self.observed.log.get(place + 1).is_some_and(|next| {
            next.actor == number && matches!(next.what, What::Ended(_, Outcome::Elapsed(_)))
        });
        if errs {
            return Start::Waits;
        }
        // Whose time is up does not stand in line.
        if self.actors[number].scopes.iter().any(|scope| scope.deadline <= self.now) {
            return Start::Took;
        }
        let mut line = self.actors.iter().filter_map(|actor| {
            let doing = actor.doing.as_ref().filter(|_| !actor.gone)?;
            let reads = matches!(actor.ops[doing.op], Op::Read { stream: of, .. } if *of == stream);
            let is_over = actor.killed || doing.fixed.is_some();
            (reads && doing.start == Start::Waits).then_some(is_over)
        });
        let Some(first) = line.next() else { return Start::Took };
        // Those who are over may have lost their place before they run, or not yet.
        let all_over = first && line.all(|is_over| is_over);
        if all_over && !self.guess() { Start::Took } else { Start::Waits }
    }

    /// Takes the bytes of a read that does not wait.
    fn take(&mut self, number: usize, op: usize, start: Start) -> Range<u8> {
        match self.actors[number].ops[op] {
            Op::Read { stream, len, .. } if start == Start::Took => {
                self.streams[usize::from(*stream)].take(*len)
            }
            _ => 0..0,
        }
    }

    fn is_waited_on(&self, stream: u8) -> bool {
        self.actors.iter().any(|actor| {
            let doing = actor.doing.as_ref().filter(|_| !actor.gone);
            doing.is_some_and(|doing| {
                matches!(actor.ops[doing.op], Op::Wait { stream: of, .. } if *of == stream)
                    && matches!(doing.start, Start::Waits | Start::Yields)
            })
        })
    }

    // Outcomes.

    fn call_ended(
        &mut self,
        number: usize,
        place: usize,
        doing: Doing,
        outcome: &Outcome,
    ) -> Verdict {
        let op = self.actors[number].ops[doing.op];
        let at_once = doing.since == self.now;
        if let Outcome::Elapsed(_) = outcome {
            return self.elapsed(number, &doing, outcome);
        }
        if doing.start == Start::Took {
            let took = Outcome::Bytes(doing.took.clone().collect());
            demand(*outcome == took, "it had other bytes when it began")?;
            let stayed = at_once && (self.rules.interrupts || place == doing.place + 1);
            return demand(stayed, "it had no need to switch");
        }
        if doing.start == Start::Yields {
            for scope in &mut self.actors[number].scopes {
                scope.maybe_known |= scope.deadline <= self.now;
            }
        }
        let switched_nowhere = place == doing.place + 1;
        match (op, outcome) {
            (Op::Sleep(time), Outcome::Done) => {
                demand(self.now >= doing.since + units(*time), "it slept too short")?;
                demand(!self.is_over(number), "its scope was over")
            }
            (Op::Yield, Outcome::Done) => demand(!self.is_over(number), "its scope was over"),
            (Op::Read { stream, len, within }, _) => {
                self.read_ended(number, &doing, (*stream, *len, *within), outcome)
            }
            (Op::WaitRead { stream, within } | Op::Wait { stream, within }, _) => {
                self.wait_ended(&doing, (*stream, *within), outcome)
            }
            (Op::WaitSet { within }, Outcome::WasSet(was)) => {
                let set = self.is_set || doing.fixed == Some(Fixed::Named);
                demand(*was == set, "the flag says otherwise")?;
                let up = within.is_some_and(|limit| self.now == doing.since + units(limit));
                demand(set || up, "its time was not up")
            }
            (_, Outcome::Done) => {
                demand(at_once && switched_nowhere, "it may not switch")?;
                self.take_effect(op);
                Ok(())
            }
            _ => Err("no such outcome".into()),
        }
    }

    /// A call that cannot fail may not go on inside a scope that is over.
    fn is_over(&self, number: usize) -> bool {
        self.actors[number].scopes.iter().any(|scope| scope.known || scope.deadline < self.now)
    }

    fn read_ended(
        &mut self,
        number: usize,
        doing: &Doing,
        (stream, len, within): (u8, u8, Option<u8>),
        outcome: &Outcome,
    ) -> Verdict {
        let overtaken = self.actors.iter().position(|other| {
            let Some(theirs) = other.doing.as_ref().filter(|_| !other.killed && !other.gone) else {
                return false;
            };
            let same = matches!(other.ops[theirs.op], Op::Read { stream: of, .. } if *of == stream);
            same && theirs.start == Start::Waits
                && theirs.fixed.is_none()
                && theirs.place < doing.place
        });
        // Whose time is up tries once more, wherever it stands in line.
        let scopes = &self.actors[number].scopes;
        let last_try =
            doing.fixed.is_some() || scopes.iter().any(|scope| scope.deadline <= self.now);
        let tie = !self.rules.data_first && doing.fixed == Some(Fixed::Deadline);
        let from = &mut self.streams[usize::from(stream)];
        if from.closed {
            return demand(*outcome == Outcome::Ebadf, "the stream is closed");
        }
        demand(doing.start != Start::Expired, "its scope was over")?;
        match outcome {
            Outcome::Bytes(bytes) => {
                demand(from.readable(), "there is nothing to read")?;
                let next: Vec<u8> = from.take(len).collect();
                demand(*bytes == next, "these are not the next bytes")?;
                match overtaken.filter(|_| self.rules.wake_order && !last_try) {
                    Some(other) => Err(format!("it overtook g{other}")),
                    None => Ok(()),
                }
            }
            Outcome::WouldBlock => {
                let up = within.is_some_and(|limit| self.now == doing.since + units(limit));
                demand(up, "its time was not up")?;
                demand(!from.readable() || tie, "data wins")
            }
            _ => Err("no such outcome".into()),
        }
    }

    fn wait_ended(
        &self,
        doing: &Doing,
        (stream, within): (u8, Option<u8>),
        outcome: &Outcome,
    ) -> Verdict {
        let up = within.is_some_and(|limit| self.now == doing.since + units(limit));
        let from = self.stream(stream);
        let late = !self.rules.data_first && doing.tie;
        let legal = match (doing.start, doing.fixed) {
            (Start::Busy, _) => *outcome == Outcome::Busy && self.now == doing.since,
            (Start::Closed, _) => *outcome == Outcome::Ebadf && self.now == doing.since,
            (Start::Expired | Start::Scope | Start::Took, _) => false,
            (Start::Yields, _) => *outcome == Outcome::Ready,
            (Start::Waits, Some(Fixed::Named)) => {
                *outcome == Outcome::Ready || (late && up && *outcome == Outcome::TimedOut)
            }
            (Start::Waits, Some(Fixed::Closed)) => *outcome == Outcome::Ebadf,
            (Start::Waits, Some(Fixed::Cancelled(None))) => *outcome == Outcome::Ebadf,
            (Start::Waits, Some(Fixed::Cancelled(Some(code)))) => {
                *outcome == Outcome::Cancelled(code)
            }
            (Start::Waits, Some(Fixed::Deadline)) if from.closed => *outcome == Outcome::Ebadf,
            (Start::Waits, Some(Fixed::Deadline)) if from.readable() => *outcome == Outcome::Ready,
            (Start::Waits, Some(Fixed::Deadline)) => up && *outcome == Outcome::TimedOut,
            (Start::Waits, None) => within == Some(0) && *outcome == Outcome::TimedOut && up,
        };
        demand(legal, &format!("its outcome was fixed: {:?}", doing.fixed))
    }

    /// A fallible call answers that a scope is over.
    fn elapsed(&mut self, number: usize, doing: &Doing, outcome: &Outcome) -> Verdict {
        let op = self.actors[number].ops[doing.op];
        let stream = match op {
            Op::Read { stream, .. } => *stream,
            op => watched(op).ok_or("such a call cannot fail")?,
        };
        let from = self.stream(stream);
        let legal_start = matches!(doing.start, Start::Expired | Start::Waits | Start::Yields);
        let scopes = &self.actors[number].scopes;
        let maybe_known = scopes.iter().any(|scope| scope.maybe_known);
        demand(legal_start || maybe_known, "it had another error at once")?;
        if doing.start != Start::Expired && !maybe_known {
            demand(!from.closed, "the stream is closed")?;
            let late = !self.rules.data_first;
            demand(!from.readable() || late, "data wins")?;
            let open = matches!(doing.fixed, None | Some(Fixed::Deadline)) || late && doing.tie;
            demand(open, "its outcome was fixed")?;
        }
        // Which of them: the outermost that is over; at the very tick, also one inside it.
        let now = self.now;
        let named = self.scope_of(outcome);
        let over = |scope: &Scope| scope.known || scope.maybe_known || scope.deadline <= now;
        let first_known = scopes.iter().position(|s| s.known || s.deadline < now);
        let index = match named {
            Some((who, op)) => {
                demand(who == number, "it is another greenlet's scope")?;
                scopes.iter().position(|scope| scope.op == op)
            }
            // Its greenlet was ended before the scope could say so: one of those that are over.
            None => scopes.iter().position(over),
        };
        let index = index.ok_or("it is not inside that scope")?;
        demand(over(&scopes[index]), "that scope is not over")?;
        demand(first_known.is_none_or(|first| first >= index), "a scope further out was over")?;
        self.actors[number].scopes[index].known = true;
        Ok(())
    }

    /// The scope whose own end carries this identity, if it got to its end.
    fn scope_of(&self, outcome: &Outcome) -> Option<(usize, usize)> {
        self.observed.log.iter().find_map(|entry| match &entry.what {
            What::Ended(op, other) if other == outcome => {
                let is_scope = matches!(self.actors[entry.actor].ops[*op], Op::Timeout(..));
                is_scope.then_some((entry.actor, *op))
            }
            _ => None,
        })
    }

    fn scope_ended(
        &mut self,
        number: usize,
        op: usize,
        outcome: &Outcome,
        unwound: Option<Doing>,
    ) -> Verdict {
        let actor = &mut self.actors[number];
        let index = actor.scopes.iter().position(|scope| scope.op == op);
        let index = index.ok_or("it was not inside that scope")?;
        let inner = actor.scopes.len() - 1 - index;
        let scope = actor.scopes.drain(index..).next().expect("it is there");
        let now = self.now;
        let came = scope.deadline <= now;
        match outcome {
            Outcome::Done => {
                demand(unwound.is_none() && inner == 0, "it returned amid a call")?;
                demand(!scope.known, "it was known to be over")
            }
            Outcome::Elapsed(_) => {
                demand(came, "its time had not come")?;
                let Some(doing) = unwound else {
                    return demand(
                        scope.known || scope.maybe_known,
                        "nothing told it that its time was up",
                    );
                };
                let infallible =
                    matches!(actor.ops[doing.op], Op::Sleep(_) | Op::Yield | Op::WaitSet { .. });
                demand(infallible, "only calls that cannot fail unwind")?;
                let named = doing.fixed == Some(Fixed::Named) && doing.start == Start::Waits;
                demand(!named, "it was set in time")?;
                let in_time = now == scope.deadline.max(doing.since);
                demand(in_time || doing.start == Start::Yields, "it unwound too late")?;
                let outer = actor.scopes.iter().any(|outer| outer.known || outer.deadline < now);
                demand(!outer, "a scope further out was over")
            }
            _ => Err("no such outcome".into()),
        }
    }

    // What calls do to others.

    fn take_effect(&mut self, op: &Op) {
        match op {
            Op::Cancel { stream, code } => {
                let hit = |op: &Op| matches!(op, Op::Wait { stream: of, .. } if of == stream);
                self.fix(hit, Fixed::Cancelled(*code));
            }
            Op::Close(stream) => {
                self.streams[usize::from(*stream)].closed = true;
                let parked = |op: &Op| match op {
                    Op::Read { stream: of, .. } => of == stream,
                    op => watched(op) == Some(*stream),
                };
                self.fix(parked, Fixed::Closed);
            }
            Op::Kill(whom) => {
                let victim = &mut self.actors[usize::from(*whom)];
                victim.killed = !victim.gone;
            }
            Op::Set => {
                self.is_set = true;
                self.fix(|op| matches!(op, Op::WaitSet { .. }), Fixed::Named);
            }
            Op::Clear => self.is_set = false,
            other => unreachable!("{other} does nothing to others"),
        }
    }
}

/// The stream a wait for readiness is on.
fn watched(op: &Op) -> Option<u8> {
    match op {
        Op::WaitRead { stream, .. } | Op::Wait { stream, .. } => Some(*stream),
        _ => None,
    }
}

/// How long a call may take of its own.
fn own_limit(op: &Op) -> Option<Duration> {
    match op {
        Op::Sleep(time) => Some(units(*time)),
        Op::Read { within, .. }
        | Op::WaitRead { within, .. }
        | Op::Wait { within, .. }
        | Op::WaitSet { within } => within.map(units),
        _ => None,
    }
}
