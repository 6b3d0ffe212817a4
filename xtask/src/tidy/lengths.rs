//! How long a file and a function of `src` may be, and which are longer, each with its reason.

use super::Finding;
use super::source::{Source, is_word, tokens};

/// A file of `src` has one noun.
const FILE_MAX: usize = 450;
/// A function of `src` is read without scrolling.
const FUNCTION_MAX: usize = 60;
/// Any other file: a test has one plot, but may have many rows.
const OTHER_MAX: usize = 700;

/// What may be longer: (file, or file and function, reason). An entry that is not longer any more
/// is a finding, so the list can't rot.
const LONGER: &[(&str, &str)] = &[
    ("real/src/options.rs row", "a table, a row an option"),
    ("sim/src/socket/options/table.rs row", "a table, a row an option"),
];

/// Files and functions that are too long, of those given as (path, text).
pub fn check(files: &[(String, String)], findings: &mut Vec<Finding>) {
    let longer = files.iter().flat_map(|(path, text)| longer(path, text)).collect::<Vec<_>>();
    for (place, finding) in longer.iter().map(|found| (&found.0, &found.1)) {
        if !LONGER.iter().any(|(known, _)| known == place) {
            findings.push(finding.clone());
        }
    }
    for (place, reason) in LONGER {
        let path = place.split(' ').next().unwrap_or_default();
        let here = files.iter().any(|(known, _)| known == path);
        if here && !longer.iter().any(|(found, _)| found == place) {
            let what = format!("{place} is not too long any more ({reason})");
            let why = "the list in xtask/src/tidy/lengths.rs says what is";
            findings.push(Finding { path: path.to_owned(), line: 1, what, why });
        }
    }
}

/// What of a file is too long: its place in the list, and the finding.
fn longer(path: &str, text: &str) -> Vec<(String, Finding)> {
    let in_src = path.split('/').nth(1) == Some("src");
    let (mut found, lines) = (Vec::new(), text.lines().count());
    let max = if in_src { FILE_MAX } else { OTHER_MAX };
    if lines > max {
        let what = format!("{lines} lines, over {max}");
        let why = "a long file hides more than one noun";
        found.push((path.to_owned(), Finding { path: path.to_owned(), line: max + 1, what, why }));
    }
    for function in functions(&Source::new(path, text)).iter().filter(|_| in_src) {
        if function.lines > FUNCTION_MAX {
            let Function { name, line, lines } = function;
            let what = format!("fn {name} has {lines} lines, over {FUNCTION_MAX}");
            let why = "a long function holds more than one thought";
            let finding = Finding { path: path.to_owned(), line: *line, what, why };
            found.push((format!("{path} {name}"), finding));
        }
    }
    found
}

/// A function that is no test.
struct Function {
    name: String,
    line: usize,
    /// From its head to the brace that closes it.
    lines: usize,
}

fn functions(source: &Source<'_>) -> Vec<Function> {
    let tokens = tokens(&source.code);
    let mut found = Vec::new();
    // For every open brace the function it opened, by name and line.
    let mut open: Vec<Option<(&str, usize)>> = Vec::new();
    let mut head = None;
    for (at, token) in tokens.iter().enumerate() {
        match token.text {
            "fn" => {
                let name = tokens.get(at + 1).filter(|name| is_word(name.text));
                head = name.map(|name| (name.text, token.line)).or(head);
            }
            // A declaration; the `;` of an array in a head is followed by its length.
            ";" if tokens.get(at + 1).is_none_or(|next| next.line > token.line) => head = None,
            "{" => open.push(head.take()),
            "}" => {
                if let Some((name, line)) =
                    open.pop().flatten().filter(|(_, l)| !source.is_test(*l))
                {
                    let (name, lines) = (name.to_owned(), token.line - line + 1);
                    found.push(Function { name, line, lines });
                }
            }
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn too_long(path: &str, text: &str) -> Vec<String> {
        longer(path, text)
            .into_iter()
            .map(|(place, finding)| format!("{place}| {finding}"))
            .collect()
    }

    #[test]
    fn long_files_are_named() {
        let lines = |count: usize| "\n".repeat(count);
        assert_eq!(too_long("api/src/a.rs", &lines(450)), [""; 0]);
        let found = too_long("api/src/a.rs", &lines(451));
        let expected = "api/src/a.rs| api/src/a.rs:451: 451 lines, over 450, a long file hides \
                        more than one noun";
        assert_eq!(found, [expected]);
        assert_eq!(too_long("api/tests/a.rs", &lines(700)), [""; 0]);
        assert_eq!(too_long("api/tests/a.rs", &lines(701)).len(), 1);
    }

    #[test]
    fn what_is_listed_has_to_be_too_long() {
        let Some((place, _)) = LONGER.first() else { return };
        let path = place.split(' ').next().unwrap();
        let mut findings = Vec::new();
        check(&[(path.to_owned(), "//! short\n".to_owned())], &mut findings);
        let ours = findings.iter().filter(|finding| finding.what.starts_with(place));
        assert_eq!(ours.count(), 1, "{findings:?}");
    }

    #[test]
    fn long_functions_are_named() {
        let function = |lines: usize| {
            format!(
                "trait T {{ fn d(); }}\nfn f(a: [u8; 2]) -> [u8; 3] {{\n{}}}",
                "if a {}\n".repeat(lines - 2)
            )
        };
        assert_eq!(too_long("api/src/a.rs", &function(60)), [""; 0]);
        let found = too_long("api/src/a.rs", &function(61));
        let expected = "api/src/a.rs f| api/src/a.rs:2: fn f has 61 lines, over 60, a long function \
                        holds more than one thought";
        assert_eq!(found, [expected]);
        assert_eq!(too_long("api/tests/a.rs", &function(61)), [""; 0]);
        let test = format!("#[test]\n{}", function(61).split_once('\n').unwrap().1);
        assert_eq!(too_long("api/src/a.rs", &test), [""; 0]);
    }
}
