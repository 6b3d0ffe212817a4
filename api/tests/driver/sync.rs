//! Locks, conditions, channels and events.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, TryRecvError};

use greenroom::sync::{Condvar, Event as Flag, Mutex, mpsc};
use greenroom::thread::Killed;
use greenroom::time::timeout;
use greenroom::{note, thread};

use crate::scripted::{Event, ScriptHub, client, ms, play, play_all};
use crate::{join_all, spawn};

#[test]
pub fn a_mutex_is_handed_on_first_come_first_served() {
    let played = play(ScriptHub::new(), || {
        let lock = Rc::new(Mutex::new(()));
        let held = lock.lock().unwrap();
        let all = ["a", "b", "c"].map(|name| {
            let lock = lock.clone();
            spawn(name, move || {
                let _held = lock.lock().unwrap();
                note!("has it");
                thread::sleep(ms(1));
            })
        });
        thread::yield_now();
        drop(held);
        join_all(all);
    });
    assert_eq!(played.done().told(), ["0 main/a: has it", "1 main/b: has it", "2 main/c: has it"]);
}

#[test]
fn waiters_who_were_woken_in_vain_keep_their_order() {
    let played = play(ScriptHub::new(), || {
        let lock = Rc::new(Mutex::new(()));
        let mut held = lock.lock().unwrap();
        let all = ["a", "b", "c"].map(|name| {
            let lock = lock.clone();
            spawn(name, move || {
                let _held = lock.lock().unwrap();
                note!("has it");
            })
        });
        thread::yield_now();
        // Two are woken, and neither runs before the lock is taken again.
        for _ in 0..2 {
            drop(held);
            held = lock.lock().unwrap();
        }
        thread::yield_now();
        drop(held);
        join_all(all);
    });
    let told = ["0 main/a: has it", "0 main/b: has it", "0 main/c: has it"];
    assert_eq!(played.done().told(), told);
}

#[test]
fn a_mutex_waiter_that_is_killed_with_the_wake_in_hand_passes_it_on() {
    let played = play(ScriptHub::new(), || {
        let lock = Rc::new(Mutex::new(()));
        let held = lock.lock().unwrap();
        let [a, b] = ["a", "b"].map(|name| {
            let lock = lock.clone();
            spawn(name, move || {
                let _held = lock.lock().unwrap();
                note!("has it");
            })
        });
        thread::yield_now();
        drop(held);
        a.kill();
        b.join().unwrap();
    });
    assert_eq!(played.done().told(), ["0 main/b: has it"]);
}

#[test]
fn a_mutex_waiter_whose_scope_expires_leaves_the_line() {
    let played = play(ScriptHub::new(), || {
        let lock = Rc::new(Mutex::new(()));
        let held = lock.lock().unwrap();
        let [a, b] = [("a", 5), ("b", 50)].map(|(name, time)| {
            let lock = lock.clone();
            spawn(name, move || {
                let outcome = timeout(ms(time), || drop(lock.lock().unwrap()));
                note!("{}", outcome.is_ok());
            })
        });
        thread::sleep(ms(10));
        drop(held);
        a.join().unwrap();
        b.join().unwrap();
    });
    assert_eq!(played.done().told(), ["5 main/a: false", "10 main/b: true"]);
}

#[test]
fn a_condvar_wakes_one_or_all_in_line() {
    let played = play(ScriptHub::new(), || {
        let pair = Rc::new((Mutex::new(()), Condvar::new()));
        let all = ["a", "b", "c"].map(|name| {
            let pair = pair.clone();
            spawn(name, move || {
                drop(pair.1.wait(pair.0.lock().unwrap()).unwrap());
                note!("notified");
            })
        });
        thread::sleep(ms(1));
        pair.1.notify_one();
        thread::sleep(ms(1));
        pair.1.notify_all();
        join_all(all);
    });
    let told = ["1 main/a: notified", "2 main/b: notified", "2 main/c: notified"];
    assert_eq!(played.done().told(), told);
}

