//! What the poll reports, and how the hub has it report: a source is named after a call on it would
//! have blocked, or after somebody asked whether it would.

use std::io;
use std::os::fd::RawFd;
use std::sync::atomic::Ordering;
use std::time::Duration;

use greenroom::hub::{Hub, Io, Readiness, Ready, Tick, no_port};

use super::{RealHub, WAKE};
use crate::socket::{Socket, reported};
use crate::table::Entry;
use crate::watch::Watch;

impl RealHub {
    /// Waits until there is something to name, or until this time.
    pub(super) fn wait(&mut self, until: Option<Tick>, ready: &mut Vec<Ready>) -> io::Result<()> {
        loop {
            let timeout = match self.never_idle() {
                true => Some(Duration::ZERO),
                false => {
                    let next = until.into_iter().chain(self.retries.next()).min();
                    next.map(|at| at.since(self.now()))
                }
            };
            match self.poll.poll(&mut self.events, timeout) {
                Ok(()) => self.name(ready),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
            self.name_retries(ready);
            if !ready.is_empty() || until.is_some_and(|at| self.now() >= at) {
                return Ok(());
            }
            self.tell_idle();
        }
    }

    /// Whether somebody wants to be told of the first time that there is nothing to do.
    fn never_idle(&self) -> bool {
        self.identity.as_ref().is_some_and(|identity| identity.on_idle.is_some())
    }

    fn tell_idle(&mut self) {
        if let Some(identity) = &mut self.identity
            && let Some(on_idle) = identity.on_idle.take()
        {
            on_idle();
        }
    }

    /// Takes the reports in and names what they are about.
    fn name(&mut self, ready: &mut Vec<Ready>) {
        let mut was_woken = false;
        for event in &self.events {
            if event.token() == WAKE {
                was_woken = true;
            } else if let Some((io, entry)) = self.table.reported(event.token()) {
                match entry.socket() {
                    Ok(socket) => ready.push(Ready::Io(io, socket.hear(event))),
                    Err(_) => ready.push(Ready::Io(io, reported(event))),
                }
            }
        }
        if was_woken {
            for io in self.inbox.take() {
                if self.table.get(io).is_ok() {
                    ready.push(Ready::Io(io, Readiness::READ));
                }
            }
            ready.push(Ready::Mail);
            if self
                .identity
                .as_ref()
                .is_some_and(|identity| identity.is_over.load(Ordering::Acquire))
            {
                ready.push(Ready::Stop);
            }
        }
    }

    /// Names what the clock says is to be tried again.
    fn name_retries(&mut self, ready: &mut Vec<Ready>) {
        if self.retries.next().is_none() {
            return;
        }
        let now = self.now();
        while let Some(io) = self.retries.pop_due(now) {
            if self.table.get(io).is_ok() {
                ready.push(Ready::Io(io, Readiness::WRITE));
            }
        }
    }

    /// Makes a call; one that would block has its source watched, so that a later poll names it.
    #[inline]
    pub(super) fn attempt<T>(
        &mut self,
        io: Io,
        call: impl FnOnce(&mut Socket) -> io::Result<T>,
    ) -> io::Result<T> {
        let socket = self.table.get(io)?.socket()?;
        match call(socket) {
            Err(error) if !socket.is_watched() && error.kind() == io::ErrorKind::WouldBlock => {
                self.enlist(io)?;
                Err(error)
            }
            answer => answer,
        }
    }

    /// Makes a call that sends to another host. Where a datagram's socket would be given a port first
    /// and none is free, no report follows.
    pub(super) fn attempt_of_inet<T>(
        &mut self,
        io: Io,
        call: impl FnOnce(&mut Socket) -> io::Result<T>,
    ) -> io::Result<T> {
        match self.attempt(io, call) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.waits_to_send(io, error)
            }
            answer => answer,
        }
    }

    #[cold]
    fn waits_to_send<T>(&mut self, io: Io, error: io::Error) -> io::Result<T> {
        Err(if self.socket_of(io)?.lacks_a_port() { no_port() } else { error })
    }

    /// Has the poll report this socket from now on.
    #[cold]
    pub(super) fn enlist(&mut self, io: Io) -> io::Result<()> {
        let token = self.table.token(io);
        let socket = self.table.get(io)?.socket()?;
        if socket.is_watched() {
            return Ok(());
        }
        let number = socket.descriptor();
        match socket.watch(self.poll.registry(), token) {
            Ok(()) => self.lose_watch(number),
            Err(error) if error.raw_os_error() == Some(libc::EEXIST) => {
                self.move_watch(number, error)?;
                self.table.get(io)?.socket()?.watch(self.poll.registry(), token)?;
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// A source was just registered by this number: a watch that was so before is of a closed file.
    fn lose_watch(&mut self, number: RawFd) {
        if let Some(io) = self.numbers.remove(&number)
            && let Ok(Entry::Watch(watch)) = self.table.get(io)
        {
            watch.lose();
        }
    }

    /// A watch stands where one of the hub's own is to be registered; `refusal` if there is none.
    fn move_watch(&mut self, number: RawFd, refusal: io::Error) -> io::Result<()> {
        let io = self.numbers.remove(&number).ok_or(refusal)?;
        let token = self.table.token(io);
        if let Entry::Watch(watch) = self.table.get(io)? {
            watch.step_aside(self.poll.registry(), token)?;
        }
        self.note_watch(io)
    }

    /// Has the poll report a watch.
    pub(super) fn start_watch(&mut self, io: Io) -> io::Result<()> {
        let token = self.table.token(io);
        if let Entry::Watch(watch) = self.table.get(io)? {
            watch.start(self.poll.registry(), token)?;
        }
        self.note_watch(io)
    }

    fn note_watch(&mut self, io: Io) -> io::Result<()> {
        if let Entry::Watch(watch) = self.table.get(io)?
            && let Some(number) = watch.registered()
        {
            self.lose_watch(number);
            self.numbers.insert(number, io);
        }
        Ok(())
    }

    /// What a watched descriptor would not block for now.
    #[cold]
    pub(super) fn watched_readiness(&mut self, io: Io) -> io::Result<Readiness> {
        let token = self.table.token(io);
        match self.table.get(io)? {
            Entry::Watch(watch) => watch.readiness(self.poll.registry(), token),
            entry => entry.socket()?.readiness(),
        }
    }

    /// Ends a watch that is out of the table.
    pub(super) fn stop_watch(&mut self, mut watch: Watch) {
        if let Some(number) = watch.registered() {
            self.numbers.remove(&number);
        }
        watch.stop(self.poll.registry());
    }

    /// Makes a call that sends to the peer. A Unix stream that is full and is then shut, from either
    /// end, has nothing reported of that, so its writers try by the clock too.
    #[inline]
    pub(super) fn attempt_sending<T>(
        &mut self,
        io: Io,
        call: impl FnOnce(&mut Socket) -> io::Result<T>,
    ) -> io::Result<T> {
        if !self.table.get(io)?.socket()?.is_unix() {
            return self.attempt_of_inet(io, call);
        }
        self.attempt_sending_unix(io, call)
    }

    fn attempt_sending_unix<T>(
        &mut self,
        io: Io,
        call: impl FnOnce(&mut Socket) -> io::Result<T>,
    ) -> io::Result<T> {
        let answer = self.attempt_unreported(io, call);
        if answer.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock) {
            self.enlist(io)?;
        }
        answer
    }

    /// Has the poll report what somebody waits for. That a full Unix stream was shut is never reported: who
    /// waits for it to be writable looks again by the clock.
    #[cold]
    pub(super) fn report_later(&mut self, io: Io, interest: Readiness) -> io::Result<()> {
        self.enlist(io)?;
        let now = self.now();
        let socket = self.table.get(io)?.socket()?;
        if interest.is_writable() && socket.is_unix_stream() {
            self.retries.add(io, &mut socket.patience, now);
        }
        Ok(())
    }

    /// Makes a call of which the system may refuse what it never reports: what is refused is named
    /// by the clock.
    pub(super) fn attempt_unreported<T>(
        &mut self,
        io: Io,
        call: impl FnOnce(&mut Socket) -> io::Result<T>,
    ) -> io::Result<T> {
        let now = self.now();
        let socket = self.table.get(io)?.socket()?;
        let answer = call(socket);
        match &answer {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.retries.add(io, &mut socket.patience, now);
            }
            _ => socket.patience.relax(),
        }
        answer
    }
}
