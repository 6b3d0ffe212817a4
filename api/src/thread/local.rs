//! Values of a greenlet's own, and of a host's: `thread_local!` under greenlets.

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
    ($($(#[$doc:meta])* $vis:vis static $name:ident: $type:ty = $init:expr;)*) => {$(
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
    ($($(#[$doc:meta])* $vis:vis static $name:ident: $type:ty = $init:expr;)*) => {$(
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
                let outside = AccessError { is_destroyed: false };
                let locals = driver::current().and_then(|driver| driver.$of()).ok_or(outside)?;
                let value = locals.get(self as *const _ as usize, self.init);
                let value = value.ok_or(AccessError { is_destroyed: true })?;
                Ok(f(&value))
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
