//! `cargo xtask fuzz` writes down what it failed over, whatever the input did to the process that read it, and
//! says so in a line. The targets here go wrong where an input has a word in it (`xtask/src/fuzz/drills.rs`).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

fn fuzz(args: &[&str]) -> Output {
    let mut xtask = Command::new(env!("CARGO_BIN_EXE_xtask"));
    xtask.arg("fuzz").args(args).stdin(Stdio::null()).output().expect("xtask runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

/// Inputs enough that some have the word in it.
const MANY: [&str; 4] = ["--inputs", "5000", "--seed", "3"];

/// A drill goes wrong in this way, over an input that does the same when it is played by itself.
fn is_written_down(drill: &str, how: &str) {
    let output = fuzz(&[&[drill][..], &MANY].concat());
    let said = text(&output.stdout);
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(1), String::new()), "{said}");
    let (line, again) = said.trim_end().split_once('\n').expect("two lines");
    assert!(line.starts_with(&format!("{drill}: ")) && line.contains(how), "{said}");
    let command = format!("  again: cargo xtask fuzz {drill} --play ");
    let path = Path::new(again.strip_prefix(&command).expect("the command")).to_owned();
    let input = fs::read(&path).expect("the input is there");
    assert!(String::from_utf8_lossy(&input).contains("boom"), "{input:?}");

    let played = fuzz(&[drill, "--play", path.to_str().expect("text")]);
    assert_eq!(played.status.code(), Some(1));
    assert_eq!(text(&played.stdout), format!("{line}\n"), "by itself as among others");
    fs::write(&path, "no such word").expect("it can be written");
    let played = fuzz(&[drill, "--play", path.to_str().expect("text")]);
    assert_eq!((played.status.code(), text(&played.stdout)), (Some(0), format!("{drill}: held\n")));
    fs::remove_file(&path).expect("it is there");
}

#[test]
fn a_panic_is_written_down_with_its_text_escaped() {
    is_written_down("drill/panics", "panicked: a planted\\n\\u{1b}panic");
}

#[test]
fn what_should_have_held_is_written_down() {
    is_written_down("drill/errs", "a planted error");
}

#[test]
fn an_abort_is_written_down_with_its_signal() {
    is_written_down("drill/aborts", "ended the process (signal: 6 (SIGABRT)");
}

#[test]
fn an_end_that_looks_well_is_written_down() {
    is_written_down("drill/exits", "ended the process (exit status: 0)");
}

#[test]
fn a_stack_that_overflows_is_written_down_as_that() {
    is_written_down("drill/overflows", "stack overflow");
}

#[test]
fn a_loop_without_an_end_is_written_down() {
    is_written_down("drill/hangs", "not read within 1s");
}

#[test]
fn memory_that_is_not_given_back_is_written_down() {
    is_written_down("drill/grows", "took 300 MiB of memory");
}

#[test]
fn memory_that_nobody_has_is_refused_and_written_down() {
    is_written_down("drill/wants-all", "memory allocation of 1099511627776 bytes failed");
}

#[test]
fn what_holds_is_counted() {
    let output = fuzz(&["hosts", "--inputs", "130"]);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/hosts");
    let kept = fs::read_dir(folder).expect("it is there").count();
    let line: Vec<&str> = said.split_whitespace().collect();
    assert_eq!(line[..3], ["hosts", &(130 + kept).to_string(), "inputs"], "{said}");
}

#[test]
fn each_flag_that_is_odd_is_a_line_that_says_what_is_taken() {
    let file = env!("CARGO_MANIFEST_DIR").to_owned() + "/Cargo.toml";
    let missing = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("no such input");
    let missing = missing.to_str().expect("text");
    let folder = env!("CARGO_MANIFEST_DIR");
    for (args, why) in [
        (&["nonsense"][..], "no target `nonsense`; there are: token, weather, "),
        (&["--inputs"], "`fuzz --inputs` takes a number"),
        (&["--inputs", "many"], "`--inputs many`: no number"),
        (&["--inputs", "-1"], "`--inputs -1`: no number"),
        (&["--inputs", "99999999999999999999"], "`--inputs 99999999999999999999`: no number"),
        (&["--for"], "`fuzz --for` takes a time, as 30s"),
        (&["--for", "30"], "`--for 30`: a time is 30s"),
        (&["--for", "-1s"], "`--for -1s`: a time is 30s"),
        (&["--for", "99999999999999999999s"], "`--for 99999999999999999999s`: a time is 30s"),
        (&["--seed", "x"], "`--seed x`: no number"),
        (&["--seed", "1", "--seed", "2"], "`fuzz` takes --seed once"),
        (&["--for", "1s", "--inputs", "1"], "`fuzz` takes --inputs or --for, not both"),
        (&["--nonsense"], "`fuzz` does not know `--nonsense`; it takes --inputs N, --for 30s"),
        (&["hosts", "--play"], "`fuzz TARGET --play` takes files"),
        (&["--play", &file], "`fuzz TARGET --play FILE…` takes one target"),
        (&["hosts", "dns", "--play", &file], "`fuzz TARGET --play FILE…` takes one target"),
        (&["hosts", "--seed", "1", "--play", &file], "`fuzz TARGET --play FILE…` takes no --seed"),
        (&["hosts", "--play", missing], "no such input: No such file or directory"),
        (&["hosts", "--play", folder], "xtask: it is no file"),
        (&["hosts", "--play", "/dev/zero"], "/dev/zero: it is no file"),
    ] {
        let output = fuzz(args);
        let said = text(&output.stderr);
        assert_eq!(
            (output.status.code(), text(&output.stdout)),
            (Some(2), String::new()),
            "{said}"
        );
        assert!(said.starts_with("xtask: ") && said.contains(why), "{args:?}: {said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
}

#[test]
fn nobody_calls_the_reader_by_hand() {
    let mut xtask = Command::new(env!("CARGO_BIN_EXE_xtask"));
    let output = xtask.arg("fuzz-child").stdin(Stdio::null()).output().expect("xtask runs");
    let said = "xtask: fuzz-child: it is started by another command, not by hand\n";
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(2), said.into()));
}
