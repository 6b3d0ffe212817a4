//! The example server as a process of its own: asked to stop in the ways people do, it answers
//! whom it serves and exits with 0.

#[path = "../examples/serve.rs"]
mod example;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Stdio};

const CHILD: &str = "GREENROOM_TEST_SERVE_CHILD";
const TEST: &str = "asked_to_stop_the_example_answers_whom_it_serves_and_exits_with_0";

/// A server process, and what it says.
struct Server {
    process: Child,
    said: BufReader<ChildStdout>,
    address: String,
}

impl Server {
    /// Starts one with this command, in which `@` stands for the program.
    fn start(command: &[&str]) -> Server {
        let program = std::env::current_exe().unwrap();
        let program = program.to_str().unwrap();
        let line = format!("{program} --exact {TEST} --nocapture --test-threads=1");
        let words = command.iter().flat_map(|&word| match word {
            "@" => line.split(' ').map(str::to_owned).collect(),
            quoted => vec![quoted.replace("@", &line)],
        });
        let words: Vec<String> = words.collect();
        let mut spawned = Command::new(&words[0]);
        spawned.args(&words[1..]).env(CHILD, "1").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = spawned.spawn().unwrap();
        let said = BufReader::new(process.stdout.take().unwrap());
        let mut server = Server { process, said, address: String::new() };
        let line = server.hears("serving http://");
        server.address = line.split_once("http://").unwrap().1.trim().to_owned();
        server
    }

    /// Waits for a line that has this in it.
    fn hears(&mut self, what: &str) -> String {
        let mut line = String::new();
        while !line.contains(what) {
            line.clear();
            let length = self.said.read_line(&mut line).unwrap();
            assert!(length > 0, "it ended before it said {what:?}");
        }
        line
    }

    /// Half a request, which the server has begun to read.
    fn ask(&mut self) -> TcpStream {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.write_all(b"GET /half HTTP/1.1\r\n").unwrap();
        self.hears("is here");
        stream
    }

    /// The server was asked to stop: the rest of the request is answered, and nobody new is.
    fn stops_in_order(mut self, mut stream: TcpStream) {
        self.hears("stopping");
        stream.write_all(b"\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.ends_with("you asked for /half\n"), "{answer:?}");
        self.hears("stopped, 0 unanswered");
        assert!(TcpStream::connect(&self.address).is_err());
        // Nothing that it still has to say finds a closed pipe.
        self.said.read_to_end(&mut Vec::new()).unwrap();
        let status = self.process.wait().unwrap();
        assert_eq!(status.code(), Some(0));
    }
}

#[test]
fn asked_to_stop_the_example_answers_whom_it_serves_and_exits_with_0() {
    if std::env::var_os(CHILD).is_some() {
        return greenroom_real::run(|| example::serve("127.0.0.1:0")).unwrap();
    }
    for signal in ["-INT", "-TERM"] {
        let mut server = Server::start(&["@"]);
        let stream = server.ask();
        let number = server.process.id().to_string();
        assert!(Command::new("kill").args([signal, &number]).status().unwrap().success());
        server.stops_in_order(stream);
    }

    // timeout(1) tells of its own doing, unless it is to tell the program's status.
    let mut server = Server::start(&["timeout", "--preserve-status", "-s", "INT", "3", "@"]);
    let stream = server.ask();
    server.stops_in_order(stream);

    // On a terminal, by hand.
    let mut server = Server::start(&["script", "-qec", "exec @", "/dev/null"]);
    let stream = server.ask();
    server.process.stdin.as_mut().unwrap().write_all(b"\x03").unwrap();
    server.stops_in_order(stream);
}
