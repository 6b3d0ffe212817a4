//! Every public type that mirrors one of std's has std's traits, or stands in [`DIFFER`] with the reason.
//!
//! A row names a type by the path it has below std and below us alike; both are asked the same
//! questions, so that neither a trait too many nor one too few goes unseen. `docs.rs` sees that no
//! type of std's modules and no trait of their pages is forgotten here.

use std::any::TypeId;
use std::cell::Cell;
use std::collections::BTreeSet;
use std::fmt::{Debug, Display};
use std::hash::Hash;
use std::io::{BufRead, Read, Seek, Write};
use std::iter::{ExactSizeIterator, FusedIterator};
use std::marker::PhantomData;
use std::ops::{Add, AddAssign, Deref, DerefMut, Sub, SubAssign};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, IntoRawFd, OwnedFd};
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::time::Duration;

/// Whether a type has a trait, as a constant: the inherent one is found first, where it is there.
macro_rules! has {
    ($type:ty: $($bound:tt)+) => {{
        struct Probe<T: ?Sized>(PhantomData<T>);
        #[allow(dead_code)]
        trait Not {
            const HAS: bool = false;
        }
        impl<T: ?Sized> Not for Probe<T> {}
        #[allow(dead_code)]
        impl<T: ?Sized + $($bound)+> Probe<T> {
            const HAS: bool = true;
        }
        <Probe<$type>>::HAS
    }};
}

