//! `Dns` against name servers that do as their script says: on the operating system over loopback,
//! and in the simulator on a host of its own, in weather.

mod server;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use greenroom::check::Shared;
use greenroom::net::{TcpListener, ToSocketAddrs, UdpSocket};
use greenroom::resolve::dns::Config;
use greenroom::resolve::{self, Dns, Family, GaiError, Hints, Hosts, Request, Resolver};
use greenroom::time::Instant;
use greenroom::{thread, time};
use greenroom_sim::Sim;
use greenroom_sim::faults::Weather;
use server::Log;

/// A server in the simulator; its clock is the virtual one, so waiting costs nothing.
fn in_sim(seed: u64, weather: Weather, client: impl Fn(SocketAddr, Log) + Send + Sync + 'static) {
    let log = Log::new(Vec::new());
    let (theirs, ours) = (log.clone(), log);
    let run = Sim::new()
        .seed(seed)
        .weather(weather)
        .server("ns", move || server::serve("0.0.0.0:53".parse().unwrap(), theirs.clone()))
        .client("cli", move || {
            let found: Vec<_> = ("ns", 53).to_socket_addrs()?.collect();
            ours.with(Vec::clear);
            client(found[0], ours.clone());
            Ok(())
        })
        .run();
    assert!(run.outcome.held(), "seed {seed}: {}", run.outcome);
}

/// A server on loopback, in the same hub.
fn on_real(client: impl FnOnce(SocketAddr, Log) + 'static) {
    greenroom_real::run(move || {
        let log = Shared::new(Vec::new());
        // A port that is free for one transport may be another test's for the other.
        let (listener, socket) = (0..100)
            .find_map(|_| {
                let listener = TcpListener::bind("127.0.0.1:0").ok()?;
                let socket = UdpSocket::bind(listener.local_addr().ok()?).ok()?;
                Some((listener, socket))
            })
            .expect("some port is free for both");
        let address = socket.local_addr().unwrap();
        let theirs = log.clone();
        let server = thread::spawn(move || server::serve_on(socket, listener, theirs));
        client(address, log);
        server.kill();
    });
}

/// The same in both worlds.
fn in_both(client: impl Fn(SocketAddr, Log) + Clone + Send + Sync + 'static) {
    on_real(client.clone());
    in_sim(1, Weather::calm(), client);
}

fn dns(server: SocketAddr) -> Dns {
    Dns::new(quick(&[server]))
}

fn quick(servers: &[SocketAddr]) -> Config {
    let mut config = Config::servers(servers.iter().copied());
    config.timeout = Duration::from_millis(100);
    config
}

fn ips(dns: &Dns, name: &str, family: Family) -> Result<Vec<String>, GaiError> {
    let mut all: Vec<String> =
        dns.forward(name, family)?.addresses.iter().map(IpAddr::to_string).collect();
    all.sort();
    Ok(all)
}

fn lines(log: &Log) -> Vec<String> {
    log.with(std::mem::take)
}

#[test]
fn addresses_aliases_and_what_there_is_not() {
    in_both(|server, _| {
        let dns = dns(server);
        let (any, v4, v6) = (Family::Any, Family::V4, Family::V6);
        assert_eq!(ips(&dns, "plain.example", v4).unwrap(), ["192.0.2.1", "192.0.2.2"]);
        assert_eq!(ips(&dns, "plain.example", any).unwrap().len(), 3);
        assert_eq!(ips(&dns, "PLAIN.Example.", v6).unwrap(), ["2001:db8::1"]);
        assert_eq!(ips(&dns, "v4.example", any).unwrap(), ["192.0.2.9"]);
        assert_eq!(ips(&dns, "v4.example", v6), Err(GaiError::NoData));
        assert_eq!(ips(&dns, "none.example", any), Err(GaiError::NoName));
        for name in ["alias.example", "far.example"] {
            let entry = dns.forward(name, v4).unwrap();
            assert_eq!(
                (entry.name.as_str(), entry.addresses.len()),
                ("plain.example", 2),
                "{name}"
            );
        }
        assert_eq!(ips(&dns, "ring.example", v4), Err(GaiError::Fail));
        assert_eq!(ips(&dns, "localhost", v4).unwrap(), ["127.0.0.1", "127.0.0.1"]);
        assert_eq!(dns.reverse("192.0.2.1".parse().unwrap()).unwrap().name, "plain.example");
        assert_eq!(dns.reverse("192.0.2.2".parse().unwrap()), Err(GaiError::Fail));
        assert_eq!(dns.reverse("192.0.2.3".parse().unwrap()), Err(GaiError::NoName));
    });
}

