//! Phases: where in a stack a layer belongs.
//!
//! Outermost to innermost: [`Fallback`], [`Expiry`], [`Cache`], [`ChangeLog`],
//! [`Dedup`], [`Compress`], [`Encrypt`], [`Resilience`], [`Engine`]. Each may
//! be left out and none may occur twice; [`Anywhere`] is not bound to a place.
//!
//! The order is not a matter of taste. A cache outside of the codecs keeps
//! values that need no decoding; dedup finds equal values only before they are
//! encrypted; ciphertext does not compress; a retry belongs next to what fails.
//! [`Outside`] says all this to the compiler.

use std::fmt::Debug;

/// A place in the order of layers.
pub trait Phase: sealed::Sealed + Debug + Send + Sync + 'static {
    /// The name, as errors show it.
    const NAME: &'static str;
    /// The place, counted from the outermost; `None` if any will do.
    const RANK: Option<u8>;
}

/// States that a layer of phase `Self` may be placed outside a stack whose
/// outermost layer that is bound to a place is of phase `Inner`.
#[diagnostic::on_unimplemented(
    message = "the {Self} layer cannot be placed outside the {Inner} layer",
    label = "{Self} does not belong outside {Inner}",
    note = "outermost to innermost: Fallback, Expiry, Cache, ChangeLog, Dedup, Compress, Encrypt, Resilience, Engine; each at most once",
    note = "`.with` takes the innermost layer first"
)]
pub trait Outside<Inner: Phase>: Phase {
    /// The phase of the resulting stack.
    type Outermost: Phase;
}

/// All phases in order, for errors.
pub(crate) const ORDER: &str =
    "Fallback, Expiry, Cache, ChangeLog, Dedup, Compress, Encrypt, Resilience, Engine";

macro_rules! phases {
    ($($(#[$doc:meta])* $name:ident = $rank:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $name;

        impl sealed::Sealed for $name {}

        impl Phase for $name {
            const NAME: &'static str = stringify!($name);
            const RANK: Option<u8> = $rank;
        }
    )*};
}

phases! {
    /// Degrades to another store when the one below fails.
    Fallback = Some(0);
    /// Gives entries a time to live and sweeps those that have expired.
    Expiry = Some(1);
    /// Answers reads from memory, or from a nearer store.
    Cache = Some(2);
    /// Records every change.
    ChangeLog = Some(3);
    /// Stores equal values once.
    Dedup = Some(4);
    /// Makes values smaller.
    Compress = Some(5);
    /// Makes values unreadable without a key.
    Encrypt = Some(6);
    /// Retries, limits, and gives up in time.
    Resilience = Some(7);
    /// The engine itself; no layer is of this phase.
    Engine = Some(8);
    /// Any place, any number of times: layers that only look on.
    Anywhere = None;
}

/// Implements [`Outside`] for each phase and all that come after it.
macro_rules! outermost_first {
    () => {};
    ($outer:ident $($inner:ident)*) => {
        $(impl Outside<$inner> for $outer {
            type Outermost = $outer;
        })*
        outermost_first!($($inner)*);
    };
}

outermost_first!(Fallback Expiry Cache ChangeLog Dedup Compress Encrypt Resilience Engine);

impl<Inner: Phase> Outside<Inner> for Anywhere {
    type Outermost = Inner;
}

mod sealed {
    pub trait Sealed {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_ranks_follow_the_documented_order() {
        fn step<P: Phase>(rank: usize) {
            assert_eq!(P::RANK.map(usize::from), Some(rank));
            assert_eq!(ORDER.split(", ").nth(rank), Some(P::NAME));
        }
        step::<Fallback>(0);
        step::<Expiry>(1);
        step::<Cache>(2);
        step::<ChangeLog>(3);
        step::<Dedup>(4);
        step::<Compress>(5);
        step::<Encrypt>(6);
        step::<Resilience>(7);
        step::<Engine>(8);
        assert_eq!(Anywhere::RANK, None);
    }
}
