//! A Rust file as tidy sees it: comments and literals blanked, tests marked, paths resolved.
//!
//! It is no parser. It knows just enough of the language that a rule is not tripped by words in a
//! comment or a string, and that `use std::{time::Instant as Clock}` does not hide a clock.

use std::collections::BTreeMap;

use super::mask::mask;

/// One file, masked: `code` has the same lines and columns as `text`.
pub struct Source<'a> {
    pub path: &'a str,
    pub text: &'a str,
    pub code: String,
    /// For each line, whether it is test code.
    test_lines: Vec<bool>,
    /// For each line, how many inline modules enclose it.
    depths: Vec<usize>,
}

/// What a `use` brings in: a name, and every path it may stand for.
pub type Aliases = BTreeMap<String, Vec<String>>;

/// A path named somewhere: `std::time::Instant`, aliases followed.
#[derive(Debug, PartialEq, Eq)]
pub struct Named {
    pub line: usize,
    pub path: String,
}

impl<'a> Source<'a> {
    pub fn new(path: &'a str, text: &'a str) -> Source<'a> {
        let code = mask(text);
        let (test_lines, depths) = modules(&code, is_test_path(path));
        Source { path, text, code, test_lines, depths }
    }

    /// Lines of masked code, counted from 1.
    pub fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.code.lines().enumerate().map(|(index, line)| (index + 1, line))
    }

    pub fn is_test(&self, line: usize) -> bool {
        self.test_lines.get(line - 1).copied().unwrap_or(false)
    }

    pub fn depth(&self, line: usize) -> usize {
        self.depths.get(line - 1).copied().unwrap_or(0)
    }

    /// The line a byte of the masked code is on.
    pub fn line_at(&self, offset: usize) -> usize {
        self.code[..offset].matches('\n').count() + 1
    }

    /// Every path the file names, `use` trees flattened and their names substituted.
    pub fn names(&self) -> Vec<Named> {
        let tokens = tokens(&self.code);
        let (mut named, mut aliases) = (Vec::new(), Aliases::new());
        // What a test brings in, code does not see.
        let mut of_tests = Aliases::new();
        let mut inline = Vec::new();
        let mut at = 0;
        while at < tokens.len() {
            if tokens[at].text == "use" {
                let is_test = self.is_test(tokens[at].line);
                let aliases = if is_test { &mut of_tests } else { &mut aliases };
                at = use_tree(&tokens, at + 1, String::new(), &mut named, aliases);
            } else if is_word(tokens[at].text) {
                let (end, path) = inline_path(&tokens, at);
                inline.push(Named { line: tokens[at].line, path });
                at = end;
            } else {
                at += 1;
            }
        }
        for name in inline {
            let (first, rest) = match name.path.split_once("::") {
                Some((first, rest)) => (first, Some(rest)),
                None => (name.path.as_str(), None),
            };
            let theirs = of_tests.get(first).filter(|_| self.is_test(name.line));
            let mut known = aliases.get(first).into_iter().chain(theirs).flatten().peekable();
            if known.peek().is_none() {
                named.push(name);
                continue;
            }
            for full in known {
                let path = rest.map_or_else(|| full.clone(), |rest| format!("{full}::{rest}"));
                named.push(Named { line: name.line, path });
            }
        }
        named
    }
}

fn is_test_path(path: &str) -> bool {
    path.split('/').any(|part| part == "tests" || part == "tests.rs")
}

/// Which lines are tests, and how deep in inline modules each is.
fn modules(code: &str, all_tests: bool) -> (Vec<bool>, Vec<usize>) {
    let (mut tests, mut depths) = (Vec::new(), Vec::new());
    // For every open brace: whether it opened a module, and whether what it holds is a test.
    let mut braces: Vec<(bool, bool)> = Vec::new();
    let (mut in_head_of_mod, mut under_cfg_test) = (false, false);
    for line in code.lines() {
        under_cfg_test |= line.contains("#[cfg(test)]") || line.contains("#[test]");
        tests.push(all_tests || under_cfg_test || braces.iter().any(|brace| brace.1));
        depths.push(braces.iter().filter(|brace| brace.0).count());
        for token in tokens(line) {
            match token.text {
                "mod" => in_head_of_mod = true,
                "{" => {
                    braces.push((in_head_of_mod, under_cfg_test));
                    (in_head_of_mod, under_cfg_test) = (false, false);
                }
                "}" => drop(braces.pop()),
                ";" => (in_head_of_mod, under_cfg_test) = (false, false),
                _ => {}
            }
        }
    }
    (tests, depths)
}

