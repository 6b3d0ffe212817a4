//! All who come: so many honest clients of either server, and so many hostile ones.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use greenroom::thread::JoinHandle;

use super::hostile::{KINDS, Kind};
use super::server::Addresses;
use super::{Soaking, greenlet, honest, hostile};

/// Of each server.
const HONEST: u64 = 8;
/// Of both: so many connections at once, and with them as many descriptors.
pub const HOSTILE: u64 = 32;

/// How long honest requests took.
#[derive(Default)]
pub struct Latencies {
    pub count: Cell<u64>,
    /// In microseconds, of those answered in the first and in the last third of the time.
    pub first: RefCell<Vec<u32>>,
    pub last: RefCell<Vec<u32>>,
}

impl Latencies {
    pub fn note(&self, soaking: &Soaking, took: Duration) {
        self.count.set(self.count.get() + 1);
        let took = u32::try_from(took.as_micros()).unwrap_or(u32::MAX);
        let elapsed = soaking.start.elapsed();
        if elapsed * 3 < soaking.time {
            self.first.borrow_mut().push(took);
        } else if elapsed * 3 >= soaking.time * 2 {
            self.last.borrow_mut().push(took);
        }
    }
}

/// Sessions of hostile clients, by kind, and how many of them were told to go.
pub type Tally = RefCell<Vec<(Kind, u64)>>;

pub struct Clients {
    pub kv: Rc<Latencies>,
    pub http: Rc<Latencies>,
    pub sessions: Rc<Tally>,
    all: RefCell<Vec<JoinHandle<()>>>,
}

impl Clients {
    pub fn start(soaking: &Rc<Soaking>, addresses: Addresses) -> Clients {
        let (kv, http) = (Rc::<Latencies>::default(), Rc::<Latencies>::default());
        let sessions = Rc::new(RefCell::new(KINDS.iter().map(|kind| (*kind, 0)).collect()));
        let mut all = Vec::new();
        for number in 0..HONEST {
            let (ours, soaking) = (kv.clone(), soaking.clone());
            all.push(greenlet({
                let soaking = soaking.clone();
                move || honest::of_kv(number, addresses.kv, &soaking, &ours)
            }));
            let ours = http.clone();
            all.push(greenlet(move || honest::of_http(number, addresses.http, &soaking, &ours)));
        }
        for number in 0..HOSTILE {
            let (sessions, soaking) = (sessions.clone(), soaking.clone());
            all.push(greenlet(move || hostile::run(number, addresses, &soaking, &sessions)));
        }
        Clients { kv, http, sessions, all: RefCell::new(all) }
    }

    /// Waits until all have gone.
    pub fn join(&self) {
        let all: Vec<JoinHandle<()>> = self.all.borrow_mut().drain(..).collect();
        all.into_iter().for_each(|client| drop(client.join()));
    }
}
