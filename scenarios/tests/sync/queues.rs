//! Queues: bounded or not, in three orders, joined and shut down; and the rendezvous.

use std::collections::VecDeque;
use std::marker::PhantomData;

use greenroom::sync::mpsc::{self, Receiver, Sender, SyncSender};
use greenroom::sync::{Channel, GetError, LifoQueue, PriorityQueue, PutError, Queue};
use greenroom::time::Duration;
use proptest::prelude::*;

use crate::harness::{Asker, Model, Subject, Told, holds, steps};

#[derive(Clone, Copy, Debug)]
pub enum Op {
    Put(u8),
    TryPut(u8),
    Get,
    TryGet,
    TaskDone,
    Join,
    ShutDown,
    ShutDownNow,
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        8 => (0..9u8).prop_map(Op::Put),
        2 => (0..9u8).prop_map(Op::TryPut),
        8 => Just(Op::Get),
        2 => Just(Op::TryGet),
        3 => Just(Op::TaskDone),
        1 => Just(Op::Join),
    ]
}

fn op_to_the_end() -> impl Strategy<Value = Op> {
    prop_oneof![20 => op(), 1 => Just(Op::ShutDown), 1 => Just(Op::ShutDownNow)]
}

/// For what is neither joined nor shut down.
fn hand_over() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => (0..9u8).prop_map(Op::Put),
        1 => (0..9u8).prop_map(Op::TryPut),
        4 => Just(Op::Get),
        1 => Just(Op::TryGet),
    ]
}

fn put(outcome: Result<(), PutError<u8>>) -> &'static str {
    match outcome {
        Ok(()) => "put",
        Err(PutError::Full(_)) => "full",
        Err(PutError::ShutDown(_)) => "shut",
    }
}

fn got(outcome: Result<u8, GetError>) -> String {
    match outcome {
        Ok(item) => item.to_string(),
        Err(GetError::Empty) => "empty".into(),
        Err(GetError::ShutDown) => "shut".into(),
    }
}

/// A queue of this bound.
pub struct Bounded<Q, const BOUND: usize>(Q);

const NO_BOUND: usize = usize::MAX;

macro_rules! subject {
    ($($queue:ident),*) => {$(
        impl<const BOUND: usize> Subject for Bounded<$queue<u8>, BOUND> {
            type Op = Op;
            fn new() -> Self {
                Bounded(if BOUND == NO_BOUND { $queue::new() } else { $queue::bounded(BOUND) })
            }
            fn perform(&self, op: Op, asker: &Asker) {
                let queue = &self.0;
                match op {
                    Op::Put(item) => asker.say(put(queue.put(item))),
                    Op::TryPut(item) => asker.say(put(queue.try_put(item))),
                    Op::Get => asker.say(got(queue.get())),
                    Op::TryGet => asker.say(got(queue.try_get())),
                    Op::TaskDone => asker.say(queue.task_done().is_ok()),
                    Op::Join => {
                        queue.join();
                        asker.say("joined");
                    }
                    Op::ShutDown => {
                        queue.shut_down();
                        asker.say("shut down");
                    }
                    Op::ShutDownNow => {
                        queue.shut_down_now();
                        asker.say("shut down");
                    }
                }
            }
        }
    )*};
}

subject!(Queue, LifoQueue, PriorityQueue);

impl Subject for Channel<u8> {
    type Op = Op;
    fn new() -> Channel<u8> {
        Channel::new()
    }
    fn perform(&self, op: Op, asker: &Asker) {
        match op {
            Op::Put(item) => asker.say(put(Channel::put(self, item))),
            Op::TryPut(item) => asker.say(put(self.put_timeout(item, Duration::ZERO))),
            Op::Get => asker.say(got(Channel::get(self))),
            Op::TryGet => asker.say(got(self.get_timeout(Duration::ZERO))),
            _ => unreachable!("a channel has no such call"),
        }
    }
}

/// std's channel, without a bound and with one.
struct Unbounded(Sender<u8>, Receiver<u8>);
struct OfBound<const BOUND: usize>(SyncSender<u8>, Receiver<u8>);

