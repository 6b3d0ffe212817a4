//! Inherent methods of a crate, and which of them a call means.

use std::collections::{BTreeMap, BTreeSet};

use super::super::source::{Source, inline_path, is_word};
use super::modules::{Modules, Target, Walk};

/// A type of the crate: its module and name.
type Type = String;

/// What the crate's `impl` blocks, traits and structs say.
#[derive(Default)]
pub struct Methods {
    /// Functions of inherent `impl` blocks, by type and name, with the files that define them.
    functions: BTreeMap<(Type, String), BTreeSet<usize>>,
    /// Those of them that take `self`, by name.
    by_name: BTreeMap<String, BTreeSet<(Type, usize)>>,
    /// Names of methods of the crate's traits.
    of_traits: BTreeSet<String>,
    /// The types of the fields of structs.
    fields: BTreeMap<(Type, String), Known>,
}

/// A type as far as it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Known {
    /// The crate's own, perhaps behind a pointer that dereferences to it.
    Ours(Type),
    /// One of ours in a `RefCell`.
    Cell(Type),
    /// Evidently none of ours.
    Foreign,
}

/// A call of a method that is known.
pub struct Call {
    pub line: usize,
    pub name: String,
    /// The file that defines it.
    pub to: usize,
}

/// What a walk knows about the code around it.
#[derive(Default)]
struct Around {
    /// The type of the `impl` that is open, and the depth of its braces.
    own: Option<(Known, usize)>,
    /// Parameters and locals of the function, with their annotated types.
    locals: BTreeMap<String, Known>,
}

impl Methods {
    /// Takes in what a file defines.
    pub fn define(&mut self, file: usize, source: &Source<'_>, modules: &Modules) {
        let mut walk = Walk::new(source, source.path);
        let (mut own, mut in_trait): (Option<(Type, usize)>, Option<usize>) = (None, None);
        for at in 0..walk.tokens.len() {
            if !source.is_test(walk.tokens[at].line) {
                match walk.text(at) {
                    "impl" if walk.is_outside() => {
                        let head = Head::read(&walk, at, modules);
                        let ours = head.inherent.then_some(head.own).flatten();
                        own = ours.map(|own| (own, walk.depth() + 1));
                        in_trait = None;
                    }
                    "trait" if walk.is_outside() => {
                        (own, in_trait) = (None, Some(walk.depth() + 1));
                    }
                    "struct" if walk.is_outside() => self.add_fields(&walk, at, modules),
                    "fn" if is_word(walk.text(at + 1)) => {
                        let name = walk.text(at + 1).to_owned();
                        let method = takes_self(&walk, at + 2);
                        if let Some((own, _)) = own.as_ref().filter(|own| own.1 == walk.depth()) {
                            self.functions
                                .entry((own.clone(), name.clone()))
                                .or_default()
                                .insert(file);
                            if method {
                                self.by_name.entry(name).or_default().insert((own.clone(), file));
                            }
                        } else if in_trait == Some(walk.depth()) {
                            self.of_traits.insert(name);
                        }
                    }
                    _ => {}
                }
            }
            walk.step(at);
        }
    }

