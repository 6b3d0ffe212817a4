//! The commands clients send before and beside the ones that touch keys: greetings, questions
//! about the server. Just enough for redis-cli and redis-benchmark to start; nothing is remembered
//! per connection.

use super::reply::{push_array, push_nil, push_reply_integer, push_simple};
use super::resp::{parse_integer, push_bulk};
use super::store::{COMMAND_COUNT, Call, Flow, Outcome, Refusal};

/// Whose behaviour is imitated; clients decide by it what they may send.
const REDIS_VERSION: &str = "7.0.0";

pub(super) fn ping(call: &mut Call) -> Outcome {
    match call.request.arg_count() {
        1 => push_simple(&mut call.out.bytes, "PONG"),
        2 => push_bulk(&mut call.out.bytes, call.request.arg(1)),
        _ => return Err(Refusal::Arity),
    }
    Ok(())
}

pub(super) fn echo(call: &mut Call) -> Outcome {
    push_bulk(&mut call.out.bytes, call.request.arg(1));
    Ok(())
}

/// There is one database.
pub(super) fn select(call: &mut Call) -> Outcome {
    match parse_integer(call.request.arg(1)) {
        Some(0) => push_simple(&mut call.out.bytes, "OK"),
        Some(_) => return Err(Refusal::Database),
        None => return Err(Refusal::NotInteger),
    }
    Ok(())
}

pub(super) fn quit(call: &mut Call) -> Outcome {
    call.flow = Flow::Close;
    push_simple(&mut call.out.bytes, "OK");
    Ok(())
}

/// Refusing RESP3 makes a client stay with RESP2.
pub(super) fn hello(call: &mut Call) -> Outcome {
    let version = call.request.args_from(1).next();
    if version.is_some_and(|version| parse_integer(version) != Some(2)) {
        return Err(Refusal::Protocol);
    }
    push_array(&mut call.out.bytes, 14);
    for (name, value) in [("server", "redis"), ("version", REDIS_VERSION)] {
        push_bulk(&mut call.out.bytes, name.as_bytes());
        push_bulk(&mut call.out.bytes, value.as_bytes());
    }
    for (name, value) in [("proto", 2), ("id", 1)] {
        push_bulk(&mut call.out.bytes, name.as_bytes());
        push_reply_integer(&mut call.out.bytes, value);
    }
    for (name, value) in [("mode", "standalone"), ("role", "master")] {
        push_bulk(&mut call.out.bytes, name.as_bytes());
        push_bulk(&mut call.out.bytes, value.as_bytes());
    }
    push_bulk(&mut call.out.bytes, b"modules");
    push_array(&mut call.out.bytes, 0);
    Ok(())
}

/// Names and libraries are taken note of by nobody.
pub(super) fn client(call: &mut Call) -> Outcome {
    let subcommand = call.request.arg(1);
    let is = |name: &[u8]| subcommand.eq_ignore_ascii_case(name);
    if is(b"setname") || is(b"setinfo") {
        push_simple(&mut call.out.bytes, "OK");
    } else if is(b"getname") {
        push_nil(&mut call.out.bytes);
    } else if is(b"id") {
        push_reply_integer(&mut call.out.bytes, 1);
    } else {
        return Err(unknown(subcommand));
    }
    Ok(())
}

/// The two settings redis-benchmark asks for; of any other there is none.
pub(super) fn config(call: &mut Call) -> Outcome {
    const SETTINGS: [(&str, &str); 2] = [("save", ""), ("appendonly", "no")];
    let subcommand = call.request.arg(1);
    if !subcommand.eq_ignore_ascii_case(b"get") {
        return Err(unknown(subcommand));
    }
    if call.request.arg_count() < 3 {
        return Err(Refusal::Arity);
    }
    let asked = |name: &str| {
        let wanted =
            |pattern: &[u8]| pattern == b"*" || pattern.eq_ignore_ascii_case(name.as_bytes());
        call.request.args_from(2).any(wanted)
    };
    let found = SETTINGS.iter().filter(|(name, _)| asked(name));
    push_array(&mut call.out.bytes, 2 * found.clone().count());
    for (name, value) in found {
        push_bulk(&mut call.out.bytes, name.as_bytes());
        push_bulk(&mut call.out.bytes, value.as_bytes());
    }
    Ok(())
}

