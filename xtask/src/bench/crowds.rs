//! What a crowd of waiters costs: twice as many must take about twice as long, whatever they wait in and
//! however that ends. A cost that grows with the square stalls a hub that serves many.

mod times;

use std::io::{Read, Write};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use greenroom::io::pipe;
use greenroom::net::{TcpListener, UdpSocket};
use greenroom::sync::{
    Barrier, Condvar, Event, Mutex, Once, Queue, ReentrantLock, RwLock, Semaphore, mpsc,
};
use greenroom::thread::{self, JoinHandle};
use greenroom::wait;

use super::REPETITIONS;
use super::machine::{figure, table};
use super::process::cpu_ns;
use times::Times;

/// The smaller crowd. Below some thousands a square hides behind what each one costs.
const CROWD: usize = 20_000;
/// Twice as many may take this often as long: caches are left behind on the way.
const RATIO_MAX: f64 = 2.3;
/// Long enough that nobody is woken before all wait.
const LATER: Duration = Duration::from_secs(3600);

type Crowd = fn(usize) -> Duration;

/// Makes a crowd of so many and returns how long what is measured of it took on the CPU.
const CROWDS: &[(&str, Crowd)] = &[
    ("sleepers end", sleepers),
    ("event set", event_set),
    ("event out of time", event_late),
    ("event and timer, any of both", any_late),
    ("condvar notify all", condvar_all),
    ("condvar out of time", condvar_late),
    ("mutex handed on", mutex),
    ("reentrant lock handed on", reentrant),
    ("rwlock, readers and writers", rwlock),
    ("semaphore released", semaphore),
    ("semaphore out of time", semaphore_late),
    ("barrier", barrier),
    ("once", once),
    ("sync_channel(0)", rendezvous),
    ("sync_channel(1)", bounded),
    ("queue put, bounded", queue_puts),
    ("queue get out of time", queue_late),
    ("one joined by many", joined),
    ("one joined, out of time", joined_late),
    ("watchers of one source", watchers),
    ("watchers out of time", watchers_late),
    ("readers of one socket", readers),
    ("readers out of time", readers_late),
    ("acceptors closed", closed),
    ("scope joins", scope_joins),
    ("scope kills those that wait", scope_kills),
    ("scope kills those that run", scope_kills_runnable),
    ("killed one by one", killed),
];

/// What is measured around a whole run.
const RUNS: &[(&str, Crowd)] =
    &[("a run's end, all wait", end_of_waiting), ("a run's end, all run", end_of_runnable)];

/// Who is over the ratio is measured so often again before it counts: on a machine that is busy with
/// other things a median of a few is one of noise.
const AGAIN: usize = 3;

/// Prints both times and their ratio, and fails where one is too great.
pub fn bench() -> Result<(), String> {
    let all = CROWDS.iter().chain(RUNS).map(|(name, _)| *name);
    let mut times: Vec<(&str, Times)> = all.map(|name| (name, Times::default())).collect();
    for round in 0..=AGAIN {
        for _ in 0..REPETITIONS {
            for (name, times) in &mut times {
                if round == 0 || times.ratio() > RATIO_MAX {
                    times.measure(name)?;
                }
            }
        }
    }
    let rows = times.iter().map(|(name, times)| {
        let [few, many] = times.medians();
        vec![name.to_string(), figure(few), figure(many), format!("{:.2}", times.ratio())]
    });
    let columns = ["", "CPU us, 20 000", "CPU us, 40 000", "ratio"];
    let title = format!("crowds: twice as many (at most {RATIO_MAX} times as long)");
    table(&title, &columns, &rows.collect::<Vec<_>>());
    let over = times.iter().filter(|(_, times)| times.ratio() > RATIO_MAX);
    let over: Vec<&str> = over.map(|(name, _)| *name).collect();
    match over.is_empty() {
        true => Ok(()),
        false => Err(format!("over {RATIO_MAX}: {}", over.join(", "))),
    }
}

/// Prints the microseconds on the CPU that one crowd took.
pub fn child(name: &str, crowd: &str) -> Result<(), String> {
    let crowd = crowd.parse().map_err(|_| format!("`{crowd}` is no number"))?;
    let named = |list: &[(&str, Crowd)]| {
        list.iter().find(|(known, _)| *known == name).map(|(_, measure)| *measure)
    };
    let took = match (named(CROWDS), named(RUNS)) {
        (Some(measure), _) => greenroom_real::run(move || measure(crowd)),
        (None, Some(measure)) => measure(crowd),
        (None, None) => return Err(format!("no crowd `{name}`")),
    };
    say!("{}", took.as_secs_f64() * 1e6);
    Ok(())
}

/// So many greenlets, each as far as it gets.
fn crowd<T: 'static>(
    size: usize,
    body: impl Fn(usize) -> T + Clone + 'static,
) -> Vec<JoinHandle<T>> {
    let one = |index| {
        let body = body.clone();
        thread::spawn(move || body(index))
    };
    let all = (0..size).map(one).collect();
    thread::yield_now();
    thread::yield_now();
    all
}

