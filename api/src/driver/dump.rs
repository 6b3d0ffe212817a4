//! What every greenlet does right now, and by which calls it came there.
//!
//! A suspended greenlet is entered just to write its stack down, and leaves again where it stood:
//! no turn is taken, no clock read, nothing the world or its trace could tell.

use std::backtrace::Backtrace;
use std::fmt::Write;

use super::calls::own_calls;
use super::engine::Driver;
use super::stall;
use crate::greenlet::{Fiber, Walked};
use crate::hub::GreenletId;

/// The stack of a greenlet, as far as there is one.
enum Stack {
    Walked(Backtrace),
    /// There is none, or none to be had.
    None(&'static str),
}

impl Driver {
    /// A paragraph for each greenlet, in the order of birth.
    pub(crate) fn format_greenlets(&self) -> String {
        // Half as much again as it takes to resolve the names of calls.
        const ROOM: usize = 48 * 1024;
        let has_room = self.table.borrow().leave().is_none_or(|leave| leave.has_room(ROOM));
        let all: Vec<GreenletId> = self.table.borrow().live().map(|slot| slot.id).collect();
        let mut text = String::new();
        for id in all {
            let what = self.describe(id);
            let spawned = match self.table.borrow().origin_of(id).at {
                Some(at) => format!("spawned at {at}"),
                None => "its host's program".to_owned(),
            };
            let _ = writeln!(text, "{}: {what}; {spawned}", self.name(id));
            let stack = match has_room {
                true => self.stack_of(id),
                false => Stack::None("the caller's stack is too full to tell its calls"),
            };
            match stack {
                Stack::Walked(backtrace) => {
                    text.push_str(&own_calls(&backtrace.to_string()).concat())
                }
                Stack::None(why) => drop(writeln!(text, "      ({why})")),
            }
        }
        text
    }

    /// What it waits in, or why it does not.
    fn describe(&self, id: GreenletId) -> String {
        let table = self.table.borrow();
        let mut hub = self.hub.borrow_mut();
        if let Some(stuck) = stall::stuck(&table, &mut **hub, id) {
            return stuck.wait();
        }
        if table.current == Some(id) {
            return "running".to_owned();
        }
        match table.queue.iter().any(|queued| queued.greenlet == id) {
            true => "runnable".to_owned(),
            // Left as it stands by a power cut or for good; or it ends another in its own turn.
            false if table.is_idle(id) => "left as it stands".to_owned(),
            false => "running below another".to_owned(),
        }
    }

    fn stack_of(&self, id: GreenletId) -> Stack {
        if self.current_id() == Some(id) {
            return Stack::Walked(Backtrace::force_capture());
        }
        if self.table.borrow().has_body(id) {
            return Stack::None("it has not started");
        }
        let mut fiber = self.table.borrow_mut().take_fiber(id);
        let stack = match fiber.is_empty() {
            true => Stack::None("its stack is below the current one's"),
            false => walk(&mut fiber),
        };
        self.table.borrow_mut().put_fiber(id, fiber);
        stack
    }
}

fn walk(fiber: &mut Fiber) -> Stack {
    match fiber.walk() {
        Walked::Done(backtrace) => Stack::Walked(backtrace),
        Walked::NoRoom => Stack::None("its stack is too full to be walked"),
    }
}
