//! What std's threads, locks, channels and clocks can do, a line each: compiled against std's modules
//! and ours. What is deprecated is there as well.
// Some are stable since a release after the oldest one we build on.
#![allow(deprecated, clippy::incompatible_msrv, clippy::type_complexity)]

use std::io::Result as IoResult;
use std::num::NonZero;
use std::thread::Result as JoinResult;
use std::time::{Duration, SystemTimeError};

use super::sync::mpsc::{
    self, IntoIter, Iter, Receiver, RecvError, RecvTimeoutError, SendError, Sender, SyncSender,
    TryIter, TryRecvError, TrySendError,
};
use super::sync::{
    Barrier, BarrierWaitResult, Condvar, LazyLock, LockResult, Mutex, MutexGuard, Once, OnceLock,
    OnceState, RwLock, RwLockReadGuard, RwLockWriteGuard, TryLockResult, WaitTimeoutResult,
};
use super::thread::{
    self, AccessError, Builder, JoinHandle, LocalKey, Scope, ScopedJoinHandle, Thread, ThreadId,
};
use super::time::{Instant, SystemTime, UNIX_EPOCH};

type Lock = Mutex<u8>;
type Held<'a> = MutexGuard<'a, u8>;
type Cell = std::cell::Cell<u8>;
type RefCell = std::cell::RefCell<u8>;

const _: fn(u8) -> Lock = Mutex::new;
const _: fn(&Lock) -> LockResult<Held<'_>> = Mutex::lock;
const _: fn(&Lock) -> TryLockResult<Held<'_>> = Mutex::try_lock;
const _: fn(&Lock) -> bool = Mutex::is_poisoned;
const _: fn(&Lock) = Mutex::clear_poison;
const _: fn(Lock) -> LockResult<u8> = Mutex::into_inner;
const _: fn(&mut Lock) -> LockResult<&mut u8> = Mutex::get_mut;

const _: fn(u8) -> RwLock<u8> = RwLock::new;
const _: fn(&RwLock<u8>) -> LockResult<RwLockReadGuard<'_, u8>> = RwLock::read;
const _: fn(&RwLock<u8>) -> TryLockResult<RwLockReadGuard<'_, u8>> = RwLock::try_read;
const _: fn(&RwLock<u8>) -> LockResult<RwLockWriteGuard<'_, u8>> = RwLock::write;
const _: fn(&RwLock<u8>) -> TryLockResult<RwLockWriteGuard<'_, u8>> = RwLock::try_write;
const _: fn(&RwLock<u8>) -> bool = RwLock::is_poisoned;
const _: fn(&RwLock<u8>) = RwLock::clear_poison;
const _: fn(RwLock<u8>) -> LockResult<u8> = RwLock::into_inner;
const _: fn(&mut RwLock<u8>) -> LockResult<&mut u8> = RwLock::get_mut;
type Writes = RwLockWriteGuard<'static, u8>;
const _: fn(Writes) -> RwLockReadGuard<'static, u8> = RwLockWriteGuard::downgrade;

const _: fn() -> Condvar = Condvar::new;
const _: for<'a> fn(&Condvar, Held<'a>) -> LockResult<Held<'a>> = Condvar::wait;
const _: for<'a> fn(&Condvar, Held<'a>, fn(&mut u8) -> bool) -> LockResult<Held<'a>> =
    Condvar::wait_while;
const _: for<'a> fn(&Condvar, Held<'a>, u32) -> LockResult<(Held<'a>, bool)> =
    Condvar::wait_timeout_ms;
type Timed<'a> = LockResult<(Held<'a>, WaitTimeoutResult)>;
const _: for<'a> fn(&Condvar, Held<'a>, Duration) -> Timed<'a> = Condvar::wait_timeout;
const _: for<'a> fn(&Condvar, Held<'a>, Duration, fn(&mut u8) -> bool) -> Timed<'a> =
    Condvar::wait_timeout_while;
