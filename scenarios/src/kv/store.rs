//! The store behind the server: finds a request's command, runs it, appends one reply.
//! Not concurrent and without a clock: whoever owns it says what time it is.

use super::keyspace::{ENTRY_BYTES, Keyspace};
use super::replies::Replies;
use super::reply::push_error;
use super::request::Request;
use super::{session, strings};

/// What the connection does after the reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// It waits for the next request.
    Continue,
    /// It ends.
    Close,
}

/// The keys, and the commands that work on them.
#[derive(Debug, Default)]
pub struct Store {
    keys: Keyspace,
    latest_ns: u64,
    /// What it may take of memory, in bytes.
    bytes_max: Option<usize>,
}

impl Store {
    /// A store without keys.
    pub fn new() -> Self {
        Self::default()
    }

    /// As [`new`](Self::new); commands that would take it above so many bytes are refused. That is
    /// Redis's `maxmemory` under the policy `noeviction`, but for the command that crosses the line,
    /// which Redis still runs.
    pub fn bounded(bytes_max: Option<usize>) -> Self {
        Self { bytes_max, ..Self::default() }
    }

    /// Whether there is room for what a request brings.
    fn has_room_for(&self, request: &Request) -> bool {
        let brings = request.byte_count() + request.arg_count().div_ceil(2) * ENTRY_BYTES;
        self.bytes_max.is_none_or(|most| self.keys.size() + brings <= most)
    }

    /// Runs one request and appends its reply. `now_ns` counts from any fixed moment; should it
    /// step back, the store stays where it was, so that an expired key stays expired.
    pub fn execute(&mut self, request: &Request, now_ns: u64, out: &mut Replies) -> Flow {
        self.latest_ns = self.latest_ns.max(now_ns);
        self.keys.bury(self.latest_ns);
        let Some(command) = find(request.arg(0)) else {
            push_error(&mut out.bytes, &unknown_command(request));
            return Flow::Continue;
        };
        let takes = command.takes(request.arg_count());
        let has_room = !command.grows || self.has_room_for(request);
        let keys = &mut self.keys;
        let mut call = Call { keys, request, now_ns: self.latest_ns, out, flow: Flow::Continue };
        let outcome = match (takes, has_room) {
            (true, true) => (command.run)(&mut call),
            (true, false) => Err(Refusal::OutOfMemory),
            (false, _) => Err(Refusal::Arity),
        };
        let flow = call.flow;
        if let Err(refusal) = outcome {
            push_error(&mut out.bytes, &refusal.text(command.name));
        }
        flow
    }
}

/// One request on its way through a command.
pub(super) struct Call<'a> {
    pub keys: &'a mut Keyspace,
    pub request: &'a Request,
    pub now_ns: u64,
    pub out: &'a mut Replies,
    pub flow: Flow,
}

/// Why a command was not run. A command refuses before it has changed or appended anything.
#[derive(Debug, PartialEq)]
pub(super) enum Refusal {
    Arity,
    Syntax,
    NotInteger,
    Overflow,
    DecrementOverflow,
    ExpireTime,
    ExpireOption(String),
    Database,
    Subcommand(String),
    Protocol,
    OutOfMemory,
}

impl Refusal {
    /// Redis's words; clients match on them.
    fn text(&self, command: &str) -> String {
        match self {
            Self::Arity => format!("ERR wrong number of arguments for '{command}' command"),
            Self::Syntax => "ERR syntax error".into(),
            Self::NotInteger => "ERR value is not an integer or out of range".into(),
            Self::Overflow => "ERR increment or decrement would overflow".into(),
            Self::DecrementOverflow => "ERR decrement would overflow".into(),
            Self::ExpireTime => format!("ERR invalid expire time in '{command}' command"),
            Self::ExpireOption(option) => format!("ERR Unsupported option {option}"),
            Self::Database => "ERR DB index is out of range".into(),
            Self::Subcommand(sub) => {
                let container = command.to_ascii_uppercase();
                format!("ERR unknown subcommand '{sub}'. Try {container} HELP.")
            }
            Self::Protocol => "NOPROTO unsupported protocol version".into(),
            Self::OutOfMemory => {
                "OOM command not allowed: it would take the keys above 'maxmemory'".into()
            }
        }
    }
}

