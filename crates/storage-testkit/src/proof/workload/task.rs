//! One task: operation after operation, each noted and awaited.

use std::{collections::BTreeMap, io, sync::Arc};

use storage_core::{
    Committed, Entry, Error, ErrorKind, Maintenance, Outcome, ReadExt, SharedStore, Stamp, Store,
    WriteOptions,
};

use super::{
    batch::batch,
    draw::{Draw, Kind},
    plan::Plan,
};
use crate::{
    dice::Dice,
    proof::{
        Change, Condition, Content, Keyspace, Operation, OperationId, Place, Refusal,
        SIGNED_BYTES_MIN,
        note::{Note, NoteWriter},
        seed::Part,
    },
};

/// One after the other, operations of its own.
#[derive(Debug)]
pub(super) struct Task {
    number: u16,
    store: SharedStore,
    keys: Keyspace,
    plan: Plan,
    dice: Dice,
    notes: Arc<NoteWriter>,
    next_step: u32,
    /// What was read at own places, now or earlier.
    seen: BTreeMap<Place, Seen>,
}

/// An entry that was read.
#[derive(Clone, Debug)]
struct Seen {
    /// Who wrote it, unless it was a value of no bytes.
    by: Option<OperationId>,
    stamp: Stamp,
}

/// Whether a task takes another step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Course {
    GoesOn,
    Ends,
}

impl Course {
    pub(super) fn goes_on(self) -> bool {
        self == Self::GoesOn
    }
}

/// The guards of an operation, and the stamps they need.
#[derive(Debug, Default)]
struct Guards {
    conditions: Vec<Condition>,
    stamps: BTreeMap<Place, Stamp>,
}

impl Task {
    /// Steps before a task ends by itself, so that no round is too long to
    /// judge.
    const STEPS_MAX: u32 = 5_000;

    pub(super) fn new(
        number: u16,
        store: SharedStore,
        keys: Keyspace,
        plan: &Plan,
        notes: Arc<NoteWriter>,
    ) -> Self {
        Self {
            number,
            store,
            keys,
            plan: plan.clone(),
            dice: Dice::new(Part::Task(number).seed(plan.seed)),
            notes,
            next_step: 0,
            seen: BTreeMap::new(),
        }
    }

    /// Does one operation.
    ///
    /// # Errors
    /// If a note cannot be written.
    pub(super) async fn step(&mut self) -> io::Result<Course> {
        match Kind::draw(&self.dice, &self.plan, self.number) {
            Kind::Single => {
                let change = self.draw().change();
                self.commit(Guards::default(), vec![change]).await
            }
            Kind::Batch => {
                let changes = self.draw().changes();
                self.commit(Guards::default(), changes).await
            }
            Kind::Range => {
                let change = self.draw().range_delete();
                self.commit(Guards::default(), vec![change]).await
            }
            Kind::Guarded => self.guarded().await,
            Kind::Swap => self.swap().await,
            Kind::Upkeep => self.upkeep().await,
        }
    }

    /// A batch with guards, most of which hold.
    async fn guarded(&mut self) -> io::Result<Course> {
        let mut guards = Guards::default();
        for _ in 0..self.dice.within(1..=3) {
            let place = self.draw().place();
            let is_guarded = guards.conditions.iter().any(|other| other.place() == place);
            if !is_guarded && !self.guard(place, &mut guards).await?.goes_on() {
                return Ok(Course::Ends);
            }
        }
        let changes = self.draw().changes();
        self.commit(guards, changes).await
    }

    async fn guard(&mut self, place: Place, guards: &mut Guards) -> io::Result<Course> {
        // What was read before may be out of date by now, and then the guard
        // must not hold.
        let is_read_anew = !self.dice.once_in(5);
        let seen = if is_read_anew || !self.seen.contains_key(&place) {
            match self.read(place).await? {
                Ok(seen) => seen,
                Err(course) => return Ok(course),
            }
        } else {
            self.seen.get(&place).cloned()
        };
        let condition = match seen {
            // Now and then one that does not hold.
            None if self.dice.once_in(8) => Condition::Present { place },
            None => Condition::Absent { place },
            Some(_) if self.dice.once_in(8) => Condition::Absent { place },
            Some(_) if self.dice.once_in(3) => Condition::Present { place },
            Some(Seen { by, stamp }) => {
                guards.stamps.insert(place, stamp);
                Condition::Unchanged { place, seen: by }
            }
        };
        guards.conditions.push(condition);
        Ok(Course::GoesOn)
    }

