//! Which crate may depend on which: the arrows of ARCHITECTURE.md, read from the manifests.

use super::Finding;

/// A member, and the members its code may use.
struct Member {
    folder: &'static str,
    package: &'static str,
    may_use: &'static [&'static str],
    why: &'static str,
}

const MEMBERS: &[Member] = &[
    Member { folder: "api", package: "greenroom", may_use: &[], why: "the api knows no world" },
    Member {
        folder: "real",
        package: "greenroom-real",
        may_use: &["greenroom"],
        why: "real and sim never meet below scenarios",
    },
    Member {
        folder: "sim",
        package: "greenroom-sim",
        may_use: &["greenroom"],
        why: "real and sim never meet below scenarios",
    },
    Member {
        folder: "scenarios",
        package: "greenroom-scenarios",
        may_use: &["greenroom", "greenroom-real", "greenroom-sim"],
        why: "nothing stands above scenarios but xtask",
    },
    Member {
        folder: "xtask",
        package: "xtask",
        may_use: &["greenroom", "greenroom-real", "greenroom-sim", "greenroom-scenarios"],
        why: "tools stand on everything",
    },
];

/// Sources of chance: only the seeded generator, and only in sim (which files, is a rule's).
const CHANCE: &[&str] = &["rand", "rand_core", "getrandom", "fastrand", "oorandom", "nanorand"];

/// Checks every manifest of the tree, given as (path, text).
pub fn check(manifests: &[(String, String)], findings: &mut Vec<Finding>) {
    for (path, text) in manifests {
        let folder = path.strip_suffix("Cargo.toml").unwrap_or(path).trim_end_matches('/');
        if folder.is_empty() {
            continue;
        }
        match MEMBERS.iter().find(|member| member.folder == folder) {
            Some(member) => check_one(member, path, text, findings),
            None => findings.push(Finding {
                path: path.clone(),
                line: 1,
                what: format!("no arrows are drawn for {folder}"),
                why: "a new crate is added to xtask/src/tidy/arrows.rs and ARCHITECTURE.md",
            }),
        }
    }
}

fn check_one(member: &Member, path: &str, text: &str, findings: &mut Vec<Finding>) {
    let mut push = |line, what, why| {
        findings.push(Finding { path: path.to_owned(), line, what, why });
    };
    for dependency in dependencies(text) {
        let (line, name) = (dependency.line, dependency.package);
        // A crate's tests may ask for itself, with a feature on.
        let itself = dependency.dev && name == member.package;
        let ours = MEMBERS.iter().any(|other| other.package == name);
        if ours && !itself && !member.may_use.contains(&name.as_str()) {
            push(line, format!("{} depends on {name}", member.package), member.why);
        }
        let seeded = name == "rand_chacha" && member.folder != "sim";
        if CHANCE.contains(&name.as_str()) || seeded {
            push(line, format!("depends on {name}"), "all chance comes off one tape");
        }
    }
}

struct Dependency {
    line: usize,
    package: String,
    dev: bool,
}

/// What a manifest depends on, under the names of the packages themselves.
fn dependencies(text: &str) -> Vec<Dependency> {
    let mut found = Vec::new();
    let (mut inside, mut dev) = (false, false);
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if let Some(section) = line.strip_prefix('[') {
            let section = section.trim_end_matches(']');
            dev = section.contains("dev-dependencies");
            inside = section.ends_with("dependencies");
            // `[dependencies.name]` is a section of its own.
            if let Some((_, name)) = section.rsplit_once("dependencies.") {
                found.push(Dependency {
                    line: index + 1,
                    package: name.trim_matches('"').into(),
                    dev,
                });
            }
            continue;
        }
        if !inside || line.starts_with('#') {
            continue;
        }
        let Some((key, value)) = line.split_once('=') else { continue };
        let key = key.trim().split('.').next().unwrap_or_default().trim_matches('"');
        let package = renamed(value).unwrap_or(key).to_owned();
        found.push(Dependency { line: index + 1, package, dev });
    }
    found
}

/// The package behind another name: `{ package = "…" }`, or the member a path leads to.
fn renamed(value: &str) -> Option<&str> {
    let quoted = |key: &str| {
        let (_, rest) = value.split_once(key)?;
        rest.trim_start().strip_prefix('=')?.trim_start().strip_prefix('"')?.split('"').next()
    };
    quoted("package").or_else(|| {
        let folder = quoted("path")?.rsplit('/').next()?;
        MEMBERS.iter().find(|member| member.folder == folder).map(|member| member.package)
    })
}