pub(super) type Outcome = Result<(), Refusal>;

struct Command {
    name: &'static str,
    /// As Redis counts: the name included, negative for "at least".
    arity: isize,
    /// Whether it may store more than there was.
    grows: bool,
    run: fn(&mut Call) -> Outcome,
}

impl Command {
    fn takes(&self, arg_count: usize) -> bool {
        let wanted = self.arity.unsigned_abs();
        if self.arity < 0 { arg_count >= wanted } else { arg_count == wanted }
    }
}

/// The busiest first: the search goes from top to bottom.
const COMMANDS: [Command; 28] = [
    Command { name: "get", arity: 2, grows: false, run: strings::get },
    Command { name: "set", arity: -3, grows: true, run: strings::set },
    Command { name: "incr", arity: 2, grows: true, run: strings::incr },
    Command { name: "decr", arity: 2, grows: true, run: strings::decr },
    Command { name: "incrby", arity: 3, grows: true, run: strings::incrby },
    Command { name: "decrby", arity: 3, grows: true, run: strings::decrby },
    Command { name: "mget", arity: -2, grows: false, run: strings::mget },
    Command { name: "mset", arity: -3, grows: true, run: strings::mset },
    Command { name: "del", arity: -2, grows: false, run: strings::del },
    Command { name: "unlink", arity: -2, grows: false, run: strings::del },
    Command { name: "exists", arity: -2, grows: false, run: strings::exists },
    Command { name: "expire", arity: -3, grows: false, run: strings::expire },
    Command { name: "pexpire", arity: -3, grows: false, run: strings::pexpire },
    Command { name: "persist", arity: 2, grows: false, run: strings::persist },
    Command { name: "ttl", arity: 2, grows: false, run: strings::ttl },
    Command { name: "pttl", arity: 2, grows: false, run: strings::pttl },
    Command { name: "dbsize", arity: 1, grows: false, run: strings::dbsize },
    Command { name: "flushall", arity: -1, grows: false, run: strings::flush },
    Command { name: "flushdb", arity: -1, grows: false, run: strings::flush },
    Command { name: "ping", arity: -1, grows: false, run: session::ping },
    Command { name: "echo", arity: 2, grows: false, run: session::echo },
    Command { name: "select", arity: 2, grows: false, run: session::select },
    Command { name: "quit", arity: -1, grows: false, run: session::quit },
    Command { name: "hello", arity: -1, grows: false, run: session::hello },
    Command { name: "client", arity: -2, grows: false, run: session::client },
    Command { name: "config", arity: -2, grows: false, run: session::config },
    Command { name: "command", arity: -1, grows: false, run: session::command },
    Command { name: "info", arity: -1, grows: false, run: session::info },
];

pub(super) const COMMAND_COUNT: usize = COMMANDS.len();

fn find(name: &[u8]) -> Option<&'static Command> {
    COMMANDS.iter().find(|command| command.name.as_bytes().eq_ignore_ascii_case(name))
}

