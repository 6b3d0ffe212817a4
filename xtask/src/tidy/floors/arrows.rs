//! The arrows between the files of a crate: what its paths lead to, and its method calls.

use std::collections::BTreeSet;

use super::super::source::Source;
use super::methods::Methods;
use super::modules::{Mention, Modules, Target, module_of};

/// One file needs another.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Arrow {
    pub from: String,
    pub line: usize,
    pub to: String,
    /// What is named there: a path, or `.method()`.
    pub by: String,
}

/// A crate, read.
struct Reading<'a> {
    paths: Vec<&'a str>,
    sources: Vec<Source<'a>>,
    mentions: Vec<Vec<Mention>>,
    modules: Modules,
    tests: Vec<bool>,
}

impl<'a> Reading<'a> {
    fn new(files: &'a [(String, String)]) -> Reading<'a> {
        let paths: Vec<&str> = files.iter().map(|(path, _)| path.as_str()).collect();
        let sources: Vec<_> = files.iter().map(|(path, text)| Source::new(path, text)).collect();
        let mut modules = Modules::default();
        let add = |(file, source): (usize, &Source<'_>)| modules.add(file, source.path, source);
        let mentions = sources.iter().enumerate().map(add).collect();
        let test =
            |source: &Source<'_>| source.is_test(1) || modules.is_test(&module_of(source.path));
        let tests = sources.iter().map(test).collect();
        Reading { paths, sources, mentions, modules, tests }
    }
}

/// The files of a crate that are no tests, and every arrow between two of them.
pub struct Judged {
    pub files: Vec<String>,
    /// One a line and target.
    pub arrows: Vec<Arrow>,
}

/// Reads the files of a crate, given as (path, text).
pub fn judge(files: &[(String, String)]) -> Judged {
    let reading = Reading::new(files);
    let judged = (0..files.len()).filter(|file| !reading.tests[*file]);
    let mut methods = Methods::default();
    for file in judged.clone() {
        methods.define(file, &reading.sources[file], &reading.modules);
    }
    let mut arrows = BTreeSet::new();
    for file in judged.clone() {
        reading.arrows_of(file, &methods, &mut arrows);
    }
    let mut arrows: Vec<Arrow> = arrows.into_iter().collect();
    arrows.dedup_by(|a, b| (&a.from, a.line, &a.to) == (&b.from, b.line, &b.to));
    Judged { files: judged.map(|file| reading.paths[file].to_owned()).collect(), arrows }
}

impl Reading<'_> {
    fn arrows_of(&self, file: usize, methods: &Methods, arrows: &mut BTreeSet<Arrow>) {
        let mut push = |line, to: usize, by: String| {
            if to != file && !self.tests[to] {
                let (from, to) = (self.paths[file].to_owned(), self.paths[to].to_owned());
                arrows.insert(Arrow { from, line, to, by });
            }
        };
        for mention in &self.mentions[file] {
            for to in leads_to(&self.modules, methods, mention) {
                push(mention.line, to, mention.path.clone());
            }
        }
        for call in methods.calls(&self.sources[file], &self.modules) {
            push(call.line, call.to, format!(".{}()", call.name));
        }
    }
}

/// The files that define what a path names: the item's, and that of an inherent function of it.
fn leads_to(modules: &Modules, methods: &Methods, mention: &Mention) -> Vec<usize> {
    let Some(Target::Item { module, name, behind }) =
        modules.resolve(&mention.module, &mention.path)
    else {
        return Vec::new();
    };
    let inside = mention.module.is_empty() || module.starts_with(&format!("{}::", mention.module));
    if mention.public && inside {
        return Vec::new();
    }
    let mut files: Vec<usize> = modules.file(&module).into_iter().collect();
    if let Some(function) = behind.first() {
        files.extend(methods.of_type(&format!("{module}::{name}"), function));
    }
    files
}