/// linux-truth 253 and 254, as far as the list is the resolver's.
#[test]
fn getaddrinfo_over_it_is_glibcs() {
    in_both(|server, _| {
        let dns = dns(server);
        let ask = |host: &str, family: i32, flags: i32| {
            let hints = Hints::stream().family(family).flags(flags);
            let found =
                dns.getaddrinfo(&Request { host: Some(host), service: Some("http"), hints });
            found.map(|all| all.iter().map(|it| it.address.to_string()).collect::<Vec<_>>())
        };
        use resolve::{AI_ALL, AI_V4MAPPED};
        assert_eq!(ask("v4.example", 0, 0).unwrap(), ["192.0.2.9:80"]);
        assert_eq!(ask("v4.example", libc::AF_INET6, 0), Err(GaiError::NoData));
        let mapped = ["[::ffff:192.0.2.9]:80"];
        assert_eq!(ask("v4.example", libc::AF_INET6, AI_V4MAPPED).unwrap(), mapped);
        assert_eq!(ask("v4.example", libc::AF_INET6, AI_V4MAPPED | AI_ALL).unwrap(), mapped);
        assert_eq!(ask("servfail.example", 0, 0), Err(GaiError::Again));
        assert_eq!(ask("refused.example", 0, 0), Err(GaiError::Again));
        assert_eq!(ask("127.1", 0, 0).unwrap(), ["127.0.0.1:80"]);
    });
}

#[test]
fn an_answer_that_does_not_fit_a_datagram_is_asked_for_over_tcp() {
    in_both(|server, log| {
        assert_eq!(ips(&dns(server), "big.example", Family::V4).unwrap().len(), server::BIG);
        assert_eq!(lines(&log), ["A big.example udp", "A big.example tcp"]);
        let mut config = quick(&[server]);
        config.use_tcp = true;
        assert_eq!(ips(&Dns::new(config), "v4.example", Family::V4).unwrap(), ["192.0.2.9"]);
        assert_eq!(lines(&log), ["A v4.example tcp"]);
    });
}

#[test]
fn a_server_that_does_not_know_edns_is_asked_without() {
    in_both(|server, log| {
        assert_eq!(ips(&dns(server), "old.example", Family::V4).unwrap(), ["192.0.2.9"]);
        assert_eq!(lines(&log).len(), 2);
        let mut config = quick(&[server]);
        config.edns = false;
        assert_eq!(ips(&Dns::new(config), "old.example", Family::V4).unwrap(), ["192.0.2.9"]);
        assert_eq!(lines(&log).len(), 1);
    });
}

#[test]
fn forgeries_are_passed_over() {
    in_both(|server, log| {
        assert_eq!(ips(&dns(server), "forged.example", Family::V4).unwrap(), ["192.0.2.9"]);
        assert_eq!(lines(&log).len(), 1, "nothing had to be asked again");
    });
}

#[test]
fn silence_is_waited_for_asked_again_and_told() {
    in_both(|server, log| {
        let dns = dns(server);
        assert_eq!(ips(&dns, "second.example", Family::V4).unwrap(), ["192.0.2.9"]);
        assert_eq!(lines(&log).len(), 2);
        let before = Instant::now();
        assert_eq!(ips(&dns, "silent.example", Family::V4), Err(GaiError::Again));
        assert!(before.elapsed() >= Duration::from_millis(300), "100 ms, then 200 ms");
        assert_eq!(lines(&log).len(), 2);
        // Failures are not kept.
        assert_eq!(ips(&dns, "servfail.example", Family::V4), Err(GaiError::Again));
        assert_eq!(ips(&dns, "servfail.example", Family::V4), Err(GaiError::Again));
        assert_eq!(lines(&log).len(), 4);
    });
}