    /// The fields of the struct at `at`, where it has named ones.
    fn add_fields(&mut self, walk: &Walk<'_>, at: usize, modules: &Modules) {
        let name = walk.text(at + 1);
        let Some(own) = ours(modules, &walk.module(), name) else { return };
        let open = (at..walk.tokens.len()).find(|&at| ["{", ";", "("].contains(&walk.text(at)));
        let Some(open) = open.filter(|&open| walk.text(open) == "{") else { return };
        let mut depth = 0;
        for at in open..walk.tokens.len() {
            match walk.text(at) {
                "{" | "(" | "[" => depth += 1,
                "}" | ")" | "]" => depth -= 1,
                ":" if depth == 1 => {
                    let known = annotated(walk, at + 1, modules, None);
                    self.fields.insert((own.clone(), walk.text(at - 1).to_owned()), known);
                }
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
    }

    /// The files that define an inherent function of a type.
    pub fn of_type(&self, own: &str, name: &str) -> impl Iterator<Item = usize> {
        let found = self.functions.get(&(own.to_owned(), name.to_owned()));
        found.into_iter().flatten().copied()
    }

    /// The calls in a file whose method is known.
    pub fn calls(&self, source: &Source<'_>, modules: &Modules) -> Vec<Call> {
        let mut walk = Walk::new(source, source.path);
        let (mut around, mut calls) = (Around::default(), Vec::new());
        for at in 0..walk.tokens.len() {
            let line = walk.tokens[at].line;
            match walk.text(at) {
                "impl" if walk.is_outside() => {
                    let own = Head::read(&walk, at, modules).own;
                    let own = own.map_or(Known::Foreign, Known::Ours);
                    around.own = Some((own, walk.depth() + 1));
                }
                "fn" if is_word(walk.text(at + 1)) => around.enter(&walk, at, modules),
                ":" if is_local(&walk, at) => {
                    let known = annotated(&walk, at + 1, modules, around.own.as_ref());
                    around.locals.insert(walk.text(at - 1).to_owned(), known);
                }
                "." if is_word(walk.text(at + 1)) && walk.text(at + 2) == "(" => {
                    if !source.is_test(line) {
                        let name = walk.text(at + 1);
                        let files = self.meant(&around, &walk, at);
                        calls.extend(files.into_iter().map(|to| Call {
                            line,
                            name: name.into(),
                            to,
                        }));
                    }
                }
                _ => {}
            }
            walk.step(at);
        }
        calls
    }

    /// The files that may define the method called behind the dot at `at`: one, or none.
    fn meant(&self, around: &Around, walk: &Walk<'_>, at: usize) -> Option<usize> {
        let name = walk.text(at + 1);
        match self.receiver(around, walk, at) {
            Some(Known::Ours(own)) => self.of_type(&own, name).next(),
            Some(_) => None,
            None if self.of_traits.contains(name) || STD.contains(&name) => None,
            None => match self.by_name.get(name)?.iter().collect::<Vec<_>>()[..] {
                [(_, file)] => Some(*file),
                _ => None,
            },
        }
    }

    /// The type of what stands before the dot at `at`, where that is evident: `self`, a local of an
    /// annotated type, and fields of either.
    fn receiver(&self, around: &Around, walk: &Walk<'_>, at: usize) -> Option<Known> {
        let back = |count: usize| at.checked_sub(count).map_or("", |at| walk.text(at));
        if back(1) == ")" && back(2) == "(" && ["borrow", "borrow_mut"].contains(&back(3)) {
            return match self.receiver(around, walk, at - 4)? {
                Known::Cell(own) => Some(Known::Ours(own)),
                known => Some(known),
            };
        }
        let name = back(1);
        if !is_word(name) {
            return None;
        }
        match back(2) {
            "." => match self.receiver(around, walk, at - 2)? {
                Known::Ours(own) => self.fields.get(&(own, name.to_owned())).cloned(),
                known => Some(known),
            },
            "::" => None,
            _ if name == "self" => around.own.as_ref().map(|(own, _)| own.clone()),
            _ => around.locals.get(name).cloned(),
        }
    }
}

impl Around {
    /// Forgets the last function, and takes in the parameters of the one at `at`.
    fn enter(&mut self, walk: &Walk<'_>, at: usize, modules: &Modules) {
        self.locals.clear();
        if self.own.as_ref().is_some_and(|(_, depth)| walk.depth() < *depth) {
            self.own = None;
        }
        let Some(open) = (at..walk.tokens.len()).find(|&at| walk.text(at) == "(") else { return };
        let mut depth = 0;
        for at in open..walk.tokens.len() {
            match walk.text(at) {
                "(" => depth += 1,
                ")" => depth -= 1,
                ":" if depth == 1 => {
                    let known = annotated(walk, at + 1, modules, self.own.as_ref());
                    self.locals.insert(walk.text(at - 1).to_owned(), known);
                }
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
    }
}

/// The head of an `impl` block.
struct Head {
    inherent: bool,
    /// The type it is about, if that is the crate's.
    own: Option<Type>,
}

impl Head {
    fn read(walk: &Walk<'_>, at: usize, modules: &Modules) -> Head {
        let mut begin = at + 1;
        if walk.text(begin) == "<" {
            begin = behind_generics(walk, begin);
        }
        let end = (begin..walk.tokens.len()).find(|&at| ["{", "where"].contains(&walk.text(at)));
        let end = end.unwrap_or(begin);
        // `for<'a>` belongs to a bound.
        let of = (begin..end).find(|&at| walk.text(at) == "for" && walk.text(at + 1) != "<");
        let own = match annotated(walk, of.map_or(begin, |of| of + 1), modules, None) {
            Known::Ours(own) => Some(own),
            _ => None,
        };
        Head { inherent: of.is_none(), own }
    }
}

/// Where the generics that open at `at` are closed.
fn behind_generics(walk: &Walk<'_>, at: usize) -> usize {
    let mut depth = 0;
    for at in at..walk.tokens.len() {
        match walk.text(at) {
            "<" => depth += 1,
            // `->` closes nothing.
            ">" if walk.text(at - 1) != "-" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at + 1;
        }
    }
    at
}

/// Whether the parameters behind a function's name begin with `self`.
fn takes_self(walk: &Walk<'_>, at: usize) -> bool {
    let open = if walk.text(at) == "<" { behind_generics(walk, at) } else { at };
    let first = (open + 1..walk.tokens.len()).map(|at| walk.text(at));
    first.take_while(|text| ![",", ")", ":"].contains(text)).any(|text| text == "self")
}

/// Whether the colon at `at` annotates a variable: `let x: X`, `|x: &X|`.
fn is_local(walk: &Walk<'_>, at: usize) -> bool {
    let back = |count: usize| at.checked_sub(count).map_or("", |at| walk.text(at));
    is_word(back(1)) && ["let", "mut", "|"].contains(&back(2))
}

/// The type annotated at `at`, its pointers followed.
fn annotated(
    walk: &Walk<'_>,
    mut at: usize,
    modules: &Modules,
    own: Option<&(Known, usize)>,
) -> Known {
    const POINTERS: &[&str] = &["Box", "Rc", "Arc", "Ref", "RefMut", "MutexGuard"];
    loop {
        match walk.text(at) {
            "&" | "mut" | "dyn" | "impl" => at += 1,
            // A lifetime.
            "'" => at += 2,
            word if is_word(word) => break,
            _ => return Known::Foreign,
        }
    }
    let (end, path) = inline_path(&walk.tokens, at);
    let last = path.rsplit("::").next().unwrap_or_default();
    if walk.text(end) == "<" && (POINTERS.contains(&last) || last == "RefCell") {
        return match annotated(walk, end + 1, modules, own) {
            Known::Ours(inner) if last == "RefCell" => Known::Cell(inner),
            known => known,
        };
    }
    if path == "Self" {
        return own.map_or(Known::Foreign, |(own, _)| own.clone());
    }
    ours(modules, &walk.module(), &path).map_or(Known::Foreign, Known::Ours)
}

/// The type of the crate that a path leads to.
fn ours(modules: &Modules, module: &str, path: &str) -> Option<Type> {
    match modules.resolve(module, path)? {
        Target::Item { module, name, .. } => Some(format!("{module}::{name}")),
        Target::Module(_) => None,
    }
}

/// Methods of std's types: where the receiver is not evident, such a name does not say whose it is.
#[rustfmt::skip]
const STD: &[&str] = &[
    "abs", "accept", "add", "all", "and", "and_then", "any", "append", "as_abstract_namespace",
    "as_bytes", "as_deref", "as_millis", "as_mut", "as_nanos", "as_pathname", "as_ref", "as_secs",
    "as_slice", "as_str", "back", "binary_search", "bind", "borrow", "borrow_mut", "by_ref",
    "bytes", "capacity", "chain", "chars", "checked_add", "checked_sub", "chunks", "clear",
    "clone", "cloned", "cmp", "code", "collect", "connect", "contains", "contains_key", "copied",
    "count", "cycle", "dedup", "drain", "duration_since", "elapsed", "end", "ends_with", "entry",
    "enumerate", "eq", "err", "error", "expect", "extend", "fill", "filter", "filter_map", "find",
    "first", "flat_map", "flatten", "flush", "fmt", "fold", "for_each", "front", "get", "get_mut",
    "get_or_init", "get_or_insert_with", "get_or_try_init", "hash", "id", "index", "insert",
    "insert_str", "inspect", "into_inner", "into_iter", "ip", "is_empty", "is_err", "is_finished",
    "is_ipv4", "is_ipv6", "is_none", "is_ok", "is_poisoned", "is_some", "is_unnamed", "iter",
    "iter_mut", "join", "keys", "kind", "last", "len", "lines", "lock", "map", "map_or",
    "matches", "max", "min", "name", "next", "notify_all", "notify_one", "nth", "octets", "ok",
    "or", "or_default", "or_else", "park", "parse", "partition", "peek", "peer_addr", "pop",
    "pop_back", "pop_front", "port", "position", "pow", "product", "push", "push_back",
    "push_front", "push_str", "range", "read", "read_exact", "recv", "recv_from", "remove",
    "replace", "reserve", "resize", "retain", "rev", "rfind", "run", "rposition",
    "saturating_sub", "scan", "seek", "send", "send_to", "set", "set_nonblocking", "shutdown",
    "size", "skip", "sort", "spawn", "split", "split_off", "start", "starts_with", "step_by",
    "store", "strip_prefix", "sub", "sum", "swap", "take", "take_error", "take_while", "then",
    "thread", "trim", "truncate", "try_from", "try_into", "try_lock", "try_recv", "unpark",
    "unwrap", "upgrade", "values", "wait", "wait_timeout", "wait_while", "windows", "with",
    "write", "write_all", "write_str", "zip",
];
