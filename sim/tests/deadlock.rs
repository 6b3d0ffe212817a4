//! A run that hangs: its class and its wait table name those who have a part in it, and what each waits for.

use std::io::{self, Read, Write};

use greenroom::net::{TcpListener, TcpStream, UdpSocket};
use greenroom::scenario::Scenario;
use greenroom::sync::{Event, Mutex, Queue, ReentrantLock, Semaphore, mpsc};
use greenroom::thread::{self, Builder};
use greenroom::wait;
use greenroom_sim::faults::Weather;
use greenroom_sim::run::{Outcome, Spec, run};

/// Class and wait table of a story that hangs.
#[track_caller]
fn hung(story: &Scenario) -> (String, String) {
    let run = run(story, &Spec { weather: Weather::calm(), ..Spec::seed(1) });
    assert!(matches!(run.outcome, Outcome::Deadlocked(_)), "{}", run.outcome);
    (run.outcome.class(), run.outcome.to_string())
}

fn accepts_for_ever() -> io::Result<()> {
    let listener = TcpListener::bind("0.0.0.0:7")?;
    for stream in listener.incoming() {
        let mut stream = stream?;
        Builder::new().name("conn".into()).spawn(move || stream.read_to_end(&mut Vec::new()))?;
    }
    Ok(())
}

/// Two servers that talk to each other, and to nobody else.
fn with_bystanders(client: fn() -> io::Result<()>) -> Scenario {
    Scenario::new("bystanders", "a client hangs by itself", move |stage| {
        stage.server("a", accepts_for_ever);
        stage.server("b", || {
            let mut stream = TcpStream::connect("a:7")?;
            stream.write_all(b"x")?;
            stream.read(&mut [0]).map(drop)
        });
        stage.client("cli", client);
    })
}

#[test]
fn bystanders_have_no_part_in_the_class() {
    let story = with_bystanders(|| {
        let (sender, receiver) = mpsc::channel::<()>();
        let _ = receiver.recv();
        drop(sender);
        Ok(())
    });
    let (class, said) = hung(&story);
    assert_eq!(class, "deadlock: cli in recv");
    assert!(
        said.contains("idle, with no part in it: a in accept, b in read, a/conn in read"),
        "{said}"
    );
    assert!(
        said.contains("in recv on a message on the channel made at sim/tests/deadlock.rs"),
        "{said}"
    );
    assert!(said.contains("which nobody has given yet"), "{said}");
}

/// Who last gave a notice is named.
#[test]
fn what_is_waited_for_is_named_by_its_place_and_its_last_giver() {
    let story = with_bystanders(|| {
        let event = std::rc::Rc::new(Event::new());
        let theirs = event.clone();
        let setter = Builder::new().name("setter".into()).spawn(move || {
            theirs.set();
            theirs.clear();
            let none = Semaphore::new(0);
            none.acquire();
        })?;
        thread::yield_now();
        event.wait(None);
        let _ = setter.join();
        Ok(())
    });
    let (class, said) = hung(&story);
    assert_eq!(class, "deadlock: cli in wait, cli/setter in acquire");
    assert!(said.contains("the event made at sim/tests/deadlock.rs"), "{said}");
    assert!(said.contains("last given by cli/setter"), "{said}");
    assert!(said.contains("a permit of the semaphore made at sim/tests/deadlock.rs"), "{said}");
}

/// A lock goes from hand to hand while others wait: they wait for whoever has it now.
#[test]
fn who_waits_for_a_lock_waits_for_whoever_has_it_now() {
    fn hands_on<L: 'static>(lock: L, hold: fn(&L, fn())) {
        let lock = std::rc::Rc::new(lock);
        let named = |name: &str, held: fn()| {
            let lock = lock.clone();
            let named = Builder::new().name(name.into()).spawn(move || hold(&lock, held)).unwrap();
            // Whatever the seed's order, it stands in line then.
            thread::sleep(std::time::Duration::from_millis(1));
            named
        };
        let first = named("first", thread::park);
        let second = named("second", thread::park);
        let third = named("third", || ());
        first.thread().unpark();
        first.join().unwrap();
        drop((second, third));
        thread::park();
    }
    let stories: [fn() -> io::Result<()>; 2] = [
        || {
            hands_on(Mutex::new(()), |lock, held| {
                let _guard = lock.lock();
                held();
            });
            Ok(())
        },
        || {
            hands_on(ReentrantLock::new(()), |lock, held| {
                let _guard = lock.lock();
                held();
            });
            Ok(())
        },
    ];
    for story in stories {
        let (_, said) = hung(&with_bystanders(story));
        assert!(said.contains("cli/third: in lock on a lock held by cli/second"), "{said}");
    }
}