#[test]
fn a_condvar_wait_times_out_with_the_lock_in_hand() {
    let played = play(ScriptHub::new(), || {
        let (lock, condition) = (Mutex::new(1), Condvar::new());
        let (held, result) = condition.wait_timeout(lock.lock().unwrap(), ms(5)).unwrap();
        note!("{} {}", *held, result.timed_out());
        drop(held);
        let waits = condition.wait_timeout_while(lock.lock().unwrap(), ms(5), |n| *n == 1);
        note!("{}", waits.unwrap().1.timed_out());
    });
    assert_eq!(played.done().told(), ["5 main: 1 true", "10 main: true"]);
}

#[test]
fn a_notification_of_a_waiter_held_back_past_its_deadline_is_not_lost() {
    // `hasty` is notified at 4 and gets its turn at 9, past its deadline of 6.
    let hub = ScriptHub::new().at(ms(4), Event::Pause(0)).at(ms(9), Event::Resume(0));
    let pair = Rc::new((Mutex::new(0), Condvar::new()));
    let waits = |name, time, pair: &Rc<(Mutex<u32>, Condvar)>| {
        let pair = pair.clone();
        client(name, move || {
            let outcome = timeout(ms(time), || {
                let held = pair.0.lock().unwrap();
                let mut held = pair.1.wait_while(held, |jobs| *jobs == 0).unwrap();
                *held -= 1;
            });
            note!("{}", outcome.is_ok());
        })
    };
    let (hasty, patient) = (waits("hasty", 6, &pair), waits("patient", 60, &pair));
    let notifier = client("notifier", move || {
        thread::sleep(ms(4));
        *pair.0.lock().unwrap() += 1;
        pair.1.notify_one();
    });
    let told = play_all(hub, vec![hasty, patient, notifier]).done().told();
    // Whoever takes the job, it is taken as soon as the one who was notified may run.
    assert!(told.iter().any(|line| line.starts_with("9 ") && line.ends_with("true")), "{told:?}");
}

#[test]
fn a_channel_carries_in_order_and_ends_with_its_last_sender() {
    let played = play(ScriptHub::new(), || {
        let (tx, rx) = mpsc::channel();
        note!("{:?}", rx.try_recv() == Err(TryRecvError::Empty));
        note!("{:?}", rx.recv_timeout(ms(5)) == Err(RecvTimeoutError::Timeout));
        let more = tx.clone();
        spawn("one", move || {
            thread::sleep(ms(1));
            tx.send(1).unwrap();
        });
        spawn("two", move || {
            thread::sleep(ms(2));
            more.send(2).unwrap();
        });
        for number in rx {
            note!("{number}");
        }
        note!("over");
    });
    let told = ["0 main: true", "5 main: true", "6 main: 1", "7 main: 2", "7 main: over"];
    assert_eq!(played.done().told(), told);
}

#[test]
fn a_bounded_channel_makes_senders_wait_in_line() {
    let played = play(ScriptHub::new(), || {
        let (tx, rx) = mpsc::sync_channel(1);
        for name in ["a", "b", "c"] {
            let tx = tx.clone();
            spawn(name, move || {
                tx.send(name).unwrap();
                note!("sent");
            });
        }
        drop(tx);
        for name in std::iter::from_fn(|| {
            thread::sleep(ms(1));
            rx.recv().ok()
        }) {
            note!("{name}");
        }
    });
    let told = [
        "0 main/a: sent",
        "1 main: a",
        "1 main/b: sent",
        "2 main: b",
        "2 main/c: sent",
        "3 main: c",
    ];
    assert_eq!(played.done().told(), told);
}

#[test]
fn a_rendezvous_waits_until_its_message_is_taken() {
    let played = play(ScriptHub::new(), || {
        let (tx, rx) = mpsc::sync_channel(0);
        let sender = spawn("sender", move || {
            note!("{:?}", tx.send(1).is_ok());
            note!("{:?}", tx.send(2).map_err(|back| back.0));
        });
        thread::sleep(ms(3));
        note!("{}", rx.recv().unwrap());
        thread::sleep(ms(3));
        drop(rx);
        sender.join().unwrap();
    });
    let told = ["3 main: 1", "3 main/sender: true", "6 main/sender: Err(2)"];
    assert_eq!(played.done().told(), told);
}

