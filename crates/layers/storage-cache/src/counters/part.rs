//! Which part of the counters belongs to a thread.
//!
//! A thread takes a free part when it counts for the first time, and gives it back when it
//! ends: no two threads that live have the same one.

use std::{
    cell::Cell,
    sync::{Mutex, PoisonError},
};

/// How many threads have a part of their own at the same time.
pub(super) const PARTS: usize = 64;

/// Where a thread counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Where no other thread writes.
    Own(usize),
    /// Where all do that have no part of their own.
    Shared,
}

/// The parts that no thread has, as bits.
static FREE: Mutex<u64> = Mutex::new(u64::MAX);

thread_local! {
    static PART: Cell<Option<Part>> = const { Cell::new(None) };
    static TAKEN: Cell<Option<Taken>> = const { Cell::new(None) };
}

/// The part of this thread.
#[inline]
pub(super) fn of_this_thread() -> Part {
    PART.get().unwrap_or_else(take)
}

#[cold]
fn take() -> Part {
    let mut free = FREE.lock().unwrap_or_else(PoisonError::into_inner);
    let bit = *free & free.wrapping_neg();
    let part = match usize::try_from(bit.trailing_zeros()) {
        Ok(part) if part < PARTS => Part::Own(part),
        _ => Part::Shared,
    };
    // A thread that is ending could not give it back.
    let is_taken =
        part != Part::Shared && TAKEN.try_with(|taken| taken.set(Some(Taken(bit)))).is_ok();
    if is_taken {
        *free &= !bit;
    }
    drop(free);
    let part = if is_taken { part } else { Part::Shared };
    PART.set(Some(part));
    part
}

/// A part that a thread has, until the thread ends.
struct Taken(u64);

impl Drop for Taken {
    fn drop(&mut self) {
        // What the thread counts from now on, in what it still drops, is no longer alone.
        PART.set(Some(Part::Shared));
        let mut free = FREE.lock().unwrap_or_else(PoisonError::into_inner);
        *free |= self.0;
    }
}