fn receive(receiver: &Receiver<u8>, op: Op) -> String {
    let received = match op {
        Op::Get => receiver.recv().ok(),
        Op::TryGet => receiver.try_recv().ok(),
        _ => unreachable!("a channel has no such call"),
    };
    received.map_or("empty".into(), |item| item.to_string())
}

impl Subject for Unbounded {
    type Op = Op;
    fn new() -> Unbounded {
        let (sender, receiver) = mpsc::channel();
        Unbounded(sender, receiver)
    }
    fn perform(&self, op: Op, asker: &Asker) {
        match op {
            Op::Put(item) | Op::TryPut(item) => {
                self.0.send(item).expect("somebody may receive");
                asker.say("put");
            }
            op => asker.say(receive(&self.1, op)),
        }
    }
}

impl<const BOUND: usize> Subject for OfBound<BOUND> {
    type Op = Op;
    fn new() -> Self {
        let (sender, receiver) = mpsc::sync_channel(BOUND);
        OfBound(sender, receiver)
    }
    fn perform(&self, op: Op, asker: &Asker) {
        match op {
            Op::Put(item) => {
                self.0.send(item).expect("somebody may receive");
                asker.say("put");
            }
            Op::TryPut(item) => asker.say(self.0.try_send(item).map_or("full", |()| "put")),
            op => asker.say(receive(&self.1, op)),
        }
    }
}

/// Which item is next.
pub trait Order {
    fn next(items: &VecDeque<u8>) -> usize;
}

pub struct First;
pub struct Last;
pub struct Least;

impl Order for First {
    fn next(_: &VecDeque<u8>) -> usize {
        0
    }
}
impl Order for Last {
    fn next(items: &VecDeque<u8>) -> usize {
        items.len() - 1
    }
}
impl Order for Least {
    fn next(items: &VecDeque<u8>) -> usize {
        (0..items.len()).min_by_key(|&at| items[at]).expect("there is one")
    }
}

pub struct Items<O, const BOUND: usize> {
    items: VecDeque<u8>,
    getters: VecDeque<usize>,
    putters: VecDeque<(usize, u8)>,
    joiners: Vec<usize>,
    unfinished: usize,
    is_shut: bool,
    told: Told,
    order: PhantomData<O>,
}

impl<O: Order, const BOUND: usize> Items<O, BOUND> {
    fn tell(&mut self, who: usize, what: impl ToString) {
        self.told.insert(who, what.to_string());
    }
    fn put(&mut self, who: usize, item: u8, waits: bool) {
        if self.is_shut {
            return self.tell(who, "shut");
        }
        if let Some(getter) = self.getters.pop_front() {
            self.tell(getter, item);
        } else if self.items.len() < BOUND {
            self.items.push_back(item);
        } else if waits {
            return self.putters.push_back((who, item));
        } else {
            return self.tell(who, "full");
        }
        self.unfinished += 1;
        self.tell(who, "put");
    }
    fn get(&mut self, who: usize, waits: bool) {
        let next = (!self.items.is_empty()).then(|| O::next(&self.items));
        let mut item = next.and_then(|at| self.items.remove(at));
        if let Some((putter, waiting)) = self.putters.pop_front() {
            self.unfinished += 1;
            self.tell(putter, "put");
            match item {
                Some(_) => self.items.push_back(waiting),
                None => item = Some(waiting),
            }
        }
        match item {
            Some(item) => self.tell(who, item),
            None if self.is_shut => self.tell(who, "shut"),
            None if waits => self.getters.push_back(who),
            None => self.tell(who, "empty"),
        }
    }
    fn finish(&mut self, tasks: usize) {
        self.unfinished = self.unfinished.saturating_sub(tasks);
        if self.unfinished == 0 {
            for who in std::mem::take(&mut self.joiners) {
                self.tell(who, "joined");
            }
        }
    }
    fn shut(&mut self, now: bool) {
        self.is_shut = true;
        for (who, _) in std::mem::take(&mut self.putters) {
            self.tell(who, "shut");
        }
        for who in std::mem::take(&mut self.getters) {
            self.tell(who, "shut");
        }
        if now {
            let left = std::mem::take(&mut self.items).len();
            self.finish(left);
        }
    }
}