/// No documentation: redis-cli then does without hints.
pub(super) fn command(call: &mut Call) -> Outcome {
    let subcommand = call.request.args_from(1).next();
    match subcommand.is_some_and(|name| name.eq_ignore_ascii_case(b"count")) {
        true => push_reply_integer(&mut call.out.bytes, COMMAND_COUNT as i64),
        false => push_array(&mut call.out.bytes, 0),
    }
    Ok(())
}

pub(super) fn info(call: &mut Call) -> Outcome {
    let keys = call.keys.len(call.now_ns);
    let used = call.keys.size();
    let uptime_s = call.now_ns / 1_000_000_000;
    let text = format!(
        "# Server\r\nredis_version:{REDIS_VERSION}\r\nredis_mode:standalone\r\n\
         uptime_in_seconds:{uptime_s}\r\n\r\n# Memory\r\nused_memory:{used}\r\n\r\n\
         # Keyspace\r\ndb0:keys={keys}\r\n"
    );
    push_bulk(&mut call.out.bytes, text.as_bytes());
    Ok(())
}

fn unknown(subcommand: &[u8]) -> Refusal {
    let quoted = &subcommand[..subcommand.len().min(128)];
    Refusal::Subcommand(String::from_utf8_lossy(quoted).into_owned())
}

#[cfg(test)]
mod tests {
    use crate::kv::reply::Reply;
    use crate::kv::store::tests::{ask, check};
    use crate::kv::store::{Flow, Store};

    #[test]
    fn greetings_are_returned() {
        check("PING\nPING hi\nECHO 'a b'", &["PONG", "\"hi\"", "\"a b\""]);
        check(
            "SELECT 0\nSELECT 1\nSELECT x",
            &["OK", "ERR DB index is out of range", "ERR value is not an integer or out of range"],
        );
    }

    #[test]
    fn quit_answers_and_closes() {
        let ok = Reply::Simple("OK".into());
        assert_eq!(ask(&mut Store::new(), "QUIT", 0), (ok, Flow::Close));
        assert_eq!(ask(&mut Store::new(), "PING", 0).1, Flow::Continue);
    }

    #[test]
    fn clients_find_what_they_need_to_start() {
        check(
            "CONFIG GET save\nCONFIG GET appendonly\nCONFIG GET maxmemory\nCONFIG GET *",
            &[
                "[\"save\" \"\"]",
                "[\"appendonly\" \"no\"]",
                "[]",
                "[\"save\" \"\" \"appendonly\" \"no\"]",
            ],
        );
        check(
            "COMMAND\nCOMMAND DOCS\nCLIENT SETNAME x\nCLIENT ID\nCLIENT GETNAME",
            &["[]", "[]", "OK", "1", "nil"],
        );
        check("HELLO 3", &["NOPROTO unsupported protocol version"]);
        check(
            "HELLO",
            &["[\"server\" \"redis\" \"version\" \"7.0.0\" \"proto\" 2 \"id\" 1 \
                          \"mode\" \"standalone\" \"role\" \"master\" \"modules\" []]"],
        );
    }

    #[test]
    fn unknown_subcommands_are_refused() {
        check(
            "CONFIG nope\nCLIENT nope\nCONFIG GET",
            &[
                "ERR unknown subcommand 'nope'. Try CONFIG HELP.",
                "ERR unknown subcommand 'nope'. Try CLIENT HELP.",
                "ERR wrong number of arguments for 'config' command",
            ],
        );
    }
}
