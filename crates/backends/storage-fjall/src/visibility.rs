//! Keeping single reads in step with commits.
//!
//! fjall inserts the parts of a batch one by one, and a plain read sees each as
//! soon as it is in, before the commit is published to snapshots. A reader that
//! then looks for another part finds it missing; one that then takes a snapshot
//! finds the old value. Reading through a snapshot is always right, but costs a
//! plain read that hits memory about a third more. So a reader reads plainly
//! and checks that nothing was being applied meanwhile; only if something was,
//! it reads again through a snapshot.

use std::sync::atomic::{AtomicU64, Ordering, fence};

/// Counts the beginnings and ends of commits: odd while one is being applied.
#[derive(Debug, Default)]
pub(crate) struct Visibility {
    turns: AtomicU64,
}

impl Visibility {
    /// Calls `apply`, which applies a commit. One thread at a time.
    pub(crate) fn while_applying<T>(&self, apply: impl FnOnce() -> T) -> T {
        let turn = Turn::begin(self);
        let applied = apply();
        drop(turn);
        applied
    }

    /// What `read` returns, unless a commit was being applied meanwhile.
    pub(crate) fn undisturbed<T>(&self, read: impl FnOnce() -> T) -> Option<T> {
        let before = self.turns.load(Ordering::Acquire);
        if !before.is_multiple_of(2) {
            return None;
        }
        let answer = read();
        // If the read saw anything of a commit, it also sees that one began.
        fence(Ordering::Acquire);
        (self.turns.load(Ordering::Relaxed) == before).then_some(answer)
    }
}

/// Ends the turn even if fjall panics.
struct Turn<'a>(&'a Visibility);

impl<'a> Turn<'a> {
    fn begin(visibility: &'a Visibility) -> Self {
        visibility.turns.fetch_add(1, Ordering::AcqRel);
        // What the commit writes comes after the beginning of its turn.
        fence(Ordering::SeqCst);
        Self(visibility)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.turns.fetch_add(1, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_read_beside_a_commit_is_disturbed() {
        let visibility = Visibility::default();
        assert_eq!(visibility.undisturbed(|| 1), Some(1));
        visibility.while_applying(|| assert_eq!(visibility.undisturbed(|| 1), None));
        assert_eq!(
            visibility.undisturbed(|| visibility.while_applying(|| 1)),
            None
        );
        assert_eq!(visibility.undisturbed(|| 1), Some(1));
    }
}
