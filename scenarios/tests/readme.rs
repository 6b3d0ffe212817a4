//! What the README has users write: its code stands here and is run, its lines of `Cargo.toml` lead to
//! these crates, and the example it names is a command line of one's own.

use std::path::Path;

#[expect(dead_code, reason = "its main ends the process")]
#[path = "../../sim/examples/rehearse.rs"]
mod rehearse;

const README: &str = include_str!("../../README.md");

/// The README's fenced blocks of a language.
fn blocks(language: &str) -> Vec<&'static str> {
    let fenced = README.split("\n```").skip(1).step_by(2);
    fenced.filter_map(|block| block.strip_prefix(language)?.strip_prefix('\n')).collect()
}

/// Its lines, however far they are indented.
fn lines(text: &str) -> String {
    text.trim().lines().map(|line| line.trim().to_owned() + "\n").collect()
}

#[rustfmt::skip]
mod program {
    use std::io::{Read, Write};
    use greenroom::net::{TcpListener, TcpStream};
    use greenroom::thread;

    fn server() -> std::io::Result<()> {
        let listener = TcpListener::bind("0.0.0.0:7070")?;
        for stream in listener.incoming() {
            let mut stream = stream?;
            thread::spawn(move || -> std::io::Result<()> {
                let mut buf = [0; 1024];
                loop {
                    let n = stream.read(&mut buf)?;
                    if n == 0 { return Ok(()) }
                    stream.write_all(&buf[..n])?;
                }
            });
        }
        Ok(())
    }

    fn client() -> std::io::Result<()> {
        let mut stream = TcpStream::connect("srv:7070")?;
        stream.write_all(b"hello")?;
        let mut echo = [0; 5];
        stream.read_exact(&mut echo)?;
        greenroom::always!(&echo == b"hello", "what comes back is what went out");
        Ok(())
    }

    #[test]
    fn as_a_scenario_it_runs_on_both_hubs() {
        use greenroom::scenario::Scenario;

        let echo = Scenario::new("echo", "bytes come back", |stage| {
            stage.server("srv", server);
            stage.client("cli", client);
        });
        greenroom_sim::check(&echo);          // 200 seeds of three weathers, in a #[test]
        greenroom_real::perform(&echo);       // once, on the operating system, in a #[test] too
    }

    #[expect(dead_code, reason = "it ends the process")]
    fn command_line(echo: greenroom::scenario::Scenario) {
        let suite = greenroom_sim::cli::Suite::new("cargo run --example rehearse --", vec![echo]);
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        std::process::exit(greenroom_sim::cli::main(&suite, &arguments));
    }
}

#[test]
fn the_readmes_code_is_what_stands_here() {
    let here = lines(include_str!("readme.rs"));
    let blocks = blocks("rust");
    assert!(blocks.len() >= 3, "{blocks:?}");
    for block in blocks {
        assert!(here.contains(&lines(block)), "not run here:\n{block}");
    }
}

#[test]
fn the_readmes_lines_of_a_cargo_toml_lead_to_these_crates() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("it stands in one");
    let crates = blocks("toml").into_iter().flat_map(str::lines).filter_map(|line| {
        let (name, rest) = line.split_once(" = { path = \"../greenroom/")?;
        Some((name, rest.split_once('"')?.0))
    });
    let crates: Vec<_> = crates.collect();
    assert_eq!(
        crates.iter().map(|(name, _)| *name).collect::<Vec<_>>(),
        ["greenroom", "greenroom-real", "greenroom-sim"]
    );
    for (name, folder) in crates {
        let manifest = std::fs::read_to_string(workspace.join(folder).join("Cargo.toml"));
        let manifest = manifest.unwrap_or_else(|error| panic!("{folder}: {error}"));
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{folder} is not {name}");
    }
}

#[test]
fn the_readmes_example_is_a_command_line() {
    let suite = greenroom_sim::cli::Suite::new("rehearse", vec![rehearse::echo()]);
    let code = |arguments: &str| greenroom_sim::cli::main(&suite, arguments.split(' '));
    for arguments in ["--help", "sim --seed 3 --here --weather stormy"] {
        assert_eq!(code(arguments), 0, "{arguments}");
    }
    assert_eq!(code("sim nothing --seed 1"), 2);
}