/// A queue's place is where it was made, and who put last is named.
#[test]
fn an_item_that_does_not_come_is_named_by_its_queue_and_who_put_last() {
    let story = with_bystanders(|| {
        let queue = std::rc::Rc::new(Queue::new());
        let theirs = queue.clone();
        let putter = Builder::new().name("putter".into()).spawn(move || {
            theirs.put(1).unwrap();
            thread::park();
        })?;
        queue.get().unwrap();
        queue.get().unwrap();
        putter.join().unwrap();
        Ok(())
    });
    let (_, said) = hung(&story);
    assert!(
        said.contains("in get on an item of the queue made at sim/tests/deadlock.rs"),
        "{said}"
    );
    assert!(said.contains("last given by cli/putter"), "{said}");
}

/// What did not go in was not given.
#[test]
fn a_send_that_failed_gives_nothing() {
    let story = with_bystanders(|| {
        let (sender, receiver) = mpsc::sync_channel(0);
        assert!(sender.try_send(1).is_err());
        let _ = receiver.recv();
        drop(sender);
        Ok(())
    });
    let (_, said) = hung(&story);
    assert!(said.contains("which nobody has given yet"), "{said}");
}

/// A server that a client waits for has its part, and whom that one waits for.
#[test]
fn whom_a_client_waits_for_has_a_part_in_it() {
    let story = Scenario::new("chain", "over two servers", |stage| {
        stage.server("store", accepts_for_ever);
        stage.server("front", || {
            let (mut stream, _) = TcpListener::bind("0.0.0.0:7")?.accept()?;
            stream.read_exact(&mut [0])?;
            TcpStream::connect("store:7")?.read(&mut [0]).map(drop)
        });
        stage.server("other", accepts_for_ever);
        stage.client("cli", || {
            let mut stream = TcpStream::connect("front:7")?;
            stream.write_all(b"x")?;
            stream.read(&mut [0]).map(drop)
        });
    });
    let (class, said) = hung(&story);
    assert_eq!(class, "deadlock: cli in read, front in read, store/conn in read");
    assert!(said.contains("idle, with no part in it: store in accept, other in accept"), "{said}");
}

/// Who waits for anybody to come, or for several things, waits for whoever is held up elsewhere.
#[test]
fn whoever_is_held_up_elsewhere_has_a_part_where_anybody_could_come() {
    let waits: [fn() -> io::Result<()>; 2] = [
        || UdpSocket::bind("0.0.0.0:7")?.recv_from(&mut [0]).map(drop),
        || {
            let socket = UdpSocket::bind("0.0.0.0:7")?;
            wait::any(&[&wait::Watcher::read(&socket)?, &Event::new()], None).map(drop)
        },
    ];
    for client in waits {
        let story = Scenario::new("culprit", "the one who is to answer hangs", move |stage| {
            stage.server("srv", || {
                let lock = std::rc::Rc::new(Mutex::new(()));
                let theirs = lock.clone();
                thread::spawn(move || {
                    let _held = theirs.lock();
                    thread::park();
                });
                thread::yield_now();
                drop(lock.lock());
                UdpSocket::bind("0.0.0.0:0")?.send_to(b"x", "cli:7").map(drop)
            });
            stage.server("other", accepts_for_ever);
            stage.client("cli", client);
        });
        let (class, said) = hung(&story);
        assert!(class.contains("srv in lock, srv/task in park"), "{class}");
        assert!(said.contains("idle, with no part in it: other in accept"), "{said}");
    }
}
