//! The log in the store against the answers: which operation has which
//! sequence.

use std::collections::BTreeSet;

use super::{Answer, FindingKind, History, LogEntry, Recovered, Verdict};
use crate::proof::{Content, Signature};

/// Reports entries of the log that no operation wrote, or that are not where
/// the answer says.
pub(super) fn check(history: &History, recovered: &Recovered, verdict: &mut Verdict) {
    let mut seen = BTreeSet::new();
    for entry in &recovered.log {
        let what = if seen.insert(entry.operation) {
            wrong(history, recovered.round, entry)
        } else {
            Some("is a second one of that operation".into())
        };
        if let Some(what) = what {
            verdict.report(
                FindingKind::Foreign,
                format!(
                    "the log's entry of operation {} at {} {what}",
                    entry.operation, entry.sequence
                ),
            );
        }
    }
}

fn wrong(history: &History, round: u32, entry: &LogEntry) -> Option<String> {
    let record = history
        .record(entry.operation)
        .filter(|record| record.operation.is_logged);
    let Some(record) = record else {
        return Some("was never written".into());
    };
    let signature = Signature::of_log_entry(round, &record.operation);
    if entry.content != Content::Signed(signature) {
        return Some(format!("holds {:?}", entry.content));
    }
    match record.answer {
        Answer::Committed {
            sequence: Some(answered),
            ..
        } if answered != entry.sequence.get() => {
            Some(format!("is in the wrong place: the answer was {answered}"))
        }
        _ => None,
    }
}
