//! A history and what is left of it, told step by step.

use storage_core::{Capabilities, CrashOrder, Durability, Sequence};

use crate::proof::{
    Change, Condition, Content, FindingKind, History, Note, Operation, OperationId, Place, Promise,
    Recovered, Refusal, SIGNED_BYTES_MIN, Signature, Verdict,
    judge::{LogEntry, check_sequences_beyond, judge},
};

pub(super) const ROUND: u32 = 4;

/// What is told so far.
#[derive(Default)]
pub(super) struct Scene {
    notes: Vec<Note>,
    recovered: Recovered,
}

pub(super) const fn id(task: u16, step: u32) -> OperationId {
    OperationId { task, step }
}

pub(super) fn own(task: u16, index: u16) -> Place {
    Place::Own { task, index }
}

pub(super) fn put(place: Place) -> Change {
    let bytes = SIGNED_BYTES_MIN;
    Change::Put { place, bytes }
}

pub(super) fn blank(place: Place) -> Change {
    Change::Put { place, bytes: 0 }
}

pub(super) fn delete(place: Place) -> Change {
    Change::Delete { place }
}

impl Scene {
    pub(super) fn new() -> Self {
        let mut scene = Self::default();
        scene.recovered.round = ROUND;
        scene
    }

    /// An operation begins.
    pub(super) fn begins(self, id: OperationId, changes: &[Change]) -> Self {
        self.begins_guarded(id, &[], changes)
    }

    pub(super) fn begins_guarded(
        mut self,
        id: OperationId,
        conditions: &[Condition],
        changes: &[Change],
    ) -> Self {
        self.notes.push(Note::Begins {
            operation: Operation {
                id,
                conditions: conditions.to_vec(),
                changes: changes.to_vec(),
                is_logged: false,
                durability: Durability::Volatile,
            },
        });
        self
    }

    /// The operation that began last also writes to the log.
    pub(super) fn logged(mut self) -> Self {
        if let Some(Note::Begins { operation }) = self.notes.last_mut() {
            operation.is_logged = true;
        }
        self
    }

    /// The operation that began last asks for this durability.
    pub(super) fn asking(mut self, durability: Durability) -> Self {
        if let Some(Note::Begins { operation }) = self.notes.last_mut() {
            operation.durability = durability;
        }
        self
    }

    pub(super) fn acknowledged(self, id: OperationId, durability: Durability) -> Self {
        self.numbered(id, durability, None)
    }

    pub(super) fn numbered(
        mut self,
        id: OperationId,
        durability: Durability,
        sequence: impl Into<Option<u64>>,
    ) -> Self {
        self.notes.push(Note::Committed {
            id,
            sequence: sequence.into(),
            durability,
        });
        self
    }

    pub(super) fn refused(mut self, id: OperationId) -> Self {
        self.notes.push(Note::Refused {
            id,
            refusal: Refusal::Conflict,
            message: String::new(),
        });
        self
    }

    pub(super) fn left_open(mut self, id: OperationId) -> Self {
        self.notes.push(Note::Unknown {
            id,
            message: String::new(),
        });
        self
    }

    /// An operation that is acknowledged as buffered before anything else
    /// happens.
    pub(super) fn does(self, id: OperationId, changes: &[Change]) -> Self {
        self.begins(id, changes)
            .acknowledged(id, Durability::Buffered)
    }

    /// What is recovered at a place: the value of an operation's change.
    pub(super) fn holds(mut self, place: Place, operation: OperationId, change: u16) -> Self {
        let signature = Signature {
            round: ROUND,
            operation,
            change,
        };
        self.recovered
            .contents
            .insert(place, Content::Signed(signature));
        self
    }

    pub(super) fn holds_content(mut self, place: Place, content: Content) -> Self {
        self.recovered.contents.insert(place, content);
        self
    }

    /// What is recovered of the log: the entry of an operation of so many
    /// changes.
    pub(super) fn log_holds(mut self, operation: OperationId, changes: u16, at: u64) -> Self {
        let signature = Signature {
            round: ROUND,
            operation,
            change: changes,
        };
        self.recovered.log.push(LogEntry {
            sequence: Sequence::new(at),
            operation,
            content: Content::Signed(signature),
        });
        self
    }

    pub(super) fn stray(mut self, what: &str) -> Self {
        self.recovered.strays.push(what.into());
        self
    }

    /// What the judge says of a killed process whose store may lose anything
    /// that was not buffered.
    pub(super) fn killed(&self) -> Verdict {
        self.judged(Durability::Buffered, CrashOrder::Any)
    }

    /// The same of a store that may lose a suffix only.
    pub(super) fn killed_in_order(&self) -> Verdict {
        self.judged(Durability::Buffered, CrashOrder::Suffix)
    }

    /// The same of a loss of power.
    pub(super) fn power_lost(&self) -> Verdict {
        self.judged(Durability::Synced, CrashOrder::Any)
    }

    /// The store was closed.
    pub(super) fn closed(mut self) -> Self {
        self.notes.push(Note::Closed);
        self
    }

    /// What the judge says of a loss of power if the strongest durability that
    /// the store knows is `most`.
    pub(super) fn power_lost_by_a_store_of(&self, most: Durability) -> Verdict {
        let history = History::of(&self.notes).unwrap();
        let mut capabilities = Capabilities::least();
        capabilities.durability_max = most;
        let promise = Promise::of(&capabilities, Durability::Synced, history.end());
        judge(&history, &self.recovered, promise)
    }

    /// What is said of sequences if an earlier process had come to `last`.
    pub(super) fn after_sequence(&self, last: u64) -> Verdict {
        let mut verdict = Verdict::default();
        let history = History::of(&self.notes).unwrap();
        check_sequences_beyond(last, &history, &mut verdict);
        verdict
    }

    fn judged(&self, survives: Durability, crash_order: CrashOrder) -> Verdict {
        let history = History::of(&self.notes).unwrap();
        let promise = Promise {
            survives,
            crash_order,
        };
        judge(&history, &self.recovered, promise)
    }
}

/// Checks that there are so many findings, all of one kind.
#[track_caller]
pub(super) fn assert_found(verdict: &Verdict, kind: FindingKind, count: u64) {
    assert_eq!(verdict.count(kind), count, "{verdict:#?}");
    assert_eq!(
        u64::try_from(verdict.findings.len()),
        Ok(count),
        "{verdict:#?}"
    );
}

/// Checks that nothing was found.
#[track_caller]
pub(super) fn assert_legal(verdict: &Verdict) {
    assert!(verdict.findings.is_empty(), "{verdict:#?}");
}