#[test]
fn another_server_is_asked_where_one_is_no_use() {
    in_both(|server, log| {
        // Nobody listens there.
        let deaf = SocketAddr::new(server.ip(), 9);
        let dns = Dns::new(quick(&[deaf, server]));
        assert_eq!(ips(&dns, "v4.example", Family::V4).unwrap(), ["192.0.2.9"]);
        assert_eq!(lines(&log).len(), 1);
        assert_eq!(ips(&Dns::new(quick(&[deaf])), "v4.example", Family::V4), Err(GaiError::Again));
        let mut config = quick(&[server, deaf]);
        config.rotate = true;
        let dns = Dns::new(config);
        for name in ["plain.example", "v4.example"] {
            dns.forward(name, Family::V4).unwrap();
        }
    });
}

#[test]
fn answers_are_kept_as_long_as_they_say() {
    in_sim(3, Weather::calm(), |server, log| {
        let dns = dns(server);
        let asked = |name: &str| {
            let answer = dns.forward(name, Family::V4).map(|entry| entry.addresses.len());
            (answer, lines(&log).len())
        };
        assert_eq!(asked("plain.example"), (Ok(2), 1));
        assert_eq!(asked("PLAIN.example"), (Ok(2), 0));
        assert_eq!(asked("short.example"), (Ok(1), 1));
        assert_eq!(asked("zero.example"), (Ok(1), 1));
        assert_eq!(asked("zero.example"), (Ok(1), 1));
        assert_eq!(asked("none.example"), (Err(GaiError::NoName), 1));
        assert_eq!(asked("none.example"), (Err(GaiError::NoName), 0));
        thread::sleep(Duration::from_secs(3));
        assert_eq!(asked("short.example"), (Ok(1), 1));
        assert_eq!(asked("plain.example"), (Ok(2), 0));
        thread::sleep(Duration::from_secs(server::NEGATIVE_TTL_S.into()));
        assert_eq!(asked("none.example"), (Err(GaiError::NoName), 1));
        thread::sleep(Duration::from_secs(server::TTL_S.into()));
        assert_eq!(asked("plain.example"), (Ok(2), 1));
        dns.clear_cache();
        assert_eq!(asked("plain.example"), (Ok(2), 1));
    });
}

#[test]
fn names_are_tried_in_the_search_domains() {
    in_both(|server, log| {
        let mut config = quick(&[server]);
        config.search = vec!["no.example".to_owned(), "corp.example".to_owned()];
        let dns = Dns::new(config.clone());
        assert_eq!(dns.forward("host", Family::V4).unwrap().name, "host.corp.example");
        assert_eq!(lines(&log), ["A host.no.example udp", "A host.corp.example udp"]);
        dns.forward("v4.example", Family::V4).unwrap();
        assert_eq!(lines(&log), ["A v4.example udp"], "it has a dot");
        assert_eq!(ips(&dns, "host.", Family::V4), Err(GaiError::NoName));
        assert_eq!(lines(&log), ["A host udp"], "it says that it is whole");
        config.ndots = 2;
        let dns = Dns::new(config);
        dns.forward("v4.example", Family::V4).unwrap();
        let tried =
            ["A v4.example.no.example udp", "A v4.example.corp.example udp", "A v4.example udp"];
        assert_eq!(lines(&log), tried);
    });
}

