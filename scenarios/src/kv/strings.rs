//! The commands that touch keys: values, counters, deadlines.
//! Not lists, sets or hashes: every value is a string, so nothing answers `WRONGTYPE`.

use super::keyspace::Deadline;
use super::reply::{push_array, push_nil, push_reply_integer, push_simple};
use super::resp::parse_integer;
use super::store::{Call, Outcome, Refusal};

const NS_PER_MS: u64 = 1_000_000;
const NS_PER_S: u64 = 1_000_000_000;

pub(super) fn get(call: &mut Call) -> Outcome {
    reply_value(call, 1);
    Ok(())
}

pub(super) fn mget(call: &mut Call) -> Outcome {
    let count = call.request.arg_count();
    push_array(&mut call.out.bytes, count - 1);
    (1..count).for_each(|index| reply_value(call, index));
    Ok(())
}

pub(super) fn set(call: &mut Call) -> Outcome {
    let options = SetOptions::parse(call)?;
    let deadline = match options.lifetime {
        Lifetime::Endless => Deadline::Clear,
        Lifetime::Kept => Deadline::Keep,
        Lifetime::Of { amount, unit_ns } => {
            let amount = parse_integer(call.request.arg(amount)).ok_or(Refusal::NotInteger)?;
            let amount = u64::try_from(amount).ok().filter(|&amount| amount > 0);
            let deadline_ns = amount.and_then(|amount| deadline_after(call, amount, unit_ns));
            Deadline::At(deadline_ns.ok_or(Refusal::ExpireTime)?)
        }
    };
    let key = call.request.arg(1);
    let exists = call.keys.get(key, call.now_ns).is_some();
    let allowed = options.only_if_exists.is_none_or(|wanted| wanted == exists);
    if options.get {
        reply_value(call, 1);
    }
    if allowed {
        call.keys.set(key, call.request.arg(2), deadline, call.now_ns);
    }
    match (options.get, allowed) {
        (true, _) => {}
        (false, true) => push_simple(&mut call.out.bytes, "OK"),
        (false, false) => push_nil(&mut call.out.bytes),
    }
    Ok(())
}

pub(super) fn mset(call: &mut Call) -> Outcome {
    let count = call.request.arg_count();
    if count.is_multiple_of(2) {
        return Err(Refusal::Arity);
    }
    for index in (1..count).step_by(2) {
        let (key, value) = (call.request.arg(index), call.request.arg(index + 1));
        call.keys.set(key, value, Deadline::Clear, call.now_ns);
    }
    push_simple(&mut call.out.bytes, "OK");
    Ok(())
}

/// The options of `SET`, in any order. Like Redis, all are looked at before a number is.
struct SetOptions {
    /// `XX` is true, `NX` false.
    only_if_exists: Option<bool>,
    lifetime: Lifetime,
    get: bool,
}

enum Lifetime {
    Endless,
    Kept,
    /// The index of the argument that says how many units.
    Of {
        amount: usize,
        unit_ns: u64,
    },
}

impl SetOptions {
    fn parse(call: &Call) -> Result<Self, Refusal> {
        let mut options = Self { only_if_exists: None, lifetime: Lifetime::Endless, get: false };
        let mut index = 3;
        while index < call.request.arg_count() {
            let option = call.request.arg(index);
            let is = |name: &[u8]| option.eq_ignore_ascii_case(name);
            let has_amount = index + 1 < call.request.arg_count();
            let endless = matches!(options.lifetime, Lifetime::Endless);
            if is(b"get") {
                options.get = true;
            } else if is(b"nx") && options.only_if_exists != Some(true) {
                options.only_if_exists = Some(false);
            } else if is(b"xx") && options.only_if_exists != Some(false) {
                options.only_if_exists = Some(true);
            } else if is(b"keepttl") && endless {
                options.lifetime = Lifetime::Kept;
            } else if (is(b"ex") || is(b"px")) && endless && has_amount {
                let unit_ns = if is(b"ex") { NS_PER_S } else { NS_PER_MS };
                options.lifetime = Lifetime::Of { amount: index + 1, unit_ns };
                index += 1;
            } else {
                return Err(Refusal::Syntax);
            }
            index += 1;
        }
        Ok(options)
    }
}

pub(super) fn incr(call: &mut Call) -> Outcome {
    add(call, 1)
}

pub(super) fn decr(call: &mut Call) -> Outcome {
    add(call, -1)
}

pub(super) fn incrby(call: &mut Call) -> Outcome {
    let amount = parse_integer(call.request.arg(2)).ok_or(Refusal::NotInteger)?;
    add(call, amount)
}

pub(super) fn decrby(call: &mut Call) -> Outcome {
    let amount = parse_integer(call.request.arg(2)).ok_or(Refusal::NotInteger)?;
    add(call, amount.checked_neg().ok_or(Refusal::DecrementOverflow)?)
}

