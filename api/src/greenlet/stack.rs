//! Stacks: slabs of guarded slots, handed out last-in first-out and kept warm.
//!
//! A slab is reserved without access and opened in chunks, so nothing is charged before it is
//! used. Each slot ends in a guard page: `MADV_GUARD_INSTALL` where the kernel has it (6.13 on; a
//! slab then stays one mapping), else `mprotect`, which costs two mappings a stack and is
//! therefore capped well below `vm.max_map_count`: out of mappings even malloc fails.
//!
//! ```text
//!   low                                                     high
//!   | guard | ......... slot 0 ......... | guard | ... slot 1 |
//!   ^limit  ^usable                 base^
//! ```
//!
//! Memory is never unmapped: a greenlet that was left unfinished may still lend what stands on its
//! stack. The pools of a thread that ends go to the next thread that needs some.
#![allow(unsafe_code)]

use std::cell::RefCell;
use std::io;
use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};

use corosensei::stack::{Stack, StackPointer};

use super::overflow::{self, PAGE};

/// What a greenlet gets unless its builder asks otherwise.
pub(crate) const DEFAULT_SIZE: usize = 256 * 1024;
/// The least there is: a panic that prints its backtrace takes some 28 KiB of it, unoptimised, and
/// what is not touched costs nothing.
const MIN_SIZE: usize = 64 * 1024;
/// The most there is. With its guard page it still fits a slab.
const MAX_SIZE: usize = SLAB_BYTES / 2;
/// Slots opened at a time.
const CHUNK: usize = 64;
/// Address space asked for at a time; halved until the limit on it (`RLIMIT_AS`) allows it.
const SLAB_BYTES: usize = 1 << 32;
/// `MADV_GUARD_INSTALL`, Linux 6.13.
const MADV_GUARD_INSTALL: i32 = 102;

/// One stack, out of a slab of its size class.
pub(crate) struct Slot {
    limit: usize,
    base: usize,
}

impl Slot {
    /// Where it ends, the guard page included.
    pub(super) fn ends_at(&self) -> usize {
        self.limit
    }

    /// How many bytes of it can be used, but for those that its colour takes.
    pub(super) fn size(&self) -> usize {
        self.base - self.limit - PAGE
    }

    /// How many bytes lie idle above it. Sets of the caches go by the place in a page: where all
    /// stacks began at the same, a thousand of them would share the few sets of their first lines.
    fn colour(&self) -> usize {
        const LINE: usize = 64;
        const COLOURS: usize = 16;
        // A slot is an odd number of pages, so neighbours differ.
        self.limit / PAGE % COLOURS * LINE
    }
}

// SAFETY: `limit..base` is a slot of a mapping that is never unmapped; its lowest page is a guard
// (`Pool::open_chunk` makes it before the slot is first handed out) and the rest, at least
// `MIN_SIZE`, is readable and writable. A slot is owned by one `Slot` value at a time: `Pool` makes
// it once, and has it again only from `release`, which takes the value. One that is forgotten, or
// given back on a thread whose pools are gone, is never handed out again.
unsafe impl Stack for Slot {
    fn base(&self) -> StackPointer {
        NonZeroUsize::new(self.base - self.colour()).expect("a mapping is not at address zero")
    }
    fn limit(&self) -> StackPointer {
        NonZeroUsize::new(self.limit).expect("a mapping is not at address zero")
    }
}

thread_local! {
    static POOLS: RefCell<Pools> = const { RefCell::new(Pools(Vec::new())) };
}

/// Those of threads that are over.
static LEFT_BEHIND: Mutex<Vec<Pool>> = Mutex::new(Vec::new());

/// The stacks of a thread, by size.
struct Pools(Vec<Pool>);

impl Pools {
    fn of_size(&mut self, size: usize) -> &mut Pool {
        let index = self.0.iter().position(|pool| pool.size == size).unwrap_or_else(|| {
            self.0.push(Pool::inherited(size).unwrap_or_else(|| Pool::new(size)));
            self.0.len() - 1
        });
        &mut self.0[index]
    }
}

