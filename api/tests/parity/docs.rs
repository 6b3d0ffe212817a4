//! std's own documentation, read to find what `methods.rs` forgets.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

/// What is documented where, below std's own folder.
const PAGES: &[(&str, &str)] = &[
    ("net/struct.TcpStream.html", "TcpStream"),
    ("net/struct.TcpListener.html", "TcpListener"),
    ("net/struct.UdpSocket.html", "UdpSocket"),
    ("net/struct.Incoming.html", "Incoming"),
    ("os/unix/net/struct.UnixStream.html", "UnixStream"),
    ("os/unix/net/struct.UnixListener.html", "UnixListener"),
    ("os/unix/net/struct.UnixDatagram.html", "UnixDatagram"),
    ("os/unix/net/struct.Incoming.html", "Incoming"),
    ("io/struct.PipeReader.html", "PipeReader"),
    ("io/struct.PipeWriter.html", "PipeWriter"),
    ("os/linux/net/trait.TcpStreamExt.html", "TcpStreamExt"),
    ("os/linux/net/trait.SocketAddrExt.html", "SocketAddr"),
    ("sync/struct.Mutex.html", "Mutex"),
    ("sync/struct.MutexGuard.html", "MutexGuard"),
    ("sync/struct.RwLock.html", "RwLock"),
    ("sync/struct.RwLockReadGuard.html", "RwLockReadGuard"),
    ("sync/struct.RwLockWriteGuard.html", "RwLockWriteGuard"),
    ("sync/struct.Condvar.html", "Condvar"),
    ("sync/struct.WaitTimeoutResult.html", "WaitTimeoutResult"),
    ("sync/struct.Barrier.html", "Barrier"),
    ("sync/struct.BarrierWaitResult.html", "BarrierWaitResult"),
    ("sync/struct.Once.html", "Once"),
    ("sync/struct.OnceState.html", "OnceState"),
    ("sync/struct.OnceLock.html", "OnceLock"),
    ("sync/struct.LazyLock.html", "LazyLock"),
    ("sync/mpsc/struct.Sender.html", "Sender"),
    ("sync/mpsc/struct.SyncSender.html", "SyncSender"),
    ("sync/mpsc/struct.Receiver.html", "Receiver"),
    ("sync/mpsc/struct.Iter.html", "Iter"),
    ("sync/mpsc/struct.TryIter.html", "TryIter"),
    ("sync/mpsc/struct.IntoIter.html", "IntoIter"),
    ("thread/struct.Builder.html", "Builder"),
    ("thread/struct.JoinHandle.html", "JoinHandle"),
    ("thread/struct.ScopedJoinHandle.html", "ScopedJoinHandle"),
    ("thread/struct.Scope.html", "Scope"),
    ("thread/struct.Thread.html", "Thread"),
    ("thread/struct.ThreadId.html", "ThreadId"),
    ("thread/struct.LocalKey.html", "LocalKey"),
    ("thread/struct.AccessError.html", "AccessError"),
    ("time/struct.Instant.html", "Instant"),
    ("time/struct.SystemTime.html", "SystemTime"),
];

/// Modules whose types all have a counterpart here, or are ours too.
const MODULES: &[&str] = &["net", "os/unix/net", "sync", "sync/mpsc", "thread", "time"];

/// Methods of std's that ours do not have, and why.
const LACKING: &[(&str, &str)] =
    &[("Builder::spawn_unchecked", "`unsafe`, and a greenlet's body need not be `Send` anyway")];

/// Traits of std's types, as their pages name them, that `methods.rs` asserts of ours or `traits.rs`
/// asks both for.
const TRAITS: &[&str] = &[
    "Debug",
    "Send",
    "Sync",
    "Unpin",
    "UnwindSafe",
    "RefUnwindSafe",
    "Read",
    "Write",
    "Iterator",
    "FusedIterator",
    "IntoIterator",
    "TcpStreamExt",
    "Add<Duration>",
    "AddAssign<Duration>",
    "Clone",
    "Copy",
    "Default",
    "Deref",
    "DerefMut",
    "Display",
    "Eq",
    "Error",
    "From<T>",
    "Hash",
    "Ord",
    "PartialEq",
    "PartialOrd",
    "Sub",
    "Sub<Duration>",
    "SubAssign<Duration>",
];

