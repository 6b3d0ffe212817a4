//! What the peer has beyond a gap (SACK, RFC 2018), and what follows from it for the rest: which of it
//! is lost, which was sent again, and how much is still in flight (RFC 6675). Positions only.
//!
//! Loss is found as Linux's RACK (RFC 8985) finds it on a path that keeps the order: once three
//! segments are there beyond a gap, whatever left before something that arrived is lost, be it for
//! the first time or again. What arrives sooner after it was sent again than any answer ever came was
//! the first copy, and says nothing of the second (RFC 8985 §6.2, step 2): where delays vary, all would
//! otherwise be sent again with each first copy that is late.

use std::collections::VecDeque;
use std::ops::Range;

/// Blocks in a segment: four fit, three beside Linux's timestamps.
pub const BLOCKS: usize = 3;

/// Duplicates that mean a loss, and segments beyond a gap (RFC 6675's DupThresh).
const DUPLICATES: u64 = 3;

/// Bytes that a segment says have arrived beyond its ACK: from and until, counted from there, the
/// latest first; empty ones say nothing.
pub type Blocks = [(u32, u32); BLOCKS];

/// What was sent and not acknowledged, as far as it is known. Where nothing is beyond a gap and nothing lost, as
/// mostly, there is nothing to keep.
#[derive(Clone, Debug, Default)]
pub(super) struct Scoreboard(Option<Box<Gaps>>);

impl Scoreboard {
    /// Whether anything was ever found missing, and there is more to know than what is acknowledged.
    #[inline]
    pub(super) fn has_gaps(&self) -> bool {
        self.0.is_some()
    }

    /// Bytes that are there beyond a gap.
    #[inline]
    pub(super) fn there(&self) -> u64 {
        self.0.as_ref().map_or(0, |gaps| gaps.there_bytes)
    }

    /// Bytes that may still be in flight, of `flight` that are not acknowledged.
    #[inline]
    pub(super) fn pipe(&self, flight: u64) -> u64 {
        self.0.as_ref().map_or(flight, |gaps| gaps.pipe(flight))
    }

    /// Takes in what a segment says, and nothing that was never sent.
    #[inline]
    pub(super) fn update(&mut self, ack: u64, blocks: &Blocks, una: u64, sent: u64) {
        if *blocks != Blocks::default() && blocks.iter().any(|(from, until)| from < until) {
            self.gaps().update(ack, blocks, una, sent);
        }
    }

    /// The peer has all before `una`.
    #[inline]
    pub(super) fn acknowledged(&mut self, una: u64) {
        if let Some(gaps) = &mut self.0 {
            gaps.acknowledged(una);
        }
    }

    /// Whether what is there beyond the first gap means that the gap is a loss.
    #[inline]
    pub(super) fn shows_loss(&self, segment: u64) -> bool {
        self.0.as_ref().is_some_and(|gaps| gaps.shows_loss(segment))
    }

    /// Works out what is lost, while losses are repaired. What was sent again later than
    /// `answerable` cannot have been answered yet.
    #[inline]
    pub(super) fn find_lost(&mut self, una: u64, answerable: Option<u64>) {
        if let Some(gaps) = &mut self.0 {
            gaps.find_lost(una, answerable);
        }
    }

    /// The first that is to be sent again, at most a segment of it.
    #[inline]
    pub(super) fn next(&self, segment: u64) -> Option<Range<u64>> {
        self.0.as_ref()?.next(segment)
    }

    /// It was sent at this time, when `sent` positions had been.
    pub(super) fn sent_again(&mut self, range: Range<u64>, sent: u64, at: u64) {
        self.gaps().sent_again(range, sent, at);
    }

    /// All that was sent and is not there is lost: a timeout, or segments that were too big.
    pub(super) fn lose_all(&mut self, una: u64, sent: u64) {
        self.gaps().lose_all(una, sent);
    }

    /// Nothing is repaired any more.
    pub(super) fn repaired(&mut self) {
        if let Some(gaps) = &mut self.0 {
            gaps.repaired();
        }
    }

    fn gaps(&mut self) -> &mut Gaps {
        self.0.get_or_insert_default()
    }
}

/// What is known beyond the first gap.
#[derive(Clone, Debug, Default)]
struct Gaps {
    /// What the peer has: sorted, disjoint, beyond SND.UNA.
    there: Vec<Range<u64>>,
    /// What was sent again, in that order.
    again: VecDeque<Again>,
    /// What is lost and was not sent again since: sorted, disjoint.
    lost: VecDeque<Range<u64>>,
    there_bytes: u64,
    lost_bytes: u64,
    /// After a timeout, or when its segments were too big: all before this is lost that is not there.
    lost_until: u64,
    /// ACKs that told of something new beyond a gap, and moved nothing.
    duplicates: u64,
}