/// A word, `::` or a single sign.
pub struct Token<'a> {
    pub line: usize,
    pub text: &'a str,
}

pub fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Words, `::` and single signs.
pub fn tokens(code: &str) -> Vec<Token<'_>> {
    let in_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80;
    let bytes = code.as_bytes();
    let (mut out, mut at, mut line) = (Vec::new(), 0, 1);
    while at < bytes.len() {
        let start = at;
        at += 1;
        if bytes[start] == b'\n' {
            line += 1;
        }
        if bytes[start].is_ascii_whitespace() {
            continue;
        }
        if in_word(bytes[start]) {
            at += bytes[at..].iter().take_while(|&&byte| in_word(byte)).count();
        } else if bytes[start..].starts_with(b"::") {
            at += 1;
        }
        out.push(Token { line, text: &code[start..at] });
    }
    out
}

/// `a::b::c` from the word at `at`; returns where it ends.
pub fn inline_path(tokens: &[Token<'_>], mut at: usize) -> (usize, String) {
    let mut path = tokens[at].text.to_owned();
    while let [colons, word, ..] = &tokens[at + 1..]
        && colons.text == "::"
        && is_word(word.text)
    {
        path = path + "::" + word.text;
        at += 2;
    }
    (at + 1, path)
}

/// Flattens one tree of a `use` from `at`; returns where it ends.
pub fn use_tree(
    tokens: &[Token<'_>],
    mut at: usize,
    mut prefix: String,
    named: &mut Vec<Named>,
    aliases: &mut Aliases,
) -> usize {
    let mut last = None;
    while let Some(token) = tokens.get(at) {
        match token.text {
            "::" => {}
            "{" => {
                at += 1;
                while tokens.get(at).is_some_and(|token| token.text != "}") {
                    let end = use_tree(tokens, at, prefix.clone(), named, aliases);
                    // A comma, or a sign this reader does not know (`r#`): go past it.
                    let closes = tokens.get(end).is_some_and(|token| token.text == "}");
                    at = if closes { end } else { end + 1 };
                }
                return at + 1;
            }
            "as" => {
                last = tokens.get(at + 1);
                at += 1;
            }
            "self" if !prefix.is_empty() => {}
            word if is_word(word) || word == "*" => {
                last = Some(token);
                prefix = if prefix.is_empty() { word.to_owned() } else { prefix + "::" + word };
            }
            _ => break,
        }
        at += 1;
    }
    // `std::time::{self}` brings in the prefix's own last part.
    let name = last.map_or_else(|| prefix.rsplit("::").next().unwrap_or_default(), |t| t.text);
    aliases.entry(name.to_owned()).or_default().push(prefix.clone());
    let line = last.or(tokens.get(at.saturating_sub(1))).map_or(1, |token| token.line);
    named.push(Named { line, path: prefix });
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        Source::new("x.rs", text).names().into_iter().map(|named| named.path).collect()
    }

    #[test]
    fn use_trees_are_followed_through_aliases() {
        let all = names("use std::{time::{self, Instant as Clock}, io};\nClock::now(); time::X;");
        for path in ["std::time::Instant", "std::time::Instant::now", "std::time::X", "std::io"] {
            assert!(all.contains(&path.to_owned()), "{path} not in {all:?}");
        }
    }

    #[test]
    fn what_a_test_brings_in_is_not_codes() {
        let all = names(
            "fn f() { T::new(); }\n#[cfg(test)]\nmod tests {\n    use a::T;\n    T::test();\n}",
        );
        assert!(all.contains(&"T::new".into()) && all.contains(&"a::T::test".into()), "{all:?}");
    }

    #[test]
    fn test_modules_are_told_from_code() {
        let source =
            Source::new("x.rs", "fn a() {}\n#[cfg(test)]\nmod tests {\n  fn b() {}\n}\nfn c() {}");
        let tests: Vec<_> = (1..=6).map(|line| source.is_test(line)).collect();
        assert_eq!(tests, [false, true, true, true, true, false]);
    }
}
