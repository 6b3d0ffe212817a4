//! Reading a step of a program: what [`program`](super::program) writes.

use std::net::{IpAddr, SocketAddr};

use super::options::Opt;
use super::program::{
    ACTORS, Call, Data, Interface, Kind, Op, Place, Program, SLOTS, Step, Switch,
};

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
             urgent, recv_urgent, wait, each of a slot; not `{op}`"
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

fn op(tokens: &mut Tokens) -> Result<Op, Refusal> {
    let verb = tokens.word("an operation")?;
    if slot_of(&verb).is_some() {
        tokens.at = tokens.at.saturating_sub(1);
        return assignment(tokens);
    }
    match verb.as_str() {
        "exhaust" => return Ok(Op::Exhaust),
        "spare" => return Ok(Op::Spare),
        "sleep" => return tokens.number("milliseconds").map(Op::Sleep),
        "resolve" => return tokens.text().map(Op::Resolve),
        _ => {}
    }
    type Make = fn(u8, &mut Tokens) -> Result<Op, Refusal>;
    let make: Make = match verb.as_str() {
        "bind" => |a, tokens| Ok(Op::Bind(a, tokens.place()?)),
        "listen" => |a, tokens| Ok(Op::Listen(a, tokens.number("a backlog")?)),
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
        "wait" => |a, tokens| Ok(Op::Call(a, Call::Wait(tokens.switch()?))),
        "shutdown" => |a, tokens| Ok(Op::Shutdown(a, tokens.switch()?)),
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
        "drain" => |a, tokens| {
            let Some(share) = tokens.next() else { return Ok(Op::Drain(a)) };
            let percent = match &share {
                Token::Word(word) => word.strip_suffix('%').and_then(|n| n.parse().ok()),
                Token::Text(_) => None,
            };
            let percent = percent
                .filter(|n| *n <= 100)
                .ok_or_else(|| format!("{} is no share: as 30%, up to 100%", share.shown()))?;
            Ok(Op::DrainPart(a, percent))
        },
        other => {
            return Err(format!(
                "no operation `{other}`; there are bind, listen, connect, send, recv, peek, \
                 send_to, recv_from, peek_from, urgent, recv_urgent, wait, shutdown, close, \
                 local, peer, addresses, error, poll, set, get, join, leave, fill, drain, sleep, \
                 exhaust, spare, resolve, times, and `sN = `"
            ));
        }
    };
    let slot = tokens.slot()?;
    make(slot, tokens)
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

fn slot_of(word: &str) -> Option<u8> {
    let digits = word.strip_prefix('s')?;
    let slot: u8 = digits.parse().ok()?;
    (digits.len() == 1 && slot < SLOTS).then_some(slot)
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Text(Vec<u8>),
}

impl Token {
    fn shown(&self) -> String {
        match self {
            Token::Word(word) => format!("`{word}`"),
            Token::Text(text) => format!("\"{}\"", text.escape_ascii()),
        }
    }
}

/// The words and quoted texts of a line.
struct Tokens {
    all: Vec<Token>,
    at: usize,
}

impl Tokens {
    fn of(line: &str) -> Result<Tokens, Refusal> {
        let (mut all, mut rest) = (Vec::new(), line.trim());
        while !rest.is_empty() {
            if rest.starts_with('"') {
                let (text, after) = quoted(rest)?;
                all.push(Token::Text(text));
                rest = after.trim_start();
                continue;
            }
            let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
            all.push(Token::Word(rest[..end].to_owned()));
            rest = rest[end..].trim_start();
        }
        Ok(Tokens { all, at: 0 })
    }

    fn peek(&self) -> Option<&Token> {
        self.all.get(self.at)
    }

    fn next(&mut self) -> Option<Token> {
        let token = self.all.get(self.at).cloned();
        self.at += usize::from(token.is_some());
        token
    }

    fn end<T>(&self, value: T) -> Result<T, Refusal> {
        self.peek().map_or(Ok(value), |token| Err(format!("{} too many", token.shown())))
    }

    fn word(&mut self, wanted: &str) -> Result<String, Refusal> {
        match self.next() {
            Some(Token::Word(word)) => Ok(word),
            Some(other) => Err(format!("{} stands where {wanted} should", other.shown())),
            None => Err(format!("{wanted} is missing")),
        }
    }

    /// Exactly these.
    fn words(&mut self, wanted: &str) -> Result<(), Refusal> {
        for word in wanted.split(' ') {
            let found = self.word(&format!("`{wanted}`"))?;
            if found != word {
                return Err(format!("`{found}` stands where `{wanted}` may"));
            }
        }
        Ok(())
    }

    fn text(&mut self) -> Result<String, Refusal> {
        match self.next() {
            Some(Token::Text(text)) => {
                String::from_utf8(text).map_err(|_| "the text is not UTF-8".into())
            }
            _ => Err("a text between quotation marks is missing".into()),
        }
    }

    fn number<T: std::str::FromStr>(&mut self, wanted: &str) -> Result<T, Refusal> {
        let word = self.word(wanted)?;
        word.parse().map_err(|_| format!("`{word}` stands where {wanted} should, a number"))
    }

    fn slot(&mut self) -> Result<u8, Refusal> {
        let word = self.word("a slot, s0 to s9,")?;
        slot_of(&word).ok_or_else(|| format!("`{word}` stands where a slot should: s0 to s9"))
    }

    fn switch(&mut self) -> Result<Switch, Refusal> {
        match self.word("read, write or both")?.as_str() {
            "read" => Ok(Switch::Read),
            "write" => Ok(Switch::Write),
            "both" => Ok(Switch::Both),
            other => Err(format!("`{other}` stands where read, write or both should")),
        }
    }

    /// `N`, or `N+M`.
    fn sizes(&mut self) -> Result<Vec<u32>, Refusal> {
        let word = self.word("a size")?;
        let sizes = word.split('+').map(str::parse).collect::<Result<_, _>>();
        sizes.map_err(|_| format!("`{word}` is no size: a number, or several joined by +"))
    }

    /// One or several.
    fn data(&mut self) -> Result<Vec<Data>, Refusal> {
        let mut all = Vec::new();
        loop {
            match self.peek() {
                Some(Token::Text(text)) => all.push(Data::Text(text.clone())),
                Some(Token::Word(word)) if word.parse::<u32>().is_ok() => {
                    all.push(Data::Numbered(word.parse().unwrap_or(0)));
                }
                other if all.is_empty() => {
                    let found = other.map_or("nothing".into(), Token::shown);
                    return Err(format!("{found} stands where DATA should: \"text\" or a number"));
                }
                _ => return Ok(all),
            }
            self.at += 1;
        }
    }

    fn place(&mut self) -> Result<Place, Refusal> {
        let word = self.word("a place")?;
        let digit = |rest: Option<&str>| rest.and_then(|rest| rest.parse::<u8>().ok());
        match word.as_str() {
            "nobody" => return Ok(Place::Nobody),
            "unnamed" => return Ok(Place::Unnamed),
            "of" => return self.slot().map(Place::Of),
            "peer" => {
                let of = self.word("`of`")?;
                if of != "of" {
                    return Err(format!("`peer {of}`; accepted is `peer of sN`"));
                }
                return self.slot().map(Place::PeerOf);
            }
            _ => {}
        }
        if let Some(n) = digit(word.strip_prefix('@')) {
            return Ok(Place::Name(n));
        }
        if let Some(n) = digit(word.strip_prefix('/')) {
            return Ok(Place::Path(n));
        }
        if let Ok(address) = word.parse::<SocketAddr>() {
            return Ok(Place::Literal(address));
        }
        let by_slot = word.rsplit_once(':').and_then(|(ip, slot)| {
            let ip = ip.trim_start_matches('[').trim_end_matches(']');
            Some(Place::PortOf(ip.parse::<IpAddr>().ok()?, slot_of(slot)?))
        });
        by_slot.ok_or_else(|| {
            format!(
                "no place `{word}`; there are IP:PORT, IP:sN, nobody, of sN, peer of sN, @N, /N, \
                 unnamed"
            )
        })
    }

    /// A group and what it is joined on.
    fn group(&mut self) -> Result<(IpAddr, Interface), Refusal> {
        let group = self.word("a group")?;
        let group: IpAddr = group.parse().map_err(|_| format!("`{group}` is no address"))?;
        let on = self.word("an interface")?;
        let interface = match (on.parse(), on.parse()) {
            (Ok(index), _) => Interface::Index(index),
            (_, Ok(ip)) => Interface::Address(ip),
            _ => return Err(format!("`{on}` is no interface: an IPv4 address, or an index")),
        };
        Ok((group, interface))
    }
}

/// What stands between the quotation marks a text begins with, and what follows them.
pub fn quoted(text: &str) -> Result<(Vec<u8>, &str), Refusal> {
    let inner = text.strip_prefix('"').ok_or("a quotation mark is missing")?;
    let mut bytes = Vec::new();
    let mut chars = inner.char_indices();
    while let Some((at, char)) = chars.next() {
        match char {
            '"' => return Ok((bytes, &inner[at + 1..])),
            '\\' => {
                let (_, escaped) = chars.next().ok_or("a backslash ends the line")?;
                bytes.push(match escaped {
                    'n' => b'\n',
                    'r' => b'\r',
                    't' => b'\t',
                    '0' => 0,
                    '\\' | '"' | '\'' => escaped as u8,
                    'x' => {
                        let digits = inner.get(at + 2..at + 4).unwrap_or_default();
                        let byte = u8::from_str_radix(digits, 16);
                        chars.nth(1);
                        byte.map_err(|_| format!("`\\x{digits}` is no byte: two hex digits"))?
                    }
                    other => {
                        return Err(format!(
                            "`\\{other}`; there are \\n \\r \\t \\0 \\xNN \\\" \\\\"
                        ));
                    }
                });
            }
            char => {
                let mut buf = [0; 4];
                bytes.extend(char.encode_utf8(&mut buf).as_bytes());
            }
        }
    }
    Err("a quotation mark is never closed".into())
}

/// The parts between separators, trimmed; what is quoted separates nothing.
pub fn outside_quotes(text: &str, separator: &str) -> Vec<String> {
    let (mut parts, mut is_quoted, mut is_escaped, mut start) = (vec![], false, false, 0);
    for (at, char) in text.char_indices() {
        match char {
            '\\' if is_quoted && !is_escaped => {
                is_escaped = true;
                continue;
            }
            '"' if !is_escaped => is_quoted = !is_quoted,
            _ if !is_quoted && at >= start && text[at..].starts_with(separator) => {
                parts.push(text[start..at].trim().to_owned());
                start = at + separator.len();
            }
            _ => {}
        }
        is_escaped = false;
    }
    parts.push(text[start..].trim().to_owned());
    parts
}