const _: fn(&Condvar) = Condvar::notify_one;
const _: fn(&Condvar) = Condvar::notify_all;
const _: fn(&WaitTimeoutResult) -> bool = WaitTimeoutResult::timed_out;

const _: fn(usize) -> Barrier = Barrier::new;
const _: fn(&Barrier) -> BarrierWaitResult = Barrier::wait;
const _: fn(&BarrierWaitResult) -> bool = BarrierWaitResult::is_leader;

const _: fn() -> Once = Once::new;
const _: fn(&Once, fn()) = Once::call_once;
const _: fn(&Once, fn(&OnceState)) = Once::call_once_force;
const _: fn(&Once) -> bool = Once::is_completed;
const _: fn(&Once) = Once::wait;
const _: fn(&Once) = Once::wait_force;
const _: fn(&OnceState) -> bool = OnceState::is_poisoned;

const _: fn() -> OnceLock<u8> = OnceLock::new;
const _: fn(&OnceLock<u8>) -> Option<&u8> = OnceLock::get;
const _: fn(&mut OnceLock<u8>) -> Option<&mut u8> = OnceLock::get_mut;
const _: fn(&OnceLock<u8>) -> &u8 = OnceLock::wait;
const _: fn(&OnceLock<u8>, u8) -> Result<(), u8> = OnceLock::set;
const _: fn(&OnceLock<u8>, fn() -> u8) -> &u8 = OnceLock::get_or_init;
const _: fn(OnceLock<u8>) -> Option<u8> = OnceLock::into_inner;
const _: fn(&mut OnceLock<u8>) -> Option<u8> = OnceLock::take;

const _: fn(fn() -> u8) -> LazyLock<u8> = LazyLock::new;
const _: fn(&LazyLock<u8>) -> &u8 = LazyLock::force;
const _: fn(&mut LazyLock<u8>) -> &mut u8 = LazyLock::force_mut;
const _: fn(&LazyLock<u8>) -> Option<&u8> = LazyLock::get;
const _: fn(&mut LazyLock<u8>) -> Option<&mut u8> = LazyLock::get_mut;

