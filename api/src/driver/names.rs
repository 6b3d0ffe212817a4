//! Names: a greenlet's own, and its place in the spawn tree, whose text is made on demand.

use std::fmt;
use std::iter;
use std::rc::Rc;

/// A greenlet's own name; the common one costs nothing.
#[derive(Clone)]
pub(crate) enum Label {
    Task,
    Named(Rc<str>),
}

impl Label {
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Label::Task => "task",
            Label::Named(name) => name,
        }
    }
}

impl From<String> for Label {
    fn from(name: String) -> Label {
        Label::Named(name.into())
    }
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
            Label::Task => &mut self.tasks,
            Label::Named(name) => match self.named.iter().position(|(known, _)| known == name) {
                Some(index) => &mut self.named[index].1,
                None if self.named.len() < Children::NAMES_MAX => {
                    self.named.push((name.clone(), 0));
                    &mut self.named.last_mut().expect("just pushed").1
                }
                None => &mut self.rest,
            },
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
        let named = |n: usize| Label::from(format!("n{n}"));
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
}
