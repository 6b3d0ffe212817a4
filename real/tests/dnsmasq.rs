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
    /// `None` where there is no dnsmasq.
    fn start(test: &str) -> Option<Server> {
        // A port that is free for both transports, as far as can be known.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
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
            .args(["--user=", "--group=", "--log-facility=-", "--local=/test/"])
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
