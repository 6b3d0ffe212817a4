//! Greenlets as the world knows them: on which host each stands, and who runs.

use greenroom::hub::{Birth, GreenletId};

use super::journal::Actor;
use super::{Greenlet, World};
use crate::choices::Entity;
use crate::id::HostId;
use crate::trace::event::{Program, Schedule};

impl World {
    pub(crate) fn greenlet_spawned(&mut self, greenlet: GreenletId, birth: &Birth<'_>) {
        self.stirred = true;
        let host = HostId::from(birth.host);
        let above = birth.parent.map(|parent| self.greenlets[parent.into()].entity.path);
        let path = match above {
            Some(above) => self.paths.child(Some(above), birth.label, birth.ordinal),
            // A root is its host.
            None => self.hosts[host].entity.path,
        };
        let entry = Greenlet {
            id: greenlet,
            live: true,
            host,
            entity: Entity::new(path, self.paths.hash(path)),
            passed_by: false,
        };
        self.hosts[host].greenlets += 1;
        self.greenlets.put(greenlet.into(), entry);
        if birth.parent.is_some() {
            let child = self.path_ref(path);
            self.record(Actor::Running, Program::Spawn { child });
        } else {
            self.record(Actor::Host(host), Program::Start);
        }
    }

    pub(crate) fn greenlet_entered(&mut self, greenlet: GreenletId) {
        self.set_current(Some(greenlet.into()));
        self.last_step_ns = self.clock.now_ns();
        self.record(Actor::Running, Schedule::Run);
    }

    pub(crate) fn greenlet_exited(&mut self, greenlet: GreenletId) {
        self.stirred = true;
        self.record(Actor::Running, Program::Exit);
        let gone = &mut self.greenlets[greenlet.into()];
        gone.live = false;
        self.hosts[gone.host].greenlets -= 1;
        self.set_current(None);
    }
}