#[derive(Clone, Debug)]
struct Again {
    range: Range<u64>,
    /// SND.MAX of then.
    sent: u64,
    at: u64,
}

impl Gaps {
    fn pipe(&self, flight: u64) -> u64 {
        flight.saturating_sub(self.there_bytes + self.lost_bytes)
    }

    fn update(&mut self, ack: u64, blocks: &Blocks, una: u64, sent: u64) {
        let before = self.there_bytes;
        for &(from, until) in blocks.iter().filter(|(from, until)| from < until) {
            let at = |offset: u32| ack.saturating_add(offset.into());
            let (from, until) = (at(from).max(una + 1), at(until));
            if from < until && until <= sent {
                self.put(from..until);
            }
        }
        self.duplicates += u64::from(self.there_bytes > before);
    }

    fn put(&mut self, mut new: Range<u64>) {
        let first = self.there.partition_point(|range| range.end < new.start);
        let after = self.there.partition_point(|range| range.start <= new.end);
        for range in &self.there[first..after] {
            new = new.start.min(range.start)..new.end.max(range.end);
            self.there_bytes -= range.end - range.start;
        }
        self.there_bytes += new.end - new.start;
        self.there.splice(first..after, [new]);
    }

    fn acknowledged(&mut self, una: u64) {
        self.duplicates = 0;
        let gone = self.there.partition_point(|range| range.end <= una);
        for range in self.there.drain(..gone) {
            self.there_bytes -= range.end - range.start;
        }
        if let Some(first) = self.there.first_mut().filter(|first| first.start < una) {
            self.there_bytes -= una - first.start;
            first.start = una;
        }
    }

    fn shows_loss(&self, segment: u64) -> bool {
        self.duplicates >= DUPLICATES || self.there_bytes > (DUPLICATES - 1) * segment
    }

    fn find_lost(&mut self, una: u64, answerable: Option<u64>) {
        let highest = self.there.last().map_or(una, |range| range.end);
        self.forget_arrived(una, highest, answerable);
        self.lost.clear();
        self.lost_bytes = 0;
        let until = self.lost_until.max(highest);
        let again = self.again.iter().map(|again| again.range.clone());
        let mut busy: Vec<Range<u64>> = self.there.iter().cloned().chain(again).collect();
        busy.sort_unstable_by_key(|range| range.start);
        let mut at = una;
        for range in busy.into_iter().chain(std::iter::once(until..until)) {
            if at < range.start.min(until) {
                self.lost_bytes += range.start.min(until) - at;
                self.lost.push_back(at..range.start.min(until));
            }
            at = at.max(range.end);
        }
    }

    /// What was sent again is in flight no more if it arrived, or if something that left later did.
    fn forget_arrived(&mut self, una: u64, highest: u64, answerable: Option<u64>) {
        let there = &self.there;
        let arrived = |range: &Range<u64>| {
            let at = there.partition_point(|other| other.end <= range.start);
            range.end <= una || there.get(at).is_some_and(|other| other.start < range.end)
        };
        let proves = |again: &Again| {
            let is_second = answerable.is_some_and(|time| again.at <= time);
            again.sent < highest || (is_second && arrived(&again.range))
        };
        let last = self.again.iter().rposition(proves);
        self.again.drain(..last.map_or(0, |last| last + 1));
        self.again.retain(|again| !arrived(&again.range));
    }

    fn next(&self, segment: u64) -> Option<Range<u64>> {
        let first = self.lost.front()?;
        Some(first.start..first.end.min(first.start.saturating_add(segment)))
    }

    fn sent_again(&mut self, range: Range<u64>, sent: u64, at: u64) {
        if let Some(first) = self.lost.front_mut() {
            first.start = range.end;
            if first.is_empty() {
                self.lost.pop_front();
            }
        }
        self.lost_bytes -= range.end - range.start;
        self.again.push_back(Again { range, sent, at });
    }

    fn lose_all(&mut self, una: u64, sent: u64) {
        self.again.clear();
        self.duplicates = 0;
        self.lost_until = sent;
        self.find_lost(una, None);
    }

