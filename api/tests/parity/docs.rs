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
];

/// Traits of std's types, as their pages name them, that ours have: `methods.rs` asserts each.
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
    let named = include_str!("methods.rs");
    let mut forgotten = Vec::new();
    for (page, of) in PAGES {
        let text = std::fs::read_to_string(docs.join(page)).expect("a page of std's types");
        let all = methods(&text);
        assert!(!all.is_empty() || *of == "Incoming", "{page} has no method that can be read");
        let is_named = |method: &&String| named.contains(&format!("{of}::{method};"));
        forgotten.extend(all.iter().filter(|m| !is_named(m)).map(|m| format!("{of}::{m}")));
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
