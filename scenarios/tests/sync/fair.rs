//! Who comes back at once stands behind those who wait: nobody starves, whatever loops.

use std::cell::RefCell;
use std::rc::Rc;

use greenroom::sync::{
    BoundedSemaphore, Channel, Mutex, Queue, ReentrantLock, RwLock, Semaphore, mpsc,
};
use greenroom::thread::{self, yield_now};

use crate::ends::on_both;

const GREENLETS: usize = 3;
const ROUNDS: usize = 40;

type Turns = Rc<RefCell<Vec<usize>>>;

/// Each does the same in a loop; while one of them is at it, all others come to wait. Nobody has a second
/// turn before all have had their first.
fn shares<T: 'static>(name: &str, thing: T, turn: impl Fn(&T, &dyn Fn()) + Clone + 'static) {
    let (thing, turns) = (Rc::new(thing), Turns::default());
    let each: Vec<_> = (0..GREENLETS)
        .map(|who| {
            let (thing, turns, turn) = (thing.clone(), turns.clone(), turn.clone());
            thread::spawn(move || {
                for _ in 0..ROUNDS {
                    turn(&thing, &|| {
                        turns.borrow_mut().push(who);
                        (0..GREENLETS).for_each(|_| yield_now());
                    });
                }
            })
        })
        .collect();
    each.into_iter().for_each(|one| one.join().unwrap());
    each_in_turn(name, &turns.borrow());
}

/// Whoever had a turn has the next one after all the others, but for those who come first and those
/// who are left at the end.
fn each_in_turn(name: &str, turns: &[usize]) {
    assert_eq!(turns.len(), GREENLETS * ROUNDS, "{name}");
    let (from, to) = (2 * GREENLETS, turns.len() - 2 * GREENLETS);
    for window in turns[from..to].windows(GREENLETS) {
        let mut who = window.to_vec();
        who.sort_unstable();
        assert_eq!(who, [0, 1, 2], "{name}: {turns:?}");
    }
}

#[test]
fn whoever_takes_a_lock_again_at_once_stands_behind_those_who_wait() {
    on_both(|| {
        shares("mutex", Mutex::new(()), |lock, held| {
            let _guard = lock.lock().unwrap();
            held();
        });
        shares("reentrant lock", ReentrantLock::new(()), |lock, held| {
            let _guard = lock.lock();
            held();
        });
        shares("writers", RwLock::new(()), |lock, held| {
            let _guard = lock.write().unwrap();
            held();
        });
        shares("semaphore", Semaphore::new(1), |semaphore, held| {
            let _permit = semaphore.permit();
            held();
        });
        shares("bounded semaphore", BoundedSemaphore::new(1), |semaphore, held| {
            let _permit = semaphore.permit();
            held();
        });
    });
}

/// The items that come of three who put theirs in a loop; all come to wait before the next is taken.
fn in_turn(name: &str, items: impl Iterator<Item = usize>) {
    let items: Vec<usize> =
        items.inspect(|_| (0..2 * GREENLETS).for_each(|_| yield_now())).collect();
    each_in_turn(name, &items);
}

/// Three put their number in a loop.
fn puts(put: impl Fn(usize) + Clone + 'static) {
    for who in 0..GREENLETS {
        let put = put.clone();
        thread::spawn(move || (0..ROUNDS).for_each(|_| put(who)));
    }
    (0..2 * GREENLETS).for_each(|_| yield_now());
}

#[test]
fn whoever_puts_again_at_once_stands_behind_those_who_wait() {
    on_both(|| {
        for bound in [0, 1, 2] {
            let (sender, receiver) = mpsc::sync_channel(bound);
            puts(move |who| sender.send(who).unwrap());
            in_turn("mpsc", receiver.iter());

            let queue = Rc::new(Queue::bounded(bound));
            let theirs = queue.clone();
            puts(move |who| theirs.put(who).unwrap());
            in_turn("queue", (0..GREENLETS * ROUNDS).map(|_| queue.get().unwrap()));
        }
        let channel = Rc::new(Channel::new());
        let theirs = channel.clone();
        puts(move |who| theirs.put(who).unwrap());
        in_turn("channel", (0..GREENLETS * ROUNDS).map(|_| channel.get().unwrap()));
    });
}

/// All who wait to send are seen by one who only looks.
#[test]
fn one_who_only_looks_sees_all_who_wait_to_send() {
    on_both(|| {
        for bound in [0, 1] {
            let (sender, receiver) = mpsc::sync_channel(bound);
            for who in 0..GREENLETS {
                let sender = sender.clone();
                thread::spawn(move || sender.send(who).unwrap());
            }
            (0..GREENLETS).for_each(|_| yield_now());
            let mut seen: Vec<usize> = receiver.try_iter().collect();
            seen.sort_unstable();
            assert_eq!(seen, [0, 1, 2], "bound {bound}");
        }
    });
}

/// Getters that loop have each its share.
#[test]
fn whoever_gets_again_at_once_stands_behind_those_who_wait() {
    on_both(|| {
        let (queue, got) = (Rc::new(Queue::new()), Turns::default());
        for who in 0..GREENLETS {
            let (queue, got) = (queue.clone(), got.clone());
            thread::spawn(move || {
                for _ in queue.iter() {
                    got.borrow_mut().push(who);
                }
            });
        }
        (0..GREENLETS).for_each(|_| yield_now());
        for item in 0..GREENLETS * ROUNDS {
            queue.put(item).unwrap();
            (0..GREENLETS).for_each(|_| yield_now());
        }
        in_turn("getters", got.take().into_iter());
        queue.shut_down();
    });
}
