//! Whose stack overflowed, or who runs, for handlers of signals: nothing here allocates, locks or panics.

use std::fmt::{self, Write};

use crate::driver::slot::Details;
use crate::driver::table::Table;
use crate::greenlet::overflow::{Line, Witness, call_upon};

/// Has the handler ask here.
pub(super) fn register() {
    call_upon(Witness { write_whose_stack, write_where_spawned });
}

/// Writes `greenlet` and its path, if the stack that ends at `limit` is the current greenlet's and
/// the driver is not in the middle of a change.
fn write_whose_stack(limit: usize, line: &mut dyn fmt::Write) -> Option<()> {
    with_greenlet_on(limit, |greenlet| {
        line.write_str("greenlet ")?;
        greenlet.write_path(line)
    })
}

/// Writes who runs on this thread, and where it was spawned; nothing where that is not known.
pub(crate) fn write_current(line: &mut Line) {
    if cfg!(greenroom_threads) {
        // Who runs has another thread, and may be changing the table.
        return;
    }
    let write = |table: &Table| {
        let greenlet = table.running()?;
        line.write_str("greenlet ").and_then(|()| greenlet.write_path(line)).ok()?;
        greenlet.origin.at.and_then(|at| write!(line, " (spawned at {at})").ok())
    };
    let _ = with_table(write);
}

/// Writes where that greenlet was spawned, in brackets.
fn write_where_spawned(limit: usize, line: &mut dyn fmt::Write) -> Option<()> {
    with_greenlet_on(limit, |greenlet| match greenlet.origin.at {
        Some(at) => write!(line, " (spawned at {at})"),
        None => Ok(()),
    })
}

fn with_greenlet_on(limit: usize, f: impl FnOnce(&Details) -> fmt::Result) -> Option<()> {
    with_table(|table| f(table.current_on(limit)?).ok())
}

fn with_table<T>(f: impl FnOnce(&Table) -> Option<T>) -> Option<T> {
    let current = super::current()?;
    let table = current.table.try_borrow().ok()?;
    f(&table)
}
