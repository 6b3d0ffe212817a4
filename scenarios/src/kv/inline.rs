//! Splits a line typed by a person (telnet, netcat) into arguments, with Redis's quoting rules.
//! Not a shell: no variables, no globs, no continuation lines.

/// Where an argument lies, counted from the first byte of its request. Half of `Range<usize>`'s
/// size, which matters for a request of a million arguments.
pub(super) type Span = (u32, u32);

/// The line's quotes do not close, or text is glued to a closing one.
#[derive(Debug, PartialEq)]
pub(super) struct Unbalanced;

/// Appends the spans of the arguments of `line`. Escapes only ever shorten, so arguments are
/// written over the line they come from and nothing is allocated.
pub(super) fn split(line: &mut [u8], args: &mut Vec<Span>) -> Result<(), Unbalanced> {
    let mut splitter = Splitter { line, read: 0, written: 0 };
    while splitter.skip_blanks() {
        let start = splitter.written;
        splitter.word()?;
        args.push((start as u32, splitter.written as u32));
    }
    Ok(())
}

struct Splitter<'a> {
    line: &'a mut [u8],
    read: usize,
    written: usize,
}

impl Splitter<'_> {
    /// True if a word follows.
    fn skip_blanks(&mut self) -> bool {
        while self.peek().is_some_and(is_blank) {
            self.read += 1;
        }
        self.peek().is_some()
    }

    /// A word may mix bare and quoted stretches (`a"b c"`), but nothing follows a closing quote.
    fn word(&mut self) -> Result<(), Unbalanced> {
        while let Some(byte) = self.peek().filter(|&byte| !is_blank(byte)) {
            self.read += 1;
            match byte {
                b'"' | b'\'' => {
                    self.quoted(byte)?;
                    return if self.peek().is_none_or(is_blank) { Ok(()) } else { Err(Unbalanced) };
                }
                _ => self.push(byte),
            }
        }
        Ok(())
    }

    fn quoted(&mut self, quote: u8) -> Result<(), Unbalanced> {
        loop {
            let byte = self.take().ok_or(Unbalanced)?;
            match byte {
                _ if byte == quote => return Ok(()),
                b'\\' if quote == b'"' => {
                    let escaped = self.escape().ok_or(Unbalanced)?;
                    self.push(escaped);
                }
                b'\\' if self.peek() == Some(b'\'') => {
                    self.read += 1;
                    self.push(b'\'');
                }
                _ => self.push(byte),
            }
        }
    }

    /// What stands after a backslash within double quotes.
    fn escape(&mut self) -> Option<u8> {
        let byte = self.take()?;
        Some(match byte {
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'b' => 0x08,
            b'a' => 0x07,
            b'x' => match self.hex_pair() {
                Some(value) => {
                    self.read += 2;
                    value
                }
                None => byte,
            },
            _ => byte,
        })
    }

    fn hex_pair(&self) -> Option<u8> {
        let digit = |at: usize| char::from(*self.line.get(at)?).to_digit(16);
        Some((digit(self.read)? * 16 + digit(self.read + 1)?) as u8)
    }

    fn peek(&self) -> Option<u8> {
        self.line.get(self.read).copied()
    }

    fn take(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.read += 1;
        Some(byte)
    }

    fn push(&mut self, byte: u8) {
        assert!(self.written < self.read);
        self.line[self.written] = byte;
        self.written += 1;
    }
}

fn is_blank(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == 0x0b
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words(line: &[u8]) -> Result<Vec<Vec<u8>>, Unbalanced> {
        let mut line = line.to_vec();
        let mut args = Vec::new();
        split(&mut line, &mut args)?;
        Ok(args.iter().map(|&(from, to)| line[from as usize..to as usize].to_vec()).collect())
    }

    #[track_caller]
    fn check(line: &str, expected: &[&[u8]]) {
        assert_eq!(words(line.as_bytes()).unwrap(), expected);
    }

    #[test]
    fn blanks_separate_words() {
        check("", &[]);
        check(" \t ", &[]);
        check("  GET\t a  ", &[b"GET", b"a"]);
    }

    #[test]
    fn quotes_hold_blanks_and_escapes() {
        check(r#"SET k "a b""#, &[b"SET", b"k", b"a b"]);
        check(r#"a"b c" ''"#, &[b"ab c", b""]);
        check(r#""\n\r\t\a\b\"\\""#, &[b"\n\r\t\x07\x08\"\\"]);
        check(r#""\x00\xfF\xzz\x4""#, &[b"\x00\xffxzzx4"]);
        check(r"'it\'s \n'", &[br"it's \n"]);
    }

    #[test]
    fn open_or_glued_quotes_are_refused() {
        for line in ["\"a", "'a", "\"a\"b", "'a'b", "\"a\\", "\"", "a\"b\"'c'"] {
            assert_eq!(words(line.as_bytes()), Err(Unbalanced), "{line}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_can_be_quoted(args in prop::collection::vec(any::<Vec<u8>>(), 0..6)) {
            let mut line = String::new();
            for arg in &args {
                line.push('"');
                arg.iter().for_each(|byte| line.push_str(&format!("\\x{byte:02x}")));
                line.push_str("\" ");
            }
            prop_assert_eq!(words(line.as_bytes()).unwrap(), args);
        }

        #[test]
        fn garbage_is_split_or_refused(line in prop::collection::vec(
            prop::sample::select(b"ab \\\"'x0\t\x00\xff".to_vec()), 0..40,
        )) {
            let _ = words(&line);
        }
    }
}
