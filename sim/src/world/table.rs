//! Tables whose rows are found by ids of one type, and by nothing else.

use std::marker::PhantomData;
use std::ops::{Index, IndexMut};

use crate::id::Id;

/// Rows that stay, or are replaced in place.
pub(crate) struct Table<I, T> {
    rows: Vec<T>,
    ids: PhantomData<I>,
}

impl<I: Id, T> Table<I, T> {
    pub(crate) fn push(&mut self, row: T) -> I {
        self.rows.push(row);
        I::of_row(self.rows.len() - 1)
    }
    /// Puts a row where another was, or behind the last one.
    pub(crate) fn put(&mut self, id: I, row: T) {
        if id.row() == self.rows.len() {
            self.rows.push(row);
        } else {
            self.rows[id.row()] = row;
        }
    }
    pub(crate) fn get(&self, id: I) -> Option<&T> {
        self.rows.get(id.row())
    }
    /// All ids of now, without holding on to the table.
    pub(crate) fn ids(&self) -> impl Iterator<Item = I> + use<I, T> {
        (0..self.rows.len()).map(I::of_row)
    }
    pub(crate) fn iter(&self) -> std::slice::Iter<'_, T> {
        self.rows.iter()
    }
    /// The same table without a row, with its memory unless that is of more than so many.
    pub(crate) fn emptied(self, most: usize) -> Table<I, T> {
        Table { rows: without_rows(self.rows, most), ids: PhantomData }
    }
    /// One row to change, and all others to look at meanwhile.
    #[inline]
    pub(crate) fn one_and_others(&mut self, id: I) -> (&mut T, Others<'_, I, T>) {
        let (before, rest) = self.rows.split_at_mut(id.row());
        let (one, after) = rest.split_first_mut().expect("a table's ids find its rows");
        (one, Others { before, after, ids: PhantomData })
    }
}

impl<I, T> Default for Table<I, T> {
    fn default() -> Table<I, T> {
        Table { rows: Vec::new(), ids: PhantomData }
    }
}

impl<I: Id, T> FromIterator<T> for Table<I, T> {
    fn from_iter<A: IntoIterator<Item = T>>(rows: A) -> Table<I, T> {
        Table { rows: rows.into_iter().collect(), ids: PhantomData }
    }
}

impl<I: Id, T> Index<I> for Table<I, T> {
    type Output = T;
    #[inline]
    fn index(&self, id: I) -> &T {
        &self.rows[id.row()]
    }
}
impl<I: Id, T> IndexMut<I> for Table<I, T> {
    #[inline]
    fn index_mut(&mut self, id: I) -> &mut T {
        &mut self.rows[id.row()]
    }
}

/// The rows of a table but for one that is being changed.
pub(crate) struct Others<'a, I, T> {
    before: &'a [T],
    after: &'a [T],
    ids: PhantomData<I>,
}

impl<I: Id, T> Others<'_, I, T> {
    /// The row; `None` for the one that is being changed.
    #[inline]
    pub(crate) fn get(&self, id: I) -> Option<&T> {
        match id.row().checked_sub(self.before.len()) {
            None => Some(&self.before[id.row()]),
            Some(0) => None,
            Some(behind) => Some(&self.after[behind - 1]),
        }
    }
}

/// The same vector without a row, or none where it has room for more than so many.
pub(crate) fn without_rows<T>(mut rows: Vec<T>, most: usize) -> Vec<T> {
    rows.clear();
    if rows.capacity() > most { Vec::new() } else { rows }
}

/// Rows that come and go: the place of the last one that went is the next to be taken.
pub(crate) struct Slots<I, T> {
    rows: Vec<Option<T>>,
    free: Vec<I>,
}

impl<I: Id, T> Slots<I, T> {
    /// The id that the next row will have.
    #[inline]
    pub(crate) fn next_id(&self) -> I {
        self.free.last().copied().unwrap_or_else(|| I::of_row(self.rows.len()))
    }
    #[inline]
    pub(crate) fn insert(&mut self, row: T) -> I {
        match self.free.pop() {
            Some(id) => {
                self.rows[id.row()] = Some(row);
                id
            }
            None => {
                self.rows.push(Some(row));
                I::of_row(self.rows.len() - 1)
            }
        }
    }
    #[inline]
    pub(crate) fn remove(&mut self, id: I) -> Option<T> {
        let row = self.rows[id.row()].take()?;
        self.free.push(id);
        Some(row)
    }
    #[inline]
    pub(crate) fn get(&self, id: I) -> Option<&T> {
        self.rows.get(id.row())?.as_ref()
    }
    #[inline]
    pub(crate) fn get_mut(&mut self, id: I) -> Option<&mut T> {
        self.rows.get_mut(id.row())?.as_mut()
    }
    /// All ids of now, without holding on to the table.
    pub(crate) fn ids(&self) -> impl Iterator<Item = I> + use<I, T> {
        (0..self.rows.len()).map(I::of_row)
    }
}

impl<I, T> Slots<I, T> {
    /// As [`Table::emptied`].
    pub(crate) fn emptied(self, most: usize) -> Slots<I, T> {
        Slots { rows: without_rows(self.rows, most), free: without_rows(self.free, most) }
    }
}

impl<I, T> Default for Slots<I, T> {
    fn default() -> Slots<I, T> {
        Slots { rows: Vec::new(), free: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{HostId, PacketId};

    #[test]
    fn the_slot_that_was_left_last_is_taken_first() {
        let mut slots: Slots<PacketId, &str> = Slots::default();
        let [a, b, c] = ["a", "b", "c"].map(|row| slots.insert(row));
        assert_eq!(
            (slots.remove(a), slots.remove(b), slots.remove(b)),
            (Some("a"), Some("b"), None)
        );
        assert_eq!(slots.next_id(), b);
        assert_eq!([slots.insert("d"), slots.insert("e")], [b, a]);
        assert_eq!((slots.get(b), slots.get(c)), (Some(&"d"), Some(&"c")));
    }

    #[test]
    fn one_row_is_changed_while_the_others_are_looked_at() {
        let mut table: Table<HostId, u8> = [1, 2, 3].into_iter().collect();
        let ids: Vec<HostId> = table.ids().collect();
        let (one, others) = table.one_and_others(ids[1]);
        *one = others.get(ids[0]).copied().unwrap_or(9) + others.get(ids[2]).copied().unwrap_or(9);
        assert_eq!(others.get(ids[1]), None);
        assert_eq!(table[ids[1]], 4);
    }
}
