//! Reading a step of a program: what [`program`](super::program) writes.

mod messages;
mod quotes;
mod tokens;

use super::options::Opt;
use super::program::{ACTORS, Call, Kind, Op, Program, Step};
pub use quotes::{outside_quotes, quoted};
use tokens::{Token, Tokens, slot_of};

/// Why a line is not one, and what would be.
type Refusal = String;

/// A program, a step a line; blank lines and those that begin with `#` say nothing.
///
/// # Errors
///
/// In a line that begins with the number of the line that is none.
pub fn program(text: &str) -> Result<Program, Refusal> {
    let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line.trim()));
    let steps = lines
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
        .map(|(number, line)| step(line).map_err(|why| format!("line {number}: {why}")));
    steps.collect::<Result<_, _>>().map(Program)
}

/// One line.
///
/// # Errors
///
/// In a line that says what is accepted.
pub fn step(line: &str) -> Result<Step, Refusal> {
    let parts = outside_quotes(line, ";");
    if parts.len() > 1 {
        let op = |part: &String| {
            let mut tokens = Tokens::of(part)?;
            let op = op(&mut tokens)?;
            tokens.end(op)
        };
        return parts.iter().map(op).collect::<Result<_, _>>().map(Step::Together);
    }
    let mut tokens = Tokens::of(line)?;
    let Some(Token::Word(first)) = tokens.peek().cloned() else {
        return Err("a step begins with a word".into());
    };
    if let Some(actor) = first.strip_suffix('?') {
        tokens.next();
        return actor_of(actor).and_then(|actor| tokens.end(Step::Ask(actor)));
    }
    if first == "times" {
        tokens.next();
        let times = tokens.number("how often")?;
        let op = op(&mut tokens)?;
        return tokens.end(Step::Times(times, op));
    }
    let Some(actor) = first.strip_suffix(':') else {
        let op = op(&mut tokens)?;
        return tokens.end(Step::Do(op));
    };
    tokens.next();
    let (actor, op) = (actor_of(actor)?, op(&mut tokens)?);
    let Op::Call(slot, call) = op else {
        return Err(format!(
            "an actor may connect, accept, send, recv, peek, send_to, recv_from, peek_from, \
             urgent, recv_urgent, sendmsg, recvmsg, wait, each of a slot; not `{op}`"
        ));
    };
    let within = match tokens.next() {
        None => None,
        Some(Token::Word(word)) if word == "within" => {
            Some(tokens.number("milliseconds after `within`")?)
        }
        Some(other) => return Err(format!("{} too many; `within MS` may follow", other.shown())),
    };
    tokens.end(Step::Start { actor, slot, call, within })
}

fn actor_of(name: &str) -> Result<u8, Refusal> {
    let index = match name.as_bytes() {
        [letter] => letter.wrapping_sub(b'a'),
        _ => ACTORS,
    };
    if index < ACTORS { Ok(index) } else { Err(format!("no actor `{name}`; there are a, b, c, d")) }
}

/// How the operations of one slot are read, behind their verb and slot.
type Read = fn(u8, &mut Tokens) -> Result<Op, Refusal>;

fn op(tokens: &mut Tokens) -> Result<Op, Refusal> {
    let verb = tokens.word("an operation")?;
    if slot_of(&verb).is_some() {
        tokens.back();
        return assignment(tokens);
    }
    match verb.as_str() {
        "exhaust" => return Ok(Op::Exhaust),
        "spare" => return Ok(Op::Spare),
        "sleep" => return tokens.number("milliseconds").map(Op::Sleep),
        "resolve" => return tokens.text().map(Op::Resolve),
        _ => {}
    }
    let Some(read) = call(&verb).or_else(|| other_than_call(&verb)) else {
        return Err(format!(
            "no operation `{verb}`; there are bind, listen, connect, send, recv, peek, send_to, \
             recv_from, peek_from, urgent, recv_urgent, sendmsg, recvmsg, wait, shutdown, disconnect, \
             close, local, peer, addresses, error, poll, queued, tcp, counts, set, get, join, leave, \
             fill, drain, sleep, exhaust, spare, resolve, times, and `sN = `"
        ));
    };
    let slot = tokens.slot()?;
    read(slot, tokens)
}

