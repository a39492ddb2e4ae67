//! The judge: what a store must hold after its process has died, and whether it
//! does.
//!
//! It knows the notes of the process that died and what the store holds now,
//! and it reports only what cannot be explained.
//!
//! **Evidence.** One task writes its own keys, one operation after the other,
//! so what is recovered at a key is what the last surviving operation left
//! there: that one is *present*, those after it are *absent*, and those before
//! it may be either. Absence and a value of no bytes have several possible
//! writers; what other keys tell about them narrows the choice. Shared keys are
//! changed by compare-and-swap to values that never occur twice, so the values
//! read before each swap line the operations up. An entry of the log is written
//! once and never removed, so it tells about its operation for certain.
//!
//! **Torn**: an operation with evidence of both. **Lost**: an operation that
//! had to survive and is absent. To survive had to: those acknowledged as at
//! least as durable as the [`Promise`] says, and, as syncs cover all earlier
//! commits, all known to be before one that was acknowledged as synced.
//! **Unordered**: under [`CrashOrder::Suffix`], an absent operation known to be
//! before a present one; and sequences that contradict what is known of the
//! order. One operation is before another if it was acknowledged before the
//! other began, if its sequence is less, or if the other read its value; and
//! whatever follows from these. An operation is reported for one of the three.
//!
//! **Guards broken**: a commit that was acknowledged although a guard on its
//! task's own keys did not hold, or refused although all did; two swaps that
//! succeeded from the same value; a refused commit that took effect.
//! **Foreign**: what no operation wrote.
//! **Failed**: what is wrong whatever survives, such as an acknowledgement that
//! promises less than was asked for.
//!
//! A task ends when it is told that nobody knows whether its commit took
//! effect, so of each task all operations but the last were answered.

mod evidence;
mod guards;
mod history;
mod line;
mod log;
mod order;
pub(super) mod recovered;
pub(super) mod strays;
#[cfg(test)]
mod tests;
mod verdict;

use std::collections::BTreeSet;

use storage_core::{Capabilities, CrashOrder, Durability};

pub(super) use self::order::check_sequences_beyond;
use self::{evidence::Evidence, order::Order};
pub use self::{
    history::{Answer, Contradiction, End, History, Record},
    recovered::{LogEntry, Recovered},
    verdict::{Finding, FindingKind, Swaps, Verdict},
};

/// What a store promises of a death that it was put through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Promise {
    /// The weakest durability that survives it:
    /// [`Buffered`](Durability::Buffered) if the process was killed,
    /// [`Synced`](Durability::Synced) if the power was lost.
    pub survives: Durability,
    /// What it may take of the rest.
    pub crash_order: CrashOrder,
}

impl Promise {
    /// What a store of these capabilities promises of a death that only what
    /// was `survives` survives, after a process that ended so.
    #[must_use]
    pub fn of(capabilities: &Capabilities, survives: Durability, end: End) -> Self {
        // Closing makes everything as durable as the store can, and no more.
        let is_all_durable = end == End::Closed && capabilities.durability_max >= survives;
        Self {
            survives: if is_all_durable {
                Durability::Volatile
            } else {
                survives
            },
            crash_order: capabilities.crash_order,
        }
    }
}

/// Compares what was done with what is left of it.
#[must_use]
pub fn judge(history: &History, recovered: &Recovered, promise: Promise) -> Verdict {
    let mut verdict = Verdict::of(history, promise);
    for (place, message) in history.misread() {
        verdict.report(
            FindingKind::Foreign,
            format!("while the process lived, a read of {place} returned {message}"),
        );
    }
    for failure in history.failures() {
        verdict.report(FindingKind::Failed, failure.to_owned());
    }
    report_weakened(history, &mut verdict);
    for stray in &recovered.strays {
        verdict.report(FindingKind::Foreign, stray.clone());
    }
    let evidence = Evidence::gather(history, recovered, &mut verdict);
    let order = Order::of(history, recovered);
    log::check(history, recovered, &mut verdict);
    order.check_sequences(&mut verdict);
    guards::check(history, &evidence, &mut verdict);
    let torn = report_torn(&evidence, &mut verdict);
    let lost = report_lost(history, &order, &evidence, &torn, promise, &mut verdict);
    if promise.crash_order == CrashOrder::Suffix {
        let known: BTreeSet<_> = torn.union(&lost).copied().collect();
        report_unordered(&order, &evidence, &known, &mut verdict);
    }
    verdict
}

/// An answer that promises less than was asked for would leave nothing to hold
/// the store to.
fn report_weakened(history: &History, verdict: &mut Verdict) {
    for record in history.records() {
        let asked = record.operation.durability;
        if let Some(given) = record.durability().filter(|given| *given < asked) {
            verdict.report(
                FindingKind::Failed,
                format!(
                    "operation {} asked for {asked:?} and was acknowledged as {given:?}",
                    record.operation.id
                ),
            );
        }
    }
}

type Operations = BTreeSet<super::OperationId>;

fn report_torn(evidence: &Evidence, verdict: &mut Verdict) -> Operations {
    for (id, present, absent) in evidence.torn() {
        verdict.report(
            FindingKind::Torn,
            format!("operation {id} is there in part: {present}, but {absent}"),
        );
    }
    evidence.torn().map(|(id, ..)| id).collect()
}

fn report_lost(
    history: &History,
    order: &Order<'_>,
    evidence: &Evidence,
    torn: &Operations,
    promise: Promise,
    verdict: &mut Verdict,
) -> Operations {
    let acknowledged = |least: Durability| {
        history.records().filter_map(move |record| {
            let is_enough = record.durability().is_some_and(|given| given >= least);
            is_enough.then_some(record.operation.id)
        })
    };
    let covered = order.before(acknowledged(Durability::Synced));
    let mut lost = Operations::new();
    let mut weigh = |id, why: String| {
        if let Some(absent) = evidence.absent(id)
            && !torn.contains(&id)
            && lost.insert(id)
        {
            verdict.report(
                FindingKind::Lost,
                format!("operation {id}, {why}, is lost: {absent}"),
            );
        }
    };
    for id in acknowledged(promise.survives) {
        weigh(
            id,
            format!("acknowledged as {:?} or more", promise.survives),
        );
    }
    for (id, synced) in covered {
        weigh(id, format!("which came before the synced {synced}"));
    }
    lost
}

fn report_unordered(
    order: &Order<'_>,
    evidence: &Evidence,
    known: &Operations,
    verdict: &mut Verdict,
) {
    let whole = |id: &super::OperationId| !known.contains(id);
    for (id, later) in order.before(evidence.present().filter(whole)) {
        if let Some(absent) = evidence.absent(id).filter(|_| whole(&id)) {
            verdict.report(
                FindingKind::Unordered,
                format!(
                    "operation {id} is gone ({absent}), but {later}, which came after it, is there"
                ),
            );
        }
    }
}
