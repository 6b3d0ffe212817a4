//! Whose stack overflowed, for the handler of the fault: nothing here allocates, locks or panics.

use std::fmt;

use super::CURRENT;
use crate::driver::slot::Slot;
use crate::greenlet::overflow::{Witness, call_upon};

/// Has the handler ask here.
pub(super) fn register() {
    call_upon(Witness { write_whose_stack, write_where_spawned });
}

/// Writes `greenlet` and its path, if the stack that ends at `limit` is the current greenlet's and
/// the driver is not in the middle of a change.
fn write_whose_stack(limit: usize, line: &mut dyn fmt::Write) -> Option<()> {
    with_greenlet_on(limit, |slot| {
        line.write_str("greenlet ")?;
        slot.write_path(line)
    })
}

/// Writes where that greenlet was spawned, in brackets.
fn write_where_spawned(limit: usize, line: &mut dyn fmt::Write) -> Option<()> {
    with_greenlet_on(limit, |slot| match slot.origin.at {
        Some(at) => write!(line, " (spawned at {at})"),
        None => Ok(()),
    })
}

fn with_greenlet_on(limit: usize, f: impl FnOnce(&Slot) -> fmt::Result) -> Option<()> {
    let told = CURRENT.try_with(|current| {
        let current = current.try_borrow().ok()?;
        let table = current.as_ref()?.table.try_borrow().ok()?;
        f(table.current_on(limit)?).ok()
    });
    told.ok().flatten()
}