impl Drop for Pools {
    /// What is lent still was left unfinished on this thread, and nobody gives it back.
    fn drop(&mut self) {
        left_behind().append(&mut self.0);
    }
}

fn left_behind() -> MutexGuard<'static, Vec<Pool>> {
    LEFT_BEHIND.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A stack of `size` bytes or more, up to a kilobyte of which lies idle (see [`Slot::colour`]). `OutOfMemory` when the machine has no room for one more, or
/// never has for one of that size.
pub(crate) fn take(size: usize) -> io::Result<Slot> {
    if size > MAX_SIZE {
        let message = format!("{size} bytes are asked for, and {MAX_SIZE} are the most there are");
        return Err(io::Error::new(io::ErrorKind::OutOfMemory, message));
    }
    let size = size.max(MIN_SIZE).next_power_of_two();
    POOLS.with_borrow_mut(|pools| pools.of_size(size).take())
}

/// Gives a stack back once its body has ended.
pub(crate) fn release(slot: Slot) {
    let size = slot.size();
    // At thread exit the pools may be gone already; the stack is leaked then, as all are.
    let _ = POOLS.try_with(|pools| {
        // It has one: the stack was taken here, but for where each greenlet has a thread.
        pools.borrow_mut().of_size(size).free.push(slot);
    });
}

/// How many stacks this thread has, and how many of them are free.
pub(crate) fn counts() -> (usize, usize) {
    POOLS.with_borrow(|pools| {
        let made = pools.0.iter().map(|pool| pool.made).sum();
        (made, pools.0.iter().map(|pool| pool.free.len()).sum())
    })
}

/// The stacks of one size.
struct Pool {
    size: usize,
    free: Vec<Slot>,
    made: usize,
    unopened: usize,
    slab_end: usize,
    mapped_guards: usize,
}

impl Pool {
    fn new(size: usize) -> Pool {
        Pool { size, free: Vec::new(), made: 0, unopened: 0, slab_end: 0, mapped_guards: 0 }
    }

    /// That of a thread that is over.
    fn inherited(size: usize) -> Option<Pool> {
        let mut all = left_behind();
        let index = all.iter().rposition(|pool| pool.size == size)?;
        overflow::give_a_signal_stack();
        Some(all.swap_remove(index))
    }

    fn take(&mut self) -> io::Result<Slot> {
        if self.free.is_empty() {
            self.open_chunk()?;
        }
        Ok(self.free.pop().expect("a chunk was just opened"))
    }

    /// Makes the next slots of the slab usable, reserving a new slab when this one is used up.
    fn open_chunk(&mut self) -> io::Result<()> {
        let stride = self.size + PAGE;
        if self.slab_end - self.unopened < stride {
            self.reserve(stride)?;
        }
        let count = CHUNK.min((self.slab_end - self.unopened) / stride);
        open(self.unopened, count * stride)?;
        for index in (0..count).rev() {
            let limit = self.unopened + index * stride;
            if let Err(error) = self.guard(limit) {
                // What is guarded already is used; only none at all is a failure.
                self.unopened += count * stride;
                return if self.free.is_empty() { Err(error) } else { Ok(()) };
            }
            self.free.push(Slot { limit, base: limit + stride });
            self.made += 1;
        }
        self.unopened += count * stride;
        Ok(())
    }

    fn reserve(&mut self, stride: usize) -> io::Result<()> {
        let mut bytes = SLAB_BYTES;
        loop {
            match reserve(bytes).and_then(|start| leaves_room(start, bytes)) {
                Ok(start) => {
                    (self.unopened, self.slab_end) = (start, start + bytes);
                    overflow::watch(start, start + bytes, stride);
                    return Ok(());
                }
                Err(error) if bytes / 2 < stride => return Err(error),
                Err(_) => bytes /= 2,
            }
        }
    }

