//! What is known of the order in which commits took effect.

use std::collections::BTreeMap;

use super::{Answer, FindingKind, History, Recovered, Verdict};
use crate::proof::OperationId;

/// The order of commits, as far as answers, reads and the log tell.
#[derive(Debug)]
pub(super) struct Order<'a> {
    history: &'a History,
    /// By which note an operation is known to have taken effect: its
    /// acknowledgement, or the first operation that read its value.
    effective: BTreeMap<OperationId, usize>,
    /// From the answer, or from the entry that the log holds of it.
    sequences: BTreeMap<OperationId, u64>,
}

impl<'a> Order<'a> {
    pub(super) fn of(history: &'a History, recovered: &Recovered) -> Self {
        let mut effective: BTreeMap<OperationId, usize> = BTreeMap::new();
        let mut known = |id, at: usize| {
            effective
                .entry(id)
                .and_modify(|earliest| *earliest = at.min(*earliest))
                .or_insert(at);
        };
        let mut sequences: BTreeMap<_, _> = recovered
            .log
            .iter()
            .map(|entry| (entry.operation, entry.sequence.get()))
            .collect();
        for record in history.records() {
            if let Answer::Committed { at, sequence, .. } = record.answer {
                known(record.operation.id, at);
                sequences.extend(sequence.map(|sequence| (record.operation.id, sequence)));
            }
            for seen in record.operation.seen() {
                known(seen, record.begun);
            }
        }
        Self {
            history,
            effective,
            sequences,
        }
    }

    /// Everything known to be before one of `later`, each with the one of them
    /// that shows it. None of it may be missing from a store that lost only a
    /// suffix and holds `later`.
    pub(super) fn before(
        &self,
        later: impl Iterator<Item = OperationId>,
    ) -> BTreeMap<OperationId, OperationId> {
        let mut before = BTreeMap::new();
        let mut horizon = Horizon::default();
        for id in later {
            horizon.extend(self, id, id);
        }
        loop {
            let found: Vec<_> = self
                .history
                .records()
                .map(|record| record.operation.id)
                .filter(|id| !before.contains_key(id))
                .filter_map(|id| Some((id, horizon.covers(self, id)?)))
                .collect();
            if found.is_empty() {
                return before;
            }
            for (id, witness) in found {
                before.insert(id, witness);
                horizon.extend(self, id, witness);
            }
        }
    }

    /// Reports sequences that occur twice, or contradict what else is known.
    pub(super) fn check_sequences(&self, verdict: &mut Verdict) {
        let mut holders = BTreeMap::new();
        for (id, sequence) in &self.sequences {
            if let Some(other) = holders.insert(sequence, id) {
                verdict.report(
                    FindingKind::Unordered,
                    format!("operations {other} and {id} have the same sequence {sequence}"),
                );
            }
        }
        let mut effective: Vec<_> = self.effective.iter().map(|(id, at)| (*at, *id)).collect();
        effective.sort_unstable();
        let mut begun: Vec<_> = self
            .history
            .records()
            .map(|record| (record.begun, record.operation.id))
            .collect();
        begun.sort_unstable();
        let mut effective = effective.into_iter().peekable();
        let mut greatest: Option<(u64, OperationId)> = None;
        for (at, id) in begun {
            while let Some((_, earlier)) = effective.next_if(|(known, _)| *known <= at) {
                let sequence = self.sequences.get(&earlier).copied();
                greatest = greatest.max(sequence.map(|sequence| (sequence, earlier)));
            }
            if let (Some(sequence), Some((greatest, earlier))) = (self.sequences.get(&id), greatest)
                && *sequence <= greatest
                && earlier != id
            {
                verdict.report(
                    FindingKind::Unordered,
                    format!(
                        "operation {id} has sequence {sequence}, though {earlier}, with {greatest}, had taken effect before it began"
                    ),
                );
            }
        }
    }
}

/// Reports sequences that are not beyond those of earlier processes.
pub(in crate::proof) fn check_sequences_beyond(
    last: u64,
    history: &History,
    verdict: &mut Verdict,
) {
    for record in history.records() {
        if let Answer::Committed {
            sequence: Some(sequence),
            ..
        } = record.answer
            && sequence <= last
        {
            verdict.report(
                FindingKind::Unordered,
                format!(
                    "operation {} has sequence {sequence}, though an earlier process had come to {last}",
                    record.operation.id
                ),
            );
        }
    }
}

/// Everything before one of these points is before some given operation.
#[derive(Debug, Default)]
struct Horizon {
    begun: Option<(usize, OperationId)>,
    sequence: Option<(u64, OperationId)>,
}

impl Horizon {
    /// Includes what is before `id`, on behalf of `witness`.
    fn extend(&mut self, order: &Order<'_>, id: OperationId, witness: OperationId) {
        let begun = order
            .history
            .record(id)
            .map(|record| (record.begun, witness));
        let sequence = order
            .sequences
            .get(&id)
            .map(|sequence| (*sequence, witness));
        self.begun = self.begun.max(begun);
        self.sequence = self.sequence.max(sequence);
    }

    fn covers(&self, order: &Order<'_>, id: OperationId) -> Option<OperationId> {
        let by_time = self.begun.filter(|(begun, _)| {
            order
                .effective
                .get(&id)
                .is_some_and(|effective| effective <= begun)
        });
        let by_sequence = self.sequence.filter(|(greatest, _)| {
            order
                .sequences
                .get(&id)
                .is_some_and(|sequence| sequence < greatest)
        });
        by_time
            .map(|(_, witness)| witness)
            .or(by_sequence.map(|(_, witness)| witness))
    }
}