/// What a type is asked: the name of a trait, and whether it has it. `$plain` is what a generic type
/// is of.
macro_rules! traits {
    ($type:ty, $plain:ty) => {{
        type Plain = $plain;
        [
            ("Send", has!($type: Send)),
            ("Sync", has!($type: Sync)),
            ("Unpin", has!($type: Unpin)),
            ("UnwindSafe", has!($type: UnwindSafe)),
            ("RefUnwindSafe", has!($type: RefUnwindSafe)),
            ("Debug", has!($type: Debug)),
            ("Display", has!($type: Display)),
            ("Error", has!($type: std::error::Error)),
            ("Clone", has!($type: Clone)),
            ("Copy", has!($type: Copy)),
            ("Default", has!($type: Default)),
            ("PartialEq", has!($type: PartialEq)),
            ("Eq", has!($type: Eq)),
            ("PartialOrd", has!($type: PartialOrd)),
            ("Ord", has!($type: Ord)),
            ("Hash", has!($type: Hash)),
            ("Deref", has!($type: Deref)),
            ("DerefMut", has!($type: DerefMut)),
            ("Read", has!($type: Read)),
            ("BufRead", has!($type: BufRead)),
            ("Write", has!($type: Write)),
            ("Seek", has!($type: Seek)),
            ("Read for &", has!(&'static $type: Read)),
            ("Write for &", has!(&'static $type: Write)),
            ("Iterator", has!($type: Iterator)),
            ("FusedIterator", has!($type: FusedIterator)),
            ("ExactSizeIterator", has!($type: ExactSizeIterator)),
            ("DoubleEndedIterator", has!($type: DoubleEndedIterator)),
            ("IntoIterator", has!($type: IntoIterator)),
            ("IntoIterator for &", has!(&'static $type: IntoIterator)),
            ("From<T>", has!($type: From<Plain>)),
            ("Add<Duration>", has!($type: Add<Duration, Output = $type>)),
            ("Sub<Duration>", has!($type: Sub<Duration, Output = $type>)),
            ("Sub<Self>", has!($type: Sub<$type, Output = Duration>)),
            ("AddAssign<Duration>", has!($type: AddAssign<Duration>)),
            ("SubAssign<Duration>", has!($type: SubAssign<Duration>)),
            ("AsFd", has!($type: AsFd)),
            ("AsRawFd", has!($type: AsRawFd)),
            ("IntoRawFd", has!($type: IntoRawFd)),
            ("FromRawFd", has!($type: FromRawFd)),
            ("From<OwnedFd>", has!($type: From<OwnedFd>)),
            ("Into<OwnedFd>", has!($type: Into<OwnedFd>)),
            ("Into<Stdio>", has!($type: Into<std::process::Stdio>)),
            ("TryInto<Stdio>", has!($type: TryInto<std::process::Stdio>)),
        ]
    }};
}

/// Nothing but a value.
#[derive(Default)]
pub struct Opaque(());
/// May be lent to other threads and not be given to them.
type SyncOnly = std::sync::MutexGuard<'static, u8>;

type Answers = [(&'static str, bool); 44];
/// A type's path, what it is of, and what std's and ours answer.
type Row = (&'static str, &'static str, Answers, Answers);

/// What is asked of each side, for each of the payloads a generic type may have.
macro_rules! rows {
    ($($path:ident)::+ <$($life:lifetime,)? T $(, $more:ty)?>) => {
        [
            rows!(@ $($path)::+, "u8", u8, [$($life,)? u8 $(, $more)?]),
            rows!(@ $($path)::+, "Opaque", Opaque, [$($life,)? Opaque $(, $more)?]),
            rows!(@ $($path)::+, "Cell", Cell<u8>, [$($life,)? Cell<u8> $(, $more)?]),
            rows!(@ $($path)::+, "*const", *const u8, [$($life,)? *const u8 $(, $more)?]),
            rows!(@ $($path)::+, "SyncOnly", SyncOnly, [$($life,)? SyncOnly $(, $more)?]),
        ]
    };
    ($($path:ident)::+ <$($life:lifetime),+>) => {
        [rows!(@ $($path)::+, "", Opaque, [$($life),+])]
    };
    ($($path:ident)::+) => {
        [rows!(@ $($path)::+, "", Opaque, [])]
    };
    (@ $($path:ident)::+, $of:literal, $plain:ty, [$($args:tt)*]) => {
        (
            rows!(name $($path)::+),
            $of,
            traits!(std::$($path)::+<$($args)*>, $plain),
            traits!(greenroom::$($path)::+<$($args)*>, $plain),
        )
    };
    (name $first:ident $(:: $path:ident)*) => {
        concat!(stringify!($first) $(, "::", stringify!($path))*)
    };
}

/// What ours are made of is none of theirs: the rows of all types that mirror one.
fn rows() -> Vec<Row> {
    let mut all = Vec::new();
    all.extend(rows!(sync::Mutex<T>));
    all.extend(rows!(sync::MutexGuard<'static, T>));
    all.extend(rows!(sync::RwLock<T>));
    all.extend(rows!(sync::RwLockReadGuard<'static, T>));
    all.extend(rows!(sync::RwLockWriteGuard<'static, T>));
    all.extend(rows!(sync::Condvar));
    all.extend(rows!(sync::WaitTimeoutResult));
    all.extend(rows!(sync::Barrier));
    all.extend(rows!(sync::BarrierWaitResult));
    all.extend(rows!(sync::Once));
    all.extend(rows!(sync::OnceState));
    all.extend(rows!(sync::OnceLock<T>));
    all.extend(rows!(sync::LazyLock<T, fn() -> u8>));
    all.extend(rows!(sync::LazyLock<T, Cell<fn()>>));
    all.extend(rows!(sync::mpsc::Sender<T>));
    all.extend(rows!(sync::mpsc::SyncSender<T>));
    all.extend(rows!(sync::mpsc::Receiver<T>));
    all.extend(rows!(sync::mpsc::Iter<'static, T>));
    all.extend(rows!(sync::mpsc::TryIter<'static, T>));
    all.extend(rows!(sync::mpsc::IntoIter<T>));
    all.extend(rows!(thread::Builder));
    all.extend(rows!(thread::JoinHandle<T>));
    all.extend(rows!(thread::ScopedJoinHandle<'static, T>));
    all.extend(rows!(thread::Scope<'static, 'static>));
    all.extend(rows!(thread::Thread));
    all.extend(rows!(thread::ThreadId));
    all.extend(rows!(thread::LocalKey<T>));
    all.extend(rows!(thread::AccessError));
    all.extend(rows!(time::Instant));
    all.extend(rows!(time::SystemTime));
    all.extend(rows!(net::TcpStream));
    all.extend(rows!(net::TcpListener));
    all.extend(rows!(net::UdpSocket));
    all.extend(rows!(net::Incoming<'static>));
    all.extend(rows!(os::unix::net::UnixStream));
    all.extend(rows!(os::unix::net::UnixListener));
    all.extend(rows!(os::unix::net::UnixDatagram));
    all.extend(rows!(os::unix::net::Incoming<'static>));
    all.extend(rows!(io::PipeReader));
    all.extend(rows!(io::PipeWriter));
    all
}

/// Types of std's that are ours too.
macro_rules! same {
    ($($path:ty, $ours:ty;)+) => {
        [$((stringify!($path), TypeId::of::<$path>() == TypeId::of::<$ours>())),+]
    };
}

fn same() -> Vec<(&'static str, bool)> {
    use greenroom as our;
    same! {
        std::sync::Arc<u8>, our::sync::Arc<u8>;
        std::sync::Weak<u8>, our::sync::Weak<u8>;
        std::sync::PoisonError<u8>, our::sync::PoisonError<u8>;
        std::sync::TryLockError<u8>, our::sync::TryLockError<u8>;
        std::sync::mpsc::RecvError, our::sync::mpsc::RecvError;
        std::sync::mpsc::SendError<u8>, our::sync::mpsc::SendError<u8>;
        std::sync::mpsc::RecvTimeoutError, our::sync::mpsc::RecvTimeoutError;
        std::sync::mpsc::TryRecvError, our::sync::mpsc::TryRecvError;
        std::sync::mpsc::TrySendError<u8>, our::sync::mpsc::TrySendError<u8>;
        std::time::Duration, our::time::Duration;
        std::time::SystemTimeError, our::time::SystemTimeError;
        std::time::TryFromFloatSecsError, our::time::TryFromFloatSecsError;
        std::net::AddrParseError, our::net::AddrParseError;
        std::net::IpAddr, our::net::IpAddr;
        std::net::Ipv4Addr, our::net::Ipv4Addr;
        std::net::Ipv6Addr, our::net::Ipv6Addr;
        std::net::SocketAddr, our::net::SocketAddr;
        std::net::SocketAddrV4, our::net::SocketAddrV4;
        std::net::SocketAddrV6, our::net::SocketAddrV6;
        std::net::Shutdown, our::net::Shutdown;
        std::os::unix::net::SocketAddr, our::os::unix::net::SocketAddr;
    }
    .to_vec()
}

/// What types of ours have otherwise than std's: the types, the traits, whether ours have them, and
/// why.
const DIFFER: &[(&[&str], &[&str], bool, &str)] = &[
    (
        HANDLES,
        &["AsFd", "AsRawFd", "IntoRawFd", "FromRawFd", "From<OwnedFd>", "Into<OwnedFd>"],
        false,
        "not every hub has descriptors: `try_as_raw_fd`, `try_to_owned_fd` and `from_fd` can fail",
    ),
    (
        &["io::PipeReader", "io::PipeWriter"],
        &["Into<Stdio>"],
        false,
        "`TryFrom`, for the same reason",
    ),
    (
        &["thread::JoinHandle", "thread::ScopedJoinHandle", "thread::Scope"],
        &["Send", "Sync"],
        false,
        "greenlets stay on their thread, and what they return need not be `Send`",
    ),
    (
        &["sync::MutexGuard", "sync::RwLockWriteGuard"],
        &["Sync"],
        false,
        "a guard knows its lock, so what it holds has to be `Send` too; only `unsafe` could say else",
    ),
    (
        &["sync::OnceState"],
        &["Sync", "RefUnwindSafe"],
        true,
        "it is a plain value; std's has a cell",
    ),
    (&["sync::Once", "thread::Builder"], &["Default"], true, "`new` takes nothing"),
];

const HANDLES: &[&str] = &[
    "net::TcpStream",
    "net::TcpListener",
    "net::UdpSocket",
    "os::unix::net::UnixStream",
    "os::unix::net::UnixListener",
    "os::unix::net::UnixDatagram",
    "io::PipeReader",
    "io::PipeWriter",
];

#[test]
fn every_type_has_stds_traits_or_a_reason() {
    let mut found = Vec::new();
    let mut used = BTreeSet::new();
    for (path, of, stds, ours) in rows() {
        for ((name, std_has), (_, we_have)) in stds.into_iter().zip(ours) {
            if std_has == we_have {
                continue;
            }
            let is_listed = |(paths, names, has, why): &(&[&str], &[&str], bool, &str)| {
                paths.contains(&path) && names.contains(&name) && *has == we_have && !why.is_empty()
            };
            match DIFFER.iter().position(is_listed) {
                Some(index) => drop(used.insert((index, path, name))),
                None => found.push(format!("{path}<{of}>: {name}: ours {we_have}")),
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
    let mut idle = Vec::new();
    for (index, (paths, names, ..)) in DIFFER.iter().enumerate() {
        let all = paths.iter().flat_map(|path| names.iter().map(move |name| (index, *path, *name)));
        idle.extend(all.filter(|listed| !used.contains(listed)));
    }
    assert!(idle.is_empty(), "these are as std's: {idle:?}");
}

#[test]
fn what_is_taken_from_std_is_stds() {
    for (name, is_same) in same() {
        assert!(is_same, "{name}");
    }
}

/// The paths below std of all types that are asked or the same, for `docs.rs`.
pub(super) fn known() -> BTreeSet<String> {
    let plain = |name: &str| name.trim_start_matches("std::").split('<').next().unwrap().to_owned();
    let asked = rows().into_iter().map(|(path, ..)| path.to_owned());
    asked.chain(same().into_iter().map(|(name, _)| plain(name))).collect()
}
