//! The rules, a function each: what a line may not say, and why.

use super::source::Source;
use super::unsafety;
use super::{ALONE, CHANCE, CLOCKS, Finding, NO_HASH_ORDER, SEEDED, UNSAFE, allows};

/// Rules for every text file.
pub fn text(path: &str, text: &str, findings: &mut Vec<Finding>) {
    // In pieces, or this file would name them.
    const MACHINE: &[&str] = &[concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/")];
    let lock = path.ends_with("Cargo.lock");
    let mut push = |line, what, why| {
        findings.push(Finding { path: path.to_owned(), line, what, why });
    };
    for (index, line) in text.lines().enumerate() {
        for place in MACHINE.iter().filter(|place| line.contains(**place)) {
            push(index + 1, format!("names {place}"), "a clean clone stands anywhere");
        }
        let source = line.strip_prefix("source = ").map(|source| source.trim_matches('"'));
        if lock && source.is_some_and(|source| !source.ends_with("/rust-lang/crates.io-index")) {
            push(index + 1, line.to_owned(), "packages come from the public registry");
        }
    }
    if path.contains(".cargo/")
        && let Some(line) = text
            .lines()
            .position(|line| line.starts_with("[source") || line.starts_with("[registr"))
    {
        push(line + 1, "chooses a registry".into(), "packages come from the public registry");
    }
}

/// Rules for Rust.
pub fn rust(path: &str, text: &str, findings: &mut Vec<Finding>) {
    let source = Source::new(path, text);
    opens_with_a_line(&source, findings);
    no_stray_names(&source, findings);
    stands_alone(&source, findings);
    no_hash_order(&source, findings);
    no_stray_unsafe(&source, findings);
    nothing_left_to_do(&source, findings);
}

fn push(
    findings: &mut Vec<Finding>,
    source: &Source<'_>,
    line: usize,
    what: impl Into<String>,
    why: &'static str,
) {
    // One finding a line and reason: `use` and what it resolves to are the same fault.
    if !findings.iter().any(|f| f.line == line && f.why == why && f.path == source.path) {
        findings.push(Finding { path: source.path.to_owned(), line, what: what.into(), why });
    }
}

fn opens_with_a_line(source: &Source<'_>, findings: &mut Vec<Finding>) {
    if !source.text.starts_with("//! ") {
        push(findings, source, 1, "no `//!` line", "a file's first line says what it is");
    }
}

/// Clocks, chance, and sleeping tests: each a name that only some files may say.
fn no_stray_names(source: &Source<'_>, findings: &mut Vec<Finding>) {
    for name in source.names() {
        let (line, path) = (name.line, name.path.as_str());
        let what = || format!("`{path}`");
        if is_clock(path) && !allows(CLOCKS, source.path) {
            push(findings, source, line, what(), "time comes from the hub");
        }
        if is_chance(path) && !allows(CHANCE, source.path) {
            push(findings, source, line, what(), "all chance comes off one tape");
        }
        if path.starts_with("rand_chacha") && !allows(SEEDED, source.path) {
            push(findings, source, line, what(), "all chance comes off one tape");
        }
        if path.starts_with("std::thread::sleep") && source.is_test(line) {
            push(findings, source, line, what(), "a test awaits an event, not a time");
        }
    }
    for (index, text) in source.text.lines().enumerate() {
        let device = ["/dev/random", "/dev/urandom"].iter().find(|name| text.contains(**name));
        let ours = allows(CHANCE, source.path) || source.path.starts_with("xtask/src/tidy");
        if let Some(device) = device.filter(|_| !ours) {
            push(findings, source, index + 1, *device, "all chance comes off one tape");
        }
    }
}

fn is_clock(path: &str) -> bool {
    const CLOCKS: &[&str] = &["std::time::Instant", "std::time::SystemTime", "libc::clock_gettime"];
    path == "std::time::*"
        || CLOCKS.iter().any(|clock| {
            path.strip_prefix(clock).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
        })
}

fn is_chance(path: &str) -> bool {
    let first = path.split("::").next().unwrap_or_default();
    // A bare `rand` is a module's or a variable's name.
    let crates = ["rand", "getrandom", "fastrand", "oorandom"];
    (path != first && crates.contains(&first))
        || path.split("::").any(|part| {
            matches!(part, "RandomState" | "thread_rng" | "getrandom" | "SYS_getrandom")
        })
}

/// `tcp` and `choices` are fed and used; they know none of their siblings.
fn stands_alone(source: &Source<'_>, findings: &mut Vec<Finding>) {
    const WHY: &str = "in sim, tcp and choices import no sibling";
    let Some(inner) = source.path.strip_prefix("sim/src/") else { return };
    let module = inner.trim_end_matches(".rs");
    let Some(own) = ALONE.iter().find(|own| module.split('/').next() == Some(own)) else { return };
    let depth = module.split('/').filter(|part| *part != "mod").count();
    for name in source.names() {
        // A bare `crate` says who may see, and names nothing.
        if source.is_test(name.line) || name.path == "crate" {
            continue;
        }
        let mut parts = name.path.split("::");
        let ups = name.path.split("::").take_while(|part| *part == "super").count();
        let root = match parts.next() {
            Some("crate") => true,
            _ => ups > 0 && ups >= depth + source.depth(name.line),
        };
        let sibling = if ups > 0 { name.path.split("::").nth(ups) } else { parts.next() };
        if root && sibling != Some(own) {
            push(findings, source, name.line, format!("`{}`", name.path), WHY);
        }
    }
}

/// A hash table needs a hasher that is the same in every process.
fn no_hash_order(source: &Source<'_>, findings: &mut Vec<Finding>) {
    const WHY: &str = "its order differs from process to process: name a fixed hasher";
    if !NO_HASH_ORDER.iter().any(|folder| source.path.starts_with(folder)) {
        return;
    }
    for (table, parameters) in [("HashMap", 3), ("HashSet", 2)] {
        for (at, _) in source.code.match_indices(table) {
            let rest = source.code[at + table.len()..].trim_start();
            let rest = rest.strip_prefix("::").map_or(rest, str::trim_start);
            let seeded = ["new(", "with_capacity(", "from("].iter().any(|f| rest.starts_with(f));
            let short = rest.starts_with('<') && arguments(rest) < parameters;
            if seeded || short {
                push(findings, source, source.line_at(at), format!("a `{table}`"), WHY);
            }
        }
    }
}

/// How many arguments the generic list at the start of `code` has.
fn arguments(code: &str) -> usize {
    let (mut depth, mut count) = (0, 1);
    let mut last = ' ';
    for c in code.chars() {
        match c {
            '<' | '(' | '[' => depth += 1,
            '>' if last == '-' => {}
            '>' | ')' | ']' => depth -= 1,
            ',' if depth == 1 => count += 1,
            _ => {}
        }
        if depth == 0 {
            break;
        }
        if !c.is_whitespace() {
            last = c;
        }
    }
    // A trailing comma separates nothing.
    count - usize::from(last == ',')
}

fn no_stray_unsafe(source: &Source<'_>, findings: &mut Vec<Finding>) {
    const WHY: &str = "it fits in few files and is argued there";
    let allowed = allows(UNSAFE, source.path);
    for found in unsafety::uses(source) {
        if !allowed {
            push(findings, source, found.line, "`unsafe`", WHY);
        } else if found.is_bare() {
            let why = "what makes it sound is said above it";
            push(findings, source, found.line, "`unsafe` without `// SAFETY:`", why);
        }
    }
    for (line, code) in source.lines().filter(|_| !allowed) {
        if code.contains("unsafe_code")
            && ["allow", "expect", "warn"].iter().any(|w| code.contains(w))
        {
            push(findings, source, line, "`unsafe`", WHY);
        }
    }
}

fn nothing_left_to_do(source: &Source<'_>, findings: &mut Vec<Finding>) {
    for (line, code) in source.lines() {
        for word in ["todo!", "unimplemented!", "#[ignore"] {
            if code.contains(word) {
                push(findings, source, line, format!("`{word}`"), "what stands here works");
            }
        }
    }
}
