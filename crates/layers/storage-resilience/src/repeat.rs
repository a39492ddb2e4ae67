//! What may be done again, and what must not be.

use std::time::Duration;

use storage_core::{Error, Outcome, Retry, WriteBatch};

/// What doing a request twice may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Nothing: a read, or a batch of guards alone.
    Nothing,
    /// What the store holds.
    Changes,
}

impl Effect {
    /// What a commit of `batch` may change.
    ///
    /// Only a batch without mutations is safe to repeat when nobody knows what
    /// became of it. Puts and deletes are not, although they say the same
    /// twice: the first may yet be applied *after* the second was answered, and
    /// undo what somebody else has written since. Nor do guards help: `Unchanged`
    /// and `Absent` hold again once somebody has put back what was there.
    pub(crate) fn of(batch: &WriteBatch) -> Self {
        if batch.mutations().is_empty() {
            Self::Nothing
        } else {
            Self::Changes
        }
    }

    /// Whether a request that failed with `error` may be repeated, and how long
    /// the error asks to wait before.
    pub(crate) fn repeat_after(self, error: &Error) -> Option<Duration> {
        let is_safe = self == Self::Nothing || error.outcome() == Some(Outcome::NotApplied);
        match error.retry() {
            Retry::After(delay) if is_safe => Some(delay),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use storage_core::{ErrorKind, KeyRange};

    use super::*;

    const DELAY: Duration = Duration::from_millis(5);

    fn failed(outcome: Option<Outcome>) -> Error {
        let error = Error::new(ErrorKind::Unavailable, "x").with_retry_after(DELAY);
        match outcome {
            Some(outcome) => error.with_outcome(outcome),
            None => error,
        }
    }

    #[test]
    fn a_batch_that_changes_something_is_repeated_only_if_it_was_not_applied() {
        for batch in [
            WriteBatch::new().put("k", "v"),
            WriteBatch::new().absent("k").put("k", "v"),
            WriteBatch::new().put_sequenced("k", "", "v"),
            WriteBatch::new().delete("k"),
            WriteBatch::new().delete_range(KeyRange::all()),
        ] {
            let effect = Effect::of(&batch);
            let not_applied = failed(Some(Outcome::NotApplied));
            assert_eq!(effect.repeat_after(&not_applied), Some(DELAY), "{batch:?}");
            for outcome in [Some(Outcome::Unknown), None] {
                assert_eq!(effect.repeat_after(&failed(outcome)), None, "{batch:?}");
            }
        }
    }

    #[test]
    fn what_changes_nothing_is_repeated_whatever_became_of_it() {
        for batch in [WriteBatch::new(), WriteBatch::new().present("k")] {
            let unknown = failed(Some(Outcome::Unknown));
            assert_eq!(Effect::of(&batch).repeat_after(&unknown), Some(DELAY));
        }
        assert_eq!(Effect::Nothing.repeat_after(&failed(None)), Some(DELAY));
    }

    #[test]
    fn what_says_never_is_not_repeated() {
        let error = Error::new(ErrorKind::Unavailable, "x").with_outcome(Outcome::NotApplied);
        assert_eq!(Effect::Nothing.repeat_after(&error), None);
        assert_eq!(Effect::Changes.repeat_after(&error), None);
    }
}
