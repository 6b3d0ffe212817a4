//! Names: a greenlet's own, and its place in the spawn tree, whose text is made on demand.

use std::borrow::Cow;
use std::fmt;
use std::iter;
use std::rc::Rc;

/// A greenlet's own name; the common one costs nothing.
#[derive(Clone)]
pub(crate) enum Label {
    /// It has none.
    Task,
    /// A host's program: its name is the host's.
    Root(Rc<str>),
    /// As paths have it: escaped, see [`escape`].
    Named(Rc<str>),
}

impl Label {
    /// The label of a greenlet that is given a name, whatever characters are in it.
    pub(crate) fn named(name: &str) -> Label {
        Label::Named(escape(name).into())
    }

    /// What paths call it.
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Label::Task => "task",
            Label::Root(name) | Label::Named(name) => name,
        }
    }

    /// The name as a program gave it, and as std would give it back.
    pub(crate) fn name(&self) -> Option<Cow<'_, str>> {
        match self {
            Label::Task => None,
            Label::Root(_) => Some("main".into()),
            Label::Named(escaped) => Some(unescape(escaped)),
        }
    }
}

/// Whether a character would not stand for itself in a path, a trace, a token or a shell's quotes.
/// Tokens are kept, so this set must stay as it is.
fn is_reserved(c: char) -> bool {
    // What is invisible, or turns the text around it: two names would look alike.
    let is_hidden = matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}');
    c.is_whitespace() || c.is_control() || is_hidden || "/#@,;='%|()…".contains(c)
}

/// A name as it stands in paths: what could be taken for something else there is written as `%` and
/// the two hexadecimal digits of each of its bytes; an empty name is `%` alone. A dot in front, which
/// is a socket's mark, is escaped as well. No two names are written alike.
fn escape(name: &str) -> Cow<'_, str> {
    if name.is_empty() {
        return "%".into();
    }
    let is_plain = |(at, c): (usize, char)| !is_reserved(c) && (at > 0 || c != '.');
    if name.char_indices().all(is_plain) {
        return name.into();
    }
    let mut text = String::with_capacity(name.len() + 8);
    for (at, c) in name.char_indices() {
        if is_plain((at, c)) {
            text.push(c);
            continue;
        }
        for byte in c.encode_utf8(&mut [0; 4]).bytes() {
            text.push('%');
            text.extend([byte >> 4, byte & 15].map(|digit| HEX[usize::from(digit)]));
        }
    }
    text.into()
}

const HEX: [char; 16] =
    ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];

/// The name that [`escape`] wrote so.
fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return text.into();
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|digit| char::from(digit).to_digit(16));
        // A `%` alone is the empty name.
        if let (Some(high), Some(low)) = (digit(), digit()) {
            bytes.push((high << 4 | low) as u8);
        }
    }
    String::from_utf8(bytes).expect("it was escaped from text").into()
}

/// A place in the spawn tree, kept by those below it.
pub(super) struct PathNode {
    above: Option<Rc<PathNode>>,
    label: Label,
    ordinal: u32,
    /// How many names its path has, this one included.
    depth: usize,
    /// Whether there were names above it that are no longer kept.
    cut: bool,
}

impl PathNode {
    /// The most names a path keeps above a greenlet. Where each greenlet spawns the next one and
    /// ends, for ever, paths must not grow for ever.
    pub(super) const DEEPEST: usize = 64;
    /// How many it keeps when there are too many: the last ones.
    const KEPT: usize = 32;

    pub(super) fn below(above: Option<Rc<PathNode>>, label: Label, ordinal: u32) -> PathNode {
        let above = match above {
            Some(deep) if deep.depth >= PathNode::DEEPEST => Some(deep.cut_short()),
            above => above,
        };
        let depth = above.as_ref().map_or(0, |above| above.depth) + 1;
        PathNode { above, label, ordinal, depth, cut: false }
    }

    /// The same place with its last names alone.
    fn cut_short(&self) -> Rc<PathNode> {
        let mut last: Vec<&PathNode> = self.upwards().take(PathNode::KEPT).collect();
        let top = last.pop().expect("there is at least this one");
        let top = PathNode { cut: true, ..PathNode::below(None, top.label.clone(), top.ordinal) };
        last.iter().rev().fold(Rc::new(top), |above, place| {
            Rc::new(PathNode::below(Some(above), place.label.clone(), place.ordinal))
        })
    }

    fn upwards(&self) -> impl Iterator<Item = &PathNode> {
        iter::successors(Some(self), |place| place.above.as_deref())
    }
}

pub(super) fn write_name(label: &Label, ordinal: u32, path: &mut dyn fmt::Write) -> fmt::Result {
    path.write_str(label.as_str())?;
    if ordinal > 1 {
        write!(path, "#{ordinal}")?;
    }
    Ok(())
}

