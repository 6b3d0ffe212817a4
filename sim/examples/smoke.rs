//! smoke
use greenroom::net::*;
use greenroom::scenario::Scenario;
use greenroom::thread;
use greenroom_sim::{run::*, trace::Level};
use std::io::*;
fn main() {
    let s = Scenario::new("echo", "x", |st| {
        st.server("srv", || {
            let l = TcpListener::bind("0.0.0.0:7")?;
            loop {
                let (mut s, _) = l.accept()?;
                thread::Builder::new().name("conn".into()).spawn(move || {
                    let mut b = [0; 256];
                    loop {
                        let n = s.read(&mut b).unwrap();
                        if n == 0 {
                            break;
                        }
                        s.write_all(&b[..n]).unwrap();
                    }
                })?;
            }
        });
        for i in 0..2 {
            st.client(&format!("cli{i}"), || {
                let mut s = TcpStream::connect("srv:7")?;
                let mut b = [0; 5];
                for _ in 0..3 {
                    s.write_all(b"hello")?;
                    s.read_exact(&mut b)?;
                }
                Ok(())
            });
        }
    });
    let mut spec = Spec::seed(1);
    spec.keeps_events = true;
    let r = run(&s, &spec);
    println!(
        "{}",
        r.trace
            .as_ref()
            .unwrap()
            .text(Level::named(&std::env::args().nth(1).unwrap_or("api".into())).unwrap(), "t")
    );
    println!(
        "{:?} {:x} ev {} turns {} vt {} dev {}",
        r.outcome,
        r.hash,
        r.events,
        r.turns,
        r.virtual_ns,
        r.deviations.len()
    );
    let t = std::time::Instant::now();
    let n = 20000;
    for i in 0..n {
        let r = run(&s, &Spec::seed(i));
        assert!(r.outcome.held(), "{i} {}", r.outcome);
    }
    println!("{:?} per run", t.elapsed() / n as u32);
    let s = Scenario::new("rt", "x", |st| {
        st.server("srv", || {
            let l = TcpListener::bind("0.0.0.0:7")?;
            let (mut s, _) = l.accept()?;
            let mut b = [0; 64];
            loop {
                let n = s.read(&mut b)?;
                if n == 0 {
                    return Ok(());
                }
                s.write_all(&b[..n])?;
            }
        });
        st.client("cli", || {
            let mut s = TcpStream::connect("srv:7")?;
            let mut b = [0; 64];
            for _ in 0..100000 {
                s.write_all(&b.clone())?;
                s.read_exact(&mut b)?;
            }
            Ok(())
        });
    });
    for w in ["default", "calm"] {
        let mut sp = Spec::seed(1);
        sp.weather = greenroom_sim::faults::Weather::named(w).unwrap();
        for _ in 0..3 {
            let t = std::time::Instant::now();
            let r = run(&s, &sp);
            println!("{w} {} {:?} per rt, ev {}", r.outcome, t.elapsed() / 100000, r.events);
        }
    }
}