/// Traits of std's types that ours do not have, and why.
const OTHERWISE: &[(&str, &str)] = &[
    ("AsFd", "`try_as_raw_fd`: not every hub has descriptors, and `close(&self)` ends a borrow"),
    ("AsRawFd", "`try_as_raw_fd`, which can fail"),
    ("IntoRawFd", "`try_to_owned_fd`, which can fail"),
    ("FromRawFd", "`from_fd`, which can fail"),
    ("From<OwnedFd>", "`from_fd`, which can fail"),
    ("From<TcpStream>", "into `OwnedFd`: `try_to_owned_fd`, which can fail"),
    ("From<TcpListener>", "into `OwnedFd`: `try_to_owned_fd`, which can fail"),
    ("From<UdpSocket>", "into `OwnedFd`: `try_to_owned_fd`, which can fail"),
    ("From<UnixStream>", "into `OwnedFd`: `try_to_owned_fd`, which can fail"),
    ("From<UnixListener>", "into `OwnedFd`: `try_to_owned_fd`, which can fail"),
    ("From<UnixDatagram>", "into `OwnedFd`: `try_to_owned_fd`, which can fail"),
    ("From<PipeReader>", "into `OwnedFd` or `Stdio`: through `try_to_owned_fd`, which can fail"),
    ("From<PipeWriter>", "into `OwnedFd` or `Stdio`: through `try_to_owned_fd`, which can fail"),
    ("AsSocket", "of Windows"),
    ("AsRawSocket", "of Windows"),
    ("IntoRawSocket", "of Windows"),
    ("FromRawSocket", "of Windows"),
    ("From<OwnedSocket>", "of Windows"),
    ("AsHandle", "of Windows"),
    ("AsRawHandle", "of Windows"),
    ("IntoRawHandle", "of Windows"),
    ("FromRawHandle", "of Windows"),
    ("From<OwnedHandle>", "of Windows"),
    ("Drop", "no bound that a program has: what ends with a value is tested for each"),
    ("JoinHandleExt", "the thread's `pthread_t`: a greenlet has none"),
    ("From<JoinHandle<T>>", "of Windows"),
    ("StructuralPartialEq", "not stable"),
    ("UnixSocketExt", "not stable"),
    ("Freeze", "not stable"),
    ("UnsafeUnpin", "not stable"),
];

/// The folder of std's documentation, where it is installed. `GREENROOM_REQUIRE_TOOLS` makes it a
/// failure that it is not.
fn std_docs() -> Option<PathBuf> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let printed = Command::new(rustc).args(["--print", "sysroot"]).output().ok()?;
    let root = PathBuf::from(String::from_utf8(printed.stdout).ok()?.trim());
    let docs = root.join("share/doc/rust/html/std");
    if !docs.is_dir() {
        assert!(std::env::var_os("GREENROOM_REQUIRE_TOOLS").is_none(), "rust-docs is required");
        println!("skipped: rust-docs");
        return None;
    }
    Some(docs)
}

/// The stable methods of a type's own, and of the trait whose page it is.
fn methods(page: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for start in ["<section id=\"method.", "<section id=\"tymethod."] {
        for section in page.split(start).skip(1) {
            let (name, rest) = section.split_once('"').expect("an attribute ends");
            let (heading, _) = rest.split_once("</summary>").unwrap_or((rest, ""));
            if heading.starts_with(" class=\"method\"") && !heading.contains("stab unstable") {
                found.insert(name.to_owned());
            }
        }
    }
    found
}

