//! Every `unsafe` of the tree with the argument that makes it sound: what `cargo xtask unsafe`
//! prints, and what tidy's rule asks of each.
//!
//! An argument is a `// SAFETY:` comment with text behind it. It stands in the statement, above it
//! with no empty line between, or on the line of the word itself. What is declared (`unsafe fn`,
//! `unsafe trait`) may argue in a `# Safety` section of its documentation.

use std::fs;
use std::io;
use std::path::Path;

use super::source::Source;

/// What one word `unsafe` says of what follows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Block,
    Impl,
    Fn,
    Trait,
    /// `unsafe extern { … }`: that the declarations in it are true.
    Extern,
    /// `#[unsafe(…)]`
    Attribute,
    /// The type of a pointer to an unsafe function: nothing is done or promised, so nothing is
    /// argued.
    Pointer,
}

/// One use of `unsafe`.
#[derive(Debug)]
pub struct Unsafe {
    pub line: usize,
    pub kind: Kind,
    /// The lines of its argument, without the marks of the comment.
    pub argument: Option<Vec<String>>,
}

/// Every `unsafe` of a file.
pub fn uses(source: &Source<'_>) -> Vec<Unsafe> {
    let found = words(&source.code).into_iter().map(|at| {
        let kind = kind(&source.code[at + "unsafe".len()..]);
        let argument = argument(source, at, kind);
        Unsafe { line: source.line_at(at), kind, argument }
    });
    found.collect()
}

impl Unsafe {
    /// Whether it should argue and does not.
    pub fn is_bare(&self) -> bool {
        self.kind != Kind::Pointer && self.argument.is_none()
    }
}

/// Prints every `unsafe` below `root`; returns whether each has an argument.
pub fn report(root: &Path) -> io::Result<bool> {
    let (mut count, mut bare, mut in_files) = (0, 0, 0);
    for path in super::files(root)?.iter().filter(|path| path.ends_with(".rs")) {
        let Ok(text) = String::from_utf8(fs::read(root.join(path))?) else { continue };
        let source = Source::new(path, &text);
        let uses = uses(&source);
        in_files += usize::from(!uses.is_empty());
        count += uses.len();
        for found in &uses {
            bare += usize::from(found.is_bare());
            say!("{}\n", paragraph(&source, found));
        }
    }
    say!("{count} uses of `unsafe` in {in_files} files, {bare} without an argument");
    Ok(bare == 0)
}

/// `path:line: kind`, its line of code, and its argument in full.
fn paragraph(source: &Source<'_>, found: &Unsafe) -> String {
    let kind = format!("{:?}", found.kind).to_lowercase();
    let code = source.text.lines().nth(found.line - 1).unwrap_or_default().trim();
    let head = format!("{}:{}: {kind}\n    {code}", source.path, found.line);
    match &found.argument {
        Some(lines) => lines.iter().fold(head, |all, line| format!("{all}\n    // {line}")),
        None if found.is_bare() => format!("{head}\n    NO ARGUMENT"),
        None => head,
    }
}

/// Where the word stands in masked code.
fn words(code: &str) -> Vec<usize> {
    let in_word = |c: char| c.is_alphanumeric() || c == '_';
    let whole = |&(at, word): &(usize, &str)| {
        !code[..at].ends_with(in_word) && !code[at + word.len()..].starts_with(in_word)
    };
    code.match_indices("unsafe").filter(whole).map(|(at, _)| at).collect()
}

/// What the code behind the word makes of it. The `"C"` of an `extern` is blank by now.
fn kind(behind: &str) -> Kind {
    let behind = behind.trim_start();
    let (foreign, rest) = match behind.strip_prefix("extern") {
        Some(rest) => (true, rest.trim_start()),
        None => (false, behind),
    };
    match rest.strip_prefix("fn") {
        Some(name) if name.trim_start().starts_with('(') => Kind::Pointer,
        Some(_) => Kind::Fn,
        None if foreign => Kind::Extern,
        None if rest.starts_with("impl") => Kind::Impl,
        None if rest.starts_with("trait") => Kind::Trait,
        None if rest.starts_with('(') => Kind::Attribute,
        None => Kind::Block,
    }
}

fn argument(source: &Source<'_>, at: usize, kind: Kind) -> Option<Vec<String>> {
    let (first, last) = (source.line_at(statement(&source.code, at)), source.line_at(at));
    let text: Vec<&str> = source.text.lines().collect();
    let code: Vec<&str> = source.code.lines().collect();
    let beside = text[last - 1].get(code[last - 1].trim_end().len()..).unwrap_or_default();
    let mut lines = comments(&text[..last], &code[..last], first);
    lines.push(beside.trim());
    let said = match kind {
        Kind::Fn | Kind::Trait => safety_section(&lines).or_else(|| safety_comment(&lines)),
        _ => safety_comment(&lines),
    };
    said.filter(|lines| lines.iter().any(|line| line.contains(char::is_alphabetic)))
}

/// The comments of a statement that begins on line `first` and those directly above it. An empty
/// string stands for the code between two of them.
fn comments<'a>(text: &[&'a str], code: &[&str], first: usize) -> Vec<&'a str> {
    let comment = |index: usize| code[index].trim().is_empty() && !text[index].trim().is_empty();
    let mut from = first - 1;
    while from > 0 && comment(from - 1) {
        from -= 1;
    }
    (from..text.len()).map(|index| if comment(index) { text[index].trim() } else { "" }).collect()
}

/// What follows the last `// SAFETY:`, to the end of its comment.
fn safety_comment(lines: &[&str]) -> Option<Vec<String>> {
    let after = |line: &&str| plain(line)?.strip_prefix("SAFETY:").map(str::to_owned);
    let at = lines.iter().rposition(|line| after(line).is_some())?;
    let first = after(&lines[at])?.trim().to_owned();
    let more = lines[at + 1..].iter().map_while(|line| plain(line)).map(str::to_owned);
    Some(std::iter::once(first).chain(more).collect())
}

/// What stands under the heading `# Safety` of the documentation.
fn safety_section(lines: &[&str]) -> Option<Vec<String>> {
    let doc = |line: &&str| line.strip_prefix("///").map(|text| text.trim().to_owned());
    let at = lines.iter().position(|line| doc(line).as_deref() == Some("# Safety"))?;
    let section = lines[at + 1..].iter().map_while(doc).take_while(|line| !line.starts_with("# "));
    Some(section.skip_while(String::is_empty).collect())
}

/// The text of a comment that is no documentation.
fn plain<'a>(line: &&'a str) -> Option<&'a str> {
    let text = line.strip_prefix("//")?;
    (!text.starts_with(['/', '!'])).then(|| text.trim())
}

/// Where the statement, arm, field or item around `at` begins.
fn statement(code: &str, at: usize) -> usize {
    let bytes = code.as_bytes();
    // How many closed brackets we are inside of, and the nearest end of what may have come before:
    // which of the two a comma or a brace is, the bracket around them tells.
    let (mut depth, mut nearest, mut begin) = (0, None, 0);
    for index in (0..at).rev() {
        match bytes[index] {
            b'}' | b',' if depth == 0 => {
                nearest = nearest.or(Some(index + 1));
                depth += usize::from(bytes[index] == b'}');
            }
            b')' | b']' | b'}' => depth += 1,
            b'(' | b'[' if depth == 0 => nearest = None,
            b'(' | b'[' => depth -= 1,
            b'{' | b';' if depth == 0 => {
                begin = index + 1;
                break;
            }
            b'{' => depth -= 1,
            _ => {}
        }
    }
    let begin = nearest.unwrap_or(begin);
    at - code[begin..at].trim_start().len()
}
