//! The resolvers that are ours against the operating system's, question by question: numeric hosts,
//! services, wildcards, flags, hosts files, and which error is told (linux-truth L).
#![cfg(target_os = "linux")]

use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;

use greenroom::net::{TcpStream, ToSocketAddrs};
use greenroom::resolve::*;
use greenroom::{resolve, thread};
use greenroom_real::{Blocking, Threaded, run, try_run};

const FAMILIES: [i32; 4] = [libc::AF_UNSPEC, libc::AF_INET, libc::AF_INET6, 99];
const KINDS: [(i32, i32); 8] = [
    (0, 0),
    (libc::SOCK_STREAM, 0),
    (libc::SOCK_DGRAM, 0),
    (libc::SOCK_RAW, 0),
    (0, libc::IPPROTO_UDP),
    (libc::SOCK_STREAM, libc::IPPROTO_UDP),
    (99, 0),
    (0, 99),
];

/// Every question of these parts, asked of both; what differs is told with the question.
fn hold_to_the_system(hosts: &[Option<&str>], services: &[Option<&str>], flags: &[i32]) {
    let ours = Hosts::system();
    let mut asked = 0;
    for (&host, &service) in hosts.iter().flat_map(|h| services.iter().map(move |s| (h, s))) {
        for (family, (socktype, protocol)) in
            FAMILIES.into_iter().flat_map(|family| KINDS.map(|kind| (family, kind)))
        {
            for &flags in flags {
                let hints = Hints { family, socktype, protocol, flags };
                let request = Request { host, service, hints };
                let system = Blocking.getaddrinfo(&request);
                assert_eq!(ours.getaddrinfo(&request), system, "{request:?}");
                asked += 1;
            }
        }
    }
    assert!(asked > 100, "{asked} questions");
}

const NUMERIC: &[Option<&str>] = &[
    Some("127.0.0.1"),
    Some("127.1"),
    Some("0x7f.1"),
    Some("0X7F.0.0.1"),
    Some("0177.0.0.1"),
    Some("2130706433"),
    Some("0"),
    Some("0.0.0.0"),
    Some("255.255.255.255"),
    Some("4294967295"),
    Some("::1"),
    Some("::"),
    Some("::ffff:1.2.3.4"),
    Some("2001:DB8::1"),
    Some("::1%1"),
    Some("::1%lo"),
    Some("fe80::1%lo"),
    Some("fe80::1%7"),
    Some("ff02::1%lo"),
    Some("fe80::1%+1"),
    Some("fe80::1%"),
    Some("fe80::1%4294967296"),
    Some(""),
    None,
    Some("*"),
];

const SERVICES: &[Option<&str>] = &[
    None,
    Some(""),
    Some("*"),
    Some("80"),
    Some("080"),
    Some(" 80"),
    Some("+80"),
    Some("80x"),
    Some("-1"),
    Some("-2"),
    Some("-4294967216"),
    Some("65535"),
    Some("65536"),
    Some("99999"),
    Some("4294967376"),
    Some("99999999999999999999999"),
    Some(" "),
    Some("http"),
    Some("www"),
    Some("HTTP"),
    Some("https"),
    Some("domain"),
    Some("tftp"),
    Some("nosuchsvc"),
];

#[test]
fn numeric_hosts_and_services_are_the_systems() {
    run(|| hold_to_the_system(NUMERIC, &[None, Some("80"), Some("http")], &[0, AI_NUMERICHOST]));
    run(|| {
        hold_to_the_system(&[Some("127.0.0.1"), Some("::1"), None], SERVICES, &[0, AI_NUMERICSERV])
    });
}

#[test]
fn flags_are_the_systems() {
    let flags = [
        AI_PASSIVE,
        AI_CANONNAME,
        AI_NUMERICHOST | AI_CANONNAME,
        AI_V4MAPPED,
        AI_V4MAPPED | AI_ALL,
        AI_PASSIVE | AI_V4MAPPED,
        0x80000,
    ];
    run(move || {
        let hosts =
            [None, Some(""), Some("127.0.0.1"), Some("127.1"), Some("::1"), Some("localhost")];
        hold_to_the_system(&hosts, &[None, Some("80"), Some("nosuchsvc")], &flags);
    });
}

#[test]
fn localhost_is_the_systems() {
    // Of IPv6 only if the hosts file has it: else the system asks name servers.
    let file = std::fs::read_to_string("/etc/hosts").unwrap_or_default();
    let ours = Hosts::system();
    run(move || {
        for family in [libc::AF_UNSPEC, libc::AF_INET, libc::AF_INET6] {
            if family == libc::AF_INET6 && !file.contains("::1") {
                continue;
            }
            for name in ["localhost", "LOCALHOST", "LocalHost"] {
                let request = Request {
                    host: Some(name),
                    service: Some("http"),
                    hints: Hints::stream().family(family).flags(AI_CANONNAME),
                };
                assert_eq!(
                    ours.getaddrinfo(&request),
                    Blocking.getaddrinfo(&request),
                    "{request:?}"
                );
            }
        }
        assert_eq!(
            ours.forward("localhost", Family::V4),
            Blocking.forward("localhost", Family::V4)
        );
        let loopback: IpAddr = "127.0.0.1".parse().unwrap();
        assert_eq!(ours.reverse(loopback), Blocking.reverse(loopback));
    });
}