/// Time on the CPU.
fn time(what: impl FnOnce()) -> Duration {
    let start = cpu_ns("self");
    what();
    Duration::from_nanos(cpu_ns("self") - start)
}

fn join<T>(all: Vec<JoinHandle<T>>) {
    all.into_iter().for_each(|one| drop(one.join()));
}

/// Times out of step with who came first, all over before long and none before all wait.
fn soon(index: usize, size: usize) -> Duration {
    /// Coprime to any crowd's size.
    const STEP: usize = 7919;
    Duration::from_millis(600) + Duration::from_nanos((index * STEP % size) as u64)
}

/// How long those take who are out of time at about once.
fn after_their_time<T>(all: Vec<JoinHandle<T>>) -> Duration {
    std::thread::sleep(Duration::from_millis(700));
    time(|| join(all))
}

// Clocks and locks.

fn sleepers(size: usize) -> Duration {
    after_their_time(crowd(size, move |index| thread::sleep(soon(index, size))))
}

fn event_set(size: usize) -> Duration {
    let event = Arc::new(Event::new());
    let theirs = event.clone();
    let all = crowd(size, move |_| theirs.wait(None));
    time(|| {
        event.set();
        join(all);
    })
}

fn event_late(size: usize) -> Duration {
    let event = Arc::new(Event::new());
    after_their_time(crowd(size, move |index| event.wait(Some(soon(index, size)))))
}

fn any_late(size: usize) -> Duration {
    let event = Arc::new(Event::new());
    after_their_time(crowd(size, move |index| {
        wait::any(&[&*event, &wait::after(soon(index, size))], None)
    }))
}

fn condvar_all(size: usize) -> Duration {
    let pair = Arc::new((Mutex::new(false), Condvar::new()));
    let theirs = pair.clone();
    let all = crowd(size, move |_| {
        let guard = theirs.0.lock().unwrap();
        drop(theirs.1.wait_while(guard, |set| !*set));
    });
    time(|| {
        *pair.0.lock().unwrap() = true;
        pair.1.notify_all();
        join(all);
    })
}

fn condvar_late(size: usize) -> Duration {
    let pair = Arc::new((Mutex::new(()), Condvar::new()));
    after_their_time(crowd(size, move |index| {
        let guard = pair.0.lock().unwrap();
        drop(pair.1.wait_timeout(guard, soon(index, size)));
    }))
}

fn mutex(size: usize) -> Duration {
    let lock = Arc::new(Mutex::new(0));
    let theirs = lock.clone();
    let held = lock.lock().unwrap();
    let all = crowd(size, move |_| *theirs.lock().unwrap() += 1);
    time(|| {
        drop(held);
        join(all);
    })
}

fn reentrant(size: usize) -> Duration {
    let lock = Arc::new(ReentrantLock::new(()));
    let theirs = lock.clone();
    let held = lock.lock();
    let all = crowd(size, move |_| drop(theirs.lock()));
    time(|| {
        drop(held);
        join(all);
    })
}

fn rwlock(size: usize) -> Duration {
    let lock = Arc::new(RwLock::new(0));
    let theirs = lock.clone();
    let held = lock.write().unwrap();
    let all = crowd(size, move |index| match index % 2 {
        0 => drop(theirs.read().unwrap()),
        _ => *theirs.write().unwrap() += 1,
    });
    time(|| {
        drop(held);
        join(all);
    })
}

fn semaphore(size: usize) -> Duration {
    let semaphore = Arc::new(Semaphore::new(0));
    let theirs = semaphore.clone();
    let all = crowd(size, move |_| theirs.acquire());
    time(|| {
        (0..size).for_each(|_| semaphore.release());
        join(all);
    })
}

fn semaphore_late(size: usize) -> Duration {
    let semaphore = Arc::new(Semaphore::new(0));
    after_their_time(crowd(size, move |index| semaphore.acquire_timeout(soon(index, size))))
}

fn barrier(size: usize) -> Duration {
    let barrier = Arc::new(Barrier::new(size + 1));
    let theirs = barrier.clone();
    let all = crowd(size, move |_| theirs.wait().is_leader());
    time(|| {
        barrier.wait();
        join(all);
    })
}

fn once(size: usize) -> Duration {
    let (once, open) = (Arc::new(Once::new()), Arc::new(Event::new()));
    let theirs = (once.clone(), open.clone());
    let all = crowd(size, move |_| theirs.0.call_once(|| _ = theirs.1.wait(None)));
    time(|| {
        open.set();
        join(all);
    })
}

// Channels and queues.

fn rendezvous(size: usize) -> Duration {
    channel(size, 0)
}
fn bounded(size: usize) -> Duration {
    channel(size, 1)
}

