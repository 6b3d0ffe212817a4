//! What other threads may do to a hub: wake a waiter, close a descriptor. Nothing else crosses.

use std::mem;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Waker;

use super::ticket::Ticket;
use crate::hub::Io;

/// One message of another thread.
pub(crate) enum Mail {
    Wake(Ticket),
    Close(Io),
}

/// The mailbox of one hub. It outlives the hub; what comes then is dropped.
pub(crate) struct Mailbox {
    mails: Mutex<Vec<Mail>>,
    any: AtomicBool,
    ended: AtomicBool,
    waker: Waker,
}

impl Mailbox {
    pub(super) fn new(waker: Waker) -> Mailbox {
        Mailbox {
            mails: Mutex::new(Vec::new()),
            any: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            waker,
        }
    }

    /// That of a hub which is over.
    pub(crate) fn ended() -> Mailbox {
        let mailbox = Mailbox::new(Waker::noop().clone());
        mailbox.end();
        mailbox
    }

    pub(crate) fn post(&self, mail: Mail) {
        if self.ended.load(Ordering::Acquire) {
            return;
        }
        self.mails.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push(mail);
        self.any.store(true, Ordering::Release);
        self.waker.wake_by_ref();
    }

    pub(super) fn take(&self) -> Vec<Mail> {
        // It is empty nearly always, and to look costs less than to change.
        if !self.any.load(Ordering::Acquire) || !self.any.swap(false, Ordering::Acquire) {
            return Vec::new();
        }
        mem::take(&mut *self.mails.lock().unwrap_or_else(|poisoned| poisoned.into_inner()))
    }

    pub(super) fn end(&self) {
        self.ended.store(true, Ordering::Release);
    }

    pub(crate) fn is_over(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }
}
