//! `names`: hosts find each other by name, agree on the addresses, and a name that nobody has is an
//! error, not an empty answer.

use std::collections::BTreeSet;
use std::io::{self, Read, Write};
use std::net::IpAddr;

use greenroom::net::{TcpStream, ToSocketAddrs};
use greenroom::resolve::{gethostbyname, lookup_host};
use greenroom::scenario::{Scenario, Stage};

use crate::common::{Complaints, join_all, serve, spawn};

const PORT: u16 = 7012;

/// The story. Knob: `servers` hosts, found by one client.
pub fn names() -> Scenario {
    Scenario::new("names", "hosts are found by name, and only those there are", set)
        .knob("servers", 3)
}

fn set(stage: &mut Stage) {
    let complaints = Complaints::on(stage, "a name leads to its host");
    let servers = stage.knob("servers");
    for server in 0..servers {
        let (book, name) = (complaints.clone(), format!("srv{server}"));
        stage.server(&name.clone(), move || {
            let name = name.clone();
            serve(PORT, book.clone(), move |mut stream| stream.write_all(name.as_bytes()))
        });
    }
    stage.client("cli", move || {
        let finds = (0..servers).map(|server| {
            let (book, name) = (complaints.clone(), format!("srv{server}"));
            spawn("find", move || find(&name, &book))
        });
        join_all(finds.collect::<io::Result<Vec<_>>>()?)?;
        all_differ(servers, &complaints)?;
        nobody_is_an_error(&complaints);
        literals_need_no_one(&complaints)
    });
}

/// Every way to ask gives the same address, and the host that answers there has the name.
fn find(name: &str, complaints: &Complaints) -> io::Result<()> {
    let ip = IpAddr::from(gethostbyname(name)?);
    let by_lookup: Vec<_> = lookup_host((name, PORT))?.collect();
    let by_text: Vec<_> = format!("{name}:{PORT}").to_socket_addrs()?.collect();
    complaints.unless(by_lookup == by_text && by_text.contains(&(ip, PORT).into()), || {
        format!("{name}: {ip}, {by_lookup:?} and {by_text:?} do not agree")
    });
    let mut stream = TcpStream::connect((name, PORT))?;
    let mut said = String::new();
    stream.read_to_string(&mut said)?;
    complaints.unless(said == name, || format!("{name} calls itself {said:?}"));
    let peer = stream.peer_addr()?;
    complaints.unless(peer == (ip, PORT).into(), || format!("{name} is {ip}, its socket {peer}"));
    Ok(())
}

fn all_differ(servers: u64, complaints: &Complaints) -> io::Result<()> {
    let ips = (0..servers).map(|server| gethostbyname(&format!("srv{server}")));
    let ips: BTreeSet<_> = ips.collect::<io::Result<_>>()?;
    complaints.unless(ips.len() as u64 == servers, || format!("{servers} hosts have {ips:?}"));
    Ok(())
}

fn nobody_is_an_error(complaints: &Complaints) {
    // RFC 6761 keeps this name from ever being anybody's.
    let nobody = "nobody.invalid";
    let found = gethostbyname(nobody);
    complaints.unless(found.is_err(), || format!("{nobody} is {found:?}"));
    let connected = TcpStream::connect((nobody, PORT)).map(drop);
    complaints.unless(connected.is_err(), || format!("one can connect to {nobody}"));
}

fn literals_need_no_one(complaints: &Complaints) -> io::Result<()> {
    let found: Vec<_> = lookup_host("192.0.2.7:80")?.collect();
    complaints.unless(found == [([192, 0, 2, 7], 80).into()], || format!("{found:?}"));
    let found = gethostbyname("192.0.2.7")?;
    complaints.unless(found.octets() == [192, 0, 2, 7], || format!("{found}"));
    for wrong in ["no port", "host:port", "host:99999", ":"] {
        let kind = wrong.to_socket_addrs().map(drop).map_err(|error| error.kind());
        // What has a port is a question to the resolver, which may say no in its own words.
        let expected = !wrong.ends_with(':') || kind.is_err();
        complaints.unless(kind.is_err() && expected, || format!("{wrong:?} is an address"));
    }
    Ok(())
}