impl<O: Order, const BOUND: usize> Model for Items<O, BOUND> {
    type Op = Op;
    fn new() -> Self {
        let (items, getters, putters, joiners, told) = Default::default();
        let (unfinished, is_shut, order) = (0, false, PhantomData);
        Items { items, getters, putters, joiners, unfinished, is_shut, told, order }
    }
    fn ask(&mut self, who: usize, op: &Op) {
        match *op {
            Op::Put(item) => self.put(who, item, true),
            Op::TryPut(item) => self.put(who, item, false),
            Op::Get => self.get(who, true),
            Op::TryGet => self.get(who, false),
            Op::TaskDone => {
                let has = self.unfinished > 0;
                self.tell(who, has);
                if has {
                    self.finish(1);
                }
            }
            Op::Join if self.unfinished == 0 => self.tell(who, "joined"),
            Op::Join => self.joiners.push(who),
            Op::ShutDown | Op::ShutDownNow => {
                self.tell(who, "shut down");
                self.shut(matches!(op, Op::ShutDownNow));
            }
        }
    }
    fn let_go(&mut self, _: usize) {}
    fn kill(&mut self, who: usize) {
        self.getters.retain(|&waiter| waiter != who);
        self.putters.retain(|&(waiter, _)| waiter != who);
        self.joiners.retain(|&waiter| waiter != who);
    }
    fn holders(&self) -> Vec<usize> {
        Vec::new()
    }
    fn waiters(&self) -> Vec<usize> {
        let putters = self.putters.iter().map(|&(who, _)| who);
        self.getters.iter().copied().chain(putters).chain(self.joiners.iter().copied()).collect()
    }
    fn told(&self) -> &Told {
        &self.told
    }
}

proptest! {
    #[test]
    fn a_queue_does_as_its_model(steps in steps(op_to_the_end())) {
        holds::<Bounded<Queue<u8>, NO_BOUND>, Items<First, NO_BOUND>>(steps)?;
    }

    #[test]
    fn a_bounded_queue_does_as_its_model(steps in steps(op_to_the_end())) {
        holds::<Bounded<Queue<u8>, 2>, Items<First, 2>>(steps)?;
    }

    #[test]
    fn a_queue_of_none_does_as_its_model(steps in steps(op_to_the_end())) {
        holds::<Bounded<Queue<u8>, 0>, Items<First, 0>>(steps)?;
    }

    #[test]
    fn a_stack_does_as_its_model(steps in steps(op())) {
        holds::<Bounded<LifoQueue<u8>, 2>, Items<Last, 2>>(steps)?;
    }

    #[test]
    fn a_priority_queue_does_as_its_model(steps in steps(op())) {
        holds::<Bounded<PriorityQueue<u8>, 3>, Items<Least, 3>>(steps)?;
    }

    #[test]
    fn a_channel_does_as_its_model(steps in steps(hand_over())) {
        holds::<Channel<u8>, Items<First, 0>>(steps)?;
    }

    #[test]
    fn a_channel_as_std_has_it_does_as_its_model(steps in steps(hand_over())) {
        holds::<Unbounded, Items<First, NO_BOUND>>(steps)?;
    }

    #[test]
    fn a_bounded_channel_as_std_has_it_does_as_its_model(steps in steps(hand_over())) {
        holds::<OfBound<2>, Items<First, 2>>(steps)?;
    }

    #[test]
    fn a_rendezvous_as_std_has_it_does_as_its_model(steps in steps(hand_over())) {
        holds::<OfBound<0>, Items<First, 0>>(steps)?;
    }
}

/// The trace of gevent's own test (contract 61).
#[test]
fn whoever_gets_runs_before_the_one_who_put_goes_on() {
    greenroom_real::run(|| {
        let seen = std::rc::Rc::new(std::cell::RefCell::new(Vec::new()));
        let channel = std::rc::Rc::new(Channel::new());
        let (theirs, sent) = (channel.clone(), seen.clone());
        let sender = greenroom::thread::spawn(move || {
            for word in ["hello", "world"] {
                theirs.put(word).unwrap();
                sent.borrow_mut().push(format!("sent {word}"));
            }
        });
        for _ in 0..2 {
            let word = channel.get().unwrap();
            seen.borrow_mut().push(word.to_owned());
        }
        sender.join().unwrap();
        assert_eq!(*seen.borrow(), ["hello", "sent hello", "world", "sent world"]);
    });
}
