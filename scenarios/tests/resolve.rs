//! The simulator's own resolver: what needs nobody is as the operating system has it, hosts have
//! their names, and names have their hosts.

use greenroom::resolve::{
    self, AI_CANONNAME, AI_NUMERICHOST, AI_NUMERICSERV, AI_PASSIVE, AI_V4MAPPED, Family, GaiError,
    Hints, NI_NAMEREQD, NI_NUMERICHOST, Request, Resolver,
};
use greenroom_sim::Sim;

#[track_caller]
fn in_sim(body: impl Fn() + Send + Sync + 'static) {
    let run = Sim::new()
        .server("srv", || Ok(()))
        .client("cli", move || {
            body();
            Ok(())
        })
        .run();
    assert!(run.outcome.held(), "{}", run.outcome);
}

#[cfg(target_os = "linux")]
#[test]
fn what_needs_nobody_is_as_on_the_operating_system() {
    const HOSTS: [Option<&str>; 12] = [
        None,
        Some(""),
        Some("127.0.0.1"),
        Some("127.1"),
        Some("0x7f.1"),
        Some("0177.0.0.1"),
        Some("2130706433"),
        Some("::1"),
        Some("fe80::1%lo"),
        Some("::1%1"),
        Some("::1%lo"),
        Some("::ffff:1.2.3.4"),
    ];
    let services = [None, Some("80"), Some(" 80"), Some("65536"), Some("-1"), Some("nosuchsvc")];
    let flags = [0, AI_PASSIVE, AI_NUMERICHOST, AI_NUMERICSERV, AI_V4MAPPED, AI_CANONNAME, 1 << 19];
    in_sim(move || {
        let mut asked = 0;
        for host in HOSTS {
            for (service, flags) in services.iter().flat_map(|s| flags.map(|flags| (*s, flags))) {
                for family in [libc::AF_UNSPEC, libc::AF_INET, libc::AF_INET6, 99] {
                    for socktype in [0, libc::SOCK_STREAM, libc::SOCK_DGRAM, 99] {
                        let hints = Hints { family, socktype, protocol: 0, flags };
                        let request = Request { host, service, hints };
                        let system = greenroom_real::Blocking.getaddrinfo(&request);
                        let ours = resolve::getaddrinfo(host, service, hints);
                        assert_eq!(ours, system, "{request:?}");
                        asked += 1;
                    }
                }
            }
        }
        assert_eq!(asked, 12 * 6 * 7 * 4 * 4);
    });
}

#[test]
fn hosts_have_names_and_names_have_hosts() {
    in_sim(|| {
        let found = resolve::getaddrinfo(Some("srv"), Some("http"), Hints::stream()).unwrap();
        let [info] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!(info.address.port(), 80);
        let ip = info.address.ip();
        assert_eq!(resolve::gethostbyname("SRV").unwrap(), ip);
        assert_eq!(resolve::gethostbyname_ex("srv").unwrap().addresses, [ip]);
        assert_eq!(resolve::gethostbyaddr(ip).unwrap().name, "srv");
        let names = resolve::getnameinfo(&info.address, NI_NAMEREQD).unwrap();
        assert_eq!(names, ("srv".to_owned(), "http".to_owned()));
        let nobody = "203.0.113.9:80".parse().unwrap();
        assert_eq!(resolve::getnameinfo(&nobody, 0).unwrap().0, "203.0.113.9");
        assert_eq!(resolve::getnameinfo(&nobody, NI_NAMEREQD), Err(GaiError::NoName));
        assert_eq!(resolve::getnameinfo(&nobody, NI_NUMERICHOST).unwrap().1, "http");
        assert_eq!(resolve::gethostbyname_ex("nobody"), Err(GaiError::NoName));
        assert_eq!(
            resolve::resolver().forward("localhost", Family::V4).unwrap().addresses.len(),
            1
        );
        let error = resolve::gethostbyname("nobody").unwrap_err();
        assert!(error.to_string().ends_with("Name or service not known"), "{error}");
    });
}