#[test]
fn a_rendezvous_tries_in_vain_where_nobody_receives() {
    let played = play(ScriptHub::new(), || {
        let (tx, rx) = mpsc::sync_channel(0);
        note!("{}", tx.try_send(1).is_ok());
        let receiver = spawn("receiver", move || note!("{:?}", rx.recv()));
        thread::sleep(ms(1));
        note!("{}", tx.try_send(2).is_ok());
        receiver.join().unwrap();
    });
    assert_eq!(played.done().told(), ["0 main: false", "1 main: true", "1 main/receiver: Ok(2)"]);
}

#[test]
fn sending_to_nobody_gives_the_message_back() {
    let played = play(ScriptHub::new(), || {
        let (tx, rx) = mpsc::channel();
        drop(rx);
        note!("{:?}", tx.send(7).unwrap_err().0);
    });
    assert_eq!(played.done().told(), ["0 main: 7"]);
}

#[test]
fn room_in_a_channel_is_not_lost_with_a_sender_held_back_past_its_deadline() {
    // `hasty` is woken at 4 and gets its turn at 9, past its deadline of 6.
    let hub = ScriptHub::new().at(ms(4), Event::Pause(0)).at(ms(9), Event::Resume(0));
    let (tx, rx) = mpsc::sync_channel(1);
    tx.send("full").unwrap();
    let rx = Arc::new(std::sync::Mutex::new(Some(rx)));
    let sends = |name: &'static str, time, tx: mpsc::SyncSender<&'static str>| {
        client(name, move || {
            let outcome = timeout(ms(time), || tx.send(name));
            note!("{}", outcome.is_ok());
        })
    };
    let hosts = vec![
        sends("hasty", 6, tx.clone()),
        sends("patient", 60, tx),
        client("receiver", move || {
            let rx = rx.lock().unwrap().take().unwrap();
            thread::sleep(ms(4));
            rx.recv().unwrap();
            thread::sleep(ms(10));
            note!("{}", rx.recv_timeout(ms(10)).unwrap_or("nothing"));
        }),
    ];
    let told = play_all(hub, hosts).done().told();
    assert!(told.contains(&"14 receiver: hasty".to_owned()), "{told:?}");
}

#[test]
fn an_event_wakes_all_who_wait_even_if_it_is_cleared_at_once() {
    let played = play(ScriptHub::new(), || {
        let flag = Rc::new(Flag::new());
        let all = ["a", "b"].map(|name| {
            let flag = flag.clone();
            spawn(name, move || note!("{}", flag.wait(None)))
        });
        thread::sleep(ms(1));
        flag.set();
        flag.clear();
        join_all(all);
        note!("{}", flag.wait(Some(ms(2))));
        flag.set();
        note!("{} {}", flag.wait(Some(ms(0))), flag.wait(None));
    });
    let told = ["1 main/a: true", "1 main/b: true", "3 main: false", "3 main: true true"];
    assert_eq!(played.done().told(), told);
}

#[test]
fn an_event_that_was_set_for_one_killed_is_no_event_for_a_later_waiter() {
    let played = play(ScriptHub::new(), || {
        let flag = Rc::new(Flag::new());
        let waits = |name: &str, before| {
            let flag = flag.clone();
            spawn(name, move || {
                thread::sleep(ms(before));
                note!("{}", flag.wait(Some(ms(9))));
            })
        };
        let victim = waits("victim", 0);
        let setter = {
            let flag = flag.clone();
            spawn("setter", move || {
                thread::sleep(ms(5));
                flag.set();
                flag.clear();
                victim.kill();
            })
        };
        // Runs after the setter and before the victim, whose wake came last.
        let later = waits("later", 5);
        setter.join().unwrap();
        later.join().unwrap();
    });
    assert_eq!(played.done().told(), ["14 main/later: false"]);
}

