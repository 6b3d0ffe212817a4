//! The words and quoted texts of a line, and the things that a few of them stand for.

use std::net::{IpAddr, SocketAddr};

use greenroom::wait::Readiness;

use super::super::program::{AWAITED, Data, Interface, Place, SLOTS, Switch};
use super::{Refusal, quoted};

#[derive(Clone, Debug, PartialEq)]
pub enum Token {
    Word(String),
    Text(Vec<u8>),
}

impl Token {
    pub fn shown(&self) -> String {
        match self {
            Token::Word(word) => format!("`{word}`"),
            Token::Text(text) => format!("\"{}\"", text.escape_ascii()),
        }
    }
}

/// The words and quoted texts of a line.
pub struct Tokens {
    all: Vec<Token>,
    at: usize,
}

impl Tokens {
    pub fn of(line: &str) -> Result<Tokens, Refusal> {
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

    pub fn peek(&self) -> Option<&Token> {
        self.all.get(self.at)
    }

    pub fn next(&mut self) -> Option<Token> {
        let token = self.all.get(self.at).cloned();
        self.at += usize::from(token.is_some());
        token
    }

    /// One token back: it is read again, as another thing.
    pub fn back(&mut self) {
        self.at = self.at.saturating_sub(1);
    }

    pub fn end<T>(&self, value: T) -> Result<T, Refusal> {
        self.peek().map_or(Ok(value), |token| Err(format!("{} too many", token.shown())))
    }

    pub fn word(&mut self, wanted: &str) -> Result<String, Refusal> {
        match self.next() {
            Some(Token::Word(word)) => Ok(word),
            Some(other) => Err(format!("{} stands where {wanted} should", other.shown())),
            None => Err(format!("{wanted} is missing")),
        }
    }

    /// Exactly these.
    pub fn words(&mut self, wanted: &str) -> Result<(), Refusal> {
        for word in wanted.split(' ') {
            let found = self.word(&format!("`{wanted}`"))?;
            if found != word {
                return Err(format!("`{found}` stands where `{wanted}` may"));
            }
        }
        Ok(())
    }

    pub fn text(&mut self) -> Result<String, Refusal> {
        match self.next() {
            Some(Token::Text(text)) => {
                String::from_utf8(text).map_err(|_| "the text is not UTF-8".into())
            }
            _ => Err("a text between quotation marks is missing".into()),
        }
    }

    pub fn number<T: std::str::FromStr>(&mut self, wanted: &str) -> Result<T, Refusal> {
        let word = self.word(wanted)?;
        word.parse().map_err(|_| format!("`{word}` stands where {wanted} should, a number"))
    }

    pub fn slot(&mut self) -> Result<u8, Refusal> {
        let word = self.word("a slot, s0 to s9,")?;
        slot_of(&word).ok_or_else(|| format!("`{word}` stands where a slot should: s0 to s9"))
    }

    pub fn switch(&mut self) -> Result<Switch, Refusal> {
        match self.word("read, write or both")?.as_str() {
            "read" => Ok(Switch::Read),
            "write" => Ok(Switch::Write),
            "both" => Ok(Switch::Both),
            other => Err(format!("`{other}` stands where read, write or both should")),
        }
    }

    /// `read`, or `error+hang-up`.
    pub fn awaited(&mut self) -> Result<Readiness, Refusal> {
        let known = || AWAITED.map(|(_, name)| name).join(", ");
        let word = self.word(&known())?;
        word.split('+').try_fold(Readiness::NONE, |all, name| {
            let found = AWAITED.iter().find(|(_, known)| *known == name);
            found.map(|(one, _)| all.with(*one)).ok_or_else(|| {
                format!("`{name}` is nothing to wait for; accepted are {}, joined by +", known())
            })
        })
    }

    /// `N`, or `N+M`.
    pub fn sizes(&mut self) -> Result<Vec<u32>, Refusal> {
        let word = self.word("a size")?;
        let sizes = word.split('+').map(str::parse).collect::<Result<_, _>>();
        sizes.map_err(|_| format!("`{word}` is no size: a number, or several joined by +"))
    }

    /// One or several.
    pub fn data(&mut self) -> Result<Vec<Data>, Refusal> {
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

    pub fn place(&mut self) -> Result<Place, Refusal> {
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

    /// `30%`
    pub fn percent(&mut self) -> Result<u8, Refusal> {
        let share = self.next().ok_or("a share is missing")?;
        let percent = match &share {
            Token::Word(word) => word.strip_suffix('%').and_then(|n| n.parse().ok()),
            Token::Text(_) => None,
        };
        percent
            .filter(|n| *n <= 100)
            .ok_or_else(|| format!("{} is no share: as 30%, up to 100%", share.shown()))
    }

    /// A group and what it is joined on.
    pub fn group(&mut self) -> Result<(IpAddr, Interface), Refusal> {
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

pub fn slot_of(word: &str) -> Option<u8> {
    let digits = word.strip_prefix('s')?;
    let slot: u8 = digits.parse().ok()?;
    (digits.len() == 1 && slot < SLOTS).then_some(slot)
}
