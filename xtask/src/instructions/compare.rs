//! What was counted beside what is written down: whether it grew, and which functions did.

use super::snapshot::{Row, Snapshot};

/// A row may come out so much higher or lower: what moves by less is a matter of where the compiler drew
/// its lines.
const TOLERANCE: f64 = 0.03;
/// A function is named if it has such a part in the growth of its row.
const PART_MIN: f64 = 0.1;
const NAMED_MAX: usize = 6;

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Change {
    Held,
    Grew,
    /// For the better, or anything that is to be written down.
    Differs,
}

/// A row, then and now.
#[derive(Debug)]
pub struct Compared {
    pub name: String,
    pub then: Option<f64>,
    pub now: Option<f64>,
    pub change: Change,
    /// Whose part in a growth is large: at most what it took, what it takes, and whether the first is known.
    pub functions: Vec<(String, f64, f64)>,
}

/// Every row of either, in the order of what was counted now.
pub fn compare(then: &Snapshot, now: &Snapshot) -> Vec<Compared> {
    let find = |rows: &'_ [Row], name: &str| rows.iter().position(|row| row.name == name);
    let counted = now.rows.iter().map(|row| {
        let before = find(&then.rows, &row.name).map(|at| &then.rows[at]);
        Compared::new(before, row)
    });
    let gone = then.rows.iter().filter(|row| find(&now.rows, &row.name).is_none());
    let gone = gone.map(|row| Compared {
        name: row.name.clone(),
        then: Some(row.total),
        now: None,
        change: Change::Differs,
        functions: Vec::new(),
    });
    counted.chain(gone).collect()
}

impl Compared {
    fn new(then: Option<&Row>, now: &Row) -> Compared {
        let change = match then {
            None => Change::Differs,
            Some(then) if now.total > then.total * (1.0 + TOLERANCE) => Change::Grew,
            Some(then) if now.total < then.total * (1.0 - TOLERANCE) => Change::Differs,
            Some(_) => Change::Held,
        };
        let functions = match then {
            Some(then) if change == Change::Grew => grown(then, now),
            _ => Vec::new(),
        };
        let (name, then) = (now.name.clone(), then.map(|row| row.total));
        Compared { name, then, now: Some(now.total), change, functions }
    }

    pub fn in_words(&self) -> String {
        match (self.then, self.now) {
            (Some(then), Some(now)) => {
                let percent = (now / then - 1.0) * 100.0;
                let grew = if self.change == Change::Grew { "  GREW" } else { "" };
                format!("{percent:+.1} %{grew}")
            }
            (None, _) => "new".into(),
            (_, None) => "gone".into(),
        }
    }

    /// What is to be done about it, and who grew.
    pub fn explained(&self) -> Vec<String> {
        let name = &self.name;
        match self.change {
            Change::Held => Vec::new(),
            Change::Differs => {
                vec![format!("{name}: to be written down, `cargo xtask instructions --accept`")]
            }
            Change::Grew => {
                let mut lines = vec![format!("{name} grew by more than {} %:", TOLERANCE * 100.0)];
                lines.extend(self.functions.iter().map(|(function, then, now)| {
                    format!("  {:>+8}  {function}, {then} then, {now} now", now - then)
                }));
                if self.functions.is_empty() {
                    lines.push("  no function by itself: many by a little".into());
                }
                lines
            }
        }
    }
}

/// Whose part in the growth is large, the largest first.
fn grown(then: &Row, now: &Row) -> Vec<(String, f64, f64)> {
    let growth = now.total - then.total;
    let of_function = |(name, count): &(String, f64)| (name.clone(), then.at_most(name), *count);
    let mut grown: Vec<_> = now.functions.iter().map(of_function).collect();
    grown.retain(|(_, then, now)| now - then >= growth * PART_MIN);
    grown.sort_by(|a, b| (b.2 - b.1).total_cmp(&(a.2 - a.1)));
    grown.truncate(NAMED_MAX);
    grown
}

#[cfg(test)]
mod tests {
    use super::super::count::Count;
    use super::*;

    fn counted(functions: &[(&str, f64)]) -> Count {
        let total = functions.iter().map(|(_, count)| count).sum();
        let functions = functions.iter().map(|(name, count)| ((*name).to_owned(), *count));
        Count { total, functions: functions.collect() }
    }

    fn snapshot(rows: &[(&str, &[(&str, f64)])]) -> Snapshot {
        Snapshot::new(rows.iter().map(|(name, functions)| (*name, counted(functions))))
    }

    const THEN: &[(&str, f64)] = &[("send", 600.0), ("poll", 380.0), ("small", 20.0)];

    fn one(now: &[(&str, f64)]) -> Compared {
        let mut all = compare(&snapshot(&[("echo", THEN)]), &snapshot(&[("echo", now)]));
        assert_eq!(all.len(), 1);
        all.remove(0)
    }

    #[test]
    fn a_planted_growth_fails_and_names_its_function() {
        let row = one(&[("send", 600.0), ("poll", 420.0), ("small", 20.0)]);
        assert_eq!((row.change, row.in_words().as_str()), (Change::Grew, "+4.0 %  GREW"));
        let said = row.explained().join("\n");
        assert!(said.contains("+40  poll, 380 then, 420 now"), "{said}");
        assert!(!said.contains("send"), "{said}");
    }

    #[test]
    fn one_that_is_new_or_was_too_small_to_be_listed_is_named_too() {
        let row = one(&[("send", 600.0), ("poll", 380.0), ("small", 90.0), ("hash", 200.0)]);
        let named: Vec<_> =
            row.functions.iter().map(|(name, then, _)| (&name[..], *then)).collect();
        // At most what a function may have taken that is not listed.
        assert_eq!(named, [("hash", 30.0), ("small", 30.0)]);
    }

    #[test]
    fn what_moves_by_less_than_the_tolerance_holds_whichever_way() {
        for by in [-29.0, 0.0, 29.0] {
            let row = one(&[("send", 600.0 + by), ("poll", 380.0), ("small", 20.0)]);
            assert_eq!(row.change, Change::Held, "{by}");
            assert!(row.explained().is_empty());
        }
    }

    #[test]
    fn an_improvement_asks_to_be_written_down_and_is_no_failure() {
        let row = one(&[("send", 300.0), ("poll", 380.0), ("small", 20.0)]);
        assert_eq!(row.change, Change::Differs);
        assert!(row.explained()[0].contains("--accept"), "{:?}", row.explained());
    }

    #[test]
    fn rows_that_are_new_or_gone_are_said_to_be() {
        let (then, now) = (snapshot(&[("old", THEN)]), snapshot(&[("new", THEN)]));
        let words: Vec<_> =
            compare(&then, &now).iter().map(|row| (row.name.clone(), row.in_words())).collect();
        assert_eq!(words, [("new".into(), "new".into()), ("old".into(), "gone".into())]);
    }

    #[test]
    fn a_growth_by_a_little_everywhere_names_nobody() {
        let many: Vec<(String, f64)> = (0..100).map(|at| (format!("f{at}"), 10.0)).collect();
        let more: Vec<(String, f64)> = (0..100).map(|at| (format!("f{at}"), 11.0)).collect();
        let of = |list: &[(String, f64)]| {
            let list: Vec<(&str, f64)> = list.iter().map(|(name, n)| (&name[..], *n)).collect();
            snapshot(&[("echo", &list)])
        };
        let said = compare(&of(&many), &of(&more))[0].explained().join("\n");
        assert!(said.contains("many by a little"), "{said}");
    }
}
