//! The journal: whatever happens in the world is told here, and by whom it was done.

use std::io;

use crate::choices::Fault;
use crate::id::{GreenletIndex, HostId, SocketId};
use crate::socket::unix::name::{Name, Shown};
use crate::trace::event::{Call, Endpoint, PathRef, Struck, What};
use crate::trace::{ErrorCode, Recorder, Told};
use crate::world::{Seal, World};

/// Who did it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Actor {
    /// The greenlet that runs. Where none does, the first host.
    Running,
    Greenlet(GreenletIndex),
    /// No greenlet: the host's system, or the world, in the host's lane.
    Host(HostId),
}

impl World {
    // Inlined, so that of an event that is not kept only its hash is made.
    #[inline(always)]
    pub(crate) fn record(&mut self, actor: Actor, what: impl Told) {
        let (host, by) = match actor {
            Actor::Running => self.acting,
            Actor::Greenlet(greenlet) => self.acting_as(greenlet),
            Actor::Host(host) => (host, None),
        };
        let deviations = self.choices.deviations.len();
        self.trace.record(self.clock.now_ns(), host.number(), by, what, deviations);
    }

    /// A claim is violated: the run is what happened so far. The greenlet that claimed goes on to its next
    /// switch point, where the hub stops the run.
    pub(crate) fn seal_run(&mut self) {
        let after = Recorder::new(self.trace.host_hashes().len(), false);
        self.seal = Some(Seal {
            trace: std::mem::replace(&mut self.trace, after),
            deviations: self.choices.deviations.len(),
            matched: self.choices.matched,
            fired: self.fired,
        });
    }

    /// Forgets what came after a violated claim.
    pub(crate) fn unseal(&mut self) {
        if let Some(seal) = self.seal.take() {
            self.trace = seal.trace;
            self.choices.deviations.truncate(seal.deviations);
            self.choices.matched = seal.matched;
            self.fired = seal.fired;
        }
    }

    /// Records a fault, and counts it.
    pub(crate) fn strike(&mut self, actor: Actor, fault: Fault, struck: Struck) {
        self.fired.count(fault);
        self.record(actor, What::Fault(fault, struck));
    }

    /// Records a call's error, unless the call merely has to wait; returns the error.
    #[inline]
    pub(crate) fn failed(
        &mut self,
        call: &'static str,
        socket: u32,
        error: io::Error,
    ) -> io::Error {
        if error.raw_os_error() != Some(libc::EAGAIN) {
            self.record_failure(call, socket, &error);
        }
        error
    }

    #[cold]
    fn record_failure(&mut self, call: &'static str, socket: u32, error: &io::Error) {
        if !is_under_way(error) {
            let code = ErrorCode::from(error);
            self.record(Actor::Running, Call::Failed { call, socket, error: code });
        }
    }

    /// Records that two sockets, or two ends of a pipe, were made at once.
    pub(crate) fn record_pair(&mut self, call: &'static str, one: SocketId, other: SocketId) {
        let (socket, other) = (self.sockets[one].number, self.sockets[other].number);
        self.record(Actor::Running, Call::Pair { call, socket, other });
    }

    /// Records a read, and whether it returned less than was there.
    #[inline]
    pub(crate) fn record_read(&mut self, id: SocketId, read: &[u8], there: usize) {
        let (socket, bytes) = (self.sockets[id].number, read.len() as u64);
        if read.len() < there {
            let struck = Struck::Read { socket, bytes, there: there as u64 };
            self.strike(Actor::Running, Fault::ShortRead, struck);
        }
        self.trace.carry(read);
        self.record(Actor::Running, Call::Read { socket, bytes, is_urgent: false });
    }

    /// A path, for an event.
    pub(crate) fn path_ref(&self, path: u32) -> PathRef {
        PathRef { path, hash: self.paths.hash(path) }
    }

    /// The name of a Unix socket, for an event.
    pub(crate) fn name_ref(&self, name: Option<&Name>) -> Endpoint {
        // No text is made that nobody will read.
        Endpoint::Unix(match self.trace.keeps_events() {
            true => Shown(name).to_string().into(),
            false => Box::default(),
        })
    }
}

/// The call waits, or would have: what it began goes on.
#[inline]
fn is_under_way(error: &io::Error) -> bool {
    match error.raw_os_error() {
        Some(number) => matches!(number, libc::EAGAIN | libc::EINPROGRESS | libc::EALREADY),
        None => error.kind() == io::ErrorKind::WouldBlock,
    }
}
