//! What sockets are called. Events have the numbers that hosts gave them; a number may come to stand for
//! another connection, and has that one's name from then on.

use std::collections::HashMap;

use crate::choices::Fixed;

/// A socket of a host, by its number there.
pub(crate) type SocketKey = (u16, u32);

/// The names of a run's sockets, as paths, and from which event on each is meant.
#[derive(Debug, Default)]
pub(crate) struct Names(HashMap<SocketKey, Vec<(usize, u32)>, Fixed>);

impl Names {
    /// A socket has this name from the event with this index on. Its first real name is meant before
    /// it, too, in place of one that merely counted it.
    pub(crate) fn give(&mut self, event: usize, key: SocketKey, path: u32, is_first: bool) {
        let names = self.0.entry(key).or_default();
        if is_first {
            names.clear();
        }
        names.push((event, path));
    }

    /// The name at an event.
    pub(crate) fn path_at(&self, event: usize, key: SocketKey) -> Option<u32> {
        let names = self.0.get(&key)?;
        let named = names.iter().rev().find(|(from, _)| *from <= event);
        named.or(names.first()).map(|&(_, path)| path)
    }

    /// Whose name each path is.
    pub(crate) fn by_path(&self) -> HashMap<u32, SocketKey, Fixed> {
        let all = self.0.iter();
        all.flat_map(|(key, names)| names.iter().map(|(_, path)| (*path, *key))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_name_is_meant_from_the_beginning_and_a_second_from_where_it_is_given() {
        let (mut names, key) = (Names::default(), (0, 1));
        names.give(0, key, 10, false);
        names.give(5, key, 11, true);
        names.give(9, key, 12, false);
        let at = |event| names.path_at(event, key);
        assert_eq!([at(0), at(5), at(8), at(9), at(20)].map(Option::unwrap), [11, 11, 11, 12, 12]);
        assert_eq!(names.path_at(0, (0, 2)), None);
        assert_eq!(names.by_path().len(), 2);
    }
}
