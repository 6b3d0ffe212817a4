//! `Dns` against a real server: Debian's dnsmasq on loopback. Without it nothing is tested here,
//! which is told, and is a failure if `GREENROOM_REQUIRE_TOOLS` is set.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Lines};
use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::Duration;

use greenroom::resolve::dns::Config;
use greenroom::resolve::{AI_CANONNAME, Dns, Family, GaiError, Hints, Request, Resolver};
use greenroom_real::run;

/// More addresses than fit a datagram.
const BIG: usize = 150;

/// A server that is stopped when this is dropped.
struct Server {
    child: Child,
    address: SocketAddr,
    hosts: PathBuf,
    /// Whom it passes questions on to, and who says nothing.
    mute: UdpSocket,
    /// It may have more to say.
    told: Option<Lines<BufReader<ChildStderr>>>,
}

impl Server {
    /// On a port that is free for both transports, as far as can be known. `None` where there is no
    /// dnsmasq.
    fn start(test: &str) -> Option<Server> {
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        Server::start_at(test, free, "--local=/test/")
    }

    fn start_at(test: &str, port: u16, own: &str) -> Option<Server> {
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let hosts = std::env::temp_dir().join(format!("greenroom-{test}-{}", std::process::id()));
        let mut lines = String::from("192.0.2.1 plain.test\n2001:db8::1 plain.test\n");
        lines += "192.0.2.9 v4.test\n2001:db8::9 v6.test\n";
        (0..BIG).for_each(|last| writeln!(lines, "198.51.100.{last} big.test").unwrap());
        std::fs::write(&hosts, lines).unwrap();
        let mute = UdpSocket::bind("127.0.0.1:0").unwrap();
        let mut command = Command::new("dnsmasq");
        command
            .args(["--keep-in-foreground", "--no-resolv", "--no-hosts", "--conf-file=/dev/null"])
            .args(["--bind-interfaces", "--listen-address=127.0.0.1", "--pid-file="])
            .args(["--user=", "--group=", "--log-facility=-", own])
            .args(["--cname=one.test,two.test", "--cname=two.test,plain.test"])
            .arg(format!("--server=/far.test/127.0.0.1#{}", mute.local_addr().unwrap().port()))
            .arg(format!("--port={port}"))
            .arg(format!("--addn-hosts={}", hosts.display()))
            .stdin(Stdio::null())
            .stderr(Stdio::piped());
        let path = std::env::var("PATH").unwrap_or_default();
        let Ok(mut child) = command.env("PATH", format!("{path}:/usr/sbin:/sbin")).spawn() else {
            let _ = std::fs::remove_file(&hosts);
            assert!(std::env::var_os("GREENROOM_REQUIRE_TOOLS").is_none(), "dnsmasq is required");
            eprintln!("SKIPPED: {test}: there is no dnsmasq (Debian: dnsmasq-base)");
            return None;
        };
        let mut told = BufReader::new(child.stderr.take().expect("it is piped")).lines();
        let mut server = Server { child, address, hosts, mute, told: None };
        let mut heard = Vec::new();
        while let Some(line) = told.next() {
            let line = line.unwrap();
            // The hosts file is read after it says that it has started.
            if line.contains("read ") && line.contains(" names") {
                server.told = Some(told);
                return Some(server);
            }
            heard.push(line);
        }
        panic!("dnsmasq did not start: {heard:#?}");
    }

    fn dns(&self) -> Dns {
        let mut config = Config::servers([self.address]);
        config.timeout = Duration::from_secs(5);
        Dns::new(config)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_file(&self.hosts);
    }
}

fn ips(dns: &Dns, name: &str, family: Family) -> Result<Vec<IpAddr>, GaiError> {
    dns.forward(name, family).map(|entry| entry.addresses)
}

#[test]
fn names_aliases_and_errors_of_a_real_server() {
    let Some(server) = Server::start("names") else { return };
    run(move || {
        let dns = server.dns();
        let ip = |text: &str| -> IpAddr { text.parse().unwrap() };
        assert_eq!(ips(&dns, "v4.test", Family::Any), Ok(vec![ip("192.0.2.9")]));
        assert_eq!(ips(&dns, "V6.Test.", Family::Any), Ok(vec![ip("2001:db8::9")]));
        assert_eq!(ips(&dns, "v4.test", Family::V6), Err(GaiError::NoData));
        assert_eq!(ips(&dns, "none.test", Family::Any), Err(GaiError::NoName));
        let entry = dns.forward("one.test", Family::Any).unwrap();
        assert_eq!((entry.name.as_str(), entry.addresses.len()), ("plain.test", 2));
        assert_eq!(dns.reverse(ip("192.0.2.9")).unwrap().name, "v4.test");
        assert_eq!(dns.reverse(ip("2001:db8::9")).unwrap().name, "v6.test");
        // It refuses what it has no server for.
        assert_eq!(ips(&dns, "elsewhere.example", Family::V4), Err(GaiError::Again));
        let hints = Hints::stream().flags(AI_CANONNAME);
        let request = Request { host: Some("one.test"), service: Some("https"), hints };
        let found = dns.getaddrinfo(&request).unwrap();
        assert_eq!(found[0].canonical.as_deref(), Some("plain.test"));
        assert!(found.len() == 2 && found.iter().all(|info| info.address.port() == 443));
    });
}

#[test]
fn a_question_that_nobody_answers_is_given_up() {
    let Some(server) = Server::start("mute") else { return };
    run(move || {
        let mut config = Config::servers([server.address]);
        (config.timeout, config.attempts) = (Duration::from_millis(50), 2);
        assert_eq!(ips(&Dns::new(config), "a.far.test", Family::V4), Err(GaiError::Again));
        // It did reach the server, which passed it on.
        assert!(server.mute.recv(&mut [0; 512]).unwrap() > 12);
    });
}

