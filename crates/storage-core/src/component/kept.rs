//! Working memory that is kept between calls.

use std::{
    fmt,
    sync::{Mutex, PoisonError},
};

/// What takes some microseconds to make, such as the context of a compressor, kept
/// for the next one who needs it.
pub struct Kept<T>(Mutex<Vec<T>>);

impl<T> Kept<T> {
    /// More are not kept: so many threads hardly ever work at once.
    pub const COUNT_MAX: usize = 16;

    /// Lends one, made if none is there.
    ///
    /// # Errors
    /// What `make` and `work` return.
    pub fn lend<U, E>(
        &self,
        make: impl FnOnce() -> Result<T, E>,
        work: impl FnOnce(&mut T) -> Result<U, E>,
    ) -> Result<U, E> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_lent_is_lent_again() {
        let kept = Kept::<u32>::default();
        let lend = |make| kept.lend::<_, ()>(|| Ok(make), |it| Ok(std::mem::replace(it, 7)));
        assert_eq!(lend(1), Ok(1));
        assert_eq!(lend(2), Ok(7));
    }
}
