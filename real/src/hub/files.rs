//! Files of a hub: operations are jobs of the blocking pool, open files entries of the table.

use std::fs::File;
use std::io;
use std::sync::Arc;

use greenroom::hub::{FileAnswer, FileCall, Hub, Io};

use super::RealHub;
use crate::blocking_pool::{JOBS, Outcome, Task};
use crate::fs::{self, CLOSED, Done};
use crate::table::Entry;

impl RealHub {
    pub(super) fn begin_file(&mut self, call: FileCall) -> io::Result<Io> {
        let task = match call {
            FileCall::On { file, what } => match self.table.get(file)? {
                Entry::File(file) => fs::Task::On(file.clone(), what),
                _ => return Err(io::Error::from_raw_os_error(libc::EINVAL)),
            },
            call => fs::Task::Named(call),
        };
        let outcome = Arc::new(Outcome::default());
        let io = self.table.insert(Entry::FileCall(outcome.clone()))?;
        if let Err(error) = JOBS.spawn(Task::new(io, &outcome, &self.inbox, move || task.perform()))
        {
            self.close(io);
            return Err(error);
        }
        Ok(io)
    }

    pub(super) fn end_file(&mut self, io: Io) -> io::Result<FileAnswer> {
        let done = match self.table.get(io)? {
            Entry::FileCall(outcome) => outcome.take(),
            _ => return Err(io::Error::from_raw_os_error(libc::EINVAL)),
        };
        let done = done.ok_or(io::ErrorKind::WouldBlock)?;
        self.close(io);
        match done? {
            Done::Other(answer) => Ok(answer),
            Done::Opened(file) => {
                self.table.insert(Entry::File(Arc::new(file))).map(FileAnswer::Opened)
            }
        }
    }

    pub(super) fn close_file(&mut self, file: Arc<File>) {
        CLOSED.add(file);
        let let_go = || _ = CLOSED.drop_all();
        if JOBS.spawn(Task::alone(let_go)).is_err() {
            let_go();
        }
    }

    /// What an operation opened that nobody waits for any more.
    pub(super) fn forget_file_call(&mut self, outcome: &Outcome<io::Result<Done>>) {
        if let Some(Ok(Done::Opened(file))) = outcome.take() {
            self.close_file(Arc::new(file));
        }
    }
}
