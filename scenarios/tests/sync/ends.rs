//! Those who wait are ended at every point: before their turn, after it came and before they ran, by
//! a kill or by a scope. The next in line has what they do not, and nothing is left of them.

use std::cell::RefCell;
use std::rc::Rc;

use greenroom::check::Shared;
use greenroom::scenario::{Scenario, Stage};
use greenroom::sync::{
    BoundedSemaphore, Condvar, GetError, Mutex, PutError, Queue, ReentrantLock, RwLock, Semaphore,
    mpsc,
};
use greenroom::thread::{self, Killed, yield_now};
use greenroom::time::{Duration, timeout};
use greenroom_sim::run::{Spec, run};

/// Runs the program on both hubs, in the order in which greenlets wake.
pub fn on_both(program: fn()) {
    greenroom_real::run(program);
    let scenario = Scenario::new("ends", "those who wait are ended", move |stage: &mut Stage| {
        stage.client("host", move || {
            program();
            Ok(())
        });
    });
    let run = run(&scenario, &Spec { tape: Some(Vec::new()), ..Spec::seed(0) });
    assert!(run.outcome.held(), "{}", run.outcome);
}

type Seen = Rc<RefCell<Vec<&'static str>>>;

/// Two wait in `wait`; what they wait for comes, and before the first can run it is killed: the
/// second has it.
fn passes_on<T: 'static>(thing: T, wait: impl Fn(&T) + Clone + 'static, give: impl Fn(&T)) {
    let (thing, seen) = (Rc::new(thing), Seen::default());
    let waiter = |name: &'static str| {
        let (thing, seen, wait) = (thing.clone(), seen.clone(), wait.clone());
        let waiter = thread::spawn(move || {
            wait(&thing);
            seen.borrow_mut().push(name);
        });
        yield_now();
        waiter
    };
    let (first, second) = (waiter("first"), waiter("second"));
    yield_now();
    assert!(seen.borrow().is_empty(), "there is nothing to be had yet");
    give(&thing);
    first.kill();
    assert!(first.join().unwrap_err().is::<Killed>());
    second.join().unwrap();
    assert_eq!(*seen.borrow(), ["second"]);
}

#[test]
fn what_was_given_to_one_who_is_killed_before_it_runs_goes_to_the_next() {
    on_both(|| {
        passes_on(Semaphore::new(0), Semaphore::acquire, Semaphore::release);
        let bounded = BoundedSemaphore::new(1);
        bounded.acquire();
        passes_on(bounded, BoundedSemaphore::acquire, |one| one.release().unwrap());
        passes_on(
            Queue::new(),
            |queue| assert_eq!(queue.get(), Ok(7)),
            |queue| {
                queue.put(7).unwrap();
            },
        );
        let full = Queue::bounded(1);
        full.put(1).unwrap();
        passes_on(
            full,
            |queue| assert_eq!(queue.put(2), Ok(())),
            |queue| {
                // The first one's item is in the queue for good: it was taken.
                assert_eq!((queue.get(), queue.get()), (Ok(1), Ok(2)));
            },
        );
        passes_on(
            (Mutex::new(()), Condvar::new()),
            |(lock, condition)| {
                drop(condition.wait(lock.lock().unwrap()).unwrap());
            },
            |(_, condition)| condition.notify_one(),
        );
    });
}

#[test]
fn a_lock_given_to_one_who_is_killed_before_it_runs_goes_to_the_next() {
    on_both(|| {
        let lock = Rc::new(RwLock::new(()));
        let held = lock.write().unwrap();
        let held = RefCell::new(Some(held));
        passes_on(lock.clone(), |lock| drop(lock.write().unwrap()), |_| drop(held.take()));
        assert!(lock.try_write().is_ok(), "nothing is left of them");

        let lock = Rc::new(ReentrantLock::new(()));
        let held = RefCell::new(Some(lock.lock()));
        passes_on(lock.clone(), |lock| drop(lock.lock()), |_| drop(held.take()));
        assert!(lock.try_lock().is_some());

        let lock = Rc::new(Mutex::new(()));
        let held = RefCell::new(Some(lock.lock().unwrap()));
        passes_on(lock.clone(), |lock| drop(lock.lock().unwrap()), |_| drop(held.take()));
        assert!(lock.try_lock().is_ok());
    });
}

const SHORT: Duration = Duration::from_millis(1);

