//! The table of gevent's contracts names only tests that exist, and leaves none out.

use std::fs;
use std::path::Path;

const CONTRACTS: usize = 66;

#[test]
fn every_contract_has_a_test_or_a_reason() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let rows = include_str!("contracts.md").lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| ")?.splitn(3, " | ");
        let number: usize = cells.next()?.parse().ok()?;
        Some((number, cells.next()?, cells.next()?))
    });
    let mut numbers = 0;
    for (number, contract, held_by) in rows {
        numbers += 1;
        assert_eq!(number, numbers, "the rows are numbered from 1, each once");
        // Names stand in backquotes; so do other things.
        let tests: Vec<(&str, &str)> =
            held_by.split('`').filter_map(|text| text.split_once(".rs::")).collect();
        let excused =
            held_by.starts_with("does not apply, because") || held_by.starts_with("later");
        assert!(excused || !tests.is_empty(), "{number}: nothing holds that {contract}");
        for (file, test) in tests {
            let path = root.join(format!("{file}.rs"));
            let text = fs::read_to_string(&path).unwrap_or_default();
            let is_there = is_test(&text, test);
            assert!(is_there, "{number}: there is no test {file}.rs::{test}");
        }
    }
    assert_eq!(numbers, CONTRACTS);
}

/// Whether a function of this name stands there, with nothing but attributes, `#[test]` among them,
/// and comments on the lines above it.
fn is_test(text: &str, name: &str) -> bool {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let head = format!("fn {name}(");
    let at = lines.iter().position(|line| line.trim_start_matches("pub ").starts_with(&head));
    let above = at.map_or(&[][..], |at| &lines[..at]).iter().rev();
    above
        .take_while(|line| line.starts_with("#[") || line.starts_with("//"))
        .any(|line| *line == "#[test]")
}
