//! Small planted trees: what is an arrow, what leads up, and what is a circle.

use super::*;

const TREE: Crate = Crate {
    folder: "zoo/src",
    enforced: true,
    floors: &[
        floor("ground", &["ground", "attic/cellar"]),
        floor("middle", &["middle", "side"]),
        floor("attic", &["attic", "lib"]),
    ],
    circles: &[],
};

fn findings(tree: &Crate, files: &[(&str, &str)]) -> Vec<String> {
    let files: Vec<_> = files.iter().map(|(p, t)| ((*p).to_owned(), (*t).to_owned())).collect();
    tree.findings(&arrows::judge(&files)).iter().map(ToString::to_string).collect()
}

/// The findings of a tree are exactly these, by their beginnings.
#[track_caller]
fn finds(files: &[(&str, &str)], expected: &[&str]) {
    let lines = findings(&TREE, files);
    let matches = lines.len() == expected.len()
        && lines.iter().zip(expected).all(|(line, start)| line.starts_with(start));
    assert!(matches, "found {lines:#?}, expected {expected:#?}");
}

#[test]
fn an_import_upward_fails_with_file_and_line() {
    finds(
        &[
            ("attic.rs", "pub struct A;\nuse crate::ground::G;\nmod cellar;\n"),
            ("ground.rs", "pub struct G;\n\nuse crate::{attic::A};\n"),
        ],
        &[
            "zoo/src/ground.rs:3: `crate::attic::A` leads up from ground to attic.rs (attic), a file",
            "zoo/src/attic.rs:2: 2 files need each other: attic.rs:2 (`crate::ground::G`) → ground.rs:3",
        ],
    );
    // The longest place counts; a path in code is an arrow, and a name in a comment is none.
    finds(
        &[
            ("attic/cellar.rs", "// crate::attic::A\npub struct C;\nfn f() { super::a() }"),
            ("attic.rs", "pub fn a() {}"),
            ("middle.rs", "use crate::attic::cellar::C;"),
        ],
        &["zoo/src/attic/cellar.rs:3: `super::a` leads up from ground to attic.rs (attic)"],
    );
    finds(&[("shed.rs", "")], &["zoo/src/shed.rs:1: it stands on no floor"]);
}

#[test]
fn a_re_export_leads_to_the_file_that_defines() {
    finds(
        &[
            ("lib.rs", "pub use attic::room::R as Room;\npub use ground::*;"),
            ("attic.rs", "pub mod room;\npub use self::room::R;"),
            ("attic/room.rs", "pub struct R;"),
            ("ground.rs", "pub struct G;\npub mod inner { pub fn g() {} }"),
            ("middle.rs", "use crate::Room;\nuse crate::attic;\nfn f(_: attic::R) {}"),
            ("side.rs", "use crate::*;\nfn f(_: G) { crate::inner::g() }\nfn g(_: Room) {}"),
        ],
        &[
            "zoo/src/middle.rs:1: `crate::Room` leads up from middle to attic/room.rs (attic)",
            "zoo/src/middle.rs:3: `attic::R` leads up from middle to attic/room.rs (attic)",
            "zoo/src/side.rs:3: `Room` leads up from middle to attic/room.rs (attic)",
        ],
    );
}

#[test]
fn a_macro_leads_to_the_file_it_stands_in() {
    finds(
        &[
            ("attic.rs", "#[macro_export]\nmacro_rules! call { () => {} }"),
            ("ground.rs", "fn f() { crate::call!() }"),
            ("lib.rs", "mod attic;\nmod ground;"),
        ],
        &["zoo/src/ground.rs:1: `crate::call` leads up from ground to attic.rs (attic)"],
    );
}

