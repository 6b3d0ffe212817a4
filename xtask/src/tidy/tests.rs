//! The real tree is tidy; small broken trees show that each rule bites.

use std::fs;
use std::path::{Path, PathBuf};

use super::source::Source;
use super::{check, unsafety};

#[test]
fn this_tree_is_tidy() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let findings = check(root).unwrap();
    let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert!(lines.is_empty(), "\n{}", lines.join("\n"));
}

/// A tree in the temporary folder, gone when dropped.
struct Tree(PathBuf);

impl Tree {
    fn new(name: &str, files: &[(&str, &str)]) -> Tree {
        let id = std::process::id();
        let root = std::env::temp_dir().join(format!("greenroom-tidy-{name}-{id}"));
        for (path, text) in files {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        Tree(root)
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The findings of a tree of these files are exactly these lines, by their beginnings.
#[track_caller]
fn finds(name: &str, files: &[(&str, &str)], expected: &[&str]) {
    let tree = Tree::new(name, files);
    let lines: Vec<String> = check(&tree.0).unwrap().iter().map(ToString::to_string).collect();
    let matches = lines.len() == expected.len()
        && lines.iter().zip(expected).all(|(line, start)| line.starts_with(start));
    assert!(matches, "found {lines:#?}, expected {expected:#?}");
}

#[test]
fn arrows_point_one_way() {
    let sim = "[package]\nname = \"greenroom-sim\"\n[dependencies]\ngreenroom.workspace = true\n\
               greenroom-real.workspace = true\n";
    finds(
        "arrows",
        &[("sim/Cargo.toml", sim)],
        &["sim/Cargo.toml:5: greenroom-sim depends on greenroom-real, real and sim never meet"],
    );
    let api = "[dev-dependencies]\ngreenroom = { path = \".\" }\n[dependencies.greenroom-sim]\n";
    finds(
        "arrows-api",
        &[("api/Cargo.toml", api)],
        &["api/Cargo.toml:3: greenroom depends on greenroom-sim, the api knows no world"],
    );
    let renamed = "[dependencies]\nworld = { package = \"greenroom-sim\", path = \"../sim\" }\n\
                   other = { path = \"../sim\" }\n";
    finds(
        "arrows-renamed",
        &[("real/Cargo.toml", renamed)],
        &[
            "real/Cargo.toml:2: greenroom-real depends on greenroom-sim",
            "real/Cargo.toml:3: greenroom-real depends on greenroom-sim",
        ],
    );
    finds("arrows-new", &[("zoo/Cargo.toml", "[package]\n")], &["zoo/Cargo.toml:1: no arrows"]);
}

#[test]
fn tcp_and_choices_import_no_sibling() {
    let segment = "//! x\nuse super::State;\nuse super::super::net::Link;\nuse crate::{tcp::A, clock};\n\
                   fn f() { crate::trace::line() }\n\
                   #[cfg(test)]\nmod tests {\n    use crate::net::Pair;\n}\n";
    finds(
        "alone",
        &[("sim/src/tcp/segment.rs", segment)],
        &[
            "sim/src/tcp/segment.rs:3: `super::super::net::Link`, in sim, tcp and choices",
            "sim/src/tcp/segment.rs:4: `crate::clock`",
            "sim/src/tcp/segment.rs:5: `crate::trace::line`",
        ],
    );
    let choices = "//! x\nuse crate::choices::A;\nuse super::path::Path;\n\
                   mod a {\n    use super::A;\n    use super::super::B;\n}\n";
    finds(
        "alone-choices",
        &[("sim/src/choices.rs", choices)],
        &["sim/src/choices.rs:3:", "sim/src/choices.rs:6:"],
    );
    finds("alone-seen", &[("sim/src/choices/a.rs", "//! x\npub(crate) struct A;\n")], &[]);
    finds("alone-tests", &[("sim/src/tcp/tests/a.rs", "//! x\nuse crate::net::A;\n")], &[]);
}

#[test]
fn files_say_what_they_are() {
    finds(
        "docs",
        &[("api/src/a.rs", "fn f() {}\n"), ("api/src/b.rs", "//! b\n")],
        &["api/src/a.rs:1: no `//!` line"],
    );
}

#[test]
fn clocks_stay_in_their_files() {
    let clock = "//! x\n// std::time::Instant\nuse std::{time::{Duration, Instant}};\n\
                 fn f() { Instant::now(); }\nfn g() { \"std::time::Instant\"; }\n";
    finds(
        "clocks",
        &[("api/src/a.rs", clock), ("real/src/a.rs", clock), ("sim/src/cli/a.rs", clock)],
        &[
            "api/src/a.rs:3: `std::time::Instant`, time comes from the hub",
            "api/src/a.rs:4: `std::time::Instant::now`, time comes from the hub",
        ],
    );
    let hidden = "//! x\nuse std::time;\nfn f() { time::SystemTime::now(); }\n";
    finds("clocks-hidden", &[("sim/tests/a.rs", hidden)], &["sim/tests/a.rs:3:"]);
    let ours = "//! x\nuse greenroom::time::Instant;\nfn f() { Instant::now(); }\n";
    finds("clocks-ours", &[("scenarios/src/a.rs", ours)], &[]);
}

#[test]
fn chance_comes_off_the_tape() {
    let ours = "//! x\nuse greenroom::{check, rand};\nfn f() { rand::choose(); }\n";
    finds("chance-ours", &[("scenarios/src/a.rs", ours)], &[]);
    let files = [
        ("sim/src/net.rs", "//! x\nuse rand_chacha::ChaCha8Rng;\n"),
        ("sim/src/choices.rs", "//! x\nuse rand_chacha::ChaCha8Rng;\n"),
        (
            "api/src/a.rs",
            "//! x\nuse std::hash::RandomState;\nlet rand = 1; crate::rand::fill();\n",
        ),
        ("real/src/a.rs", "//! x\nfn f() { libc::getrandom(); }\n"),
        ("real/src/sys.rs", "//! x\nfn f() { libc::getrandom(); }\n"),
        ("scenarios/Cargo.toml", "[dependencies]\nrand = \"0.9\"\n"),
        ("scenarios/src/a.rs", "//! x\nfn f() { rand::random(); open(\"/dev/urandom\"); }\n"),
    ];
    finds(
        "chance",
        &files,
        &[
            "api/src/a.rs:2: `std::hash::RandomState`, all chance comes off one tape",
            "real/src/a.rs:2: `libc::getrandom`",
            "scenarios/Cargo.toml:2: depends on rand",
            "scenarios/src/a.rs:2: `rand::random`",
            "sim/src/net.rs:2: `rand_chacha::ChaCha8Rng`",
        ],
    );
}

#[test]
fn hash_tables_name_their_hasher() {
    let tables = "//! x\nuse std::collections::{HashMap, HashSet};\n\
                  struct A(HashMap<u8, (u8, u8)>, HashMap<u8, u8, Fixed>);\n\
                  struct B(HashSet<u8>, HashSet<\n    u8,\n    Fixed,\n>);\n\
                  fn f() { HashMap::new(); }\nfn g() { HashMap::default(); }\n";
    finds(
        "hash",
        &[("sim/src/a.rs", tables), ("xtask/src/a.rs", tables)],
        &[
            "sim/src/a.rs:3: a `HashMap`, its order differs",
            "sim/src/a.rs:4: a `HashSet`",
            "sim/src/a.rs:8: a `HashMap`",
        ],
    );
}

#[test]
fn unsafe_is_rare_and_argued() {
    let block = "//! x\nfn f() {\n    unsafe { g() }\n}\n";
    let argued = "//! x\n#![allow(unsafe_code)]\nfn f() {\n    // SAFETY: because.\n    \
                  let a =\n        unsafe { g() };\n    unsafe { g() };\n}\nunsafe fn h() {}\n";
    finds(
        "unsafe",
        &[("sim/src/a.rs", block), ("real/src/sys.rs", argued)],
        &[
            "real/src/sys.rs:7: `unsafe` without `// SAFETY:`",
            "real/src/sys.rs:9: `unsafe` without `// SAFETY:`",
            "sim/src/a.rs:3: `unsafe`, it fits in few files",
        ],
    );
    let lifted = "//! unsafe {\n#![allow(unsafe_code)]\n";
    finds("unsafe-lifted", &[("scenarios/src/a.rs", lifted)], &["scenarios/src/a.rs:2:"]);
}

#[test]
fn an_argument_has_text_and_belongs_to_its_statement() {
    let found = |body: &str| {
        let text = format!("//! x\nfn f() {{\n{body}\n}}\n");
        let source = Source::new("real/src/sys.rs", &text);
        let uses = unsafety::uses(&source);
        uses.into_iter()
            .map(|found| found.argument.map(|lines| lines.join(" ")))
            .collect::<Vec<_>>()
    };
    let because = || Some("because of this.".to_owned());
    for argued in [
        "// SAFETY: because\n// of this.\nunsafe { g() }",
        "// First a word.\n// SAFETY: because of this.\nunsafe { g() }",
        "unsafe { g() } // SAFETY: because of this.",
        "// SAFETY: because of this.\nlet a = f(\n    b,\n    1 + unsafe { g() },\n);",
        "let a = f(\n    b,\n    // SAFETY: because of this.\n    unsafe\n    { g() },\n);",
        "match a {\n    // SAFETY: because of this.\n    1 => unsafe { g() },\n}",
        "// SAFETY: because of this.\n#[inline]\nunsafe impl A for B {}",
        "// SAFETY: because of this.\nunsafe extern \"C\" {\n    fn g();\n}",
        "/// G.\n///\n/// # Safety\n///\n/// because of this.\npub unsafe fn g() {}",
        "/// # Safety\n/// because of this.\nunsafe extern \"C\" fn g() {}",
    ] {
        assert_eq!(found(argued), [because()], "{argued}");
    }
    for bare in [
        "unsafe { g() }",
        "// SAFETY:\nunsafe { g() }",
        "// SAFETY: …\n\nunsafe { g() }",
        "//\n// SAFETY: --\n//\nunsafe { g() }",
        "// SAFETY: because of this.\n\nunsafe { g() }",
        "// SAFETY: because of this.\nf(); // and more\nunsafe { g() }",
        "\"// SAFETY: because of this.\"; unsafe { g() }",
        "a(1); // SAFETY: because of this.\nlet a = 1 + unsafe { g() };",
        "match a {\n    // SAFETY: because of this.\n    1 => 1,\n    2 => unsafe { g() },\n}",
        "/// Not said to be so. SAFETY: because of this.\nunsafe fn g() {}",
        "/// # Safety\nunsafe fn g() {}",
        "#[unsafe(no_mangle)]\nfn g() {}",
    ] {
        assert_eq!(found(bare), [None], "{bare}");
    }
    // A function's type promises nothing, and a word may begin with it.
    assert_eq!(found("let g: unsafe extern \"C\" fn(u8); let unsafety = 1;"), [None]);
    finds(
        "unsafe-pointer",
        &[("real/src/sys.rs", "//! x\ntype G = unsafe fn(u8);\nunsafe fn g() {}\n")],
        &["real/src/sys.rs:3: `unsafe` without `// SAFETY:`"],
    );
}

#[test]
fn every_unsafe_of_this_tree_is_argued() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    assert!(unsafety::report(root).unwrap(), "one above says NO ARGUMENT");
}

#[test]
fn tests_do_not_sleep() {
    let sleepy = "//! x\nuse std::thread;\nfn f() { thread::sleep(d); }\n\
                  #[test]\nfn t() {\n    thread::sleep(d);\n}\n";
    let ours = "//! x\nuse greenroom::thread;\nfn f() { thread::sleep(d); }\n";
    finds(
        "sleep",
        &[("real/src/a.rs", sleepy), ("real/tests/b.rs", ours)],
        &["real/src/a.rs:6: `std::thread::sleep`, a test awaits an event"],
    );
}

#[test]
fn nothing_is_left_to_do() {
    let left = "//! x\nfn f() { todo!() }\nfn g() { unimplemented!() }\n#[ignore]\nfn h() {}\n";
    finds(
        "todo",
        &[("api/src/a.rs", left)],
        &[
            "api/src/a.rs:2: `todo!`",
            "api/src/a.rs:3: `unimplemented!`",
            "api/src/a.rs:4: `#[ignore`",
        ],
    );
}

#[test]
fn no_machine_is_named() {
    let place = concat!("see /wo", "rk/x\n");
    let config = "[alias]\n[source.mirror]\n";
    let lock = "source = \"registry+https://github.com/rust-lang/crates.io-index\"\n\
                source = \"git+https://example.com/x\"\n";
    let files = [("README.md", place), (".cargo/config.toml", config), ("Cargo.lock", lock)];
    finds(
        "machine",
        &files,
        &[".cargo/config.toml:2: chooses a registry", "Cargo.lock:2: source", "README.md:1: names"],
    );
}
