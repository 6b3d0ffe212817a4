//! `close`, `shutdown`, clones and dropped handles.

use std::io::Write;
use std::net::Shutdown;
use std::rc::Rc;

use greenroom::net::{Domain, Socket, TcpListener, TcpStream, Type};
use greenroom::wait::{Watcher, wait, wait_read};
use greenroom::{note, thread};

use crate::scripted::{Event, ScriptHub, ms, peer, play};
use crate::{dial, join_all, read, said, spawn};

/// Both ends of a connection inside the hub.
fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:80").unwrap();
    let near = TcpStream::connect("127.0.0.1:80").unwrap();
    let (far, _) = listener.accept().unwrap();
    (near, far)
}

#[test]
fn close_wakes_the_parked_reader_before_the_peer_sees_the_end() {
    let played = play(ScriptHub::new(), || {
        let (near, far) = pair();
        let near = Rc::new(near);
        let reads = near.clone();
        let peer = spawn("peer", move || note!("{}", read(&far, 1)));
        let reader = spawn("reader", move || note!("{}", read(&reads, 1)));
        thread::yield_now();
        near.close();
        note!("closed");
        peer.join().unwrap();
        reader.join().unwrap();
    });
    assert_eq!(played.done().told(), ["0 main: closed", "0 main/reader: EBADF", "0 main/peer: []"]);
}

#[test]
pub fn close_wakes_everyone_parked_on_the_descriptor_reader_first() {
    let played = play(ScriptHub::new().room(1, 0), || {
        let stream = dial(1);
        let (reads, writes, watches) = (stream.clone(), stream.clone(), stream.clone());
        let all = [
            spawn("watcher", move || note!("{}", said(wait_read(&*watches, None)))),
            spawn("writer", move || note!("{}", said((&*writes).write(b"x")))),
            spawn("reader", move || note!("{}", read(&reads, 1))),
        ];
        thread::sleep(ms(1));
        stream.close();
        note!("closed");
        join_all(all);
    });
    let played = played.done();
    let told =
        ["1 main: closed", "1 main/reader: EBADF", "1 main/writer: EBADF", "1 main/watcher: EBADF"];
    assert_eq!(played.told(), told);
}

#[test]
fn after_close_every_call_answers_ebadf_and_closing_again_is_nothing() {
    let played = play(ScriptHub::new(), || {
        let stream = dial(1);
        let watcher = Watcher::read(&*stream).unwrap();
        stream.close();
        stream.close();
        note!("{}", read(&stream, 1));
        note!("{}", said((&*stream).write(b"x")));
        note!("{}", said(wait(&watcher, None)));
        note!("{}", said(stream.peer_addr()));
        note!("{}", said(stream.set_read_timeout(None)));
    });
    let played = played.done();
    assert_eq!(played.told(), ["0 main: EBADF"; 5]);
    assert_eq!(played.hub.open(), 0);
}

#[test]
fn close_of_one_clone_leaves_the_other_open() {
    let hub = ScriptHub::new().at(ms(2), Event::Bytes(1, b"x".into()));
    let played = play(hub, || {
        let stream = dial(1);
        let clone = stream.try_clone().unwrap();
        let reader = spawn("reader", move || note!("{}", read(&clone, 1)));
        thread::sleep(ms(1));
        stream.close();
        note!("{}", read(&stream, 1));
        reader.join().unwrap();
    });
    assert_eq!(played.done().told(), ["1 main: EBADF", "2 main/reader: [120]"]);
}

#[test]
fn timeouts_belong_to_the_socket_and_clones_share_them() {
    let played = play(ScriptHub::new(), || {
        let stream = dial(1);
        let clone = stream.try_clone().unwrap();
        stream.set_read_timeout(Some(ms(5))).unwrap();
        note!("{}", read(&clone, 1));
    });
    assert_eq!(played.done().told(), ["5 main: WouldBlock"]);
}

#[test]
fn the_last_handle_dropped_closes() {
    let played = play(ScriptHub::new(), || {
        let (near, far) = pair();
        let clone = near.try_clone().unwrap();
        drop(near);
        far.set_read_timeout(Some(ms(1))).unwrap();
        note!("{}", read(&far, 1));
        drop(clone);
        note!("{}", read(&far, 1));
    });
    let played = played.done();
    assert_eq!(played.told(), ["1 main: WouldBlock", "1 main: []"]);
    assert_eq!(played.hub.open(), 0);
}

