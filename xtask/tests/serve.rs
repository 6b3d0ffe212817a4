//! What hostile peers may cost a `cargo xtask real kv --serve`: their own connection, and no more
//! memory than the budgets say. The others are served on.

#[path = "serve/server.rs"]
mod server;

use std::io::{ErrorKind, Write};
use std::net::Shutdown;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use greenroom_scenarios::kv::resp::{Reply, ReplyReader};

use server::{Client, Serving, request};

const MB: u64 = 1024 * 1024;
/// What a server may hold beside what it counts: its code, stacks, the allocator's own.
const SLACK: u64 = 48 * MB;
/// `--maxmemory-clients`, unless said otherwise.
const CLIENTS: u64 = 256 * MB;

#[track_caller]
fn holds_at_most(serving: &Serving, bytes: u64) {
    let peak = serving.peak_bytes();
    assert!(peak <= bytes, "{} MB of {} MB", peak / MB, bytes / MB);
}

/// A value of a megabyte under the key `big`.
fn put_big(serving: &Serving) -> (Client, Vec<u8>) {
    let (client, value) = (serving.connect(), vec![b'v'; MB as usize]);
    assert_eq!(client.ask(&[b"SET", b"big", &value]), Reply::Simple("OK".into()));
    (client, value)
}

#[test]
fn when_descriptors_are_out_the_served_are_served_on_and_others_once_there_are_some() {
    let serving = Serving::with_descriptors(40);
    let mut waiting: Vec<Client> = (0..60).map(|_| serving.connect()).collect();
    waiting.iter().for_each(|client| client.send(&[b"ECHO", b"here"]));
    let served = waiting.iter().take_while(|client| client.is_answered_at_once()).count();
    assert!((10..40).contains(&served), "{served} are served");
    let served: Vec<Client> = waiting.drain(..served).collect();
    served.iter().for_each(|client| assert_eq!(client.reply(), Reply::Bulk(b"here".to_vec())));
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(3) {
        served.iter().for_each(Client::is_served);
    }
    let freed = served.len() / 2;
    drop(served);
    for client in &waiting[..freed] {
        assert_eq!(client.reply(), Reply::Bulk(b"here".to_vec()));
    }
    assert_eq!(serving.interrupt(), 0);
}

