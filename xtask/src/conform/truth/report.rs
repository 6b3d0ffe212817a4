//! What became of the rows, printed.

use std::collections::BTreeMap;

use super::Verdict;
use super::file::{Row, Table};

/// What differs, if anything does.
pub fn print(row: &Row, verdict: &Verdict) {
    let Verdict::Failed(mismatches) = verdict else { return };
    let Row { file, ids, .. } = row;
    for wrong in mismatches {
        say!("{file}:{}: row {}: {}", wrong.line, ids.join(" "), wrong.step);
        say!("    expected {:<32} real {:<32} sim {}", wrong.expected, wrong.real, wrong.sim);
    }
}

/// How many ids are what, in a section or in all.
#[derive(Default)]
struct Counts {
    held: usize,
    failed: usize,
    skipped: usize,
    unobservable: usize,
    differs: usize,
    left: usize,
}

impl Counts {
    /// What is not as Linux has it, of what can be observed; what is left is not.
    fn differing(&self) -> f64 {
        let differs = (self.differs + self.left) as f64;
        100.0 * differs / (self.held as f64 + differs).max(1.0)
    }

    fn print(&self, section: &str) {
        let Counts { held, failed, skipped, unobservable, differs, left } = self;
        say!(
            "{section:<8}{held:>6}{unobservable:>16}{differs:>9}{left:>6}{failed:>8}{skipped:>9}\
             {:>10.1} %",
            self.differing()
        );
    }
}

/// How many steps of the table are what, section by section; a row's ids count one each.
pub fn counts(table: &Table, rows: &[&Row], verdicts: &[Verdict]) {
    let mut sections: BTreeMap<char, Counts> = BTreeMap::new();
    for (row, verdict) in rows.iter().zip(verdicts) {
        let counts = sections.entry(row.section()).or_default();
        let count = match verdict {
            Verdict::Held if row.differs => &mut counts.differs,
            Verdict::Held => &mut counts.held,
            Verdict::Failed(_) => &mut counts.failed,
            Verdict::Skipped => &mut counts.skipped,
        };
        *count += row.ids.len();
    }
    for (section, _) in &table.unobservable {
        sections.entry(*section).or_default().unobservable += 1;
    }
    for (section, _) in &table.elsewhere {
        sections.entry(*section).or_default().held += 1;
    }
    for (section, _) in &table.left {
        sections.entry(*section).or_default().left += 1;
    }
    say!("section   held  not observable  differs  left  failed  skipped  differs");
    let mut all = Counts::default();
    for (section, counts) in &sections {
        counts.print(&section.to_string());
        all.held += counts.held;
        all.failed += counts.failed;
        all.skipped += counts.skipped;
        all.unobservable += counts.unobservable;
        all.differs += counts.differs;
        all.left += counts.left;
    }
    all.print("all");
}