/// Writes the names above a greenlet, the last `MOST` where there are more, each with its slash. It
/// needs little stack and no memory: a signal handler does it.
pub(super) fn write_path<const MOST: usize>(
    above: Option<&PathNode>,
    path: &mut dyn fmt::Write,
) -> fmt::Result {
    let mut names = [None; MOST];
    let mut places = above.into_iter().flat_map(PathNode::upwards);
    for (name, place) in names.iter_mut().zip(&mut places) {
        *name = Some(place);
    }
    let topmost = names.iter().rev().flatten().next();
    if topmost.is_some_and(|place| place.cut || place.above.is_some()) {
        path.write_str("…/")?;
    }
    for place in names.iter().rev().flatten() {
        write_name(&place.label, place.ordinal, path)?;
        path.write_str("/")?;
    }
    Ok(())
}

/// How many children of each name a greenlet has had, so that each has a name of its own.
#[derive(Default)]
pub(super) struct Children {
    tasks: u32,
    named: Vec<(Rc<str>, u32)>,
    rest: u32,
}

impl Children {
    /// Names beyond these share one count: names made up per request must not pile up for ever.
    const NAMES_MAX: usize = 64;

    pub(super) fn next(&mut self, label: &Label) -> u32 {
        let count = match label {
            Label::Root(name) | Label::Named(name) if **name != *Label::Task.as_str() => {
                match self.named.iter().position(|(known, _)| known == name) {
                    Some(index) => &mut self.named[index].1,
                    None if self.named.len() < Children::NAMES_MAX => {
                        self.named.push((name.clone(), 0));
                        &mut self.named.last_mut().expect("just pushed").1
                    }
                    None => &mut self.rest,
                }
            }
            // One that is named `task` reads like those that have no name.
            _ => &mut self.tasks,
        };
        *count += 1;
        *count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path_below(place: &PathNode) -> String {
        let mut path = String::new();
        write_path::<{ PathNode::DEEPEST }>(Some(place), &mut path).unwrap();
        path
    }

    #[test]
    fn a_path_keeps_its_last_names_and_lets_go_of_the_others() {
        let named = |n: usize| Label::named(&format!("n{n}"));
        let first = Rc::new(PathNode::below(None, named(1), 1));
        let top = Rc::downgrade(&first);
        let mut place = first;
        for n in 2..=PathNode::DEEPEST {
            place = Rc::new(PathNode::below(Some(place), named(n), 1));
        }
        let whole: String = (1..=PathNode::DEEPEST).map(|n| format!("n{n}/")).collect();
        assert_eq!(path_below(&place), whole);
        place = Rc::new(PathNode::below(Some(place), named(65), 2));
        let last: String = (33..=64).map(|n| format!("n{n}/")).collect();
        assert_eq!(path_below(&place), format!("…/{last}n65#2/"));
        assert!(top.upgrade().is_none());
        for n in 66..100_000 {
            place = Rc::new(PathNode::below(Some(place), named(n), 1));
            assert!(place.depth > PathNode::KEPT && place.depth <= PathNode::DEEPEST);
        }
        assert!(path_below(&place).ends_with("/n99998/n99999/"));
        let mut line = String::new();
        write_path::<2>(Some(&place), &mut line).unwrap();
        assert_eq!(line, "…/n99998/n99999/");
    }

    #[test]
    fn a_greenlet_named_task_is_counted_with_those_that_have_no_name() {
        let mut children = Children::default();
        let labels = [Label::Task, Label::named("task"), Label::Task, Label::named("other")];
        assert_eq!(labels.map(|label| children.next(&label)), [1, 2, 3, 1]);
    }

    #[test]
    fn names_are_escaped_by_a_rule_that_stays() {
        for (name, escaped) in [
            ("conn-7", "conn-7"),
            ("größe", "größe"),
            ("", "%"),
            ("a/b c", "a%2Fb%20c"),
            (".tcp#2", "%2Etcp%232"),
            ("100%=1,5;'x@y.z'", "100%25%3D1%2C5%3B%27x%40y.z%27"),
            ("from(cli|.tcp)", "from%28cli%7C.tcp%29"),
            ("…\u{202e}\n", "%E2%80%A6%E2%80%AE%0A"),
        ] {
            assert_eq!(escape(name), escaped);
            assert_eq!(unescape(escaped), name);
        }
    }

    proptest::proptest! {
        #[test]
        fn any_name_comes_back_from_its_path(name in "\\PC*|[%/#@,;=' .:a\n\u{feff}]*") {
            let label = Label::named(&name);
            proptest::prop_assert_eq!(label.name().unwrap(), name.as_str());
            proptest::prop_assert!(!label.as_str().contains(|c| c != '%' && is_reserved(c)));
        }
    }
}