/// The traits a type's page lists, but for those that every type has.
fn traits(page: &str, of: &str) -> BTreeSet<String> {
    let ids = page.split("id=\"impl-").skip(1).filter_map(|rest| rest.split('"').next());
    let plain = |id: &str| {
        id.replace("%3C", "<").replace("%3E", ">").replace("%26", "").replace("&amp;", "")
    };
    let listed = ids.filter_map(|id| {
        let id = plain(id);
        let (name, whose) = id.split_once("-for-")?;
        let is_own = whose.starts_with(of) || name.contains(of);
        is_own.then(|| name.to_owned())
    });
    listed.collect()
}

#[test]
fn no_stable_method_of_std_is_forgotten() {
    let Some(docs) = std_docs() else { return };
    let named = [include_str!("methods.rs"), include_str!("program.rs")].concat();
    let mut forgotten = Vec::new();
    for (page, of) in PAGES {
        let text = std::fs::read_to_string(docs.join(page)).expect("a page of std's types");
        let all = methods(&text);
        let has_none = ["Incoming", "Iter", "TryIter", "IntoIter", "ThreadId", "AccessError"];
        let may_be_empty = has_none.contains(of) || of.ends_with("Guard");
        assert!(!all.is_empty() || may_be_empty, "{page} has no method that can be read");
        let is_named = |method: &&String| {
            let path = format!("{of}::{method}");
            // One that several instances of a type have is numbered.
            let name = method.split('-').next().expect("it has a name");
            let of_an_instance = |line: &str| {
                line.contains(&format!("{of}::<")) && line.ends_with(&format!(">::{name};"))
            };
            named.contains(&format!("{path};"))
                || named.lines().any(of_an_instance)
                || LACKING.iter().any(|(name, _)| *name == path)
        };
        forgotten.extend(all.iter().filter(|m| !is_named(m)).map(|m| format!("{of}::{m}")));
    }
    assert_eq!(forgotten, [""; 0]);
}

#[test]
fn no_type_of_std_is_forgotten() {
    let Some(docs) = std_docs() else { return };
    let known = super::traits::known();
    let mut forgotten = Vec::new();
    for module in MODULES {
        let page = docs.join(module).join("index.html");
        let page = std::fs::read_to_string(page).expect("a page of std's modules");
        let mut found = 0;
        for item in page.split("<dt>").skip(1).filter_map(|rest| rest.split("</dt>").next()) {
            let is_type = item.contains("class=\"struct\"") || item.contains("class=\"enum\"");
            let Some((_, title)) = item.split_once("title=\"") else { continue };
            let Some((title, _)) = title.split_once('"') else { continue };
            let path =
                title.rsplit(' ').next().expect("a title has words").replacen("std::", "", 1);
            if is_type && !item.contains("stab unstable") {
                found += 1;
                if !known.contains(&path) {
                    forgotten.push(path);
                }
            }
        }
        assert!(found > 3, "{module} has no types that can be read");
    }
    assert_eq!(forgotten, [""; 0]);
}

#[test]
fn no_trait_of_std_is_forgotten() {
    let Some(docs) = std_docs() else { return };
    let mut forgotten = Vec::new();
    let mut met = BTreeSet::new();
    for (page, of) in PAGES.iter().filter(|(page, _)| page.contains("struct.")) {
        let text = std::fs::read_to_string(docs.join(page)).expect("a page of std's types");
        let all = traits(&text, of);
        assert!(all.contains("Debug"), "{page} has no trait that can be read");
        for name in all {
            let is_known = TRAITS.contains(&&*name)
                || OTHERWISE.iter().any(|(other, why)| *other == name && !why.is_empty());
            if !is_known {
                forgotten.push(format!("{name} for {of}"));
            }
            met.insert(name);
        }
    }
    assert_eq!(forgotten, [""; 0]);
    let idle: Vec<_> = OTHERWISE.iter().filter(|(name, _)| !met.contains(*name)).collect();
    assert!(idle.is_empty(), "std has these no more: {idle:?}");
}
