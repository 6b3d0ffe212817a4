//! Circles: sets of files in which every one leads to every other.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::arrows::Arrow;

/// Files that need each other, and one way round through some of them.
pub struct Circle<'a> {
    pub files: BTreeSet<&'a str>,
    way: Vec<&'a Arrow>,
}

impl<'a> Circle<'a> {
    /// The first arrow of the way round.
    pub fn first(&self) -> &'a Arrow {
        self.way[0]
    }

    /// `a.rs → b.rs:3 → a.rs:5`, the line being the one that leads on.
    pub fn round(&self) -> String {
        let first = self.way[0].from.clone();
        self.way.iter().fold(first, |all, arrow| {
            format!("{all}:{} (`{}`) → {}", arrow.line, arrow.by, arrow.to)
        })
    }
}

/// Every circle of a crate, in the order of its first file.
pub fn all(arrows: &[Arrow]) -> Vec<Circle<'_>> {
    let mut leads: BTreeMap<&str, Vec<&Arrow>> = BTreeMap::new();
    for arrow in arrows {
        leads.entry(&arrow.from).or_default().push(arrow);
    }
    let (mut circles, mut placed) = (Vec::new(), BTreeSet::new());
    let reached: BTreeMap<_, _> = leads.keys().map(|from| (*from, reach(&leads, from))).collect();
    for from in leads.keys() {
        let back = |to: &&str| reached.get(to).is_some_and(|reached| reached.contains(from));
        if placed.contains(from) || !back(from) {
            continue;
        }
        let files: BTreeSet<&str> = reached[from].iter().copied().filter(back).collect();
        placed.extend(files.iter().copied());
        circles.push(Circle { way: way_round(&leads, from), files });
    }
    circles
}

/// All files that can be reached from one.
fn reach<'a>(leads: &BTreeMap<&'a str, Vec<&'a Arrow>>, from: &'a str) -> BTreeSet<&'a str> {
    let (mut reached, mut open) = (BTreeSet::new(), vec![from]);
    while let Some(next) = open.pop() {
        for arrow in leads.get(next).into_iter().flatten() {
            if reached.insert(arrow.to.as_str()) {
                open.push(&arrow.to);
            }
        }
    }
    reached
}

/// The shortest way from a file back to itself; it exists.
fn way_round<'a>(leads: &BTreeMap<&'a str, Vec<&'a Arrow>>, from: &'a str) -> Vec<&'a Arrow> {
    let mut by: BTreeMap<&str, &Arrow> = BTreeMap::new();
    let mut open = VecDeque::from([from]);
    while !by.contains_key(from) {
        let next = open.pop_front().expect("a circle closes");
        for arrow in leads.get(next).into_iter().flatten() {
            if !by.contains_key(arrow.to.as_str()) {
                by.insert(&arrow.to, arrow);
                open.push_back(&arrow.to);
            }
        }
    }
    let mut way = vec![by[from]];
    while let Some(first) = way.last().filter(|arrow| arrow.from != from) {
        way.push(by[first.from.as_str()]);
    }
    way.reverse();
    way
}