#[test]
fn names_of_addresses_are_the_systems() {
    run(|| {
        let ours = Hosts::system();
        for address in ["127.0.0.1:80", "127.0.0.1:0", "127.0.0.1:69", "127.0.0.1:61234"] {
            let address: SocketAddr = address.parse().unwrap();
            for flags in (0..0x20).chain([0x400]) {
                // The own domain is the system's affair.
                let flags = flags & !NI_NOFQDN;
                let system = Blocking.getnameinfo(&address, flags);
                assert_eq!(ours.getnameinfo(&address, flags), system, "{address} {flags:#x}");
                assert_eq!(resolve::getnameinfo(&address, flags), system, "{address} {flags:#x}");
            }
        }
        for address in
            ["[::1]:443", "[2001:db8::1]:5", "[fe80::1%1]:80", "[fe80::1%9]:80", "[::1%3]:80"]
        {
            let address: SocketAddr = address.parse().unwrap();
            let flags = NI_NUMERICHOST | NI_NUMERICSERV;
            let system = Blocking.getnameinfo(&address, flags);
            assert_eq!(ours.getnameinfo(&address, flags), system, "{address}");
        }
    });
}

/// Names that nobody has. The system says so at once, or that nobody can be asked, which it does
/// where there is no network: never an address, and never another error.
#[test]
fn names_that_are_none_are_errors() {
    run(|| {
        let ours = Hosts::system();
        let long = "a".repeat(64) + ".invalid";
        let whole = "a.".repeat(130) + "invalid";
        let local = ["1.2.3.4.5", "256.1.1.1", "127.0.0.1 ", "[::1]", "foo..bar", ".foo", "a b"];
        let others = ["no-such-host.invalid", "m\u{fc}nchen.invalid", "nul\0byte", &long, &whole];
        for host in local.into_iter().chain(others) {
            let request = Request { host: Some(host), service: None, hints: Hints::stream() };
            let system = Threaded.getaddrinfo(&request);
            assert!(
                matches!(system, Err(GaiError::NoName | GaiError::Again)),
                "{host:?} {system:?}"
            );
            assert_eq!(ours.getaddrinfo(&request), Err(GaiError::NoName), "{host:?}");
        }
    });
}

#[test]
fn a_look_up_that_fails_looks_as_in_std() {
    run(|| {
        let theirs = std::net::ToSocketAddrs::to_socket_addrs(&("foo..bar", 1)).unwrap_err();
        let ours = ("foo..bar", 1).to_socket_addrs().map(|_| ()).unwrap_err();
        assert_eq!((ours.kind(), ours.raw_os_error()), (theirs.kind(), theirs.raw_os_error()));
        assert_eq!(ours.to_string(), theirs.to_string());
        let known = GaiError::of(&ours).unwrap();
        assert!(ours.to_string().ends_with(known.text()), "{ours}");
    });
}

#[test]
fn codes_are_linuxs() {
    for code in [-1, -2, -3, -4, -5, -6, -7, -8, -9, -10, -11, -12, -105] {
        let error = GaiError::from_code(code, libc::EIO);
        assert_eq!(error.code(), code);
        assert!(!error.text().is_empty());
    }
    assert_eq!(GaiError::from_code(-11, 5), GaiError::System(5));
    // linux-truth 264.
    assert_eq!(GaiError::NoData.text(), "No address associated with hostname");
    assert_eq!(GaiError::Again.text(), "Temporary failure in name resolution");
    assert_eq!(GaiError::from_code(-999, 5), GaiError::Fail);
}

