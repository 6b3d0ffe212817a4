//! What other threads do for a hub: look names up, and jobs that block.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use greenroom::hub::{Hub, Io, Job};

use super::RealHub;
use crate::blocking_pool::{JOBS, Outcome, Task};
use crate::resolver::{self, Answer};
use crate::table::Entry;

impl RealHub {
    /// Asks for the addresses of a name. A host of a scenario knows names of its own.
    pub(super) fn look_up(&mut self, host: &str) -> io::Result<Io> {
        let known = self.identity.as_ref().and_then(|identity| identity.addresses_of(host));
        if let Some(addresses) = known {
            return self.table.insert(Entry::Query(Arc::new(Answer::known(Ok(addresses)))));
        }
        let answer = Arc::new(Answer::default());
        let io = self.table.insert(Entry::Query(answer.clone()))?;
        if let Err(error) = resolver::ask(host, io, &answer, &self.inbox) {
            self.close(io);
            return Err(error);
        }
        Ok(io)
    }

    /// What a query came to, once.
    pub(super) fn addresses(&mut self, io: Io) -> io::Result<Vec<IpAddr>> {
        match self.table.get(io)? {
            Entry::Query(answer) => match answer.take() {
                Some(answer) => {
                    self.close(io);
                    answer
                }
                None => Err(io::ErrorKind::WouldBlock.into()),
            },
            _ => Err(io::Error::from_raw_os_error(libc::EINVAL)),
        }
    }

    pub(super) fn start_job(&mut self, job: Job) -> io::Result<Io> {
        let outcome = Arc::new(Outcome::default());
        let io = self.table.insert(Entry::Job(outcome.clone()))?;
        // A job that panics keeps that to itself: what it came to is the caller's to say.
        if let Err(error) = JOBS.spawn(Task::new(io, &outcome, &self.inbox, job)) {
            self.close(io);
            return Err(error);
        }
        Ok(io)
    }

    /// Ends a job that is done.
    pub(super) fn finish_job(&mut self, io: Io) -> io::Result<()> {
        match self.table.get(io)? {
            Entry::Job(outcome) if outcome.is_there() => {
                self.close(io);
                Ok(())
            }
            Entry::Job(_) => Err(io::ErrorKind::WouldBlock.into()),
            _ => Err(io::Error::from_raw_os_error(libc::EINVAL)),
        }
    }
}