/// As Redis words it, quoting at most 128 bytes of the name and about as many of the arguments.
fn unknown_command(request: &Request) -> String {
    const QUOTED_MAX: usize = 128;
    let quote = |bytes: &[u8], max: usize| {
        String::from_utf8_lossy(&bytes[..bytes.len().min(max)]).into_owned()
    };
    let mut args = String::new();
    for arg in request.args_from(1) {
        if args.len() >= QUOTED_MAX {
            break;
        }
        args += &format!("'{}' ", quote(arg, QUOTED_MAX - args.len()));
    }
    let name = quote(request.arg(0), QUOTED_MAX);
    format!("ERR unknown command '{name}', with args beginning with: {args}")
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::kv::reply::{Reply, ReplyReader};
    use crate::kv::request::RequestReader;

    /// Types `script` line by line and compares with what redis-cli would print for it.
    /// A line `@5` moves the clock to the fifth millisecond.
    #[track_caller]
    pub fn check(script: &str, expected: &[&str]) {
        let mut store = Store::new();
        let mut now_ns = 0;
        let mut answers = Vec::new();
        for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
            match line.strip_prefix('@') {
                Some(now_ms) => now_ns = now_ms.parse::<u64>().unwrap() * 1_000_000,
                None => answers.push(show(&ask(&mut store, line, now_ns).0)),
            }
        }
        assert_eq!(answers, expected);
    }

    pub fn ask(store: &mut Store, line: &str, now_ns: u64) -> (Reply, Flow) {
        let line = format!("{line}\r\n");
        let mut reader = RequestReader::new(line.as_bytes());
        let (mut replies, mut out) = (Replies::default(), Vec::new());
        let flow = store.execute(reader.read().unwrap(), now_ns, &mut replies);
        replies.write_to(&mut out).unwrap();
        let mut replies = ReplyReader::new(out.as_slice());
        let reply = replies.read().unwrap();
        assert!(replies.read().is_err(), "{line}: one request, one reply");
        (reply, flow)
    }

    fn show(reply: &Reply) -> String {
        match reply {
            Reply::Simple(text) | Reply::Error(text) => text.clone(),
            Reply::Integer(value) => value.to_string(),
            Reply::Bulk(bytes) => format!("{:?}", String::from_utf8_lossy(bytes)),
            Reply::Nil => "nil".into(),
            Reply::Array(replies) => {
                format!("[{}]", replies.iter().map(show).collect::<Vec<_>>().join(" "))
            }
        }
    }

    #[test]
    fn names_ignore_case() {
        check("sEt a 1\nGET a\nget A", &["OK", "\"1\"", "nil"]);
    }

    #[test]
    fn wrong_number_of_arguments_is_named() {
        let complaint = |name: &str| format!("ERR wrong number of arguments for '{name}' command");
        for (line, name) in [
            ("GET", "get"),
            ("GET a b", "get"),
            ("SeT a", "set"),
            ("INCR", "incr"),
            ("MSET a", "mset"),
            ("MSET a 1 b", "mset"),
            ("DEL", "del"),
            ("PING a b", "ping"),
            ("DBSIZE a", "dbsize"),
        ] {
            check(line, &[&complaint(name)]);
        }
    }

    #[test]
    fn unknown_commands_are_quoted_back() {
        check("nope", &["ERR unknown command 'nope', with args beginning with: "]);
        check(
            "Nope a 'b c'",
            &["ERR unknown command 'Nope', with args beginning with: 'a' 'b c' "],
        );
        check("''", &["ERR unknown command '', with args beginning with: "]);
        let long = "x".repeat(300);
        let cut = "x".repeat(128);
        let expected = format!("ERR unknown command '{cut}', with args beginning with: '{cut}' ");
        check(&format!("{long} {long} {long}"), &[&expected]);
        check(r#""a\r\n\xff""#, &["ERR unknown command 'a  \u{fffd}', with args beginning with: "]);
    }

    #[test]
    fn clock_that_steps_back_revives_nobody() {
        check("SET a 1 PX 5\n@5\nGET a\n@4\nGET a", &["OK", "nil", "nil"]);
    }

    #[test]
    fn what_would_take_too_much_is_refused_and_the_rest_is_not() {
        let mut store = Store::bounded(Some(2000));
        let mut said = |line: &str| show(&ask(&mut store, line, 0).0);
        let refusal = "OOM command not allowed: it would take the keys above 'maxmemory'";
        let long = "x".repeat(1000);
        assert_eq!(said(&format!("SET a {long}")), "OK");
        assert_eq!(said(&format!("SET b {long}")), refusal);
        assert_eq!(said(&format!("MSET b 1 c {long}")), refusal);
        assert_eq!(said("SET b"), "ERR wrong number of arguments for 'set' command");
        assert_eq!(said("EXISTS a b c"), "1");
        assert_eq!(said("INCR n"), "1");
        assert_eq!(said("EXPIRE a 5"), "1");
        assert_eq!(said("DEL a"), "1");
        assert_eq!(said(&format!("SET b {long}")), "OK");
    }
}