#[test]
fn a_hosts_file_is_read_again_when_it_changes() {
    let folder = std::env::temp_dir().join(format!("greenroom-hosts-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("hosts");
    let hosts = Hosts::file(&path);
    let v4 =
        |name: &str| hosts.forward(name, Family::V4).map(|entry| entry.addresses[0].to_string());
    assert_eq!(v4("gate"), Err(GaiError::NoName));
    std::fs::write(&path, "192.0.2.1 gate\n").unwrap();
    assert_eq!(v4("gate").unwrap(), "192.0.2.1");
    std::fs::write(&path, "192.0.2.12 gate\n").unwrap();
    assert_eq!(v4("gate").unwrap(), "192.0.2.12");
    // While it is gone, what it said is kept.
    std::fs::remove_file(&path).unwrap();
    assert_eq!(v4("gate").unwrap(), "192.0.2.12");
    std::fs::write(&path, "# nobody\n").unwrap();
    assert_eq!(v4("gate"), Err(GaiError::NoName));
    std::fs::remove_dir_all(&folder).unwrap();
}

const FILE: &str = "\
127.0.0.1 localhost
::1 localhost ip6-localhost ip6-loopback
127.0.0.3 multi
127.0.0.2 multi # again
127.0.0.4 canon4 alias4
no-address name
192.0.2.7
";

/// linux-truth 251, 252, 258, 260, with its hosts file.
#[test]
fn a_hosts_file_is_answered_as_glibc_does() {
    run(|| {
        let hosts = Hosts::parse(FILE);
        let ips = |name: &str, family: i32, flags: i32| {
            let hints = Hints::stream().family(family).flags(flags);
            let found = hosts.getaddrinfo(&Request { host: Some(name), service: None, hints });
            found.map(|all| all.iter().map(|it| it.address.ip().to_string()).collect::<Vec<_>>())
        };
        let (any, v4, v6) = (libc::AF_UNSPEC, libc::AF_INET, libc::AF_INET6);
        assert_eq!(ips("localhost", any, 0).unwrap(), ["::1", "127.0.0.1"]);
        assert_eq!(ips("localhost", v4, 0).unwrap(), ["127.0.0.1", "127.0.0.1"]);
        assert_eq!(ips("localhost", v6, 0).unwrap(), ["::1"]);
        assert_eq!(ips("LOCALHOST", any, 0).unwrap(), ["::1", "127.0.0.1"]);
        assert_eq!(ips("localhost.", any, 0), Err(GaiError::NoName));
        assert_eq!(ips("foo.localhost", any, 0), Err(GaiError::NoName));
        assert_eq!(ips("multi", any, 0).unwrap(), ["127.0.0.3", "127.0.0.2"]);
        assert_eq!(
            ips("multi", v6, AI_V4MAPPED).unwrap(),
            ["::ffff:127.0.0.3", "::ffff:127.0.0.2"]
        );
        assert_eq!(ips("alias4", any, 0).unwrap(), ["127.0.0.4"]);
        assert_eq!(ips("name", any, 0), Err(GaiError::NoName));
        let hints = Hints::stream().flags(AI_CANONNAME);
        let request = Request { host: Some("alias4"), service: None, hints };
        let found = hosts.getaddrinfo(&request).unwrap();
        assert_eq!(found[0].canonical.as_deref(), Some("canon4"));
        let entry = hosts.forward("localhost", Family::V4).unwrap();
        assert_eq!((entry.name.as_str(), entry.addresses.len()), ("localhost", 2));
        assert_eq!(entry.aliases, ["ip6-localhost", "ip6-loopback"]);
    });
}

#[test]
fn the_resolver_that_is_set_is_asked_by_everything() {
    run(|| {
        resolve::set_resolver(Rc::new(Hosts::parse("127.0.0.9 nine.example nine")));
        assert_eq!(resolve::gethostbyname("nine").unwrap().to_string(), "127.0.0.9");
        let entry = resolve::gethostbyname_ex("nine").unwrap();
        assert_eq!((entry.name.as_str(), entry.aliases), ("nine.example", vec!["nine".to_owned()]));
        assert_eq!(resolve::gethostbyaddr(entry.addresses[0]).unwrap().name, "nine.example");
        let found: Vec<_> = resolve::lookup_host("nine:80").unwrap().collect();
        assert_eq!(found, ["127.0.0.9:80".parse().unwrap()]);
        let listener = greenroom::net::TcpListener::bind("nine:0").unwrap();
        let address = listener.local_addr().unwrap();
        assert_eq!(address.ip().to_string(), "127.0.0.9");
        TcpStream::connect(("nine.example", address.port())).unwrap();
        assert_eq!(resolve::gethostbyname_ex("::1"), Err(GaiError::AddrFamily));
        let gone = resolve::gethostbyname("localhost").unwrap_err();
        assert_eq!(GaiError::of(&gone), Some(GaiError::NoName));
    });
    // Another run has the system's again.
    run(|| assert!(resolve::gethostbyname("localhost").unwrap().is_loopback()));
}

#[test]
fn greenlets_go_on_while_a_thread_looks_up_and_not_while_this_one_does() {
    run(|| {
        let turns = Rc::new(std::cell::Cell::new(0));
        let count = turns.clone();
        let other = thread::spawn(move || {
            loop {
                count.set(count.get() + 1);
                thread::yield_now();
            }
        });
        let request = Request { host: Some("localhost"), service: None, hints: Hints::stream() };
        Blocking.getaddrinfo(&request).unwrap();
        assert_eq!(turns.get(), 0);
        // One that is answered before this thread asks again waits for nothing.
        let goes_on = (0..100).any(|_| {
            Threaded.getaddrinfo(&request).unwrap();
            turns.get() > 0
        });
        assert!(goes_on);
        other.kill();
    });
}

#[test]
fn outside_a_hub_numbers_are_answered_and_names_are_errors() {
    let found = resolve::getaddrinfo(Some("127.1"), Some("80"), Hints::stream()).unwrap();
    assert_eq!(found[0].address, "127.0.0.1:80".parse().unwrap());
    let error = resolve::getaddrinfo(Some("localhost"), None, Hints::stream()).unwrap_err();
    assert_eq!(error, GaiError::System(libc::ENOTCONN));
    assert!(try_run(|| ()).is_ok());
}