fn add(call: &mut Call, amount: i64) -> Outcome {
    let key = call.request.arg(1);
    let before = match call.keys.get(key, call.now_ns) {
        Some(value) => parse_integer(value.bytes()).ok_or(Refusal::NotInteger)?,
        None => 0,
    };
    let after = before.checked_add(amount).ok_or(Refusal::Overflow)?;
    // The reply holds the digits to be stored, between the colon and the CRLF.
    let digits = call.out.bytes.len() + 1;
    push_reply_integer(&mut call.out.bytes, after);
    let value = &call.out.bytes[digits..call.out.bytes.len() - 2];
    call.keys.set(key, value, Deadline::Keep, call.now_ns);
    Ok(())
}

pub(super) fn del(call: &mut Call) -> Outcome {
    let removed = call.request.args_from(1).filter(|key| call.keys.remove(key, call.now_ns));
    let count = removed.count();
    push_reply_integer(&mut call.out.bytes, count as i64);
    Ok(())
}

/// A key named twice counts twice, as in Redis.
pub(super) fn exists(call: &mut Call) -> Outcome {
    let found = call.request.args_from(1).filter(|key| call.keys.get(key, call.now_ns).is_some());
    push_reply_integer(&mut call.out.bytes, found.count() as i64);
    Ok(())
}

pub(super) fn expire(call: &mut Call) -> Outcome {
    expire_in(call, NS_PER_S)
}

pub(super) fn pexpire(call: &mut Call) -> Outcome {
    expire_in(call, NS_PER_MS)
}

/// A time that has passed already deletes the key.
fn expire_in(call: &mut Call, unit_ns: u64) -> Outcome {
    let amount = parse_integer(call.request.arg(2)).ok_or(Refusal::NotInteger)?;
    if let Some(option) = call.request.args_from(3).next() {
        let option = String::from_utf8_lossy(&option[..option.len().min(128)]).into_owned();
        return Err(Refusal::ExpireOption(option));
    }
    let key = call.request.arg(1);
    let changed = match u64::try_from(amount) {
        Ok(amount) if amount > 0 => {
            let deadline_ns = deadline_after(call, amount, unit_ns).ok_or(Refusal::ExpireTime)?;
            let exists = call.keys.get(key, call.now_ns).is_some();
            if exists {
                call.keys.set_deadline(key, Some(deadline_ns));
            }
            exists
        }
        _ => call.keys.remove(key, call.now_ns),
    };
    push_reply_integer(&mut call.out.bytes, i64::from(changed));
    Ok(())
}

pub(super) fn persist(call: &mut Call) -> Outcome {
    let key = call.request.arg(1);
    let mortal = matches!(call.keys.deadline_ns(key, call.now_ns), Some(Some(_)));
    if mortal {
        call.keys.set_deadline(key, None);
    }
    push_reply_integer(&mut call.out.bytes, i64::from(mortal));
    Ok(())
}

/// To the nearest second, as Redis rounds.
pub(super) fn ttl(call: &mut Call) -> Outcome {
    reply_time_left(call, |left_ms| (left_ms + 500) / 1000)
}

pub(super) fn pttl(call: &mut Call) -> Outcome {
    reply_time_left(call, |left_ms| left_ms)
}

/// Milliseconds are rounded up: Redis's clock has no finer grain, and a key that lives has time.
fn reply_time_left(call: &mut Call, unit: fn(u64) -> u64) -> Outcome {
    let left = match call.keys.deadline_ns(call.request.arg(1), call.now_ns) {
        None => -2,
        Some(None) => -1,
        Some(Some(deadline_ns)) => unit((deadline_ns - call.now_ns).div_ceil(NS_PER_MS)) as i64,
    };
    push_reply_integer(&mut call.out.bytes, left);
    Ok(())
}

pub(super) fn dbsize(call: &mut Call) -> Outcome {
    push_reply_integer(&mut call.out.bytes, call.keys.len(call.now_ns) as i64);
    Ok(())
}

pub(super) fn flush(call: &mut Call) -> Outcome {
    let mut args = call.request.args_from(1);
    match (args.next(), args.next()) {
        (None, _) => {}
        (Some(mode), None) if mode.eq_ignore_ascii_case(b"sync") => {}
        (Some(mode), None) if mode.eq_ignore_ascii_case(b"async") => {}
        _ => return Err(Refusal::Syntax),
    }
    call.keys.clear();
    push_simple(&mut call.out.bytes, "OK");
    Ok(())
}

fn reply_value(call: &mut Call, key_index: usize) {
    let value = call.keys.get(call.request.arg(key_index), call.now_ns);
    call.out.push_value(value, call.request.arg_count());
}

/// None beyond the end of time, which in 64 bits of nanoseconds is 584 years off; Redis counts
/// milliseconds and gets further.
fn deadline_after(call: &Call, amount: u64, unit_ns: u64) -> Option<u64> {
    call.now_ns.checked_add(amount.checked_mul(unit_ns)?)
}

#[cfg(test)]
mod tests {
    use crate::kv::store::tests::check;

    const NOT_INTEGER: &str = "ERR value is not an integer or out of range";
    const OVERFLOW: &str = "ERR increment or decrement would overflow";
    const SYNTAX: &str = "ERR syntax error";
    const SET_TIME: &str = "ERR invalid expire time in 'set' command";