/// linux-truth 259.
#[test]
fn names_that_cannot_be_trouble_no_server() {
    in_both(|server, log| {
        let dns = dns(server);
        let long = ["a".repeat(64), "a.".repeat(127) + "aa", "x".repeat(2000)];
        for name in long.iter().map(String::as_str).chain(["foo..bar", ".foo", "..", "a\\.b"]) {
            assert_eq!(ips(&dns, name, Family::Any), Err(GaiError::NoName), "{name}");
        }
        assert!(lines(&log).is_empty());
        let whole = ["a".repeat(63).as_str(), "x\n", "a b", "-x.example", "m\u{fc}nchen.example"]
            .map(|name| ips(&dns, name, Family::V4));
        assert_eq!(whole, [const { Err(GaiError::NoName) }; 5]);
        assert_eq!(lines(&log).len(), 5);
    });
}

#[test]
fn hosts_come_before_servers_and_both_before_connect() {
    in_both(|server, log| {
        let hosts = Hosts::parse("127.0.0.9 v4.example nine\n");
        resolve::set_resolver(Rc::new(dns(server).with_hosts(hosts)));
        assert_eq!(resolve::gethostbyname("v4.example").unwrap().to_string(), "127.0.0.9");
        assert!(lines(&log).is_empty());
        let found: Vec<_> = resolve::lookup_host(("alias.example", 80)).unwrap().collect();
        assert_eq!(found.len(), 3);
        let error = resolve::lookup_host(("none.example", 80)).map(|_| ()).unwrap_err();
        assert_eq!(GaiError::of(&error), Some(GaiError::NoName));
    });
}

#[test]
fn a_look_up_that_is_given_up_leaves_nothing_behind() {
    in_both(|server, _| {
        let dns = Rc::new(dns(server));
        let theirs = dns.clone();
        let gone = thread::spawn(move || theirs.forward("silent.example", Family::Any).is_ok());
        thread::yield_now();
        gone.kill();
        assert!(gone.join().is_err());
        let late = time::timeout(Duration::from_millis(1), || {
            dns.forward("silent.example", Family::Any).is_ok()
        });
        assert!(late.is_err());
        assert_eq!(ips(&dns, "v4.example", Family::Any).unwrap(), ["192.0.2.9"]);
    });
}

/// Datagrams are lost, late, twice and out of order: an answer is the truth or a part of it, or that
/// nobody answered; and mostly it is the truth.
#[test]
fn in_weather_answers_are_the_truth() {
    for weather in Weather::NAMES {
        let (asked, answered) = (Shared::new(0_u32), Shared::new(0_u32));
        for seed in 0..20 {
            let (asked, answered) = (asked.clone(), answered.clone());
            in_sim(seed, Weather::by_name(weather).unwrap(), move |server, _| {
                let mut config = quick(&[server]);
                config.attempts = 5;
                let dns = Dns::new(config);
                for name in ["plain.example", "alias.example", "big.example", "none.example"] {
                    asked.with(|asked| *asked += 1);
                    match ips(&dns, name, Family::Any) {
                        Err(GaiError::Again) => continue,
                        Ok(found) => assert!(found.iter().all(|ip| is_true(name, ip)), "{name}"),
                        Err(error) => assert_eq!((error, name), (GaiError::NoName, "none.example")),
                    }
                    answered.with(|answered| *answered += 1);
                }
            });
        }
        let (asked, answered) = (asked.with(|it| *it), answered.with(|it| *it));
        assert!(answered > asked / 2, "{weather}: {answered} of {asked}");
    }
}

fn is_true(name: &str, ip: &str) -> bool {
    match name {
        "big.example" => ip.starts_with("198.51.100."),
        "none.example" => false,
        _ => ["192.0.2.1", "192.0.2.2", "2001:db8::1"].contains(&ip),
    }
}

#[test]
fn outside_a_hub_there_are_no_servers() -> io::Result<()> {
    let dns = Dns::new(Config::default());
    assert_eq!(dns.forward("a.example", Family::Any), Err(GaiError::System(libc::ENOTCONN)));
    assert_eq!(dns.forward("localhost", Family::V6).unwrap().addresses.len(), 1);
    Ok(())
}
