//! Names: a greenlet's own, and its place in the spawn tree, whose text is made on demand.

use std::fmt;
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
pub(super) struct Place {
    pub(super) above: Option<Rc<Place>>,
    pub(super) label: Label,
    pub(super) ordinal: u32,
}

impl Place {
    pub(super) fn write(&self, path: &mut String) {
        if let Some(above) = &self.above {
            above.write(path);
            path.push('/');
        }
        let _ = write_name(&self.label, self.ordinal, path);
    }
}

pub(super) fn write_name(label: &Label, ordinal: u32, path: &mut dyn fmt::Write) -> fmt::Result {
    path.write_str(label.as_str())?;
    if ordinal > 1 {
        write!(path, "#{ordinal}")?;
    }
    Ok(())
}

/// Writes the names above a greenlet, the last few where there are many, each with its slash. It
/// needs little stack and no memory: a signal handler does it.
pub(super) fn write_path(mut above: Option<&Place>, path: &mut dyn fmt::Write) -> fmt::Result {
    const NAMES_MAX: usize = 16;
    let mut names = [None; NAMES_MAX];
    for name in &mut names {
        *name = above;
        above = above.and_then(|place| place.above.as_deref());
    }
    if above.is_some() {
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
