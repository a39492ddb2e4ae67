//! The judges: two programs that share nothing but the history.
//!
//! A wrong judge is worse than none, so every history goes before both, and
//! they must agree: the checker of a library, and a search of our own that can
//! also say where it got stuck.

mod library;
mod search;

use std::collections::BTreeMap;

use storage_core::ReadSupport;

use self::search::{Outcome, Search};
use super::{History, Operation};

/// What the judges say of a history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// There is an order that explains every answer.
    Linearizable,
    /// There is none.
    NotLinearizable(Box<Dispute>),
    /// The search came upon too many orders to try them all.
    Undecided,
    /// The judges disagree: one of them is wrong.
    Disagreement,
}

/// How far an order gets that explains as many answers as any does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dispute {
    /// The operation that should have come next by the time it was answered.
    pub operation: Operation,
    /// What the store should hold there.
    pub state: BTreeMap<String, String>,
}

/// Judges a history of a store that promises `reads`.
///
/// Where reads may lag behind, they may show any state that was there before
/// their answer; guards and changes see the present all the same.
///
/// The library's checker tries open-ended operations, and reads without a
/// beginning, in every order. So histories with more than a dozen of the former,
/// and all whose reads may lag, go before our own search alone.
#[must_use]
pub fn judge(history: &History, reads: ReadSupport) -> Verdict {
    const OPEN_MAX: usize = 12;
    let outcome = search(history, reads);
    let open = history.operations().iter();
    let open = open.filter(|operation| operation.answered.is_none());
    let is_for_both = reads == ReadSupport::Linearizable && open.count() <= OPEN_MAX;
    match outcome {
        Outcome::Undecided => Verdict::Undecided,
        ref ours if is_for_both && library::is_linearizable(history) != ours.is_explained() => {
            Verdict::Disagreement
        }
        Outcome::Linearizable => Verdict::Linearizable,
        Outcome::Stuck(dispute) => Verdict::NotLinearizable(dispute),
    }
}

/// Where our own search got stuck, if it rejects a history.
pub(super) fn dispute(history: &History, reads: ReadSupport) -> Option<Box<Dispute>> {
    match search(history, reads) {
        Outcome::Stuck(dispute) => Some(dispute),
        Outcome::Linearizable | Outcome::Undecided => None,
    }
}

fn search(history: &History, reads: ReadSupport) -> Outcome {
    match reads {
        ReadSupport::Linearizable => Search::new(history).run(),
        ReadSupport::Eventual | ReadSupport::OnDemand => {
            Search::new(&history.clone().with_lagging_reads()).run()
        }
    }
}
