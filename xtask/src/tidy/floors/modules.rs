//! The modules of a crate: which file each is, what it defines, and what a path in it leads to.
//!
//! No macro is expanded. What a macro defines is taken to stand in the module it is named in.

use std::collections::{BTreeMap, BTreeSet};

use super::super::source::{Aliases, Source, Token, inline_path, is_word, tokens, use_tree};

/// A module, by its path: `net::unix`, and `` for the crate.
#[derive(Default)]
struct Module {
    file: usize,
    items: BTreeSet<String>,
    /// What its `use` lines bring in: (name, path).
    uses: Vec<(String, String)>,
    /// What it brings in all of.
    globs: Vec<String>,
}

/// All modules of a crate.
#[derive(Default)]
pub struct Modules {
    all: BTreeMap<String, Module>,
    /// Modules that are declared `#[cfg(test)]`.
    tests: BTreeSet<String>,
}

/// A path that a file names.
pub struct Mention {
    pub line: usize,
    /// The module it stands in.
    pub module: String,
    pub path: String,
    /// It is re-exported.
    pub public: bool,
}

/// What a path leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    Module(String),
    /// An item, and what the path says behind it: a variant, an associated function.
    Item {
        module: String,
        name: String,
        behind: Vec<String>,
    },
}

/// What a walk over the tokens of a file meets, outside and inside of functions.
pub struct Walk<'a> {
    pub tokens: Vec<Token<'a>>,
    /// For every open brace the module it opened.
    braces: Vec<Option<String>>,
    file: String,
}

impl<'a> Walk<'a> {
    pub fn new(source: &'a Source<'_>, path: &str) -> Walk<'a> {
        let file = module_of(path);
        Walk { tokens: tokens(&source.code), braces: Vec::new(), file }
    }

    /// The innermost module that is open.
    pub fn module(&self) -> String {
        self.braces.iter().rev().find_map(Clone::clone).unwrap_or_else(|| self.file.clone())
    }

    /// Nothing but modules is open.
    pub fn is_outside(&self) -> bool {
        self.braces.iter().all(Option::is_some)
    }

    pub fn depth(&self) -> usize {
        self.braces.len()
    }

    /// Keeps account of the braces; called for each token in turn.
    pub fn step(&mut self, at: usize) {
        match self.text(at) {
            "{" => {
                let opens = at >= 2 && self.text(at - 2) == "mod" && self.is_outside();
                let module = opens.then(|| join(&self.module(), self.text(at - 1)));
                self.braces.push(module);
            }
            "}" => drop(self.braces.pop()),
            _ => {}
        }
    }

    pub fn text(&self, at: usize) -> &'a str {
        self.tokens.get(at).map_or("", |token| token.text)
    }
}

impl Modules {
    /// Adds a file; returns the paths it names.
    pub fn add(&mut self, file: usize, path: &str, source: &Source<'_>) -> Vec<Mention> {
        let mut walk = Walk::new(source, path);
        let mut mentions = Vec::new();
        self.at(file, &walk.module());
        let mut at = 0;
        while at < walk.tokens.len() {
            let (module, line) = (walk.module(), walk.tokens[at].line);
            let text = walk.text(at);
            let end = match text {
                "use" => self.add_use(file, &walk, at, &mut mentions),
                "mod" => {
                    if source.is_test(line) {
                        self.tests.insert(join(&module, walk.text(at + 1)));
                    }
                    if walk.text(at + 2) == "{" {
                        self.at(file, &join(&module, walk.text(at + 1)));
                    }
                    at + 1
                }
                word if is_word(word) => {
                    let (end, path) = inline_path(&walk.tokens, at);
                    if let Some(name) = defined(&walk, at).filter(|_| walk.is_outside()) {
                        self.at(file, &module).items.insert(name.to_owned());
                        if word == "macro_rules" {
                            self.export(name, &module);
                        }
                    }
                    mentions.push(Mention { line, module, path, public: false });
                    end
                }
                _ => at + 1,
            };
            for passed in at..end {
                walk.step(passed);
            }
            at = end;
        }
        mentions.retain(|mention| !source.is_test(mention.line));
        mentions
    }

    fn add_use(
        &mut self,
        file: usize,
        walk: &Walk<'_>,
        at: usize,
        mentions: &mut Vec<Mention>,
    ) -> usize {
        let (mut named, mut aliases) = (Vec::new(), Aliases::new());
        let end = use_tree(&walk.tokens, at + 1, String::new(), &mut named, &mut aliases);
        let module = walk.module();
        let before = at.checked_sub(1).map_or("", |at| walk.text(at));
        let public = before == "pub" || before == ")";
        for name in named {
            let (line, path) = (name.line, name.path);
            mentions.push(Mention { line, module: module.clone(), path, public });
        }
        let own = self.at(file, &module);
        for (name, path) in aliases
            .into_iter()
            .flat_map(|(name, paths)| paths.into_iter().map(move |path| (name.clone(), path)))
        {
            match path.strip_suffix("::*") {
                Some(all) => own.globs.push(all.to_owned()),
                None => own.uses.push((name, path)),
            }
        }
        end
    }

