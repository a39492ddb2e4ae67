//! Which errors say that the primary is gone.

use storage_core::{Error, ErrorKind, Outcome};

/// Whether an error says that the store may be gone. A lock that another process
/// holds is no such sign: reads go on beside it.
pub(crate) fn is_gone(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::TimedOut) && !error.is_foreign_lock()
}

/// Whether a commit that failed with `error` may be made elsewhere: the primary is
/// gone, and certainly has not applied it. What is `Unknown` may be there already,
/// or come late, so it is never accepted as well.
pub(crate) fn may_be_made_elsewhere(error: &Error) -> bool {
    is_gone(error) && error.outcome() == Some(Outcome::NotApplied)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_certainly_not_applied_is_made_elsewhere() {
        for kind in [ErrorKind::Unavailable, ErrorKind::TimedOut] {
            let error = || Error::new(kind, "x");
            assert!(is_gone(&error()));
            assert!(!is_gone(&error().with_foreign_lock()));
            assert!(!may_be_made_elsewhere(&error()));
            let unknown = error().with_outcome(Outcome::Unknown);
            assert!(!may_be_made_elsewhere(&unknown));
            let not_applied = error().with_outcome(Outcome::NotApplied);
            assert!(may_be_made_elsewhere(&not_applied));
        }
        for kind in [ErrorKind::Conflict, ErrorKind::Full, ErrorKind::Throttled] {
            assert!(!is_gone(&Error::new(kind, "x")), "{kind}");
        }
    }
}
