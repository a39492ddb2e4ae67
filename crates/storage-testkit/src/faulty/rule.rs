//! Which calls a fault happens to.

use storage_core::{Error, ErrorKind, OwnedKey, Result, SeededRandom, Space};

use super::{
    call::{Call, Touched},
    fault::{Fault, NAME},
};

/// Which calls a fault happens to. A rule counts the calls it fits, from when
/// it is given to [`Faults`](super::Faults) on.
#[derive(Clone, Debug)]
pub struct Rule {
    calls: Vec<Call>,
    target: Target,
    occasion: Occasion,
}

#[derive(Clone, Debug)]
enum Target {
    Anything,
    Key(OwnedKey),
    Space(Space),
}

#[derive(Clone, Copy, Debug)]
enum Occasion {
    Always,
    Nth(u64),
    From(u64),
    Chance { percent: u64 },
}

impl Rule {
    /// Every call of this kind.
    #[must_use]
    pub fn on(call: Call) -> Self {
        Self::on_any([call])
    }

    /// Every call of these kinds.
    #[must_use]
    pub fn on_any(calls: impl IntoIterator<Item = Call>) -> Self {
        Self {
            calls: calls.into_iter().collect(),
            target: Target::Anything,
            occasion: Occasion::Always,
        }
    }

    /// Of those, the calls that read or change `key`, or look at it for a guard.
    #[must_use]
    pub fn key(mut self, key: impl Into<OwnedKey>) -> Self {
        self.target = Target::Key(key.into());
        self
    }

    /// Of those, the calls that read or change anything in `space`.
    #[must_use]
    pub fn space(mut self, space: Space) -> Self {
        self.target = Target::Space(space);
        self
    }

    /// Of those, only the one numbered `number`, from 1.
    #[must_use]
    pub const fn nth(mut self, number: u64) -> Self {
        self.occasion = Occasion::Nth(number);
        self
    }

    /// Of those, the one numbered `number`, from 1, and all that follow.
    #[must_use]
    pub const fn from_nth(mut self, number: u64) -> Self {
        self.occasion = Occasion::From(number);
        self
    }

    /// Of those, each with this probability, drawn from the random numbers of
    /// the [`Faults`](super::Faults).
    #[must_use]
    pub const fn with_chance_percent(mut self, percent: u64) -> Self {
        self.occasion = Occasion::Chance { percent };
        self
    }

    /// Checks that the rule can ever apply, and that the contract lets `fault`
    /// happen to all its calls.
    ///
    /// # Errors
    /// `Invalid` if not.
    pub(super) fn check(&self, fault: &Fault) -> Result<()> {
        let message = match self.occasion {
            _ if self.calls.is_empty() => "a rule without calls never applies; name some",
            Occasion::Nth(0) | Occasion::From(0) => "calls are counted from 1, not from 0",
            Occasion::Chance { percent } if percent > 100 => {
                "a chance is at most 100 percent; use a smaller one"
            }
            _ => return self.calls.iter().try_for_each(|call| fault.check(*call)),
        };
        Err(Error::new(ErrorKind::Invalid, message).with_layer(NAME))
    }

    /// Whether a call is one that the rule counts.
    pub(super) fn fits(&self, call: Call, touched: Touched<'_>) -> bool {
        self.calls.contains(&call)
            && match &self.target {
                Target::Anything => true,
                Target::Key(key) => touched.has_key(key),
                Target::Space(space) => touched.is_in(*space),
            }
    }

    /// Whether the fault happens to the call that the rule counted as `number`.
    pub(super) fn strikes(&self, number: u64, random: &SeededRandom) -> bool {
        match self.occasion {
            Occasion::Always => true,
            Occasion::Nth(nth) => number == nth,
            Occasion::From(first) => number >= first,
            Occasion::Chance { percent } => random.next_u64() % 100 < percent,
        }
    }
}