    /// A macro that is exported is the crate's, wherever it stands.
    fn export(&mut self, name: &str, module: &str) {
        let root = self.all.entry(String::new()).or_default();
        root.uses.push((name.to_owned(), format!("crate::{}", join(module, name))));
    }

    fn at(&mut self, file: usize, module: &str) -> &mut Module {
        let module = self.all.entry(module.to_owned()).or_default();
        module.file = file;
        module
    }

    /// Whether a module, or one around it, is declared to be a test.
    pub fn is_test(&self, module: &str) -> bool {
        self.tests.iter().any(|test| {
            module
                .strip_prefix(test.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
        })
    }

    /// The file of a module.
    pub fn file(&self, module: &str) -> Option<usize> {
        self.all.get(module).map(|module| module.file)
    }

    /// What a path that stands in a module leads to; nothing where it leaves the crate.
    pub fn resolve(&self, module: &str, path: &str) -> Option<Target> {
        let parts: Vec<&str> = path.split("::").collect();
        self.enter(module, &parts, 8).or_else(|| {
            // A name that no scan sees, behind a module that it does: a macro's.
            let known =
                (1..parts.len()).rev().find_map(|end| match self.enter(module, &parts[..end], 8) {
                    Some(Target::Module(module)) => Some((module, end)),
                    _ => None,
                });
            let (module, end) = known.filter(|_| parts.last() != Some(&"*"))?;
            let name = parts[end].to_owned();
            Some(Target::Item { module, name, behind: Vec::new() })
        })
    }

    /// `fuel` ends a circle of re-exports.
    fn enter(&self, module: &str, path: &[&str], fuel: usize) -> Option<Target> {
        let Some((first, rest)) = path.split_first() else {
            return Some(Target::Module(module.to_owned()));
        };
        let fuel = fuel.checked_sub(1)?;
        match *first {
            "crate" => return self.enter("", rest, fuel + 1),
            "self" => return self.enter(module, rest, fuel + 1),
            "super" => return self.enter(parent(module), rest, fuel + 1),
            _ => {}
        }
        let child = join(module, first);
        if self.all.contains_key(&child) {
            return self.enter(&child, rest, fuel + 1);
        }
        let own = self.all.get(module)?;
        if own.items.contains(*first) {
            let behind = rest.iter().map(|part| (*part).to_owned()).collect();
            return Some(Target::Item {
                module: module.to_owned(),
                name: (*first).to_owned(),
                behind,
            });
        }
        let named = own.uses.iter().filter(|(name, _)| name == first).find_map(|(_, path)| {
            let full: Vec<&str> = path.split("::").chain(rest.iter().copied()).collect();
            self.enter(module, &full, fuel)
        });
        named.or_else(|| {
            own.globs.iter().find_map(|glob| {
                let glob: Vec<&str> = glob.split("::").collect();
                match self.enter(module, &glob, fuel)? {
                    Target::Module(all) if all != module => self.enter(&all, path, fuel),
                    _ => None,
                }
            })
        })
    }
}

/// The name that is defined by the word at `at`.
fn defined<'a>(walk: &Walk<'a>, at: usize) -> Option<&'a str> {
    const KINDS: &[&str] =
        &["fn", "struct", "enum", "union", "trait", "type", "const", "static", "macro_rules"];
    if !KINDS.contains(&walk.text(at)) {
        return None;
    }
    let ahead = ["!", "mut"].contains(&walk.text(at + 1));
    let name = walk.text(at + 1 + usize::from(ahead));
    (is_word(name) && name != "fn" && name != "unsafe").then_some(name)
}

/// The module that a file is: `net/unix.rs` is `net::unix`.
pub fn module_of(path: &str) -> String {
    let module = path.trim_end_matches(".rs");
    let module = module.strip_suffix("/mod").unwrap_or(module);
    if ["lib", "main"].contains(&module) { String::new() } else { module.replace('/', "::") }
}

fn join(module: &str, name: &str) -> String {
    if module.is_empty() { name.to_owned() } else { format!("{module}::{name}") }
}

fn parent(module: &str) -> &str {
    module.rsplit_once("::").map_or("", |(parent, _)| parent)
}
