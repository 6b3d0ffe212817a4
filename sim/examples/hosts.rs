//! x
use greenroom::net::*;
use greenroom::scenario::Scenario;
use greenroom::thread;
use greenroom_sim::run::*;
use std::time::Duration;
fn main() {
    let s = Scenario::new("hosts", "x", |st| {
        for i in 0..1000 {
            st.client(&format!("h{i}"), || {
                let _l = TcpListener::bind("0.0.0.0:7")?;
                for _ in 0..(if std::env::args().len() > 1 { 1 } else { 3600 }) {
                    thread::sleep(Duration::from_secs(1));
                }
                Ok(())
            });
        }
    });
    let t = std::time::Instant::now();
    let r = run(&s, &Spec::seed(0));
    println!(
        "{} {:?} ev {} turns {} dev {}",
        r.outcome,
        t.elapsed(),
        r.events,
        r.turns,
        r.deviations.len()
    );
    let s = Scenario::new("small", "x", |st| {
        st.server("srv", || {
            let l = TcpListener::bind("0.0.0.0:7")?;
            loop {
                let (s, _) = l.accept()?;
                thread::Builder::new().name("conn".into()).spawn(move || {
                    use std::io::*;
                    let mut s = s;
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
        for n in ["a", "b"] {
            st.client(n, || {
                use std::io::*;
                let mut s = TcpStream::connect("10.0.0.1:7")?;
                let mut b = [0; 64];
                for _ in 0..5 {
                    let c = b;
                    s.write_all(&c)?;
                    s.read_exact(&mut b)?;
                }
                Ok(())
            });
        }
    });
    let t = std::time::Instant::now();
    let n: u64 = std::env::args().nth(1).map_or(20000, |a| a.parse().unwrap());
    for i in 0..n {
        let r = run(&s, &Spec::seed(i));
        if !r.outcome.held() {
            println!("{i} {}", r.outcome)
        }
    }
    println!("{:?} per small world", t.elapsed() / n as u32);
}