fn channel(size: usize, bound: usize) -> Duration {
    let (sender, receiver) = mpsc::sync_channel(bound);
    let all = crowd(size, move |index| sender.send(index).is_ok());
    time(|| {
        (0..size).for_each(|_| _ = receiver.recv());
        join(all);
    })
}

fn queue_puts(size: usize) -> Duration {
    let queue = Arc::new(Queue::bounded(1));
    let theirs = queue.clone();
    let all = crowd(size, move |index| theirs.put(index).is_ok());
    time(|| {
        (0..size).for_each(|_| _ = queue.get());
        join(all);
    })
}

fn queue_late(size: usize) -> Duration {
    let queue = Arc::new(Queue::<u8>::new());
    after_their_time(crowd(size, move |index| queue.get_timeout(soon(index, size)).is_ok()))
}

// Greenlets.

fn joined(size: usize) -> Duration {
    let open = Rc::new(Event::new());
    let theirs = open.clone();
    let one = Rc::new(thread::spawn(move || theirs.wait(None)));
    let all = crowd(size, move |_| drop(wait::any(&[&*one], None)));
    time(|| {
        open.set();
        join(all);
    })
}

fn joined_late(size: usize) -> Duration {
    let one = Rc::new(thread::spawn(|| thread::sleep(LATER)));
    after_their_time(crowd(size, move |index| {
        drop(wait::any(&[&*one], Some(soon(index, size))));
    }))
}

fn scope_joins(size: usize) -> Duration {
    let open = Event::new();
    time(|| {
        thread::scope(|scope| {
            for _ in 0..size {
                scope.spawn(|| open.wait(None));
            }
            thread::yield_now();
            open.set();
        });
    })
}

fn scope_kills(size: usize) -> Duration {
    scope_ends(size, || thread::sleep(LATER))
}
fn scope_kills_runnable(size: usize) -> Duration {
    scope_ends(size, || {
        loop {
            thread::yield_now();
        }
    })
}

/// A scope whose owner is killed ends its children.
fn scope_ends(size: usize, child: fn()) -> Duration {
    let owner = thread::spawn(move || {
        thread::scope(|scope| {
            (0..size).for_each(|_| drop(scope.spawn(child)));
        });
    });
    thread::yield_now();
    thread::yield_now();
    time(|| {
        owner.kill();
        drop(owner.join());
    })
}

fn killed(size: usize) -> Duration {
    let all = crowd(size, |_| thread::sleep(LATER));
    time(|| {
        all.iter().rev().for_each(JoinHandle::kill);
        join(all);
    })
}

fn end_of_waiting(size: usize) -> Duration {
    end_of(size, || thread::sleep(LATER))
}
fn end_of_runnable(size: usize) -> Duration {
    end_of(size, || {
        loop {
            thread::yield_now();
        }
    })
}

/// From the end of main to the end of the run.
fn end_of(size: usize, body: fn()) -> Duration {
    let main_ended_ns = greenroom_real::run(move || {
        crowd(size, move |_| body());
        cpu_ns("self")
    });
    Duration::from_nanos(cpu_ns("self") - main_ended_ns)
}

// Sources.

fn watchers(size: usize) -> Duration {
    let socket = Rc::new(UdpSocket::bind("127.0.0.1:0").expect("a free port"));
    let theirs = socket.clone();
    let all = crowd(size, move |_| wait::wait_read(&*theirs, None));
    time(|| {
        let own = socket.local_addr().expect("it is bound");
        socket.send_to(b"x", own).expect("it goes");
        join(all);
    })
}

fn watchers_late(size: usize) -> Duration {
    let socket = Rc::new(UdpSocket::bind("127.0.0.1:0").expect("a free port"));
    after_their_time(crowd(size, move |index| wait::wait_read(&*socket, Some(soon(index, size)))))
}

/// Of a pipe, which holds a byte for each.
fn readers(size: usize) -> Duration {
    let (reader, mut writer) = pipe().expect("a pipe");
    let reader = Rc::new(reader);
    let all = crowd(size, move |_| (&*reader).read(&mut [0]).is_ok());
    time(|| {
        writer.write_all(&vec![7; size]).expect("there is room");
        join(all);
    })
}

fn readers_late(size: usize) -> Duration {
    let socket = Rc::new(UdpSocket::bind("127.0.0.1:0").expect("a free port"));
    after_their_time(crowd(size, move |index| {
        // A call keeps the limit that it began with.
        socket.set_read_timeout(Some(soon(index, size))).expect("it is more than none");
        socket.recv(&mut [0]).is_ok()
    }))
}

fn closed(size: usize) -> Duration {
    let listener = Rc::new(TcpListener::bind("127.0.0.1:0").expect("a free port"));
    let theirs = listener.clone();
    let all = crowd(size, move |_| theirs.accept().is_ok());
    time(|| {
        listener.close();
        join(all);
    })
}