/// What an actor may do as well.
fn call(verb: &str) -> Option<Read> {
    Some(match verb {
        "connect" => |a, tokens| Ok(Op::Call(a, Call::Connect(tokens.place()?))),
        "send" => |a, tokens| Ok(Op::Call(a, Call::Send(tokens.data()?))),
        "recv" => |a, tokens| Ok(Op::Call(a, Call::Recv(tokens.sizes()?))),
        "peek" => |a, tokens| Ok(Op::Call(a, Call::Peek(tokens.number("a size")?))),
        "send_to" => |a, tokens| {
            let data = tokens.data()?;
            Ok(Op::Call(a, Call::SendTo(data, tokens.place()?)))
        },
        "recv_from" => |a, tokens| Ok(Op::Call(a, Call::RecvFrom(tokens.sizes()?))),
        "peek_from" => |a, tokens| Ok(Op::Call(a, Call::PeekFrom(tokens.number("a size")?))),
        "urgent" => |a, tokens| match tokens.data()?.pop() {
            Some(data) => Ok(Op::Call(a, Call::Urgent(data))),
            None => Err("urgent takes DATA".into()),
        },
        "recv_urgent" => |a, tokens| Ok(Op::Call(a, Call::RecvUrgent(tokens.number("a size")?))),
        "sendmsg" => |a, tokens| {
            let data = tokens.data()?;
            Ok(Op::Call(a, Call::Message(data, tokens.beside()?)))
        },
        "recvmsg" => |a, tokens| {
            let sizes = tokens.sizes()?;
            Ok(Op::Call(a, Call::RecvMessage(sizes, tokens.asked()?)))
        },
        "wait" => |a, tokens| Ok(Op::Call(a, Call::Wait(tokens.awaited()?))),
        _ => return None,
    })
}

fn other_than_call(verb: &str) -> Option<Read> {
    Some(match verb {
        "bind" => |a, tokens| Ok(Op::Bind(a, tokens.place()?)),
        "listen" => |a, tokens| Ok(Op::Listen(a, tokens.number("a backlog")?)),
        "shutdown" => |a, tokens| Ok(Op::Shutdown(a, tokens.switch()?)),
        "disconnect" => |a, _| Ok(Op::Disconnect(a)),
        "queued" => |a, _| Ok(Op::Queued(a)),
        "tcp" => |a, _| Ok(Op::Tcp(a)),
        "counts" => |a, _| Ok(Op::Counts(a)),
        "close" => |a, tokens| match tokens.peek() {
            None => Ok(Op::Close(a)),
            Some(_) => tokens.words("now").map(|()| Op::CloseNow(a)),
        },
        "local" => |a, _| Ok(Op::Local(a)),
        "peer" => |a, _| Ok(Op::Peer(a)),
        "addresses" => |a, _| Ok(Op::Addresses(a)),
        "error" => |a, _| Ok(Op::Error(a)),
        "poll" => |a, _| Ok(Op::Poll(a)),
        "set" => |a, tokens| {
            let option = Opt::named(&tokens.word("an option")?)?;
            Ok(Op::Set(a, option, option.value(&tokens.word("a value")?)?))
        },
        "get" => |a, tokens| Ok(Op::Get(a, Opt::named(&tokens.word("an option")?)?)),
        "join" => |a, tokens| tokens.group().map(|(group, on)| Op::Join(a, group, on)),
        "leave" => |a, tokens| tokens.group().map(|(group, on)| Op::Leave(a, group, on)),
        "fill" => |a, tokens| {
            let n = tokens.number("a size")?;
            match tokens.peek() {
                None => Ok(Op::Fill(a, n)),
                Some(_) => tokens.words("to the brink").map(|()| Op::FillToTheBrink(a, n)),
            }
        },
        "drain" => |a, tokens| match tokens.peek() {
            None => Ok(Op::Drain(a)),
            Some(_) => tokens.percent().map(|percent| Op::DrainPart(a, percent)),
        },
        _ => return None,
    })
}

/// `s0 = …`, `s0 s1 = …`, `s0 s1 s2 = …`.
fn assignment(tokens: &mut Tokens) -> Result<Op, Refusal> {
    let mut slots = vec![tokens.slot()?];
    while !matches!(tokens.peek(), Some(Token::Word(word)) if word == "=") {
        slots.push(tokens.slot().map_err(|why| format!("{why}, or `=`"))?);
    }
    tokens.next();
    let what = tokens.word("what to put there")?;
    let kind = |tokens: &mut Tokens| {
        let word = tokens.word("a kind of socket")?;
        kind_of(&word).ok_or_else(|| format!("no kind `{word}`; there are {}", kinds()))
    };
    match (what.as_str(), slots.as_slice()) {
        ("pair", &[a, b]) => Ok(Op::Pair(a, b, kind(tokens)?)),
        ("pipe", &[a, b]) => Ok(Op::Pipe(a, b)),
        ("connected", &[l, a, b]) => Ok(Op::Connected(l, a, b, kind(tokens)?)),
        ("accept", &[into]) => Ok(Op::Call(tokens.slot()?, Call::Accept(into))),
        ("dup", &[into]) => Ok(Op::Dup(tokens.slot()?, into)),
        (word, &[a]) if kind_of(word).is_some() => {
            Ok(Op::Make(a, kind_of(word).unwrap_or(Kind::Tcp)))
        }
        (word, slots) => Err(format!(
            "`{word}` into {} slots; accepted are `sN = accept sN`, `sN = dup sN`, `sN = KIND`, \
             `sN sN = pair KIND`, `sN sN = pipe`, `sN sN sN = connected KIND`, KIND being {}",
            slots.len(),
            kinds()
        )),
    }
}

fn kind_of(word: &str) -> Option<Kind> {
    Kind::ALL.iter().find(|(_, name)| *name == word).map(|(kind, _)| *kind)
}

fn kinds() -> String {
    Kind::ALL.map(|(_, name)| name).join(", ")
}
