//! Steps of the table that a test elsewhere holds: what only calls of std's shape show.

use std::fs;
use std::path::Path;

/// `held IDS… by FILE::TEST: what it shows`.
pub struct Elsewhere {
    pub section: char,
    pub ids: Vec<String>,
    /// The truth file and the line.
    place: String,
    /// From the root of the repository.
    file: String,
    /// A text that stands there: a test's or a scene's name.
    test: String,
}

impl Elsewhere {
    /// Reads what stands behind `held`.
    ///
    /// # Errors
    ///
    /// In a line that says what is accepted.
    pub fn read(section: char, place: String, rest: &str) -> Result<Elsewhere, String> {
        let parts = rest.split_once(" by ").and_then(|(ids, rest)| {
            let (file, rest) = rest.split_once("::")?;
            let (test, words) = rest.split_once(": ")?;
            Some((ids, file.trim(), test.trim(), words.trim()))
        });
        let filled = parts.filter(|(_, file, test, words)| ![file, test, words].contains(&&""));
        let (ids, file, test, _) = filled.ok_or("accepted is `held IDS… by FILE::TEST: words`")?;
        let ids = super::file::ids(ids)?;
        Ok(Elsewhere { section, ids, place, file: file.into(), test: test.into() })
    }

    /// Whether the test is there.
    pub fn fault(&self, root: &Path) -> Option<String> {
        let Elsewhere { place, file, test, .. } = self;
        match fs::read_to_string(root.join(file)) {
            Err(error) => Some(format!("{place}: {file}: {error}")),
            Ok(text) if !text.contains(test.as_str()) => {
                Some(format!("{place}: {file} has no `{test}`"))
            }
            Ok(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_that_is_not_there_is_a_fault() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let held = |rest: &str| Elsewhere::read('M', "m.txt:1".into(), rest);
        let here = held("3a 10 by xtask/src/conform/truth/elsewhere.rs::fn fault: here").unwrap();
        assert_eq!(
            (here.ids.as_slice(), here.fault(&root)),
            (&["3a".into(), "10".into()][..], None)
        );
        let moved = held("3a by xtask/src/conform/truth.rs::fn no such: moved").unwrap();
        assert!(moved.fault(&root).is_some_and(|why| why.contains("has no `fn no such`")));
        let gone = held("3a by xtask/gone.rs::fn main: gone").unwrap();
        assert!(gone.fault(&root).is_some_and(|why| why.starts_with("m.txt:1: xtask/gone.rs")));
        for wrong in ["3a", "3a by file: no test", "x by a::b: no id", "3a by a::b"] {
            assert!(held(wrong).is_err(), "{wrong}");
        }
    }
}