    fn repaired(&mut self) {
        self.again.clear();
        self.lost.clear();
        self.lost_bytes = 0;
        self.lost_until = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENT: u64 = 20_000;

    /// Ten segments of 1000 and more, of which these blocks are there.
    fn heard(blocks: &[(u32, u32)]) -> Gaps {
        let mut board = Gaps::default();
        for &block in blocks {
            board.update(1000, &[block, (0, 0), (0, 0)], 1000, SENT);
        }
        board
    }

    fn resend_all(board: &mut Gaps, sent: u64) -> Vec<Range<u64>> {
        let mut all = Vec::new();
        while let Some(range) = board.next(1000) {
            board.sent_again(range.clone(), sent, 0);
            all.push(range);
        }
        all
    }

    #[test]
    fn blocks_are_joined_and_what_was_never_sent_is_not_believed() {
        let board =
            heard(&[(1000, 2000), (3000, 4000), (2000, 3000), (500, 1200), (19_000, 19_001)]);
        assert_eq!(
            (board.there.len(), &board.there[0], board.there_bytes),
            (1, &(1500..5000), 3500)
        );
        assert_eq!(board.pipe(SENT - 1000), SENT - 1000 - 3500);
    }

    #[test]
    fn three_segments_beyond_a_gap_make_it_a_loss() {
        assert!(!heard(&[(1000, 2000), (2000, 3000)]).shows_loss(1000));
        assert!(heard(&[(1000, 2000), (2000, 3000), (3000, 3001)]).shows_loss(1000));
        assert!(heard(&[(1000, 3001)]).shows_loss(1000), "the ACKs of them may be lost");
        let mut moved = heard(&[(1000, 1010), (1010, 1020), (1020, 1030)]);
        assert!(moved.shows_loss(1000), "small as they are");
        moved.acknowledged(1500);
        assert!(!moved.shows_loss(1000));
    }

    #[test]
    fn what_is_lost_is_sent_again_once() {
        let mut board = heard(&[(1000, 3000), (5000, 6000)]);
        board.find_lost(1000, Some(0));
        assert_eq!((board.lost_bytes, board.pipe(8000)), (3000, 2000));
        let again = resend_all(&mut board, 9000);
        assert_eq!(again, [1000..2000, 4000..5000, 5000..6000]);
        board.find_lost(1000, Some(0));
        assert_eq!((board.next(1000), board.pipe(8000)), (None, 5000));
    }

    #[test]
    fn what_left_before_something_that_arrived_is_lost_again() {
        let mut board = heard(&[(1000, 3000), (5000, 6000)]);
        board.find_lost(1000, Some(0));
        resend_all(&mut board, 9000);
        // The second one arrives: the first did not.
        board.update(1000, &[(3000, 4000), (0, 0), (0, 0)], 1000, 9000);
        board.find_lost(1000, Some(0));
        let again = resend_all(&mut board, 9000);
        assert_eq!((again.len(), &again[0]), (1, &(1000..2000)));
        // So does something that was new after all of them.
        board.update(1000, &[(8000, 9000), (0, 0), (0, 0)], 1000, 10_000);
        board.find_lost(1000, Some(0));
        assert_eq!(
            resend_all(&mut board, 10_000),
            [1000..2000, 5000..6000, 7000..8000, 8000..9000]
        );
    }

    #[test]
    fn what_arrives_too_soon_was_the_first_copy() {
        let mut board = heard(&[(1000, 3000), (5000, 6000)]);
        board.find_lost(1000, Some(0));
        while let Some(range) = board.next(1000) {
            board.sent_again(range, 9000, 50);
        }
        board.update(1000, &[(3000, 4000), (0, 0), (0, 0)], 1000, 9000);
        board.find_lost(1000, Some(49));
        assert_eq!(board.next(1000), None);
        // Nor does it say anything later. The next one does.
        board.find_lost(1000, Some(50));
        assert_eq!(board.next(1000), None);
        board.update(1000, &[(4000, 5000), (0, 0), (0, 0)], 1000, 9000);
        board.find_lost(1000, Some(50));
        assert_eq!(board.next(1000), Some(1000..2000));
    }

    #[test]
    fn after_a_timeout_all_is_lost_that_is_not_there() {
        let mut board = heard(&[(1000, 3000)]);
        board.lose_all(1000, 6000);
        assert_eq!((board.pipe(5000), resend_all(&mut board, 6000).len()), (0, 3));
        board.acknowledged(4500);
        board.find_lost(4500, Some(0));
        assert_eq!((board.there_bytes, board.next(1000)), (0, None));
        board.repaired();
        assert_eq!(board.pipe(1500), 1500);
    }
}