#[test]
fn a_lock_wanted_in_a_destructor_does_not_hang_the_hub() {
    struct Wants(Rc<Mutex<()>>);
    impl Drop for Wants {
        fn drop(&mut self) {
            let refused = catch_unwind(AssertUnwindSafe(|| drop(self.0.lock()))).unwrap_err();
            note!("{}", refused.downcast::<String>().unwrap().contains("main/a holds it"));
            note!("{}", self.0.try_lock().is_err());
        }
    }
    let played = play(ScriptHub::new(), || {
        let lock = Rc::new(Mutex::new(()));
        let (held, wanted) = (lock.clone(), Wants(lock));
        let a = spawn("a", move || {
            let _held = held.lock();
            thread::sleep(ms(5));
        });
        let b = spawn("b", move || {
            let _wanted = wanted;
            thread::sleep(ms(5));
        });
        thread::sleep(ms(1));
        b.kill();
        assert!(b.join().is_err());
        a.join().unwrap();
    });
    assert_eq!(played.done().told(), ["1 main/b: true", "1 main/b: true"]);
}

#[test]
fn a_lock_in_a_greenlet_that_a_scope_ends_meets_its_kill() {
    let end = Event::End("main/victim".into(), greenroom::hub::How::Unwind);
    let hub = ScriptHub::new().interrupts(&[greenroom::hub::Turn::Advance]).at(ms(5), end);
    let played = play(hub, || {
        let lock = Rc::new(Mutex::new(()));
        let theirs = lock.clone();
        let holder = spawn("holder", move || {
            let _held = theirs.lock().unwrap();
            thread::sleep(ms(20));
        });
        let victim = spawn("victim", move || {
            thread::scope(|s| {
                s.spawn(|| {
                    // Finishes at once, and yet time moves on: it is ended where it may not wait.
                    crate::dial(1);
                    note!("goes on");
                    drop(lock.lock());
                    note!("not here");
                });
            });
        });
        note!("{}", victim.join().unwrap_err().is::<Killed>());
        holder.join().unwrap();
    });
    assert_eq!(played.done().told(), ["5 main/victim/task: goes on", "5 main: true"]);
}

/// Locks that are statics are known to many hubs, one after the other.
#[test]
fn a_lock_wanted_in_a_destructor_is_refused_whoever_used_it_before() {
    static LOCK: Mutex<u32> = Mutex::new(0);
    drop(LOCK.lock());
    struct Wants;
    impl Drop for Wants {
        fn drop(&mut self) {
            let refused = std::panic::catch_unwind(|| drop(LOCK.lock()));
            note!("{}", refused.is_err());
        }
    }
    for _ in 0..2 {
        let played = play(ScriptHub::new(), || {
            spawn("holder", || {
                let _held = LOCK.lock();
                thread::sleep(ms(9));
            });
            let victim = spawn("victim", || {
                let _wants = Wants;
                thread::sleep(ms(9));
            });
            thread::sleep(ms(1));
            victim.kill();
            let _ = victim.join();
            thread::sleep(ms(20));
        });
        assert_eq!(played.done().told(), ["1 main/victim: true"]);
    }
}

/// A value that waits while it is shown.
struct Slow;

impl std::fmt::Debug for Slow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        thread::sleep(ms(5));
        f.write_str("slow")
    }
}

#[test]
fn who_comes_while_a_lock_is_shown_is_served_after() {
    let played = play(ScriptHub::new(), || {
        let (lock, shared) =
            (Rc::new(Mutex::new(Slow)), Rc::new(greenroom::sync::RwLock::new(Slow)));
        let (theirs, also_theirs) = (lock.clone(), shared.clone());
        spawn("shows", move || note!("{theirs:?} {also_theirs:?}"));
        thread::sleep(ms(1));
        drop(lock.lock());
        note!("locked {}", format!("{:?}", lock.try_lock().is_ok()));
        thread::sleep(ms(1));
        drop(shared.write());
        note!("written");
    });
    let shown =
        "Mutex { data: slow, poisoned: false, .. } RwLock { data: slow, poisoned: false, .. }";
    let told = [
        "5 main: locked true".into(),
        format!("10 main/shows: {shown}"),
        "10 main: written".into(),
    ];
    assert_eq!(played.done().told(), told);
}