    /// Compare-and-swap on a shared key, alone or with changes of own keys.
    async fn swap(&mut self) -> io::Result<Course> {
        let place = self.draw().shared_place();
        let seen = match self.read(place).await? {
            Ok(seen) => seen,
            Err(course) => return Ok(course),
        };
        let mut guards = Guards::default();
        guards.conditions.push(match seen {
            None => Condition::Absent { place },
            Some(Seen { by, stamp }) => {
                guards.stamps.insert(place, stamp);
                Condition::Unchanged { place, seen: by }
            }
        });
        let draw = self.draw();
        let mut changes = vec![Change::Put {
            place,
            bytes: self.plan.value_bytes(&self.dice).max(SIGNED_BYTES_MIN),
        }];
        if self.plan.has_batches() && self.dice.once_in(2) {
            changes.push(draw.change());
        }
        self.commit(guards, changes).await
    }

    async fn upkeep(&mut self) -> io::Result<Course> {
        let kind = self.dice.pick(Maintenance::Flush, &[Maintenance::Compact]);
        match self.store.maintain(kind).await {
            Err(error) if error.kind() != ErrorKind::Unsupported => {
                self.failed(&format!("{kind:?}"), &error)
            }
            _ => Ok(Course::GoesOn),
        }
    }

    /// What is at a place, or how the task goes on without knowing it.
    async fn read(&mut self, place: Place) -> io::Result<Result<Option<Seen>, Course>> {
        let key = self.keys.key(place);
        let entry = match self.store.get(&key).await {
            Ok(entry) => entry,
            Err(error) => return Ok(Err(self.failed(&format!("a read of {place}"), &error)?)),
        };
        let seen = match entry.map(|entry| self.recognise(&entry)).transpose() {
            Ok(seen) => seen,
            Err(message) => {
                self.notes.write(&Note::Misread { place, message })?;
                return Ok(Err(Course::Ends));
            }
        };
        if let Some(seen) = &seen {
            self.seen.insert(place, seen.clone());
        }
        Ok(Ok(seen))
    }

    fn recognise(&self, entry: &Entry) -> Result<Seen, String> {
        let by = match Content::of_entry(entry, self.plan.expiry) {
            Content::Signed(signature) if signature.round == self.keys.round() => {
                Some(signature.operation)
            }
            Content::Blank => None,
            other => return Err(format!("{other:?}")),
        };
        Ok(Seen {
            by,
            stamp: entry.stamp(),
        })
    }

    async fn commit(&mut self, guards: Guards, changes: Vec<Change>) -> io::Result<Course> {
        let draw = self.draw();
        let operation = Operation {
            id: OperationId {
                task: self.number,
                step: self.next_step,
            },
            conditions: guards.conditions,
            changes,
            is_logged: draw.is_logged(),
            durability: draw.durability(),
        };
        self.next_step += 1;
        let id = operation.id;
        let batch = batch(&operation, self.keys, &guards.stamps, self.plan.expiry);
        let options = WriteOptions::new().durability(operation.durability);
        self.notes.write(&Note::Begins { operation })?;
        match self.store.commit_with(batch, &options).await {
            Ok(Committed {
                sequence,
                durability,
                ..
            }) => {
                self.notes.write(&Note::Committed {
                    id,
                    sequence: sequence.map(storage_core::Sequence::get),
                    durability,
                })?;
                Ok(if self.next_step < Self::STEPS_MAX {
                    Course::GoesOn
                } else {
                    Course::Ends
                })
            }
            Err(error) => self.not_committed(id, &error),
        }
    }

    fn not_committed(&self, id: OperationId, error: &Error) -> io::Result<Course> {
        let message = error.to_string();
        if error.outcome() != Some(Outcome::NotApplied) {
            self.notes.write(&Note::Unknown { id, message })?;
            return Ok(Course::Ends);
        }
        let refusal = match error.kind() {
            ErrorKind::Conflict => Refusal::Conflict,
            _ => Refusal::NotApplied,
        };
        self.notes.write(&Note::Refused {
            id,
            refusal,
            message,
        })?;
        match error.kind() {
            ErrorKind::Conflict | ErrorKind::Throttled => Ok(Course::GoesOn),
            _ => self.failed("a commit", error),
        }
    }

    fn failed(&self, what: &str, error: &Error) -> io::Result<Course> {
        let message = format!("{what} failed: {error}");
        self.notes.write(&Note::Failed { message })?;
        Ok(Course::Ends)
    }

    fn draw(&self) -> Draw<'_> {
        Draw {
            dice: &self.dice,
            plan: &self.plan,
            task: self.number,
        }
    }
}
