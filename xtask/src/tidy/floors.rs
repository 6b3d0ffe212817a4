//! Floors: which files of a crate stand on which, from the bottom up. A file imports only from
//! floors below its own, or from its own floor, and files that need each other share a small folder.
//!
//! What counts as an arrow from one file to another:
//! - A path, in a `use` or in code, to the file that defines the item it names: re-exports are
//!   followed. A path that ends at a module is none; what is reached through it is.
//! - A call of an inherent method, to the file whose `impl` defines it. Where the receiver is `self`,
//!   or a field or local whose annotated type is evident, its type decides. Else a name that a single
//!   `impl` of the crate defines does, unless a trait of the crate or a type of std's has it too.
//!   Other calls count for nothing: the rule errs on the side of silence.
//!
//! Tests are exempt, and so is a re-export of what stands in the file's own folder: it is a sign on
//! the door, and nothing is made of it there.

mod arrows;
mod circle;
mod methods;
mod modules;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use super::Finding;
use arrows::{Arrow, Judged};

/// A crate and its floors.
pub struct Crate {
    /// Its folder below the workspace's root.
    folder: &'static str,
    /// Whether `tidy` reports what does not hold. `tidy --floors` counts it either way.
    enforced: bool,
    /// From the bottom up. A place is a file without `.rs`, with its folder; the longest one wins.
    floors: &'static [Floor],
    /// Folders whose files may need each other, at most [`CIRCLE_MAX`], each with its reason.
    circles: &'static [(&'static str, &'static str)],
}

struct Floor {
    name: &'static str,
    places: &'static [&'static str],
}