#[test]
fn a_scope_that_expires_takes_its_waiter_out_of_every_line() {
    on_both(|| {
        let semaphore = Semaphore::new(0);
        assert!(timeout(SHORT, || semaphore.acquire()).is_err());
        assert!(!semaphore.acquire_timeout(SHORT));
        semaphore.release();
        assert_eq!(semaphore.available(), 1, "nobody is left in line to have it");

        let queue = Queue::bounded(1);
        assert!(timeout(SHORT, || queue.get()).is_err());
        assert_eq!(queue.get_timeout(SHORT), Err(GetError::Empty));
        queue.put(1).unwrap();
        assert!(timeout(SHORT, || queue.put(2)).is_err());
        assert_eq!(queue.put_timeout(3, SHORT), Err(PutError::Full(3)));
        assert_eq!((queue.get(), queue.len()), (Ok(1), 0));

        let lock = RwLock::new(());
        let reading = lock.read().unwrap();
        assert!(timeout(SHORT, || drop(lock.write())).is_err());
        assert!(lock.try_read().is_ok(), "the writer that gave up keeps no reader out");
        drop(reading);
        assert!(lock.try_write().is_ok());
    });
}

#[test]
fn readers_go_on_when_the_writer_before_them_gives_up() {
    on_both(|| {
        let lock = Rc::new(RwLock::new(()));
        let reading = lock.read().unwrap();
        let theirs = lock.clone();
        let writer = thread::spawn(move || drop(theirs.write()));
        yield_now();
        let theirs = lock.clone();
        let reader = thread::spawn(move || drop(theirs.read()));
        yield_now();
        yield_now();
        assert!(!reader.is_finished(), "it came after a writer");
        writer.kill();
        reader.join().unwrap();
        drop(reading);
    });
}

/// Does what it is told when it is dropped.
struct Last<F: FnMut()>(F);

impl<F: FnMut()> Drop for Last<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// One who is ended lets go, and so hands over to one who waits; and then wants it back, in a destructor,
/// where it cannot wait and the other cannot run. It has it before the other.
fn is_had_again<T: 'static>(thing: T, have: impl Fn(&T) -> bool + Copy + 'static, wait: fn(&T)) {
    let (thing, seen) = (Rc::new(thing), Seen::default());
    let (theirs, told) = (thing.clone(), seen.clone());
    let ended = thread::spawn(move || {
        let _again = Last(|| {
            assert!(have(&theirs), "nobody has it who runs");
            told.borrow_mut().push("had again");
        });
        let _once = Last(|| assert!(have(&theirs)));
        wait(&theirs);
    });
    yield_now();
    let (theirs, told) = (thing.clone(), seen.clone());
    let other = thread::spawn(move || {
        assert!(have(&theirs));
        told.borrow_mut().push("had by the other");
    });
    yield_now();
    yield_now();
    assert!(seen.borrow().is_empty() && !other.is_finished());
    ended.kill();
    assert!(ended.join().unwrap_err().is::<Killed>());
    other.join().unwrap();
    assert_eq!(*seen.borrow(), ["had again", "had by the other"]);
    assert!(have(&thing), "nothing is left of them");
}

#[test]
fn one_who_unwinds_has_again_what_it_let_go() {
    on_both(|| {
        is_had_again(
            Mutex::new(()),
            |lock| lock.lock().is_ok(),
            |lock| {
                let _guard = lock.lock();
                thread::park();
            },
        );
        is_had_again(
            ReentrantLock::new(()),
            |lock| {
                drop(lock.lock());
                true
            },
            |lock| {
                let _guard = lock.lock();
                thread::park();
            },
        );
        is_had_again(
            RwLock::new(()),
            |lock| lock.write().is_ok(),
            |lock| {
                let _guard = lock.read();
                thread::park();
            },
        );
        is_had_again(
            RwLock::new(()),
            |lock| lock.write().is_ok() && lock.read().is_ok(),
            |lock| {
                let _guard = lock.write();
                thread::park();
            },
        );
        is_had_again(
            Semaphore::new(1),
            |permits| {
                drop(permits.permit());
                true
            },
            |permits| {
                let _permit = permits.permit();
                thread::park();
            },
        );
    });
}

