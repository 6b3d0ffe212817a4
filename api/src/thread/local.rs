//! Values of a greenlet's own, and of a host's: `thread_local!` under greenlets.

use std::cell::{Cell, RefCell};
use std::fmt;

use crate::driver;

/// Declares values of which each greenlet has its own, made when it first looks. The syntax is that
/// of [`std::thread_local!`].
///
/// A value is dropped when its greenlet is over, in the greenlet's own turn.
///
/// # Examples
///
/// ```no_run
/// use std::cell::Cell;
///
/// greenroom::greenlet_local! {
///     static DEPTH: Cell<u32> = Cell::new(0);
/// }
/// DEPTH.with(|depth| depth.set(depth.get() + 1));
/// ```
#[macro_export]
macro_rules! greenlet_local {
    ($($(#[$doc:meta])* $vis:vis static $name:ident: $type:ty = $init:expr);* $(;)?) => {$(
        $(#[$doc])*
        $vis static $name: $crate::thread::LocalKey<$type> =
            $crate::thread::LocalKey::new(|| $init);
    )*};
}

/// Declares values of which each host of a run has its own, made when a greenlet of it first looks:
/// what would be a `static` of the program that runs on one machine.
///
/// Over the operating system a hub is one host. A host that lost its power and comes up again begins
/// anew. Values are dropped when the run is over.
///
/// # Examples
///
/// ```no_run
/// use std::cell::Cell;
///
/// greenroom::host_local! {
///     static REQUESTS: Cell<u64> = Cell::new(0);
/// }
/// REQUESTS.with(|requests| requests.set(requests.get() + 1));
/// ```
#[macro_export]
macro_rules! host_local {
    ($($(#[$doc:meta])* $vis:vis static $name:ident: $type:ty = $init:expr);* $(;)?) => {$(
        $(#[$doc])*
        $vis static $name: $crate::thread::HostKey<$type> =
            $crate::thread::HostKey::new(|| $init);
    )*};
}

/// There is no greenlet here to have a value, or its values are gone already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccessError {
    is_destroyed: bool,
}

/// A value of each greenlet's own. Made by [`greenlet_local!`](crate::greenlet_local).
pub struct LocalKey<T: 'static> {
    init: fn() -> T,
}

/// A value of each host's own. Made by [`host_local!`](crate::host_local).
pub struct HostKey<T: 'static> {
    init: fn() -> T,
}

macro_rules! accessors {
    ($key:ident, $of:ident) => {
        impl<T: 'static> $key<T> {
            #[doc(hidden)]
            pub const fn new(init: fn() -> T) -> $key<T> {
                $key { init }
            }

            /// Calls `f` with the value, which is made now if there is none.
            ///
            /// # Panics
            ///
            /// Outside any greenlet, and while or after the value is dropped.
            pub fn with<R>(&'static self, f: impl FnOnce(&T) -> R) -> R {
                self.try_with(f).unwrap_or_else(|error| panic!("{error}"))
            }

            /// Calls `f` with the value, which is made now if there is none.
            ///
            /// # Errors
            ///
            /// Outside any greenlet, and while or after the value is dropped.
            pub fn try_with<R>(&'static self, f: impl FnOnce(&T) -> R) -> Result<R, AccessError> {
                self.try_with_or(self.init, f)
            }

            /// As [`try_with`](Self::try_with), but `init` makes the value if there is none.
            fn try_with_or<R>(
                &'static self,
                init: impl FnOnce() -> T,
                f: impl FnOnce(&T) -> R,
            ) -> Result<R, AccessError> {
                let outside = AccessError { is_destroyed: false };
                let locals = driver::current().and_then(|driver| driver.$of()).ok_or(outside)?;
                let value = locals.get(self as *const _ as usize, init);
                let value = value.ok_or(AccessError { is_destroyed: true })?;
                Ok(f(&value))
            }

            /// Puts `value` into what `put` finds in the value; where there is none yet, `make` makes
            /// it of `value`, and the key's own initialiser does not run.
            fn put<V>(&'static self, value: V, make: impl FnOnce(V) -> T, put: impl FnOnce(&T, V)) {
                let left = Cell::new(Some(value));
                let take = || left.take().expect("it is put once");
                self.try_with_or(|| make(take()), |of| left.take().map_or((), |v| put(of, v)))
                    .unwrap_or_else(|error| panic!("{error}"));
            }
        }

        impl<T: 'static> $key<Cell<T>> {
            /// Sets the value. Where there is none yet it is made of this one: the initialiser does
            /// not run.
            ///
            /// # Panics
            ///
            /// As [`with`](Self::with).
            pub fn set(&'static self, value: T) {
                self.put(value, Cell::new, Cell::set);
            }

            /// A copy of the value.
            ///
            /// # Panics
            ///
            /// As [`with`](Self::with).
            pub fn get(&'static self) -> T
            where
                T: Copy,
            {
                self.with(Cell::get)
            }

            /// Takes the value and leaves the default one.
            ///
            /// # Panics
            ///
            /// As [`with`](Self::with).
            pub fn take(&'static self) -> T
            where
                T: Default,
            {
                self.with(Cell::take)
            }

            /// Puts `value` in the place of the one that is returned.
            ///
            /// # Panics
            ///
            /// As [`with`](Self::with).
            pub fn replace(&'static self, value: T) -> T {
                self.with(|cell| cell.replace(value))
            }
        }

        impl<T: 'static> $key<RefCell<T>> {
            /// Calls `f` with the value borrowed.
            ///
            /// # Panics
            ///
            /// If it is borrowed mutably; and as [`with`](Self::with).
            pub fn with_borrow<R>(&'static self, f: impl FnOnce(&T) -> R) -> R {
                self.with(|cell| f(&cell.borrow()))
            }

            /// Calls `f` with the value borrowed mutably.
            ///
            /// # Panics
            ///
            /// If it is borrowed; and as [`with`](Self::with).
            pub fn with_borrow_mut<R>(&'static self, f: impl FnOnce(&mut T) -> R) -> R {
                self.with(|cell| f(&mut cell.borrow_mut()))
            }

            /// Sets the value. Where there is none yet it is made of this one: the initialiser does
            /// not run.
            ///
            /// # Panics
            ///
            /// If it is borrowed; and as [`with`](Self::with).
            pub fn set(&'static self, value: T) {
                self.put(value, RefCell::new, |cell, value| *cell.borrow_mut() = value);
            }

            /// Takes the value and leaves the default one.
            ///
            /// # Panics
            ///
            /// If it is borrowed; and as [`with`](Self::with).
            pub fn take(&'static self) -> T
            where
                T: Default,
            {
                self.with(RefCell::take)
            }

            /// Puts `value` in the place of the one that is returned.
            ///
            /// # Panics
            ///
            /// If it is borrowed; and as [`with`](Self::with).
            pub fn replace(&'static self, value: T) -> T {
                self.with(|cell| cell.replace(value))
            }
        }

        impl<T: 'static> fmt::Debug for $key<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($key)).finish_non_exhaustive()
            }
        }
    };
}

accessors!(LocalKey, locals_of_greenlet);
accessors!(HostKey, locals_of_host);

impl fmt::Display for AccessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.is_destroyed {
            true => "the value is being dropped, or was: no other is made",
            false => driver::OUTSIDE,
        })
    }
}
impl std::error::Error for AccessError {}