#[test]
fn a_method_called_upward_fails() {
    let world = "pub struct World { pub table: Table }\npub struct Table;\n\
                 impl World {\n    fn own(&self) {}\n}";
    let above = "use crate::ground::{Table, World};\n\
                 impl World {\n    pub fn transmit(&self) {}\n    pub fn get(&self) {}\n    \
                 pub fn make() {}\n}\n\
                 impl<T> Clone for World { fn cloned_so(&self) {} }\n\
                 impl Table {\n    pub fn get(&self) {}\n}";
    let calls = |body: &str| format!("{world}\nfn f(w: &mut World, t: Table) {{ {body} }}");
    for (body, by) in [
        ("x().transmit()", ".transmit()"),
        ("w.transmit()", ".transmit()"),
        ("w.get()", ".get()"),
        ("w.table.get()", ".get()"),
        ("World::make()", "World::make"),
        ("g(|y: &Rc<RefCell<World>>| y.borrow_mut().get())", ".get()"),
        ("let y: Box<World> = z; y.get()", ".get()"),
    ] {
        let start = format!("zoo/src/ground.rs:6: `{by}` leads up from ground to attic.rs");
        finds_first(&[("ground.rs", &calls(body)), ("attic.rs", above)], &start);
    }
    // Two have it, or std has; a local's type is not told; it is another's; its own floor's.
    for body in ["x().get()", "t.transmit()", "w.own()", "v.cloned_so()", "w.clone()"] {
        finds(&[("ground.rs", &calls(body)), ("attic.rs", above)], &[]);
    }
    let method =
        format!("{world}\nimpl World {{\n    fn g(&self) {{\n        self.get();\n    }}\n}}");
    finds_first(
        &[("ground.rs", &method), ("attic.rs", above)],
        "zoo/src/ground.rs:8: `.get()` leads up from ground to attic.rs",
    );
}

#[track_caller]
fn finds_first(files: &[(&str, &str)], start: &str) {
    let lines = findings(&TREE, files);
    assert!(lines.first().is_some_and(|line| line.starts_with(start)), "{lines:#?}, {start}");
}

#[test]
fn a_method_of_a_trait_is_nobodys_in_particular() {
    let above = "pub struct A;\nimpl A { pub fn look(&self) {} }";
    let ground = "trait Look { fn look(&self); }\nfn f() { x().look() }";
    finds(&[("ground.rs", ground), ("attic.rs", above)], &[]);
}

#[test]
fn tests_may_look_up() {
    let ground = "#[cfg(test)]\nmod tests {\n    use crate::attic::A;\n}\n#[cfg(test)]\nmod rig;\n";
    finds(
        &[
            ("attic.rs", "pub struct A;"),
            ("ground.rs", ground),
            ("ground/rig.rs", "use crate::attic::A;"),
            ("ground/tests.rs", "use crate::attic::A;"),
        ],
        &[],
    );
}

/// `count` files in a folder, each leading to the next and the last to the first.
fn ring(folder: &str, count: usize) -> Vec<(String, String)> {
    let file = |number: usize| {
        let next = (number + 1) % count;
        let text = format!("pub struct S{number};\nuse super::f{next}::S{next};");
        (format!("{folder}/f{number}.rs"), text)
    };
    (0..count).map(file).collect()
}

#[test]
fn a_circle_of_seven_files_fails_and_one_of_six_is_listed() {
    const LISTED: Crate = Crate { circles: &[("middle", "one thing in pieces")], ..TREE };
    let judge = |tree: &Crate, files: &[(String, String)]| -> Vec<String> {
        tree.findings(&arrows::judge(files)).iter().map(ToString::to_string).collect()
    };
    let unlisted = judge(&TREE, &ring("middle", 6));
    assert_eq!(unlisted.len(), 1);
    let start =
        "zoo/src/middle/f0.rs:2: 6 files need each other: middle/f0.rs:2 (`super::f1::S1`) → ";
    assert!(unlisted[0].starts_with(start), "{unlisted:?}");
    assert!(judge(&LISTED, &ring("middle", 6)).is_empty());
    let seven = judge(&LISTED, &ring("middle", 7));
    assert_eq!(seven.len(), 1);
    assert!(seven[0].starts_with("zoo/src/middle:1: 7 files in a folder"), "{seven:?}");
    // Not only the files of the folder, and none at all.
    let mut wide = ring("middle", 2);
    wide[0].1 += "\nuse crate::side::Z;";
    wide.push(("middle.rs".into(), "pub mod f0;\npub mod f1;".into()));
    wide.push(("side.rs".into(), "pub struct Z;\nuse crate::middle::f0::S0;".into()));
    let wide = judge(&LISTED, &wide);
    assert!(wide[0].starts_with("zoo/src/middle/f0.rs:2: 3 files need each other"), "{wide:?}");
    let none = judge(&LISTED, &[]);
    assert_eq!(none, ["zoo/src/middle:1: listed as a circle and is none, the list says what is"]);
}
