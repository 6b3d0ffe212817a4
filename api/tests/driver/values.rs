//! `greenlet_local!` and `host_local!` of cells: std's short ways to a value in a `Cell` or `RefCell`.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};

use greenroom::{greenlet_local, host_local, thread};

use crate::scripted::{ScriptHub, play};

/// What std's own key and ours do, told by the same program. `$made` counts initialisers.
macro_rules! program {
    ($declare:path) => {{
        thread_local!(static MADE: Cell<u32> = const { Cell::new(0) });
        fn made<T>(value: T) -> T {
            MADE.set(MADE.get() + 1);
            value
        }
        $declare! {
            static COUNT: Cell<u32> = made(Cell::new(1));
            static OTHER: Cell<u32> = made(Cell::new(1));
            static TEXT: RefCell<String> = made(RefCell::new("made".into()));
            static WORD: RefCell<String> = made(RefCell::new("made".into()));
            static PLAIN: Cell<u8> = const { Cell::new(3) }
        }
        let mut told = vec![format!("{} {}", COUNT.get(), PLAIN.get())];
        COUNT.set(5);
        told.push(format!("{} {} {}", COUNT.replace(6), COUNT.take(), COUNT.get()));
        told.push(format!("made {}", MADE.get()));
        // Set before it is looked at: made of what is set.
        OTHER.set(7);
        WORD.set("set".into());
        told.push(format!("{} {} made {}", OTHER.get(), WORD.take(), MADE.get()));
        TEXT.with_borrow_mut(|text| text.push('!'));
        told.push(TEXT.with_borrow(|text| text.clone()));
        told.push(format!("{} {:?}", TEXT.replace("new".into()), TEXT.take()));
        let panics = |f: &dyn Fn()| catch_unwind(AssertUnwindSafe(f)).is_err();
        TEXT.with_borrow(|_| {
            told.push(format!("{}", panics(&|| TEXT.with_borrow(|_| ()))));
            told.push(format!("{}", panics(&|| TEXT.with_borrow_mut(|_| ()))));
            told.push(format!("{}", panics(&|| TEXT.set("x".into()))));
            told.push(format!("{}", panics(&|| drop(TEXT.take()))));
            told.push(format!("{}", panics(&|| drop(TEXT.replace("x".into())))));
        });
        TEXT.with_borrow_mut(|_| told.push(format!("{}", panics(&|| TEXT.with_borrow(|_| ())))));
        told
    }};
}

#[test]
fn cells_are_reached_as_by_a_key_of_stds() {
    let stds = std::thread::spawn(|| program!(std::thread_local)).join().unwrap();
    assert_eq!(stds[3], "7 set made 1");
    let theirs = stds.clone();
    play(ScriptHub::new(), move || {
        assert_eq!(thread::spawn(|| program!(greenlet_local)).join().unwrap(), theirs);
        assert_eq!(thread::spawn(|| program!(host_local)).join().unwrap(), theirs);
    })
    .done();
}

#[test]
fn no_value_is_reached_outside_of_greenlets() {
    greenlet_local!(static COUNT: Cell<u32> = Cell::new(1));
    assert!(catch_unwind(|| COUNT.get()).is_err());
    assert!(catch_unwind(|| COUNT.set(2)).is_err());
    play(ScriptHub::new(), || {
        COUNT.set(2);
        assert_eq!(COUNT.get(), 2);
        assert_eq!(thread::spawn(|| COUNT.get()).join().unwrap(), 1);
    })
    .done();
}