const fn floor(name: &'static str, places: &'static [&'static str]) -> Floor {
    Floor { name, places }
}

/// More files than this are not taken in at once.
const CIRCLE_MAX: usize = 6;

/// The crates that have floors. `enforced: true` switches a crate's list on.
const CRATES: &[Crate] = &[
    Crate {
        folder: "api/src",
        enforced: true,
        floors: &[
            floor("hub", &["hub"]),
            floor("greenlet", &["greenlet"]),
            floor("driver", &["driver"]),
            floor("call", &["call"]),
            floor("time, thread, sync", &["time", "thread", "sync", "rand"]),
            floor("wait", &["wait"]),
            floor("names", &["names"]),
            floor("net, fs", &["net", "os", "io", "fs", "signal"]),
            floor("resolve", &["resolve"]),
            floor("pool, server, scenario", &["pool", "server", "scenario", "check"]),
            floor("lib", &["lib"]),
        ],
        circles: &[
            ("call", "a target may own the descriptor that a descriptor is a target of"),
            (
                "driver/engine",
                "`impl Driver` in one file a theme: turns, waits, deadlines, ends, overflows",
            ),
            ("fs", "a file is opened with options, which open a file"),
            ("names/resolver", "a resolver's provided methods are the code that asks it"),
            ("resolve/dns", "what one exchange finds, the cache keeps and the client returns"),
            (
                "wait",
                "waiting for several is made of watchers, each of which is waited for by itself",
            ),
        ],
    },
    Crate {
        folder: "sim/src",
        enforced: true,
        floors: &[
            floor("errno, id, keeper, text", &["errno", "id", "keeper", "text"]),
            floor("tcp, choices", &["tcp", "choices"]),
            floor("trace, weather", &["clock", "path", "trace", "weather"]),
            floor("link", &["link"]),
            floor("socket, disk", &["socket", "disk"]),
            floor("host", &["host"]),
            floor("world", &["world"]),
            floor("net", &["net"]),
            floor("scheduler", &["scheduler"]),
            floor("hub", &["hub"]),
            floor("run", &["run"]),
            floor("search", &["search"]),
            floor("check, cli", &["check", "builder", "cli"]),
            floor("lib", &["lib"]),
        ],
        circles: &[
            ("choices/table", "a fault's row is data, and the row's type says what the data is"),
            (
                "tcp/connection",
                "one state machine, in a file a theme: what comes in decides what goes out",
            ),
        ],
    },
];

/// Findings of the crates whose floors are enforced, given the tree's files as (path, text).
pub fn check(files: &[(String, String)], findings: &mut Vec<Finding>) {
    for one in CRATES.iter().filter(|one| one.enforced) {
        let own = one.own(files);
        // A tree without the crate has no floors of it.
        if own.iter().any(|(path, _)| path == "lib.rs") {
            findings.extend(one.findings(&arrows::judge(&own)));
        }
    }
}

/// Prints what does not hold today, line by line, and how often from which floor to which; of all
/// crates, or of the named one. Returns whether all holds.
pub fn report(root: &Path, only: Option<&str>) -> io::Result<bool> {
    let mut held = true;
    let mut files = Vec::new();
    for path in super::files(root)?.into_iter().filter(|path| path.ends_with(".rs")) {
        let text = fs::read_to_string(root.join(&path))?;
        files.push((path, text));
    }
    for one in CRATES.iter().filter(|one| only.is_none_or(|only| only == one.name())) {
        let judged = arrows::judge(&one.own(&files));
        let findings = one.findings(&judged);
        for finding in &findings {
            say!("{finding}");
        }
        say!("\n{}: {} findings", one.folder, findings.len());
        for ((from, to), count) in one.upward(&judged.arrows) {
            say!("{count:6}  {from} → {to}");
        }
        held &= findings.is_empty();
    }
    Ok(held)
}

/// Whether there is a crate of this name.
pub fn has(name: &str) -> bool {
    CRATES.iter().any(|one| one.name() == name)
}

impl Crate {
    fn name(&self) -> &'static str {
        self.folder.trim_end_matches("/src")
    }

    /// Its files, by their paths below its folder.
    fn own(&self, files: &[(String, String)]) -> Vec<(String, String)> {
        let inner =
            |path: &str| path.strip_prefix(self.folder)?.strip_prefix('/').map(str::to_owned);
        files.iter().filter_map(|(path, text)| Some((inner(path)?, text.clone()))).collect()
    }

    /// Everything that does not hold.
    fn findings(&self, judged: &Judged) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut push = |path: &str, line, what, why| {
            let path = format!("{}/{path}", self.folder);
            findings.push(Finding { path, line, what, why });
        };
        for path in judged.files.iter().filter(|path| self.floor(path).is_none()) {
            let why = "each file has a floor in xtask/src/tidy/floors.rs";
            push(path, 1, "it stands on no floor".into(), why);
        }
        for arrow in &judged.arrows {
            if let Some((from, to)) = self.climbs(arrow) {
                let what = format!("`{}` leads up from {from} to {} ({to})", arrow.by, arrow.to);
                push(
                    &arrow.from,
                    arrow.line,
                    what,
                    "a file imports only from floors below its own",
                );
            }
        }
        self.circles(judged, &mut push);
        findings
    }

    fn circles(&self, judged: &Judged, push: &mut impl FnMut(&str, usize, String, &'static str)) {
        let mut needed = Vec::new();
        for circle in circle::all(&judged.arrows) {
            let holds = |place: &str| circle.files.iter().all(|path| stands_in(path, place));
            if let Some((folder, _)) = self.circles.iter().find(|(folder, _)| holds(folder)) {
                needed.push(*folder);
                continue;
            }
            let what = format!("{} files need each other: {}", circle.files.len(), circle.round());
            let why = "only the files of one small folder may, and it is listed";
            push(&circle.first().from, circle.first().line, what, why);
        }
        for (folder, _) in self.circles {
            let count = judged.files.iter().filter(|path| stands_in(path, folder)).count();
            if count > CIRCLE_MAX {
                let what = format!("{count} files in a folder that may be a circle");
                push(folder, 1, what, "more than six are not taken in at once");
            }
            if !needed.contains(folder) {
                push(folder, 1, "listed as a circle and is none".into(), "the list says what is");
            }
        }
    }

    /// How many arrows lead up, from which floor to which.
    fn upward(&self, arrows: &[Arrow]) -> BTreeMap<(&'static str, &'static str), usize> {
        let mut counts = BTreeMap::new();
        for pair in arrows.iter().filter_map(|arrow| self.climbs(arrow)) {
            *counts.entry(pair).or_default() += 1;
        }
        counts
    }

    /// The floors of an arrow that leads up.
    fn climbs(&self, arrow: &Arrow) -> Option<(&'static str, &'static str)> {
        let (from, to) = (self.floor(&arrow.from)?, self.floor(&arrow.to)?);
        (to > from).then(|| (self.floors[from].name, self.floors[to].name))
    }

    /// The number of a file's floor: the one with the longest place it stands in.
    fn floor(&self, path: &str) -> Option<usize> {
        let places = self.floors.iter().enumerate().flat_map(|(number, floor)| {
            floor.places.iter().map(move |place| (place.len(), number, place))
        });
        places.filter(|(_, _, place)| stands_in(path, place)).max().map(|(_, number, _)| number)
    }
}

/// Whether a file is this place, or in the folder of this name.
fn stands_in(path: &str, place: &str) -> bool {
    path.strip_prefix(place).is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
}

#[cfg(test)]
mod tests;
