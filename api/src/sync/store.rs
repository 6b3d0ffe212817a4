//! In which order a queue gives out what it holds.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, VecDeque};

/// What a queue keeps its items in. Of this crate alone.
pub trait Store<T>: sealed::Sealed {
    /// Nothing.
    #[doc(hidden)]
    const EMPTY: Self;
    /// Adds one.
    #[doc(hidden)]
    fn push(&mut self, item: T);
    /// The next one out.
    #[doc(hidden)]
    fn pop(&mut self) -> Option<T>;
    /// Puts one back that was popped last.
    #[doc(hidden)]
    fn unpop(&mut self, item: T);
    /// A look at the next one out.
    #[doc(hidden)]
    fn next(&self) -> Option<&T>;
    /// How many there are.
    #[doc(hidden)]
    fn count(&self) -> usize;
}

mod sealed {
    pub trait Sealed {}
}

/// First in, first out.
#[derive(Debug)]
pub struct Fifo<T>(VecDeque<T>);

impl<T> sealed::Sealed for Fifo<T> {}
impl<T> Store<T> for Fifo<T> {
    const EMPTY: Fifo<T> = Fifo(VecDeque::new());
    fn push(&mut self, item: T) {
        self.0.push_back(item);
    }
    fn pop(&mut self) -> Option<T> {
        self.0.pop_front()
    }
    fn unpop(&mut self, item: T) {
        self.0.push_front(item);
    }
    fn next(&self) -> Option<&T> {
        self.0.front()
    }
    fn count(&self) -> usize {
        self.0.len()
    }
}

/// Last in, first out.
#[derive(Debug)]
pub struct Lifo<T>(Vec<T>);

impl<T> sealed::Sealed for Lifo<T> {}
impl<T> Store<T> for Lifo<T> {
    const EMPTY: Lifo<T> = Lifo(Vec::new());
    fn push(&mut self, item: T) {
        self.0.push(item);
    }
    fn pop(&mut self) -> Option<T> {
        self.0.pop()
    }
    fn unpop(&mut self, item: T) {
        self.0.push(item);
    }
    fn next(&self) -> Option<&T> {
        self.0.last()
    }
    fn count(&self) -> usize {
        self.0.len()
    }
}

/// The smallest first; of equals, the one that came first.
#[derive(Debug)]
pub struct Smallest<T> {
    heap: BinaryHeap<Ranked<T>>,
    came: i64,
    /// Below it stand those that were put back, each before all that equal it.
    put_back: i64,
}

#[derive(Debug)]
struct Ranked<T> {
    item: T,
    rank: i64,
}

impl<T: Ord> Ord for Ranked<T> {
    /// The heap gives out the greatest: that is the smallest here.
    fn cmp(&self, other: &Ranked<T>) -> Ordering {
        other.item.cmp(&self.item).then(other.rank.cmp(&self.rank))
    }
}
impl<T: Ord> PartialOrd for Ranked<T> {
    fn partial_cmp(&self, other: &Ranked<T>) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl<T: Ord> PartialEq for Ranked<T> {
    fn eq(&self, other: &Ranked<T>) -> bool {
        self.cmp(other).is_eq()
    }
}
impl<T: Ord> Eq for Ranked<T> {}

impl<T> sealed::Sealed for Smallest<T> {}
impl<T: Ord> Store<T> for Smallest<T> {
    const EMPTY: Smallest<T> = Smallest { heap: BinaryHeap::new(), came: 0, put_back: 0 };
    fn push(&mut self, item: T) {
        self.came += 1;
        self.heap.push(Ranked { item, rank: self.came });
    }
    fn pop(&mut self) -> Option<T> {
        self.heap.pop().map(|first| first.item)
    }
    fn unpop(&mut self, item: T) {
        self.put_back -= 1;
        self.heap.push(Ranked { item, rank: self.put_back });
    }
    fn next(&self) -> Option<&T> {
        self.heap.peek().map(|first| &first.item)
    }
    fn count(&self) -> usize {
        self.heap.len()
    }
}