#[test]
fn unfinished_requests_of_many_clients_stay_within_one_budget() {
    const CLIENTS_COUNT: usize = 30;
    const BYTES: usize = 60_000_000;
    let serving = Serving::start(&[]);
    let honest = serving.connect();
    let (written, looked) = (Arc::new(Barrier::new(31)), Arc::new(Barrier::new(31)));
    let hostile = (0..CLIENTS_COUNT).map(|_| {
        let (client, written, looked) = (serving.connect(), written.clone(), looked.clone());
        thread::spawn(move || {
            let mut out = &client.0;
            let head = format!("*2\r\n$4\r\nECHO\r\n${}\r\n", BYTES + 1);
            let mut sent = out.write_all(head.as_bytes());
            let piece = [b'x'; 60_000];
            for _ in 0..BYTES / piece.len() {
                sent = sent.and_then(|()| out.write_all(&piece));
            }
            written.wait();
            looked.wait();
            let _ = client.0.shutdown(Shutdown::Write);
            client.rest()
        })
    });
    let hostile: Vec<_> = hostile.collect();
    for _ in 0..200 {
        honest.is_served();
    }
    written.wait();
    honest.is_served();
    holds_at_most(&serving, CLIENTS + SLACK);
    looked.wait();
    let told: Vec<String> =
        hostile.into_iter().map(|client| client.join().expect("ends")).collect();
    let told: Vec<&String> = told.iter().filter(|said| !said.is_empty()).collect();
    for said in &told {
        assert!(said.starts_with("-ERR ") && said.contains("'maxmemory-clients'"), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
    let kept = CLIENTS_COUNT - told.len();
    assert!((kept * BYTES) as u64 <= CLIENTS, "{kept} were kept");
    honest.is_served();
}

#[test]
fn a_long_array_of_one_large_value_costs_no_copies() {
    const COUNT: usize = 400;
    let serving = Serving::start(&[]);
    let (honest, value) = put_big(&serving);
    let greedy = serving.connect();
    let mut args = vec![&b"MGET"[..]];
    args.resize(COUNT + 1, b"big");
    greedy.send(&args);
    greedy.wait_for_reply();
    holds_at_most(&serving, SLACK);
    honest.is_served();
    let Reply::Array(values) = greedy.reply() else { panic!("an array is due") };
    assert_eq!(values.len(), COUNT);
    assert!(values.iter().all(|got| *got == Reply::Bulk(value.clone())));
    holds_at_most(&serving, SLACK);
}

/// What was read is what was stored then, whatever became of the key.
#[test]
fn slow_readers_hold_one_copy_of_what_they_read() {
    let serving = Serving::start(&[]);
    let (honest, value) = put_big(&serving);
    let slow: Vec<Client> = (0..100).map(|_| serving.connect()).collect();
    for client in &slow {
        (0..20).for_each(|_| client.send(&[b"GET", b"big"]));
        client.wait_for_reply();
        honest.is_served();
    }
    assert_eq!(honest.ask(&[b"SET", b"big", b"another"]), Reply::Simple("OK".into()));
    holds_at_most(&serving, SLACK);
    let mut replies = ReplyReader::new(&slow[0].0);
    let first = replies.read().expect("a reply");
    assert_eq!(first, Reply::Bulk(value));
    assert!((1..20).all(|_| replies.read().is_ok()));
}

#[test]
fn a_million_commands_before_the_first_reply_is_read() {
    const COUNT: usize = 1_000_000;
    let serving = Serving::start(&[]);
    let (honest, client) = (serving.connect(), serving.connect());
    let requests = request(&[b"INCR", b"n"]).repeat(COUNT / 100);
    client.0.set_write_timeout(Some(Duration::from_millis(500))).expect("a timeout");
    let (mut sent, total) = (0, requests.len() * 100);
    // As much as there is room for on the way.
    while sent < total {
        match (&client.0).write(&requests[sent % requests.len()..]) {
            Ok(count) => sent += count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) => panic!("{error}"),
        }
    }
    assert!(sent < total, "the server reads on for one who reads nothing");
    honest.is_served();
    holds_at_most(&serving, SLACK);
    client.0.set_write_timeout(None).expect("no timeout");
    let mut out = client.0.try_clone().expect("a descriptor");
    let writer = thread::spawn(move || {
        while sent < total {
            let from = sent % requests.len();
            out.write_all(&requests[from..]).expect("it goes on");
            sent += requests.len() - from;
        }
    });
    let mut replies = ReplyReader::new(&client.0);
    for count in 1..=COUNT as i64 {
        assert_eq!(replies.read().expect("a reply"), Reply::Integer(count));
    }
    writer.join().expect("everything is sent");
    honest.is_served();
}

#[test]
fn keys_and_values_stay_within_maxmemory() {
    let serving = Serving::start(&["--maxmemory", "16mb"]);
    let client = serving.connect();
    let value = vec![b'v'; MB as usize];
    let set = |number: u32| client.ask(&[b"SET", format!("k{number}").as_bytes(), &value]);
    let ok = Reply::Simple("OK".into());
    let stored = (0..100).take_while(|&number| set(number) == ok).count();
    assert!((14..16).contains(&stored), "{stored}");
    let Reply::Error(refusal) = set(100) else { panic!("an error is due") };
    assert!(refusal.starts_with("OOM command not allowed"), "{refusal}");
    assert_eq!(client.ask(&[b"GET", b"k0"]), Reply::Bulk(value.clone()));
    assert_eq!(client.ask(&[b"DEL", b"k0"]), Reply::Integer(1));
    assert_eq!(set(100), ok);
    holds_at_most(&serving, 16 * MB + SLACK);
}

#[test]
fn one_client_too_many_is_told_and_the_next_is_served_when_one_has_gone() {
    let serving = Serving::start(&["--maxclients", "2", "--timeout", "1"]);
    let clients = [(); 2].map(|()| serving.connect());
    clients.iter().for_each(Client::is_served);
    let refused = serving.connect().rest();
    assert!(refused.starts_with("-ERR max number of clients reached"), "{refused}");
    // They send nothing for longer than they may.
    assert_eq!(clients.map(|client| client.rest()), ["", ""]);
    serving.connect().is_served();
    assert_eq!(serving.interrupt(), 0);
}

#[test]
fn a_request_over_its_limit_is_told_and_closed() {
    let serving =
        Serving::start(&["--client-query-buffer-limit", "1mb", "--proto-max-bulk-len", "2mb"]);
    let honest = serving.connect();
    for (words, refusal) in [
        ("*2\r\n$4\r\nECHO\r\n$1048577\r\n", "-ERR Protocol error: too big request\r\n"),
        ("*2\r\n$4\r\nECHO\r\n$2097153\r\n", "-ERR Protocol error: invalid bulk length\r\n"),
    ] {
        let greedy = serving.connect();
        (&greedy.0).write_all(words.as_bytes()).expect("it takes a head");
        assert_eq!(greedy.rest(), refusal);
        honest.is_served();
    }
}