#[test]
fn an_answer_that_is_too_long_comes_over_tcp() {
    let Some(server) = Server::start("long") else { return };
    run(move || assert_eq!(ips(&server.dns(), "big.test", Family::V4).unwrap().len(), BIG));
}

#[test]
fn a_server_that_is_gone_is_told_and_what_it_said_is_kept_no_longer_than_it_said() {
    let Some(mut server) = Server::start("gone") else { return };
    run(move || {
        let dns = server.dns();
        assert!(ips(&dns, "v4.test", Family::V4).is_ok());
        server.child.kill().unwrap();
        server.child.wait().unwrap();
        // From its hosts file, dnsmasq's answers hold for no time at all.
        assert_eq!(ips(&dns, "v4.test", Family::V4), Err(GaiError::Again));
    });
}

/// Set where a test runs in namespaces of its own.
const INSIDE: &str = "GREENROOM_INSIDE_NAMESPACES";
const HOSTS: &str = "127.0.0.1 localhost\n::1 localhost ip6-localhost\n127.0.0.4 canon4 alias4\n";
const RESOLV_CONF: &str = "nameserver 127.0.0.1\nsearch test\noptions timeout:1 attempts:1\n";

/// glibc and `Dns` with the same resolv.conf, hosts file and server, in namespaces where these are
/// the machine's: each answers what the other does.
#[cfg(target_os = "linux")]
#[test]
fn the_system_is_answered_the_same() {
    const TEST: &str = "the_system_is_answered_the_same";
    if std::env::var_os(INSIDE).is_some() {
        // It knows of every name whether there is one: where it refuses, glibc is of two minds.
        let Some(server) = Server::start_at("inside", 53, "--local=/#/") else { return };
        run(move || {
            compare(&Dns::system());
            drop(server);
        });
        return;
    }
    let enter = |script: &str| {
        let mut command = Command::new("unshare");
        command.args(["--mount", "--net", "sh", "-ec", script]);
        command
    };
    let probe = "ip link set lo up; mount --bind /etc/hosts /etc/hosts";
    let entered = enter(probe).stderr(Stdio::null()).status();
    if !entered.is_ok_and(|status| status.success()) {
        assert!(std::env::var_os("GREENROOM_REQUIRE_TOOLS").is_none(), "namespaces are required");
        eprintln!("SKIPPED: {TEST}: no namespaces of its own can be had");
        return;
    }
    let folder = std::env::temp_dir().join(format!("greenroom-{TEST}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("hosts"), HOSTS).unwrap();
    std::fs::write(folder.join("resolv.conf"), RESOLV_CONF).unwrap();
    let script = "ip link set lo up
        for file in hosts resolv.conf; do mount --bind \"$1/$file\" /etc/$file; done
        exec \"$2\" --exact \"$3\" --nocapture";
    let output = enter(script)
        .args(["sh".as_ref(), folder.as_os_str(), std::env::current_exe().unwrap().as_os_str()])
        .arg(TEST)
        .env(INSIDE, "yes")
        .output()
        .unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    let told =
        [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    assert!(output.status.success() && told[0].contains("1 passed"), "{}{}", told[0], told[1]);
}

#[cfg(target_os = "linux")]
fn compare(dns: &Dns) {
    use greenroom::resolve::{AI_ADDRCONFIG, AI_ALL, AI_V4MAPPED, NI_NAMEREQD};
    use greenroom_real::Blocking;

    let long = ["a".repeat(63), "a".repeat(64), "a.".repeat(130), "x".repeat(2000)];
    let names = [
        "plain.test",
        "v4.test",
        "V4.TEST",
        "v4.test.",
        "v4",
        "v6.test",
        "v6",
        "one.test",
        "one",
        "big.test",
        "none.test",
        "none",
        "elsewhere.example",
        "localhost",
        "localhost.",
        "alias4",
        "foo..bar",
        ".foo",
        "a b",
        "x\n",
        "-x.test",
        "_x.test",
        "m\u{fc}nchen.test",
        "1.2.3.4.5",
        "127.0.0.1 ",
        "127.1",
        "::1",
        "",
    ];
    let mut differing = Vec::new();
    for name in names.into_iter().chain(long.iter().map(String::as_str)) {
        for family in [libc::AF_UNSPEC, libc::AF_INET, libc::AF_INET6] {
            for flags in [0, AI_V4MAPPED, AI_V4MAPPED | AI_ALL, AI_CANONNAME, AI_ADDRCONFIG] {
                let hints = Hints::stream().family(family).flags(flags);
                let request = Request { host: Some(name), service: Some("http"), hints };
                // The server turns the order of its answers.
                let ask = |resolver: &dyn Resolver| {
                    resolver.getaddrinfo(&request).map(|all| {
                        let canonical = all[0].canonical.clone();
                        let mut all: Vec<_> = all.iter().map(|info| info.address).collect();
                        all.sort();
                        (canonical, all)
                    })
                };
                let (ours, system) = (ask(dns), ask(&Blocking));
                if ours != system {
                    differing.push(format!("{request:?}\n  ours   {ours:?}\n  system {system:?}"));
                }
            }
        }
    }
    for address in ["192.0.2.9:80", "[2001:db8::9]:80", "127.0.0.4:80", "[2001:db8::7]:80"] {
        let address: SocketAddr = address.parse().unwrap();
        for flags in [0, NI_NAMEREQD] {
            let ask = |resolver: &dyn Resolver| resolver.getnameinfo(&address, flags);
            let (ours, system) = (ask(dns), ask(&Blocking));
            if ours != system {
                differing
                    .push(format!("{address} {flags}\n  ours   {ours:?}\n  system {system:?}"));
            }
        }
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}