    #[test]
    fn values_are_set_read_and_deleted() {
        check("SET a 1\nGET a\nGET b\nDEL a b a\nGET a", &["OK", "\"1\"", "nil", "1", "nil"]);
        check("MSET a 1 b 2 a 3\nMGET a b c\nEXISTS a a c", &["OK", "[\"3\" \"2\" nil]", "2"]);
        check(
            "MSET a 1 b 2\nDBSIZE\nFLUSHALL\nDBSIZE\nFLUSHDB async",
            &["OK", "2", "OK", "0", "OK"],
        );
        check("FLUSHALL now\nFLUSHALL sync sync", &[SYNTAX, SYNTAX]);
    }

    #[test]
    fn set_minds_its_conditions() {
        check(
            "SET a 1 XX\nSET a 1 NX\nSET a 2 nx\nSET a 3 xx\nGET a",
            &["nil", "OK", "nil", "OK", "\"3\""],
        );
        check(
            "SET a 1 GET\nSET a 2 GET\nSET a 3 NX GET\nGET a",
            &["nil", "\"1\"", "\"2\"", "\"2\""],
        );
    }

    #[test]
    fn set_refuses_what_does_not_fit_together() {
        for options in [
            "NX XX",
            "XX NX",
            "EX",
            "PX",
            "EX 1 PX 1",
            "EX 1 EX 1",
            "EX 1 KEEPTTL",
            "KEEPTTL EX 1",
            "KEEPTTL PX 1",
            "nope",
            "EX x nope",
            "1",
        ] {
            check(&format!("SET a 1 {options}\nGET a"), &[SYNTAX, "nil"]);
        }
        check("SET a 1 NX NX\nSET a 1 EX x\nSET a 1 EX 1.5", &["OK", NOT_INTEGER, NOT_INTEGER]);
        for amount in ["0", "-1", "9223372036854775807", "18446744074"] {
            check(&format!("SET a 1 EX {amount}"), &[SET_TIME]);
        }
    }

    #[test]
    fn keys_expire_on_time() {
        check(
            "SET a 1 PX 100\nSET b 1 EX 1\n@99\nGET a\nPTTL a\n@100\nGET a\nEXISTS a\nGET b",
            &["OK", "OK", "\"1\"", "1", "nil", "0", "\"1\""],
        );
        check("SET a 1 EX 1\nSET a 2\n@2000\nGET a\nTTL a", &["OK", "OK", "\"2\"", "-1"]);
        check("SET a 1 EX 1\nSET a 2 KEEPTTL\nINCR a\n@1000\nGET a", &["OK", "OK", "3", "nil"]);
        check("SET a 1 PX 1\n@1\nSET a 2 NX\nINCR a\nTTL a", &["OK", "OK", "3", "-1"]);
        check("SET a 1 PX 1\n@1\nDEL a\nDBSIZE", &["OK", "0", "0"]);
    }

    #[test]
    fn time_left_is_rounded_as_redis_rounds() {
        check("SET a 1 PX 1499\nTTL a\nPTTL a\nTTL b\nPTTL b", &["OK", "1", "1499", "-2", "-2"]);
        check("SET a 1 PX 1500\nTTL a\nSET a 1 PX 499\nTTL a", &["OK", "2", "OK", "0"]);
    }

    #[test]
    fn expire_sets_clears_and_deletes() {
        check(
            "SET a 1\nEXPIRE a 10\nTTL a\nPERSIST a\nTTL a\nPERSIST a",
            &["OK", "1", "10", "1", "-1", "0"],
        );
        check("EXPIRE a 10\nEXPIRE a 0\nPERSIST a", &["0", "0", "0"]);
        check("SET a 1\nPEXPIRE a 5\n@5\nEXPIRE a 9", &["OK", "1", "0"]);
        check("SET a 1\nEXPIRE a -1\nGET a", &["OK", "1", "nil"]);
        check(
            "SET a 1\nEXPIRE a x\nEXPIRE a 9223372036854775807\nEXPIRE a 1 NO",
            &[
                "OK",
                NOT_INTEGER,
                "ERR invalid expire time in 'expire' command",
                "ERR Unsupported option NO",
            ],
        );
    }

    #[test]
    fn counters_count_and_stop_at_the_edge() {
        check(
            "INCR a\nINCRBY a 10\nDECR a\nDECRBY a -5\nGET a",
            &["1", "11", "10", "15", "\"15\""],
        );
        check(
            "SET a 9223372036854775807\nINCR a\nDECR a",
            &["OK", OVERFLOW, "9223372036854775806"],
        );
        check(
            "SET a -9223372036854775808\nDECR a\nINCR a",
            &["OK", OVERFLOW, "-9223372036854775807"],
        );
        check(
            "DECRBY a -9223372036854775808\nINCRBY a 1x\nGET a",
            &["ERR decrement would overflow", NOT_INTEGER, "nil"],
        );
        for value in ["x", "1.0", "' 1'", "01", "+1", "''", "9223372036854775808"] {
            check(&format!("SET a {value}\nINCR a"), &["OK", NOT_INTEGER]);
        }
    }
}
