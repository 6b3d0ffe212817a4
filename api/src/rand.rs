//! Chance that the hub provides: the operating system's on real, the seed's in a simulation.

use crate::driver;
use crate::thread::{NAMES, is_name};

/// Fills the buffer with random bytes.
///
/// # Panics
///
/// Outside any hub.
pub fn fill(bytes: &mut [u8]) {
    driver::with_current(|driver| driver.hub.borrow_mut().entropy(bytes)).expect(driver::OUTSIDE);
}

/// A random number.
///
/// # Panics
///
/// Outside any hub.
pub fn next_u64() -> u64 {
    let mut bytes = [0; 8];
    fill(&mut bytes);
    u64::from_le_bytes(bytes)
}

/// One of `arity` choices that the program leaves to the world. On the operating system it is 0; in
/// a simulation the search decides, the report names it by `label`, and 0 is the boring one.
///
/// # Panics
///
/// Outside any hub, if `arity` is 0, or if the label has a blank or one of `/ # @ , ; = '` in it.
pub fn choose(label: &str, arity: u32) -> u32 {
    assert!(is_name(label), "no choice is called {label:?}: {NAMES}");
    assert!(arity > 0, "there is nothing to choose from");
    driver::with_current(|driver| driver.hub.borrow_mut().choose(label, arity))
        .expect(driver::OUTSIDE)
}
