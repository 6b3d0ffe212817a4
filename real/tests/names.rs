//! Names, answered by the system's resolver on a thread of its own while greenlets go on.

use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

use greenroom::net::{TcpListener, TcpStream, ToSocketAddrs};
use greenroom::{resolve, thread, time};
use greenroom_real::run;

#[test]
fn localhost_is_found_and_connected_to_by_name() {
    run(|| {
        let found: Vec<_> = resolve::lookup_host("localhost:80").unwrap().collect();
        assert!(!found.is_empty() && found.iter().all(|address| address.ip().is_loopback()));
        assert!(resolve::gethostbyname("localhost").unwrap().is_loopback());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        TcpStream::connect(("localhost", port)).unwrap();
    });
}

#[test]
fn greenlets_go_on_while_a_name_is_looked_up() {
    run(|| {
        let others = Rc::new(std::cell::Cell::new(0));
        let count = others.clone();
        thread::spawn(move || {
            loop {
                count.set(count.get() + 1);
                thread::yield_now();
            }
        });
        let lookups: Vec<_> = (0..20)
            .map(|_| thread::spawn(|| ("localhost", 1).to_socket_addrs().unwrap().count()))
            .collect();
        for lookup in lookups {
            assert!(lookup.join().unwrap() > 0);
        }
        assert!(others.get() > 0);
    });
}

#[test]
fn a_name_that_is_none_is_an_error() {
    run(|| {
        assert!(("no\0name", 80).to_socket_addrs().is_err());
        assert!(resolve::lookup_host("no-such-host.invalid:1").is_err());
        let literal = ("::1", 80).to_socket_addrs().unwrap().next().unwrap();
        assert_eq!(literal.ip(), "::1".parse::<IpAddr>().unwrap());
    });
}

#[test]
fn a_lookup_that_is_given_up_does_no_harm() {
    run(|| {
        let gone = thread::spawn(|| {
            let _ = resolve::lookup_host("localhost:1");
        });
        thread::yield_now();
        gone.kill();
        assert!(gone.join().is_err());
        let _ =
            time::timeout(Duration::from_nanos(1), || resolve::lookup_host("localhost:1").is_ok());
        assert!(resolve::lookup_host("localhost:1").is_ok());
    });
}