    fn guard(&mut self, at: usize) -> io::Result<()> {
        // SAFETY: the page belongs to a chunk of ours that has not been handed out yet.
        if unsafe { libc::madvise(at as *mut libc::c_void, PAGE, MADV_GUARD_INSTALL) } == 0 {
            return Ok(());
        }
        // A quarter of the default 65 530 mappings, at two a stack.
        const MAPPED_GUARDS_MAX: usize = 8_000;
        if self.mapped_guards == MAPPED_GUARDS_MAX {
            return Err(io::Error::new(
                io::ErrorKind::OutOfMemory,
                "no room for more stacks: without MADV_GUARD_INSTALL (Linux 6.13) a thread holds \
                 8000 greenlets that have started",
            ));
        }
        self.mapped_guards += 1;
        // SAFETY: as above.
        match unsafe { libc::mprotect(at as *mut libc::c_void, PAGE, libc::PROT_NONE) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    }
}

fn reserve(bytes: usize) -> io::Result<usize> {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
    // SAFETY: a fresh anonymous mapping at an address of the kernel's choice touches nothing.
    let at = unsafe { libc::mmap(std::ptr::null_mut(), bytes, libc::PROT_NONE, flags, -1, 0) };
    if at == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the mapping is ours. Huge pages would make each stack cost 2 MiB; advice may fail.
    unsafe { libc::madvise(at, bytes, libc::MADV_NOHUGEPAGE) };
    Ok(at as usize)
}

/// Where address space is limited (`RLIMIT_AS`), stacks leave some to the heap: a program that has none
/// left is aborted at its next allocation. A slab that does not is given back.
fn leaves_room(start: usize, bytes: usize) -> io::Result<usize> {
    const ROOM: usize = 16 << 20;
    let left = reserve(ROOM);
    let given_back = match &left {
        Ok(room) => (*room, ROOM),
        Err(_) => (start, bytes),
    };
    // SAFETY: the mapping was made just now, and nothing uses it.
    unsafe { libc::munmap(given_back.0 as *mut libc::c_void, given_back.1) };
    left.map(|_| start)
}

fn open(start: usize, bytes: usize) -> io::Result<()> {
    // SAFETY: the range lies in a slab of ours and nothing uses it yet.
    let done = unsafe {
        libc::mprotect(start as *mut libc::c_void, bytes, libc::PROT_READ | libc::PROT_WRITE)
    };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stacks_are_reused_last_in_first_out() {
        let (a, b) = (take(DEFAULT_SIZE).unwrap(), take(DEFAULT_SIZE).unwrap());
        let (at_a, at_b) = (a.base, b.base);
        release(a);
        release(b);
        assert_eq!(take(DEFAULT_SIZE).unwrap().base, at_b);
        assert_eq!(take(DEFAULT_SIZE).unwrap().base, at_a);
    }

    /// Of a size that no other test takes.
    #[test]
    fn stacks_outlive_their_thread_and_serve_the_next_one() {
        const SIZE: usize = 1 << 26;
        let bases = || {
            let thread = std::thread::spawn(|| {
                let both = [take(SIZE).unwrap(), take(SIZE).unwrap()];
                let bases = both.each_ref().map(|slot| slot.base);
                // The other is left unfinished, and nobody else's from now on.
                let [one, _left] = both;
                release(one);
                bases
            });
            thread.join().unwrap()
        };
        let [one, left] = bases();
        let [again, other] = bases();
        assert_eq!(again, one);
        assert_ne!(other, left);
    }

    #[test]
    fn sizes_are_classes_with_a_floor_and_a_ceiling() {
        let small = take(1).unwrap();
        assert_eq!(small.size(), MIN_SIZE);
        let odd = take(80_000).unwrap();
        assert_eq!(odd.size(), 128 * 1024);
        let largest = take(MAX_SIZE).unwrap();
        assert_eq!(largest.size(), MAX_SIZE);
        for too_much in [MAX_SIZE + 1, 1 << 40, usize::MAX] {
            assert_eq!(take(too_much).err().unwrap().kind(), io::ErrorKind::OutOfMemory);
        }
    }
}
