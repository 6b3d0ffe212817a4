//! Open files, and operations on them.

use std::io::{self, SeekFrom};

use greenroom::hub::{FileAnswer, OnFile};
use greenroom::time::SystemTime;

use super::content::{LENGTH_MAX, PAGE};
use super::node::{Body, Change, Open, OpenId};
use super::tree::Disk;
use crate::errno::errno;

const FAR: u64 = i64::MAX as u64;

impl Disk {
    /// One more that has it open.
    pub(crate) fn hold(&mut self, id: OpenId) {
        if let Some(open) = self.open.get_mut(&id) {
            open.holds += 1;
        }
    }

    /// One less; a file without a name is gone with the last.
    pub(crate) fn release(&mut self, id: OpenId) {
        let Some(open) = self.open.get_mut(&id) else { return };
        open.holds -= 1;
        if open.holds == 0 {
            self.open.remove(&id);
            self.removed += 1;
        }
    }

    pub(super) fn on_file(
        &mut self,
        id: OpenId,
        what: OnFile,
        now: SystemTime,
    ) -> io::Result<FileAnswer> {
        let open = self.open.get(&id).ok_or_else(|| errno(libc::EBADF))?;
        let ino = open.ino;
        match what {
            OnFile::Read { buffer, at } => return self.read(id, buffer, at),
            OnFile::Write { bytes, at } => return self.write(id, &bytes, at, now),
            OnFile::Seek(to) => return self.seek(id, to).map(FileAnswer::Count),
            OnFile::Stat => return Ok(FileAnswer::Stat(self.stat(ino))),
            OnFile::SetLen(length) => self.set_len(id, length, now)?,
            OnFile::Sync => self.sync(id, true)?,
            OnFile::SyncData => self.sync(id, false)?,
            OnFile::SetMode(mode) => self.set_mode(ino, mode),
        }
        Ok(FileAnswer::Done)
    }

    fn read(&mut self, id: OpenId, mut buffer: Vec<u8>, at: Option<u64>) -> io::Result<FileAnswer> {
        let open = &self.open[&id];
        let from = at.unwrap_or(open.offset);
        if from > FAR {
            return Err(errno(libc::EINVAL));
        }
        if !open.can_read {
            return Err(errno(libc::EBADF));
        }
        check_reach(from, buffer.len())?;
        let Body::File(file) = &self.node(open.ino).body else { return Err(errno(libc::EISDIR)) };
        let length = file.now.read(from, &mut buffer);
        buffer.truncate(length);
        if at.is_none() {
            self.open_mut(id).offset = from + length as u64;
        }
        Ok(FileAnswer::Read(buffer))
    }

    fn write(
        &mut self,
        id: OpenId,
        bytes: &[u8],
        at: Option<u64>,
        now: SystemTime,
    ) -> io::Result<FileAnswer> {
        let open = &self.open[&id];
        let (ino, appends, syncs) = (open.ino, open.appends, open.syncs);
        let asked = at.unwrap_or(open.offset);
        if asked > FAR {
            return Err(errno(libc::EINVAL));
        }
        if !open.can_write {
            return Err(errno(libc::EBADF));
        }
        check_reach(asked, bytes.len())?;
        let free = self.pages_free();
        let Some(file) = self.file_mut(ino) else { return Err(errno(libc::EBADF)) };
        if bytes.is_empty() {
            return Ok(FileAnswer::Count(0));
        }
        let from = if appends { file.now.len() } else { asked };
        if from >= LENGTH_MAX {
            return Err(errno(libc::EFBIG));
        }
        let most = (LENGTH_MAX - from).min(bytes.len() as u64);
        let length =
            as_far_as_free(most, from, free, |length| file.now.pages_missing(from, length));
        if length == 0 {
            return Err(errno(libc::ENOSPC));
        }
        let bytes = bytes[..length as usize].to_vec();
        file.now.write(from, &bytes);
        self.note_change(ino, Change::Write { at: from, bytes });
        self.node_mut(ino).modified = now;
        if at.is_none() {
            self.open_mut(id).offset = from + length;
        }
        if let Some(with_metadata) = syncs {
            self.sync(id, with_metadata)?;
        }
        Ok(FileAnswer::Count(length))
    }

    fn seek(&mut self, id: OpenId, to: SeekFrom) -> io::Result<u64> {
        let open = &self.open[&id];
        let length = match &self.node(open.ino).body {
            Body::File(file) => file.now.len(),
            _ => FAR,
        };
        let target = match to {
            SeekFrom::Start(to) => i64::try_from(to).ok(),
            SeekFrom::End(by) => (length as i64).checked_add(by),
            SeekFrom::Current(by) => (open.offset as i64).checked_add(by),
        };
        let most = if self.is_directory(open.ino) { FAR } else { LENGTH_MAX };
        let target = target.and_then(|target| u64::try_from(target).ok());
        let target = target.filter(|target| *target <= most).ok_or_else(|| errno(libc::EINVAL))?;
        self.open_mut(id).offset = target;
        Ok(target)
    }

    fn set_len(&mut self, id: OpenId, length: u64, now: SystemTime) -> io::Result<()> {
        let open = &self.open[&id];
        let ino = open.ino;
        if length > FAR || !open.can_write {
            return Err(errno(libc::EINVAL));
        }
        if length > LENGTH_MAX {
            return Err(errno(libc::EFBIG));
        }
        self.truncate(ino, length, now);
        Ok(())
    }

    /// What was written is durable now, unless a sync failed of which this descriptor was not told.
    fn sync(&mut self, id: OpenId, with_metadata: bool) -> io::Result<()> {
        let ino = self.open[&id].ino;
        self.save_file(ino, with_metadata);
        self.tell_of_failure(id)
    }

    fn tell_of_failure(&mut self, id: OpenId) -> io::Result<()> {
        let failed = self.node(self.open[&id].ino).failed_syncs;
        match std::mem::replace(&mut self.open_mut(id).told_of, failed) == failed {
            true => Ok(()),
            false => Err(errno(libc::EIO)),
        }
    }

    /// A sync that the device fails: what is not saved stays to be read, counts as written and never
    /// will be; each descriptor that is open is told of it once.
    pub(crate) fn fail_sync(&mut self, id: OpenId) -> io::Result<()> {
        let Some(open) = self.open.get(&id) else { return Err(errno(libc::EBADF)) };
        let ino = open.ino;
        if let Some(file) = self.file_mut(ino) {
            file.unsaved.clear();
        }
        self.node_mut(ino).failed_syncs += 1;
        self.tell_of_failure(id)
    }

    fn open_mut(&mut self, id: OpenId) -> &mut Open {
        self.open.get_mut(&id).expect("it was found")
    }
}

/// The system counts no further than this.
fn check_reach(from: u64, length: usize) -> io::Result<()> {
    match from.checked_add(length as u64) {
        Some(end) if end <= FAR => Ok(()),
        _ => Err(errno(libc::EINVAL)),
    }
}

/// How much of a write there is room for.
fn as_far_as_free(most: u64, from: u64, free: u64, missing: impl Fn(u64) -> u64) -> u64 {
    if missing(most) <= free {
        return most;
    }
    // To the end of a page, fewer and fewer of them.
    let mut length = most;
    while length > 0 && missing(length) > free {
        let end = from + length;
        length = ((end - 1) / PAGE * PAGE).saturating_sub(from);
    }
    length
}
