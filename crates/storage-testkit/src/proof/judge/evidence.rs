//! What the recovered store proves about each operation.

use std::collections::BTreeMap;

use super::{
    FindingKind, History, Recovered, Verdict,
    line::{Line, Mismatch},
};
use crate::proof::{OperationId, Place, judge::LogEntry};

/// For each operation the first proof that it is there, and the first that it
/// is not, in words.
#[derive(Debug, Default)]
pub(super) struct Evidence {
    present: BTreeMap<OperationId, String>,
    absent: BTreeMap<OperationId, String>,
}

impl Evidence {
    /// Weighs everything that was recovered. What no operation can have left is
    /// reported at once and proves nothing.
    pub(super) fn gather(history: &History, recovered: &Recovered, verdict: &mut Verdict) -> Self {
        let mut evidence = Self::default();
        evidence.add_log(history, &recovered.log);
        let mut lines = Vec::new();
        for place in history.places() {
            let content = recovered.contents.get(&place);
            if matches!(place, Place::Shared { .. }) {
                evidence.add_swaps(history, recovered, place, verdict);
                continue;
            }
            match Line::of(history, recovered.round, place, content) {
                Ok(line) => lines.push(line),
                Err(mismatch) => evidence.add_mismatch(place, mismatch, verdict),
            }
        }
        evidence.settle(&mut lines);
        evidence
    }

    /// The operations that are there, at least in part.
    pub(super) fn present(&self) -> impl Iterator<Item = OperationId> + '_ {
        self.present.keys().copied()
    }

    /// Whether, and why, something of an operation must be there.
    pub(super) fn shows(&self, id: OperationId) -> Option<&str> {
        self.present.get(&id).map(String::as_str)
    }

    /// Whether, and why, an operation cannot be there.
    pub(super) fn absent(&self, id: OperationId) -> Option<&str> {
        self.absent.get(&id).map(String::as_str)
    }

    /// The operations that are there and not there, with both reasons.
    pub(super) fn torn(&self) -> impl Iterator<Item = (OperationId, &str, &str)> {
        self.present
            .iter()
            .filter_map(|(id, present)| Some((*id, present.as_str(), self.absent(*id)?)))
    }

    /// An entry of the log is there exactly if its operation is.
    fn add_log(&mut self, history: &History, log: &[LogEntry]) {
        let logged: BTreeMap<_, _> = log.iter().map(|entry| (entry.operation, entry)).collect();
        for record in history
            .records()
            .filter(|record| record.operation.is_logged)
        {
            let id = record.operation.id;
            if let Some(entry) = logged.get(&id) {
                self.add_present(id, || {
                    format!("the log has its entry at {}", entry.sequence)
                });
            } else if record.may_have_applied() {
                self.add_absent(id, || "the log has no entry of it".into());
            }
        }
    }

    /// Each swap followed the one whose value it read, so those that follow
    /// the recovered one are absent.
    fn add_swaps(
        &mut self,
        history: &History,
        recovered: &Recovered,
        place: Place,
        verdict: &mut Verdict,
    ) {
        let swaps: BTreeMap<OperationId, Option<OperationId>> = history
            .records()
            .filter(|record| record.may_have_applied())
            .filter(|record| record.operation.effect_on(place).is_some())
            .map(|record| (record.operation.id, record.operation.demanded_at(place)))
            .collect();
        let last = match recovered.contents.get(&place) {
            None => None,
            Some(content) => match Line::of(history, recovered.round, place, Some(content)) {
                Ok(line) => line.present(),
                Err(mismatch) => return self.add_mismatch(place, mismatch, verdict),
            },
        };
        if let Some(last) = last {
            self.add_present(last, || format!("{place} has its value"));
        }
        for id in swaps.keys().filter(|id| Some(**id) != last) {
            if last.is_none_or(|last| follows(&swaps, *id, last)) {
                self.add_absent(*id, || match last {
                    Some(last) => format!("{place} has the earlier value of {last}"),
                    None => format!("{place} has no value"),
                });
            }
        }
    }

    fn add_mismatch(&mut self, place: Place, mismatch: Mismatch, verdict: &mut Verdict) {
        match mismatch {
            Mismatch::Overwritten(id) => {
                self.add_present(id, || format!("{place} has a value of it"));
                self.add_absent(id, || {
                    format!("what it did to {place} after that is missing")
                });
            }
            Mismatch::Refused(id) => self.add_present(id, || format!("{place} has its value")),
            Mismatch::Foreign(what) => {
                verdict.report(FindingKind::Foreign, format!("{place} has {what}"));
            }
        }
    }

    /// Lets the lines tell, and each be narrowed by what the others told, until
    /// nothing new comes of it.
    fn settle(&mut self, lines: &mut [Line]) {
        self.add_lines(lines);
        loop {
            let known = (self.present.len(), self.absent.len());
            for line in lines.iter_mut() {
                // What is torn proves nothing about others.
                let is_present =
                    |id| self.present.contains_key(&id) && !self.absent.contains_key(&id);
                let is_absent =
                    |id| self.absent.contains_key(&id) && !self.present.contains_key(&id);
                if let Some(torn) = line.narrow(is_present, is_absent) {
                    let place = line.place;
                    self.add_present(torn, || format!("{place} is as it left it"));
                }
            }
            self.add_lines(lines);
            if known == (self.present.len(), self.absent.len()) {
                return;
            }
        }
    }

    fn add_lines(&mut self, lines: &[Line]) {
        for line in lines {
            let place = line.place;
            if let Some(id) = line.present() {
                self.add_present(id, || format!("{place} is as it left it"));
            }
            for id in line.absent() {
                self.add_absent(id, || format!("{place} is as it was before"));
            }
        }
    }

    fn add_present(&mut self, id: OperationId, why: impl FnOnce() -> String) {
        self.present.entry(id).or_insert_with(why);
    }

    fn add_absent(&mut self, id: OperationId, why: impl FnOnce() -> String) {
        self.absent.entry(id).or_insert_with(why);
    }
}

/// Whether a chain of swaps leads from `earlier` to `id`.
fn follows(
    swaps: &BTreeMap<OperationId, Option<OperationId>>,
    id: OperationId,
    earlier: OperationId,
) -> bool {
    let mut at = id;
    // A chain is no longer than there are swaps, even if it bites its tail.
    for _ in swaps {
        match swaps.get(&at).copied().flatten() {
            Some(read) if read == earlier => return true,
            Some(read) => at = read,
            None => return false,
        }
    }
    false
}
