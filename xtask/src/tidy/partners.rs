//! The libraries we are built with: licences that suit ours, and one source.
//!
//! Advisories are not looked up here: their database is not to be had from the registry.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::Finding;
use crate::steps;

/// What a library may be licensed under, beside others of its choice.
const LICENCES: &[&str] = &[
    "MIT",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "Unicode-3.0",
    "Zlib",
    "0BSD",
];

/// Every library of the lock file.
pub fn check(root: &Path, findings: &mut Vec<Finding>) {
    let mut asked = Command::new(steps::cargo_path());
    asked.args(["metadata", "--format-version=1", "--locked"]).current_dir(root);
    let told = asked.output().map_err(|error| error.to_string());
    let told = told.and_then(|output| match output.status.success() {
        true => serde_json::from_slice(&output.stdout).map_err(|error| error.to_string()),
        false => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
    });
    match told {
        Ok(metadata) => check_all(&metadata, findings),
        Err(what) => findings.push(found(format!("cargo metadata: {what}"), "partners are known")),
    }
}

fn check_all(metadata: &Value, findings: &mut Vec<Finding>) {
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let text = |key: &str| package[key].as_str();
        let (name, version) = (text("name").unwrap_or("?"), text("version").unwrap_or("?"));
        if !text("license").is_some_and(suits) {
            let licence = text("license").unwrap_or("none");
            let what = format!("{name} {version} has the licence {licence}");
            findings.push(found(what, "partners are MIT, Apache, BSD or the like"));
        }
        // Ours have none.
        if text("source").is_some_and(|source| !source.starts_with("registry+")) {
            let what = format!("{name} {version} is not from the registry");
            findings.push(found(what, "a build fetches from one place"));
        }
    }
}

fn found(what: String, why: &'static str) -> Finding {
    Finding { path: "Cargo.lock".into(), line: 1, what, why }
}

/// Whether an SPDX expression leaves us a choice that suits: `A OR B AND C`, with brackets; `/` is an
/// older `OR`.
fn suits(expression: &str) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = &words[..];
    any(&mut rest).unwrap_or(false) && rest.is_empty()
}

/// `None` where it is no expression.
fn any(rest: &mut &[&str]) -> Option<bool> {
    let mut suits = all(rest)?;
    while let ["OR", after @ ..] = rest {
        *rest = after;
        suits |= all(rest)?;
    }
    Some(suits)
}

fn all(rest: &mut &[&str]) -> Option<bool> {
    let mut suits = one(rest)?;
    while let ["AND", after @ ..] = rest {
        *rest = after;
        suits &= one(rest)?;
    }
    Some(suits)
}

fn one(rest: &mut &[&str]) -> Option<bool> {
    let (licence, after) = match rest {
        ["(", after @ ..] => {
            *rest = after;
            let suits = any(rest)?;
            let [")", after @ ..] = rest else { return None };
            *rest = after;
            return Some(suits);
        }
        [name, "WITH", exception, after @ ..] => (format!("{name} WITH {exception}"), after),
        [name, after @ ..] => ((*name).to_owned(), after),
        [] => return None,
    };
    *rest = after;
    Some(LICENCES.contains(&licence.as_str()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_expression_suits_that_leaves_a_choice_of_ours() {
        for good in [
            "MIT",
            "MIT/Apache-2.0",
            "Unlicense OR MIT",
            "MIT OR Apache-2.0 OR LGPL-2.1-or-later",
            "(MIT OR GPL-3.0) AND Unicode-3.0",
            "Apache-2.0 WITH LLVM-exception OR GPL-2.0",
        ] {
            assert!(suits(good), "{good}");
        }
        for bad in [
            "GPL-3.0",
            "MIT AND GPL-3.0",
            "MIT OR",
            "(MIT",
            "",
            "MIT WITH some-exception",
            "MIT Apache-2.0",
        ] {
            assert!(!suits(bad), "{bad}");
        }
    }

    #[test]
    fn a_library_without_a_licence_or_from_elsewhere_is_found() {
        let library = |licence: Value, source: &str| json!({"name": "x", "version": "1", "license": licence, "source": source});
        let metadata = json!({"packages": [
            library(json!("MIT"), "registry+x"),
            library(Value::Null, "registry+x"),
            library(json!("MIT"), "git+x"),
        ]});
        let mut findings = Vec::new();
        check_all(&metadata, &mut findings);
        let found: Vec<&str> = findings.iter().map(|finding| finding.what.as_str()).collect();
        assert_eq!(found, ["x 1 has the licence none", "x 1 is not from the registry"]);
    }
}
