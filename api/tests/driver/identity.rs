//! Who a greenlet is: its id, its name as std would give it, its path.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use greenroom::note;
use greenroom::thread::{self, Builder, ThreadId};

use crate::scripted::{ScriptHub, client, ms, play, play_all};
use crate::spawn;

#[test]
fn a_name_is_the_one_that_was_given_and_the_path_is_apart() {
    let played = play(ScriptHub::new(), || {
        let told = |of: &thread::Thread| format!("{:?} {}", of.name(), of.path());
        note!("{}", told(&thread::current()));
        let handles = [
            thread::spawn(move || note!("{}", told(&thread::current()))),
            spawn("conn", move || note!("{}", told(&thread::current()))),
            spawn("task", move || note!("{}", told(&thread::current()))),
        ];
        note!("{:?}", handles.each_ref().map(|handle| handle.thread().name().map(str::to_owned)));
        thread::sleep(ms(1));
        // One that is over still says who it was.
        let over = spawn("over", || thread::current().id());
        thread::sleep(ms(1));
        note!("{}", told(over.thread()));
        let id = over.thread().id();
        assert!(over.is_finished());
        assert_eq!(over.join().unwrap(), id);
    });
    let told = [
        "0 main: Some(\"main\") main",
        "0 main: [None, Some(\"conn\"), Some(\"task\")]",
        "0 main/task: None main/task",
        "0 main/conn: Some(\"conn\") main/conn",
        "0 main/task#2: Some(\"task\") main/task#2",
        "2 main: Some(\"over\") ",
    ];
    assert_eq!(played.done().told(), told);
}

#[test]
fn any_name_that_std_takes_is_taken() {
    let names = ["", "a b", "a/b", ".", ".tcp", "#2", "a@b.1=c;d,e'f", "%", "%2F", "größe\n", "…"];
    play(ScriptHub::new(), move || {
        let mut paths = HashSet::new();
        for name in names {
            std::thread::Builder::new().name(name.into()).spawn(|| ()).unwrap().join().unwrap();
            let found = spawn(name, thread::current).join().unwrap();
            assert_eq!(found.name(), Some(name));
            let own = found.path().strip_prefix("main/").expect("it is a child of main's");
            assert!(!own.contains(|c: char| "/#@,;=' ".contains(c) || c.is_control()), "{own}");
            assert!(paths.insert(own.to_owned()), "{own} is the path of two names");
            thread::scope(|s| {
                let scoped = Builder::new().name(name.into()).spawn_scoped(s, thread::current);
                assert_eq!(scoped.unwrap().join().unwrap().name(), Some(name));
            });
        }
        // Where std panics, so do we.
        let nul = || Builder::new().name("a\0b".into()).spawn(|| ());
        assert!(catch_unwind(AssertUnwindSafe(nul)).is_err());
        assert!(
            std::panic::catch_unwind(|| {
                std::thread::Builder::new().name("a\0b".into()).spawn(|| ())
            })
            .is_err()
        );
    })
    .done();
}

#[test]
fn ids_are_one_greenlets_own_and_numbered_by_its_host() {
    let ids = || {
        let (tx, rx) = std::sync::mpsc::channel();
        let host = move |tx: std::sync::mpsc::Sender<ThreadId>| {
            move || {
                tx.send(thread::current().id()).unwrap();
                for _ in 0..3 {
                    // Each has the place of the one before it.
                    let handle = thread::spawn(|| thread::current().id());
                    let outside = handle.thread().id();
                    assert_eq!(handle.join().unwrap(), outside);
                    tx.send(outside).unwrap();
                    thread::sleep(ms(1));
                }
                assert_eq!(thread::current().id(), thread::current().id());
            }
        };
        let programs = vec![client("a", host(tx.clone())), client("b", host(tx))];
        play_all(ScriptHub::new(), programs).done();
        rx.into_iter().collect::<Vec<_>>()
    };
    let (first, second) = (ids(), ids());
    let all: HashSet<ThreadId> = first.iter().chain(&second).copied().collect();
    assert_eq!(all.len(), 16);
    let shown = |ids: &[ThreadId]| ids.iter().map(|id| format!("{id:?}")).collect::<Vec<_>>();
    // What two runs show, and how they hash, does not tell them apart, nor does another host show.
    assert_eq!(shown(&first), shown(&second));
    let on_each: HashSet<String> = shown(&first).into_iter().collect();
    assert_eq!(on_each.len(), 4);
    let hash = |id: &ThreadId| {
        use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
        BuildHasherDefault::<DefaultHasher>::default().hash_one(id)
    };
    assert!(first.iter().zip(&second).all(|(a, b)| a != b && hash(a) == hash(b)));
}

#[test]
fn one_at_a_time_computes() {
    assert_eq!(thread::available_parallelism().unwrap().get(), 1);
}