/// Readers were let in and have not run; a reader that is ended goes in beside them, and no writer does
/// while another reads.
#[test]
fn one_who_unwinds_reads_beside_those_who_read_and_those_who_wait() {
    on_both(|| {
        let lock = Rc::new(RwLock::new(()));
        let reading = lock.read().unwrap();
        let theirs = lock.clone();
        let writer = thread::spawn(move || drop(theirs.write()));
        yield_now();
        let theirs = lock.clone();
        let ended = thread::spawn(move || {
            let _last = Last(|| {
                assert!(theirs.read().is_ok());
                let refused =
                    std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| theirs.write()));
                assert!(refused.is_err(), "another reads, who cannot go on meanwhile");
            });
            thread::park();
        });
        yield_now();
        ended.kill();
        assert!(ended.join().unwrap_err().is::<Killed>());
        drop(reading);
        writer.join().unwrap();
        assert!(lock.try_write().is_ok());
    });
}

static LOOKED_AT: Queue<Looks> = Queue::bounded(0);

/// Uses its queue when it is dropped.
struct Looks;

impl Drop for Looks {
    fn drop(&mut self) {
        assert!(LOOKED_AT.is_empty());
    }
}

#[test]
fn what_comes_back_to_one_who_was_killed_may_use_the_queue() {
    greenroom_real::run(|| {
        let putter = thread::spawn(|| drop(LOOKED_AT.put(Looks)));
        yield_now();
        LOOKED_AT.shut_down();
        putter.kill();
        assert!(putter.join().unwrap_err().is::<Killed>());
    });
}

#[test]
fn an_item_that_comes_back_makes_no_room_beyond_the_bound() {
    on_both(|| {
        let queue = Rc::new(Queue::bounded(0));
        let theirs = queue.clone();
        let getter = thread::spawn(move || theirs.get());
        yield_now();
        queue.put(1).unwrap();
        getter.kill();
        assert!(getter.join().unwrap_err().is::<Killed>());
        let theirs = queue.clone();
        let putter = thread::spawn(move || theirs.put(2));
        yield_now();
        assert_eq!(queue.get(), Ok(1));
        yield_now();
        assert!(!putter.is_finished(), "nobody wants its item yet");
        assert_eq!(queue.get(), Ok(2));
        assert_eq!(putter.join().unwrap(), Ok(()));
    });
}

#[test]
fn tasks_told_done_before_they_are_got_are_not_counted_twice() {
    on_both(|| {
        let queue = Queue::new();
        queue.put(1).unwrap();
        assert_eq!(queue.task_done(), Ok(()));
        queue.shut_down_now();
        assert!(queue.task_done().is_err());
        queue.join();
    });
}

#[test]
fn what_comes_back_to_a_queue_that_is_shut_down_now_is_done() {
    on_both(|| {
        let queue = Rc::new(Queue::new());
        let theirs = queue.clone();
        let getter = thread::spawn(move || theirs.get());
        yield_now();
        queue.put(1).unwrap();
        queue.shut_down_now();
        getter.kill();
        assert!(getter.join().unwrap_err().is::<Killed>());
        assert_eq!((queue.len(), queue.get()), (0, Err(GetError::ShutDown)));
        queue.join();
    });
}

#[test]
fn a_rendezvous_whose_sender_is_ended_does_not_come_about() {
    on_both(|| {
        let (sender, receiver) = mpsc::sync_channel(0);
        let theirs = sender.clone();
        let ended = thread::spawn(move || theirs.send(1));
        yield_now();
        ended.kill();
        assert!(ended.join().unwrap_err().is::<Killed>());
        assert!(timeout(SHORT, || sender.send(2)).is_err());
        assert!(receiver.try_recv().is_err(), "what they had to say went with them");
        let sending = thread::spawn(move || sender.send(3));
        assert_eq!(receiver.recv(), Ok(3));
        sending.join().unwrap().unwrap();
    });
}

/// Its destructor may not wait, so what it sends there is taken at once or comes back.
#[test]
fn a_rendezvous_of_one_that_is_being_ended_gives_its_message_back() {
    struct SendsWhenDropped(mpsc::SyncSender<u8>, Shared<Option<bool>>);
    impl Drop for SendsWhenDropped {
        fn drop(&mut self) {
            let sent = self.0.send(7).is_ok();
            self.1.with(|told| *told = Some(sent));
        }
    }
    on_both(|| {
        let (sender, receiver) = mpsc::sync_channel(0);
        let told = Shared::new(None);
        let last_words = SendsWhenDropped(sender, told.clone());
        let ended = thread::spawn(move || {
            let _last_words = last_words;
            thread::park();
        });
        yield_now();
        ended.kill();
        assert!(ended.join().is_err());
        assert_eq!(told.with(|told| *told), Some(false));
        assert!(receiver.try_recv().is_err(), "it came back");
    });
}
