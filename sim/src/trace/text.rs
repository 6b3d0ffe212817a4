//! A trace as text: one event a line, a lane a host, times as differences within the lane.
//!
//! A line's text depends on its own event and on its host's line before it, never on other hosts or
//! on counters of the run, so that a change shows where it is and nowhere else.

use super::event::Event;
use super::style::{Lanes, Style, TIME_WIDTH};
use super::words::{Words, ends_something, mark};
use super::{Level, Log};
use crate::choices::{About, Deviation, Ns, Series};

const NAME_WIDTH: usize = 12;
/// A pause in a lane after which its time is given from the beginning of the run.
const IDLE_NS: u64 = 1_000_000_000;
/// What the columns before the lanes mean.
const LEGEND: &str = "# +t: since the host's line before; =t: since the beginning; !: fault or \
                      deviation; >: another greenlet runs; *: note";

/// What a line is about: an event, or a deviation that no event tells of.
enum Row<'a> {
    Event(usize, &'a Event),
    Deviation { at_ns: u64, host: u16, deviation: &'a Deviation },
}

impl Log {
    /// The trace at this level. `header` stands in its first line.
    pub fn text(&self, level: Level, header: &str) -> String {
        self.text_in(&Style::default(), level, header)
    }

    /// The same, laid out in another way.
    pub fn text_in(&self, style: &Style, level: Level, header: &str) -> String {
        let mut out = format!("# sim-trace v1  {header}\n");
        let heading = self.heading(style).into_iter();
        for line in heading.chain(self.lines(style, &self.rows(level))) {
            out.push_str(&line);
            out.push('\n');
        }
        out
    }

    /// The lines that name the lanes, and say what the columns before them are.
    pub fn heading(&self, style: &Style) -> [String; 2] {
        let mut line = format!("{:<width$}", "@0", width = TIME_WIDTH + 2);
        match self.lanes(style) {
            Lanes::Beside(width) => {
                line.extend(self.hosts.iter().map(|(name, _)| format!("{name:<width$}")));
            }
            Lanes::Below(width) => line.push_str(&format!("{:<width$}greenlet", "host")),
        }
        line.truncate(line.trim_end_matches(' ').len());
        [line, LEGEND.to_owned()]
    }

    /// Some `count` lines for a report of what went wrong at `failed_ns`: those about what deviated, and
    /// the last ones up to that time, before everything that was left was closed and ended. Lines left
    /// out are counted.
    pub fn excerpt(
        &self,
        style: &Style,
        level: Level,
        count: usize,
        failed_ns: u64,
    ) -> Vec<String> {
        /// Lines shown before and after one that deviates.
        const AROUND: usize = 2;
        let shown = self.rows(level);
        let counts = |row: &Row<'_>| row.at_ns() <= failed_ns && !row.ends_something();
        let end = shown.iter().rposition(counts).map_or(0, |at| at + 1);
        let mut wanted = vec![false; end];
        let marks = (0..end).filter(|&at| shown[at].is_marked());
        for at in marks.take(count / (2 * AROUND + 1)) {
            wanted[at.saturating_sub(AROUND)..(at + AROUND + 1).min(end)].fill(true);
        }
        let left = count.saturating_sub(wanted.iter().filter(|&&wanted| wanted).count());
        wanted[end.saturating_sub(left)..].fill(true);
        let (mut lines, mut skipped) = (Vec::new(), 0);
        for (line, wanted) in self.lines(style, &shown).zip(wanted) {
            if !wanted {
                skipped += 1;
                continue;
            }
            if skipped > 0 {
                lines.push(format!("~             ({skipped} lines)"));
                skipped = 0;
            }
            lines.push(line);
        }
        lines
    }

    fn lanes(&self, style: &Style) -> Lanes {
        style.lanes(self.hosts.iter().map(|(name, _)| name.as_str()))
    }

    /// What is shown at a level, in order.
    fn rows(&self, level: Level) -> Vec<Row<'_>> {
        let (mut rows, mut told, mut before_ns) = (Vec::new(), 0, 0);
        for (at, event) in self.events.iter().enumerate() {
            let untold = &self.deviations[told..event.deviations as usize];
            rows.extend(self.rows_of(untold, level, before_ns));
            told = event.deviations as usize;
            before_ns = event.at_ns;
            if level.shows(&event.what) {
                rows.push(Row::Event(at, event));
            }
        }
        rows.extend(self.rows_of(&self.deviations[told..], level, before_ns));
        rows
    }

    /// Those of some deviations that no event tells of: how long something takes, and that hosts will be
    /// cut off. Where a seed decides, nearly every packet has a delay of its own: what calls and turns
    /// there are would be lost among them.
    fn rows_of<'a>(
        &'a self,
        deviations: &'a [Deviation],
        level: Level,
        at_ns: u64,
    ) -> impl Iterator<Item = Row<'a>> {
        let are_shown = !self.is_seeded || matches!(level, Level::Faults | Level::Wire);
        deviations.iter().filter(move |it| are_shown && is_untold(it)).map(move |deviation| {
            Row::Deviation { at_ns, host: self.host_of(deviation.path), deviation }
        })
    }

    /// The host in whose lane a deviation stands: the first name of its path.
    fn host_of(&self, path: u32) -> u16 {
        let text = self.paths.text(path);
        let first = text.split(['/', '=']).next().unwrap_or_default();
        self.hosts.iter().position(|(name, _)| name == first).unwrap_or(0) as u16
    }

    fn lines<'a>(
        &'a self,
        style: &Style,
        rows: &'a [Row<'_>],
    ) -> impl Iterator<Item = String> + use<'a> {
        let (style, lanes) = (*style, self.lanes(style));
        let mut last_ns: Vec<Option<u64>> = vec![None; self.hosts.len()];
        rows.iter().map(move |row| {
            let since = last_ns[usize::from(row.host())].replace(row.at_ns());
            self.line(&style, lanes, row, since.unwrap_or(0))
        })
    }

    fn line(&self, style: &Style, lanes: Lanes, row: &Row<'_>, since_ns: u64) -> String {
        let (mark, at_ns, host) = (row.mark(), row.at_ns(), row.host());
        let gap = at_ns - since_ns;
        let time = if mark == "!" || gap >= IDLE_NS {
            format!("={}", Ns(at_ns))
        } else {
            format!("+{}", Ns(gap))
        };
        let (name, what) = match row {
            Row::Event(at, event) => {
                let words = Words { log: self, event, at: *at, payload: style.payload };
                (self.short_name(event), words.said())
            }
            Row::Deviation { deviation, .. } => (".".into(), self.deviation(host, deviation)),
        };
        let lane = match lanes {
            Lanes::Beside(width) => " ".repeat(usize::from(host) * width),
            Lanes::Below(width) => format!("{:<width$}", self.hosts[usize::from(host)].0),
        };
        let line = format!("{time:<TIME_WIDTH$}{mark:<2}{lane}{name:<NAME_WIDTH$}  {what}");
        line.trim_end_matches(' ').to_owned()
    }

    /// The greenlet's name below its host; the root is `main`, the world `.`.
    fn short_name(&self, event: &Event) -> String {
        let Some(greenlet) = event.greenlet else { return ".".into() };
        let path = self.paths.text(greenlet);
        match path.split_once('/') {
            Some((_, below)) => below.to_owned(),
            None => "main".to_owned(),
        }
    }
}

impl Row<'_> {
    fn at_ns(&self) -> u64 {
        match self {
            Row::Event(_, event) => event.at_ns,
            Row::Deviation { at_ns, .. } => *at_ns,
        }
    }

    fn host(&self) -> u16 {
        match self {
            Row::Event(_, event) => event.host,
            Row::Deviation { host, .. } => *host,
        }
    }

    fn mark(&self) -> &'static str {
        match self {
            Row::Event(_, event) => mark(&event.what),
            Row::Deviation { .. } => "!",
        }
    }

    fn is_marked(&self) -> bool {
        match self {
            Row::Event(_, event) => event.what.level() == Level::Faults,
            Row::Deviation { .. } => true,
        }
    }

    fn ends_something(&self) -> bool {
        matches!(self, Row::Event(_, event) if ends_something(&event.what))
    }
}

fn is_untold(deviation: &Deviation) -> bool {
    let entry = deviation.decision.entry();
    entry.series == Series::Delay || entry.about == About::Pair
}
