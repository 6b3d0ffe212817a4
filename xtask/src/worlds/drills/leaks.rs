//! Programs that no seed determines, each by something else that it should not look at.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::SystemTime;

use greenroom::net::UdpSocket;
use greenroom::scenario::Scenario;

pub(super) fn all() -> Vec<Scenario> {
    vec![
        leak("drill/pid", "sends its process id", || {
            let socket = UdpSocket::bind("0.0.0.0:0").expect("a port");
            let id = format!("{:010}", std::process::id());
            socket.send_to(id.as_bytes(), "cli:9").expect("it is sent");
        }),
        leak("drill/address", "shows where a value lies", || {
            greenroom::note!("a box at {:p}", Box::new(7_u8));
        }),
        leak("drill/clock", "reads the system's clock", || {
            let since = SystemTime::UNIX_EPOCH.elapsed().expect("it is later");
            greenroom::note!("{} ns", since.as_nanos());
        }),
        leak("drill/hash-order", "goes through a HashMap", || {
            let map: HashMap<u32, ()> = (0..100).map(|key| (key, ())).collect();
            greenroom::note!("{:?}", map.keys().collect::<Vec<_>>());
        }),
        leak("drill/environment", "counts its variables", || {
            greenroom::note!("{} variables", std::env::vars_os().count());
        }),
        leak(
            "drill/memory",
            "knows what the run before it chose, if that was not the same",
            || {
                static CHOSEN: Mutex<(u32, u32)> = Mutex::new((0, 0));
                let chosen = greenroom::rand::choose("what", 1_000_000);
                let mut last = CHOSEN.lock().expect("nobody panics");
                if last.0 != chosen {
                    *last = (chosen, last.0);
                }
                greenroom::note!("before: {}", last.1);
            },
        ),
    ]
}

fn leak(name: &str, about: &str, what: fn()) -> Scenario {
    super::always(name, about, what)
}
