//! What zstd needs to work on one value, kept between values.

use std::{
    fmt, io,
    sync::{Mutex, PoisonError},
};

/// What takes some microseconds to make, kept for the next one who needs it.
pub(crate) struct Kept<T>(Mutex<Vec<T>>);

impl<T> Kept<T> {
    /// More are not kept: so many threads hardly ever work at once.
    const COUNT_MAX: usize = 16;

    /// Lends one, made if none is there.
    pub(crate) fn lend<U>(
        &self,
        make: impl FnOnce() -> io::Result<T>,
        work: impl FnOnce(&mut T) -> io::Result<U>,
    ) -> io::Result<U> {
        let kept = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = kept().pop();
        let mut lent = match taken {
            Some(lent) => lent,
            None => make()?,
        };
        let done = work(&mut lent);
        let mut kept = kept();
        if kept.len() < Self::COUNT_MAX {
            kept.push(lent);
        }
        done
    }
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> fmt::Debug for Kept<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept").finish_non_exhaustive()
    }
}
