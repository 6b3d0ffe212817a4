//! What every test of the bare hub begins with.

use std::io::{self, ErrorKind};

use greenroom::hub::{HostId, Hub, Io, Readiness, Ready};
use greenroom_real::RealHub;

/// A hub that has started its host.
pub fn hub() -> RealHub {
    let mut hub = RealHub::new().unwrap();
    let mut ready = Vec::new();
    hub.poll(None, &mut ready).unwrap();
    assert_eq!(ready, [Ready::Start(HostId(0))]);
    hub
}

/// Polls until this source is named for this interest.
pub fn await_named(hub: &mut RealHub, io: Io, interest: Readiness) {
    let named = |event: &Ready| matches!(event, Ready::Io(of, what) if *of == io && !what.and(interest).is_none());
    let mut ready = Vec::new();
    while !ready.iter().any(named) {
        ready.clear();
        hub.poll(None, &mut ready).unwrap();
        assert!(!ready.is_empty(), "an endless poll names something");
    }
}

/// Makes a call as the driver does: again whenever a poll names its source.
pub fn finish<T>(
    hub: &mut RealHub,
    io: Io,
    interest: Readiness,
    mut call: impl FnMut(&mut RealHub) -> io::Result<T>,
) -> io::Result<T> {
    loop {
        match call(hub) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => await_named(hub, io, interest),
            answer => return answer,
        }
    }
}
