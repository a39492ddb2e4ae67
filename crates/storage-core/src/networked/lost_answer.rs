//! Commits whose answer is lost: the time that is kept for looking them up, and what
//! that finds.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::Pause;
use crate::{Error, ErrorKind, Outcome, Result};

/// Of the time that a commit has, this part is kept for finding out what became of
/// it, but no more than the given time.
const RESERVED_PART: u32 = 4;
const RESERVED_MAX: Duration = Duration::from_secs(3);

/// How long to wait before looking again, at first and at most.
const PAUSE_MIN: Duration = Duration::from_millis(5);
const PAUSE_MAX: Duration = Duration::from_millis(250);

/// When to stop waiting for the answer to a commit, so that there is time to look for
/// what became of it.
#[must_use]
pub fn answer_by(deadline: Instant) -> Instant {
    let left = deadline.saturating_duration_since(Instant::now());
    deadline - (left / RESERVED_PART).min(RESERVED_MAX)
}

/// What became of a commit whose answer is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate<A> {
    /// It was applied, and this was its answer.
    Applied(A),
    /// It was not applied and never will be.
    NotApplied,
    /// It may have been, or be yet.
    Unknown,
}

impl<A> Fate<A> {
    /// Looks until that tells, or it is time to give up: then the fate is unknown. A
    /// `look` that finds nothing out, but may in a moment, returns nothing.
    pub async fn look_up<L>(deadline: Instant, mut look: impl FnMut() -> L) -> Self
    where
        L: Future<Output = Option<Self>>,
    {
        let mut pause = Self::pause();
        loop {
            match timeout_at(deadline, look()).await {
                Ok(Some(fate)) => return fate,
                Ok(None) => {}
                Err(_) => return Self::Unknown,
            }
            if !pause.before(deadline).await {
                return Self::Unknown;
            }
        }
    }

    /// The pauses between looks.
    #[must_use]
    pub const fn pause() -> Pause {
        Pause::between(PAUSE_MIN, PAUSE_MAX)
    }

    /// What an error says that keeps from looking: that nobody will ever know, or
    /// nothing, if it may pass.
    #[must_use]
    pub const fn kept_from(error: ErrorKind) -> Option<Self> {
        match error {
            ErrorKind::Unavailable | ErrorKind::TimedOut | ErrorKind::Throttled => None,
            _ => Some(Self::Unknown),
        }
    }

    /// The answer to the commit.
    ///
    /// # Errors
    /// With what kept its own answer away, and the outcome that was found.
    pub fn answer(self, lost: Error) -> Result<A> {
        match self {
            Self::Applied(answer) => Ok(answer),
            Self::NotApplied => Err(lost.with_outcome(Outcome::NotApplied)),
            Self::Unknown => Err(lost.with_outcome(Outcome::Unknown)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_part_of_the_time_is_kept_but_not_too_much() {
        let now = Instant::now();
        let by = |seconds| answer_by(now + Duration::from_secs(seconds)) - now;
        assert_eq!(by(8), Duration::from_secs(6));
        assert_eq!(by(60), Duration::from_secs(57));
        assert_eq!(answer_by(now), now);
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_looked_for_until_that_tells_or_the_time_is_over() {
        let deadline = Instant::now() + Duration::from_secs(1);
        let mut looks = 0;
        let third = || {
            looks += 1;
            ready((looks == 3).then_some(Fate::Applied(7)))
        };
        assert_eq!(Fate::look_up(deadline, third).await, Fate::Applied(7));
        let fate = Fate::<u8>::look_up(deadline, || ready(None)).await;
        assert_eq!(fate, Fate::Unknown);
        assert!(Instant::now() < deadline);
    }

    #[tokio::test(start_paused = true)]
    async fn a_look_that_does_not_end_is_given_up_at_the_deadline() {
        let deadline = Instant::now() + Duration::from_secs(1);
        let fate = Fate::<u8>::look_up(deadline, pending).await;
        assert_eq!(fate, Fate::Unknown);
        assert!(deadline.elapsed() < Duration::from_millis(10));
    }

    #[test]
    fn an_answer_that_is_not_found_is_the_error_with_the_outcome() {
        let lost = || Error::new(ErrorKind::TimedOut, "no answer");
        assert_eq!(Fate::Applied(7).answer(lost()).unwrap(), 7);
        for (fate, outcome) in [
            (Fate::<u8>::NotApplied, Outcome::NotApplied),
            (Fate::Unknown, Outcome::Unknown),
        ] {
            let error = fate.answer(lost()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::TimedOut);
            assert_eq!(error.outcome(), Some(outcome));
        }
    }
}