const _: fn() -> (Sender<u8>, Receiver<u8>) = mpsc::channel;
const _: fn(usize) -> (SyncSender<u8>, Receiver<u8>) = mpsc::sync_channel;
const _: fn(&Sender<u8>, u8) -> Result<(), SendError<u8>> = Sender::send;
const _: fn(&SyncSender<u8>, u8) -> Result<(), SendError<u8>> = SyncSender::send;
const _: fn(&SyncSender<u8>, u8) -> Result<(), TrySendError<u8>> = SyncSender::try_send;
const _: fn(&Receiver<u8>) -> Result<u8, TryRecvError> = Receiver::try_recv;
const _: fn(&Receiver<u8>) -> Result<u8, RecvError> = Receiver::recv;
const _: fn(&Receiver<u8>, Duration) -> Result<u8, RecvTimeoutError> = Receiver::recv_timeout;
const _: fn(&Receiver<u8>) -> Iter<'_, u8> = Receiver::iter;
const _: fn(&Receiver<u8>) -> TryIter<'_, u8> = Receiver::try_iter;
const _: fn(Receiver<u8>) -> IntoIter<u8> = IntoIterator::into_iter;
const _: fn(&'static Receiver<u8>) -> Iter<'static, u8> = IntoIterator::into_iter;

const _: fn() -> Builder = Builder::new;
const _: fn(Builder, String) -> Builder = Builder::name;
const _: fn(Builder, usize) -> Builder = Builder::stack_size;
const _: fn(Builder, fn() -> u8) -> IoResult<JoinHandle<u8>> = Builder::spawn;
type Family = &'static Scope<'static, 'static>;
type Child = ScopedJoinHandle<'static, u8>;
const _: fn(Builder, Family, fn() -> u8) -> IoResult<Child> = Builder::spawn_scoped;
const _: fn(Family, fn() -> u8) -> Child = Scope::spawn;
const _: fn(&JoinHandle<u8>) -> &Thread = JoinHandle::thread;
const _: fn(JoinHandle<u8>) -> JoinResult<u8> = JoinHandle::join;
const _: fn(&JoinHandle<u8>) -> bool = JoinHandle::is_finished;
const _: fn(&Child) -> &Thread = ScopedJoinHandle::thread;
const _: fn(Child) -> JoinResult<u8> = ScopedJoinHandle::join;
const _: fn(&Child) -> bool = ScopedJoinHandle::is_finished;
const _: fn(&Thread) = Thread::unpark;
const _: fn(&Thread) -> ThreadId = Thread::id;
const _: fn(&Thread) -> Option<&str> = Thread::name;

const _: fn(&'static LocalKey<u8>, fn(&u8) -> u16) -> u16 = LocalKey::with;
const _: fn(&'static LocalKey<u8>, fn(&u8) -> u16) -> Result<u16, AccessError> = LocalKey::try_with;
const _: fn(&'static LocalKey<Cell>, u8) = LocalKey::<Cell>::set;
const _: fn(&'static LocalKey<Cell>) -> u8 = LocalKey::<Cell>::get;
const _: fn(&'static LocalKey<Cell>) -> u8 = LocalKey::<Cell>::take;
const _: fn(&'static LocalKey<Cell>, u8) -> u8 = LocalKey::<Cell>::replace;
const _: fn(&'static LocalKey<RefCell>, u8) = LocalKey::<RefCell>::set;
const _: fn(&'static LocalKey<RefCell>) -> u8 = LocalKey::<RefCell>::take;
const _: fn(&'static LocalKey<RefCell>, u8) -> u8 = LocalKey::<RefCell>::replace;
const _: fn(&'static LocalKey<RefCell>, fn(&u8) -> u16) -> u16 = LocalKey::with_borrow;
const _: fn(&'static LocalKey<RefCell>, fn(&mut u8) -> u16) -> u16 = LocalKey::with_borrow_mut;

const _: fn(fn() -> u8) -> JoinHandle<u8> = thread::spawn;
const _: fn() -> Thread = thread::current;
const _: fn() = thread::yield_now;
const _: fn() -> bool = thread::panicking;
const _: fn(Duration) = thread::sleep;
const _: fn(u32) = thread::sleep_ms;
const _: fn() = thread::park;
const _: fn(Duration) = thread::park_timeout;
const _: fn(u32) = thread::park_timeout_ms;
const _: fn() -> IoResult<NonZero<usize>> = thread::available_parallelism;

const _: fn() -> Instant = Instant::now;
const _: fn(&Instant, Instant) -> Duration = Instant::duration_since;
const _: fn(&Instant, Instant) -> Option<Duration> = Instant::checked_duration_since;
const _: fn(&Instant, Instant) -> Duration = Instant::saturating_duration_since;
const _: fn(&Instant) -> Duration = Instant::elapsed;
const _: fn(&Instant, Duration) -> Option<Instant> = Instant::checked_add;
const _: fn(&Instant, Duration) -> Option<Instant> = Instant::checked_sub;
const _: SystemTime = UNIX_EPOCH;
const _: SystemTime = SystemTime::UNIX_EPOCH;
const _: fn() -> SystemTime = SystemTime::now;
const _: fn(&SystemTime, SystemTime) -> Result<Duration, SystemTimeError> =
    SystemTime::duration_since;
const _: fn(&SystemTime) -> Result<Duration, SystemTimeError> = SystemTime::elapsed;
const _: fn(&SystemTime, Duration) -> Option<SystemTime> = SystemTime::checked_add;
const _: fn(&SystemTime, Duration) -> Option<SystemTime> = SystemTime::checked_sub;

// What lends alone is of whatever lives shorter.

const _: for<'a> fn(RwLockReadGuard<'a, &'static u8>) -> RwLockReadGuard<'a, &'a u8> = shorter;
fn shorter<'a>(guard: RwLockReadGuard<'a, &'static u8>) -> RwLockReadGuard<'a, &'a u8> {
    guard
}
