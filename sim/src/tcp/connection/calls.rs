//! What an application does to a connection: one function a system call, with Linux's results. Not
//! blocking, which is the owner's business: EAGAIN is the answer where Linux would wait.

use std::io;

use super::{Asked, Connection, Errno, State};

/// What poll(2) would report. IN, OUT, RDHUP, HUP, ERR, PRI, in this order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Readiness {
    pub readable: bool,
    pub writable: bool,
    pub read_closed: bool,
    pub hup: bool,
    pub error: bool,
    pub urgent: bool,
}

impl Connection {
    /// send(2). Part of the data is taken if not all fits.
    pub fn send(&mut self, data: &[u8]) -> io::Result<usize> {
        let taken = self.write(data)?;
        // A write of nothing lets nothing out.
        self.more &= taken == 0;
        Ok(taken)
    }

    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        if let Some(error) = self.error.take() {
            return Err(error.error());
        }
        if self.shut_write || self.mute || self.state == State::Closed {
            return Err(Errno::Pipe.error());
        }
        if self.state.is_opening() {
            return Err(Errno::Again.error());
        }
        let room = usize::try_from(self.unsent_room()).unwrap_or(usize::MAX);
        let (unsent, mss) = (self.unsent(), self.mss() as usize);
        let ends_record = self.ends.back() == Some(&self.outgoing.end());
        let spare = || spare_of_tail(unsent, mss, ends_record);
        match self.outgoing.write(&data[..data.len().min(room)], spare) {
            0 if !data.is_empty() => Err(Errno::Again.error()),
            taken => {
                self.note_write();
                Ok(taken)
            }
        }
    }

    /// send(2) with MSG_MORE: what does not fill a segment waits for the next write, for a word from
    /// the peer that has Linux look at what it may send, or for as long as a corked one waits.
    pub fn send_more(&mut self, data: &[u8]) -> io::Result<usize> {
        let before = std::mem::replace(&mut self.more, true);
        let taken = self.write(data);
        if !matches!(taken, Ok(1..)) {
            self.more = before;
        }
        taken
    }

    /// MSG_EOR: no byte that is written later goes into the segment of the last one.
    pub fn end_record(&mut self) {
        let end = self.outgoing.end();
        if self.ends.back() != Some(&end) && end > self.snd_nxt {
            self.ends.push_back(end);
        }
    }

    /// TCP_NODELAY lets out even what is corked.
    pub fn push(&mut self) {
        self.pushed = self.outgoing.end();
        self.let_out();
    }

    /// What waits for more to be written waits no longer.
    pub fn let_out(&mut self) {
        self.more = false;
    }

    /// Linux sends what it may as each write ends, so the end of the first one that Nagle's rule
    /// lets out is the end of a segment. Those after it wait and are joined.
    #[inline]
    fn note_write(&mut self) {
        let (end, open) = (self.outgoing.end(), self.open_until());
        // A write of nothing ends nowhere.
        let goes = self.snd_nxt < end && end <= open && !self.small_is_out();
        let joins = self.config.cork || self.more || !self.config.nagle;
        if !joins && self.write_end.is_none() && goes {
            self.write_end = Some(end);
        }
    }

    /// Where the windows end.
    #[inline]
    fn open_until(&self) -> u64 {
        let room = self.congestion.window().saturating_sub(self.pipe());
        self.snd_edge.min(self.snd_nxt.saturating_add(room))
    }

    /// How much may be written before more than TCP_NOTSENT_LOWAT allows is held back.
    #[inline]
    fn unsent_room(&self) -> u64 {
        let Some(max) = self.config.unsent_max else { return u64::MAX };
        let allowed = self.open_until().max(self.snd_nxt).saturating_add(max.into());
        allowed.saturating_sub(self.outgoing.end())
    }

    /// EPOLLOUT's rule for it: half of it is free.
    #[inline]
    fn has_unsent_room_to_wake(&self) -> bool {
        self.config.unsent_max.is_none_or(|max| self.unsent_room() * 2 > max.into())
    }

    /// Whether a read of any bytes comes to EAGAIN and changes nothing.
    #[inline]
    pub fn would_wait(&self) -> bool {
        let is_quiet = self.incoming.len() == 0 && self.urgent.at().is_none();
        let goes_on = !self.peer_finished && !self.shut_read && self.state != State::Closed;
        is_quiet && goes_on && self.error.is_none()
    }

    /// Bytes are there, an urgent one among them or not.
    #[inline]
    pub fn has_bytes(&self) -> bool {
        self.incoming.len() > 0
    }

    /// A third of the buffer is free, and half of what may wait to be sent.
    #[inline]
    pub fn has_room_to_wake(&self) -> bool {
        self.outgoing.has_room_to_wake() && self.has_unsent_room_to_wake()
    }

    /// recv(2).
    pub fn recv(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.urgent.at().is_none() && self.incoming.len() > 0 {
            let taken = self.incoming.peek(0, buf);
            self.incoming.consume(taken);
            return Ok(taken);
        }
        let taken = self.peek(buf);
        let (passed, _) = self.around_mark();
        if !buf.is_empty() {
            self.incoming.consume(passed + *taken.as_ref().unwrap_or(&0));
            self.urgent.passed(self.incoming.start());
        }
        taken
    }

    /// recv(2) with MSG_PEEK. Like recv it takes the pending error, once the bytes are read.
    pub fn peek(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let (passed, most) = self.around_mark();
        if buf.is_empty() && self.incoming.len() > 0 {
            // A read of nothing is content with whatever is there, an urgent byte too.
            return Ok(0);
        }
        if self.queued() > 0 {
            let most = buf.len().min(most);
            return Ok(self.incoming.peek(passed, &mut buf[..most]));
        }
        // A FIN wins over an error that came later: recv goes on saying 0.
        if self.peer_finished {
            return Ok(0);
        }
        match self.error.take() {
            Some(error) => Err(error.error()),
            None if self.shut_read => Ok(0),
            None if self.state == State::Closed => Err(Errno::NotConn.error()),
            None => Err(Errno::Again.error()),
        }
    }

    /// TCP_INQ: bytes that have come and are not read, and one for the end.
    pub fn unread(&self) -> u32 {
        let end = u32::from(self.peer_finished);
        u32::try_from(self.incoming.len()).unwrap_or(u32::MAX).saturating_add(end)
    }

    /// shutdown(2). Reading is shut locally only: the peer is not told.
    pub fn shutdown(&mut self, read: bool, write: bool) -> io::Result<()> {
        if self.asked == Asked::Connecting {
            let stands = !self.state.is_opening() && !self.is_over();
            self.asked = if stands { Asked::Connected } else { Asked::Disconnecting };
        }
        match self.state {
            State::Closed | State::TimeWait => {
                // Refused, and done all the same.
                self.shut_early((read, write));
                Err(Errno::NotConn.error())
            }
            State::SynSent => {
                // Linux disconnects, and the socket is as good as new but for the error.
                self.die(Some(Errno::ConnReset));
                self.begin_anew();
                Ok(())
            }
            _ => {
                self.shut_read |= read;
                if write {
                    self.finish();
                }
                Ok(())
            }
        }
    }

    fn begin_anew(&mut self) {
        self.asked = Asked::Nothing;
        self.shut_read = false;
        self.shut_write = false;
        self.mute = false;
    }

    /// What is shut although there is no connection, as a new one on this socket will find it.
    pub fn shut(&self) -> (bool, bool) {
        (self.shut_read, self.shut_write || self.mute)
    }

    /// What shutdown(2) left behind before there was a connection, although it said `ENOTCONN`.
    pub fn shut_early(&mut self, (read, write): (bool, bool)) {
        self.shut_read |= read;
        self.mute |= write;
    }

    /// close(2) of the last descriptor. The connection lives on as an orphan until the peer has
    /// everything, unless there are bytes that nobody will ever read.
    pub fn close(&mut self) {
        if std::mem::replace(&mut self.orphan, true) {
            return;
        }
        let unread = self.incoming.len() > 0;
        self.incoming.clear();
        match self.state {
            State::Closed | State::TimeWait => {}
            State::SynSent => self.die(None),
            _ if unread => self.abort(),
            _ => {
                self.shut_read = true;
                self.finish();
            }
        }
    }

    /// The end at once: SO_LINGER with zero time, or a listener closing over its backlog.
    pub fn abort(&mut self) {
        self.orphan = true;
        if !matches!(self.state, State::SynSent | State::TimeWait | State::Closed) {
            self.send_reset();
        }
        self.die(None);
    }

    /// connect(2) to no family (Linux's tcp_disconnect): the end at once, of which the peer is told
    /// unless it was told already. Returns the error that is pending then.
    pub fn disconnect(&mut self) -> Option<io::Error> {
        let fin_is_out = self.snd_nxt > self.outgoing.end();
        let is_told = match self.state {
            State::Closed | State::TimeWait => false,
            State::SynSent => {
                self.error = Some(Errno::ConnReset);
                false
            }
            State::Closing | State::LastAck => !fin_is_out,
            _ => true,
        };
        if is_told {
            self.send_reset();
            self.error = Some(Errno::ConnReset);
        }
        self.die(None);
        self.error.take().map(Errno::error)
    }

    /// How the attempt ended that somebody waits for, whoever was told before; `None` while it is in
    /// flight. One that was shut down failed as any other.
    pub fn attempt_result(&mut self) -> Option<io::Result<()>> {
        match self.asked {
            _ if self.state.is_opening() => None,
            Asked::Connecting => self.connect_result(),
            _ if self.is_over() => {
                Some(Err(self.error.take().unwrap_or(Errno::ConnAborted).error()))
            }
            _ => Some(Ok(())),
        }
    }

    /// How connect(2) ends; `None` while it is in flight. Takes the error, as connect(2) does. That
    /// it stands is said once, and `EISCONN` from then on (linux-truth 6); that it failed, once too,
    /// and the socket is as new.
    pub fn connect_result(&mut self) -> Option<io::Result<()>> {
        match self.asked {
            Asked::Connected => Some(Err(Errno::IsConn.error())),
            Asked::Disconnecting => Some(Err(Errno::Inval.error())),
            _ if self.state.is_opening() => None,
            _ if self.is_over() => {
                let error = self.error.take().unwrap_or(Errno::ConnAborted);
                self.leave_time_wait();
                self.begin_anew();
                Some(Err(error.error()))
            }
            _ => {
                self.asked = Asked::Connected;
                Some(Ok(()))
            }
        }
    }

    /// SO_ERROR: the pending error, which is then no longer pending; then what may yet pass.
    pub fn take_error(&mut self) -> Option<io::Error> {
        self.error.take().or_else(|| self.soft_error.take()).map(Errno::error)
    }

    /// It stands, nothing was shut and nothing is out of the ordinary: of readiness, there is only whether bytes are
    /// there and whether there is room.
    #[inline]
    pub fn is_plain(&self) -> bool {
        let is_shut = self.shut_read || self.shut_write || self.mute;
        let is_calm = self.error.is_none() && self.urgent.at().is_none();
        self.state == State::Established && !is_shut && is_calm
    }

    /// Linux's tcp_poll, line by line.
    #[inline]
    pub fn readiness(&self) -> Readiness {
        let open = !self.state.is_opening();
        let shut_write = self.shut_write || self.mute;
        let has_room = self.has_room_to_wake();
        Readiness {
            readable: self.shut_read || (open && self.queued() > 0),
            writable: open && (shut_write || has_room),
            read_closed: self.shut_read,
            hup: (self.shut_read && shut_write) || self.state.seen_by_owner() == State::Closed,
            error: self.error.is_some(),
            urgent: open && self.urgent.is_here(),
        }
    }

    /// FIN goes behind what is written; the state moves at once, as Linux has it.
    fn finish(&mut self) {
        self.shut_write = true;
        self.state = match self.state {
            State::Established => State::FinWait1,
            State::CloseWait => State::LastAck,
            other => other,
        };
    }
}

/// What fits into the last segment that has not been sent.
#[cold]
fn spare_of_tail(unsent: usize, mss: usize, ends_record: bool) -> usize {
    match unsent % mss {
        0 => 0,
        _ if ends_record => 0,
        begun => mss - begun,
    }
}
