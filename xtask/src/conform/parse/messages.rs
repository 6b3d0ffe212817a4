//! What stands behind the bytes of a message.

use super::super::program::{Asked, Beside};
use super::Refusal;
use super::tokens::{Token, Tokens, slot_of};

impl Tokens {
    /// `to PLACE`, `with sN …`, `info IP INDEX`, `more`, `eor`, each once at most.
    pub fn beside(&mut self) -> Result<Beside, Refusal> {
        let mut beside = Beside::default();
        while let Some(word) = self.keyword(&["to", "with", "info", "more", "eor"]) {
            match word.as_str() {
                "to" => beside.to = Some(self.place()?),
                "with" => {
                    while self.at_slot() {
                        beside.rights.push(self.slot()?);
                    }
                }
                "info" => {
                    let ip = self.word("an address")?;
                    let ip = ip.parse().map_err(|_| format!("`{ip}` is no address"))?;
                    beside.info = Some((ip, self.number("an interface")?));
                }
                "more" => beside.more = true,
                _ => beside.end = true,
            }
        }
        Ok(beside)
    }

    /// `into sN`, `peek`, `bare`.
    pub fn asked(&mut self) -> Result<Asked, Refusal> {
        let mut asked = Asked::default();
        while let Some(word) = self.keyword(&["into", "peek", "bare"]) {
            match word.as_str() {
                "into" => asked.into = Some(self.slot()?),
                "peek" => asked.peek = true,
                _ => asked.bare = true,
            }
        }
        Ok(asked)
    }

    fn at_slot(&self) -> bool {
        matches!(self.peek(), Some(Token::Word(word)) if slot_of(word).is_some())
    }

    /// The next word, if it is one of these.
    fn keyword(&mut self, words: &[&str]) -> Option<String> {
        match self.peek() {
            Some(Token::Word(word)) if words.contains(&word.as_str()) => {
                let word = word.clone();
                self.next();
                Some(word)
            }
            _ => None,
        }
    }
}
