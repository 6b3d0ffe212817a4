//! Ending a greenlet inside another's turn: what a scope does to its children when it is unwound.

use super::Driver;
use crate::hub::GreenletId;

impl Driver {
    /// Runs a killed greenlet to its end now, on top of the current one's turn, which goes on
    /// afterwards. When this returns it is over, or it never runs again.
    ///
    /// It cannot leave before its end: nothing it calls may wait.
    #[cold]
    pub(crate) fn reap(&self, id: GreenletId) {
        if !self.is_live(id) {
            return;
        }
        let owner = self.current_id();
        let in_place = self.in_place.replace(true);
        // One that a power cut left as it stands does nothing any more, not even this.
        let place = match self.table.borrow().is_abandoned(id) {
            true => None,
            false => self.place_of(id),
        };
        if let Some(index) = place {
            self.resume(index);
        }
        if self.is_live(id) {
            self.lose(id);
        }
        self.in_place.set(in_place);
        self.go_on(owner);
    }

    /// Gives a greenlet up: it is the current one, or it is not running. Those of its scopes end
    /// first, in place: what they borrow may lie on frames beyond its own, whose owners wait for
    /// nobody else.
    pub(super) fn lose(&self, id: GreenletId) {
        loop {
            let owned = self.table.borrow().owned_by(id);
            if owned.is_empty() {
                break;
            }
            owned.iter().for_each(|&child| self.kill(child));
            owned.iter().for_each(|&child| self.reap(child));
        }
        self.table.borrow_mut().lose(id);
        self.hub.borrow_mut().exited(id);
    }

    /// The turn is `owner`'s again.
    fn go_on(&self, owner: Option<GreenletId>) {
        let hurried = self.table.borrow_mut().set_current(owner);
        self.hurried.set(hurried);
        if let Some(owner) = owner {
            self.hub.borrow_mut().entered(owner);
        }
    }

    /// Where in the queue it stands.
    pub(super) fn place_of(&self, id: GreenletId) -> Option<usize> {
        self.table.borrow().queue.iter().position(|&(queued, _)| queued == id)
    }
}