#[test]
fn a_parked_reader_that_shares_the_handle_keeps_it_open() {
    let hub = ScriptHub::new().at(ms(2), Event::Bytes(1, b"x".into()));
    let played = play(hub, || {
        let stream = dial(1);
        let reads = stream.clone();
        let reader = spawn("reader", move || note!("{}", read(&reads, 1)));
        thread::yield_now();
        drop(stream);
        reader.join().unwrap();
    });
    assert_eq!(played.done().told(), ["2 main/reader: [120]"]);
}

#[test]
fn a_watcher_does_not_keep_its_handle_open() {
    let played = play(ScriptHub::new(), || {
        let stream = dial(1);
        let watcher = Watcher::read(&*stream).unwrap();
        let waiter = spawn("waiter", move || note!("{}", said(wait(&watcher, None))));
        thread::sleep(ms(1));
        drop(stream);
        waiter.join().unwrap();
    });
    assert_eq!(played.done().told(), ["1 main/waiter: EBADF"]);
}

#[test]
fn a_handle_dropped_on_another_thread_is_closed_at_the_next_poll() {
    let played = play(ScriptHub::new(), || {
        let stream = TcpStream::connect(crate::scripted::peer(1)).unwrap();
        let watcher = Watcher::read(&stream).unwrap();
        let waiter = spawn("waiter", move || note!("{}", said(wait(&watcher, None))));
        thread::yield_now();
        std::thread::spawn(move || drop(stream)).join().unwrap();
        waiter.join().unwrap();
    });
    let played = played.done();
    assert_eq!(played.told(), ["0 main/waiter: EBADF"]);
    assert_eq!(played.hub.open(), 0);
}

#[test]
fn a_handle_used_on_another_thread_errs_and_says_so() {
    let played = play(ScriptHub::new(), || {
        let stream = TcpStream::connect(crate::scripted::peer(1)).unwrap();
        let foreign = std::thread::spawn(move || said(stream.peer_addr())).join().unwrap();
        note!("{foreign}");
    });
    assert_eq!(played.done().told(), ["0 main: NotConnected"]);
}

#[test]
fn shutdown_wakes_the_parked_reader_with_the_end() {
    let played = play(ScriptHub::new(), || {
        let stream = dial(1);
        let reads = stream.clone();
        let reader = spawn("reader", move || note!("{}", read(&reads, 1)));
        thread::sleep(ms(1));
        stream.shutdown(Shutdown::Read).unwrap();
        reader.join().unwrap();
    });
    assert_eq!(played.done().told(), ["1 main/reader: []"]);
}

#[test]
fn an_accepted_connection_of_a_killed_acceptor_is_closed() {
    // The accept finishes at once and is interrupted; the acceptor is killed meanwhile.
    use greenroom::hub::Turn;
    let interrupts = [Turn::Run(0), Turn::Run(1)];
    let played = play(ScriptHub::new().interrupts(&interrupts), || {
        let listener = TcpListener::bind("127.0.0.1:80").unwrap();
        let near = TcpStream::connect("127.0.0.1:80").unwrap();
        let acceptor = spawn("acceptor", move || {
            let accepted = listener.accept().unwrap();
            note!("has it");
            thread::sleep(ms(99));
            drop(accepted);
        });
        thread::yield_now();
        acceptor.kill();
        note!("{:?}", acceptor.join().is_err());
        near.set_read_timeout(Some(ms(5))).unwrap();
        note!("{}", read(&near, 1));
    });
    let played = played.done();
    assert_eq!(played.told(), ["0 main/acceptor: has it", "0 main: true", "0 main: []"]);
}

#[test]
fn a_close_with_nobody_waiting_releases_the_descriptor_at_once() {
    let played = play(ScriptHub::new(), || {
        let stream = dial(1);
        spawn("other", || note!("other"));
        stream.close();
        note!("closed");
        thread::yield_now();
    });
    let played = played.done();
    let closed = ["0 main: closes", "0 main: * closed", "0 main/other: * other"];
    assert_eq!(played.traced(&["closes", "*"]), closed);
}

#[test]
fn closing_a_connecting_socket_wakes_its_connect() {
    let played = play(ScriptHub::new().dial_hangs(1), || {
        let socket = Rc::new(Socket::new(Domain::IPV4, Type::STREAM, None).unwrap());
        let connects = socket.clone();
        let call = spawn("call", move || note!("{}", said(connects.connect(&peer(1).into()))));
        thread::sleep(ms(3));
        socket.close();
        note!("closed");
        call.join().unwrap();
    });
    assert_eq!(played.done().told(), ["3 main: closed", "3 main/call: EBADF"]);
}
