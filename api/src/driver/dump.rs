//! What every greenlet does right now, and by which calls it came there.
//!
//! A suspended greenlet is entered just to write its stack down, and leaves again where it stood:
//! no turn is taken, no clock read, nothing the world or its trace could tell.

use std::backtrace::Backtrace;
use std::fmt::Write;

use super::table::Phase;
use super::{Driver, stall};
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
        match table.queue.iter().any(|&(queued, _)| queued == id) {
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
        let phase = self.table.borrow_mut().take_phase(id);
        let (stack, phase) = match phase {
            Some(Phase::Fiber(mut fiber)) => (walk(&mut fiber), Some(Phase::Fiber(fiber))),
            None => (Stack::None("its stack is below the current one's"), None),
            unstarted => (Stack::None("it has not started"), unstarted),
        };
        self.table.borrow_mut().put_phase(id, phase);
        stack
    }
}

fn walk(fiber: &mut Fiber) -> Stack {
    match fiber.walk() {
        Walked::Done(backtrace) => Stack::Walked(backtrace),
        Walked::NoRoom => Stack::None("its stack is too full to be walked"),
    }
}

/// The calls between the driver's own, each of one line or two: from the call that waits to the greenlet's closure. Where
/// frames say neither file nor function, as in a program without symbols, all are kept.
pub(super) fn own_calls(backtrace: &str) -> Vec<String> {
    let frames = frames(backtrace);
    let is = |frame: &&String, any_of: &[&str]| any_of.iter().any(|part| frame.contains(part));
    // Below it another greenlet's stack begins, or the driver's.
    let bottom = frames.iter().position(|frame| is(&frame, &["stack_init_trampoline"]));
    let (mut own, above) = match bottom {
        Some(bottom) => (&frames[..bottom], true),
        None => (&frames[..], false),
    };
    const LEAVING: &[&str] =
        &[": std::backtrace", "src/greenlet.rs:", "src/driver.rs:", "src/driver/"];
    while let [first, rest @ ..] = own
        && is(&first, LEAVING)
    {
        own = rest;
    }
    const ENTERING: &[&str] = &[
        ": __rust_try",
        "/library/",
        "/corosensei-",
        "src/greenlet.rs:",
        "src/driver.rs:",
        "src/thread/join.rs:",
    ];
    while let [rest @ .., last] = own
        && above
        && is(&last, ENTERING)
    {
        own = rest;
    }
    own.to_vec()
}

/// A frame is a numbered line and the one after it that says where.
fn frames(backtrace: &str) -> Vec<String> {
    let mut frames: Vec<String> = Vec::new();
    for line in backtrace.lines() {
        let number = line.trim_start().split_once(": ").map(|(number, _)| number);
        let begins = number.is_some_and(|n| n.bytes().all(|byte| byte.is_ascii_digit()));
        match frames.last_mut() {
            Some(frame) if !begins => frame.push_str(line),
            _ => frames.push(line.to_owned()),
        }
        frames.last_mut().expect("one was just pushed").push('\n');
    }
    frames
}
