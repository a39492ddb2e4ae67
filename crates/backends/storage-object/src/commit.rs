//! Commits: each of one key, and so of one object.
//!
//! Where the server honours conditions, all that depends on the state of a key is
//! a request on the condition that the object has the form which was judged. Such
//! a request can be sent again when its answer is lost, and one that arrives late
//! does nothing. A delete has no name to find it by: where its answer is lost and
//! the key is absent now, others may have deleted it, so one with guards is
//! `Unknown`. A put without guards is a plain request: it takes no look before
//! it, so one whose answer is lost and which is not found to be there is `Unknown`.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use object_store::path::Path;
use storage_core::{
    Committed, Durability, Entry, Error, ErrorKind, Guard, Key, Outcome, Result, Retry, Timestamp,
    WriteBatch,
};
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use crate::{
    bucket::{Form, PutIf},
    change::Change,
    engine::ObjectEngine,
    failure::{Failure, Fate, timed_out},
    guarding::{Guarding, KeyLock},
    object::{WriteId, head_bytes, header},
    stamp::stamp,
};

/// How often, and how far apart, a put is looked for whose answer is lost.
const LOOKS: u32 = 3;
const LOOK_AFTER: Duration = Duration::from_millis(50);

/// The object that a commit finds.
struct Found {
    write: WriteId,
    form: Form,
    expires: Option<Timestamp>,
}

/// A commit of one key.
struct Commit<'a> {
    engine: &'a ObjectEngine,
    key: Key<'a>,
    path: Path,
    guards: &'a [Guard],
    change: Change,
    write: WriteId,
    now: Timestamp,
    deadline: Instant,
}

impl ObjectEngine {
    /// Applies a batch, which is about one key at most.
    pub(crate) async fn commit_one(
        &self,
        batch: &WriteBatch,
        now: Timestamp,
        deadline: Instant,
    ) -> Result<Committed> {
        if let Some(key) = batch.first_key() {
            let write = WriteId::draw(&*self.random).map_err(not_applied)?;
            let commit = Commit {
                engine: self,
                key,
                path: self.names.entry(key),
                guards: batch.guards(),
                change: Change::of(batch, write, &self.storage_classes).map_err(not_applied)?,
                write,
                now,
                deadline,
            };
            Box::pin(commit.run())
                .await
                .map_err(|error| error.with_key(key))?;
        }
        Ok(Committed::new(None, self.durability()))
    }

    /// How durable a commit is that was answered.
    pub(crate) const fn durability(&self) -> Durability {
        self.durability
    }
}

impl Commit<'_> {
    async fn run(self) -> Result<()> {
        match &self.engine.guarding {
            Guarding::Locks(locks) => {
                let lock = timeout_at(self.deadline, locks.lock(self.path.as_ref()));
                let lock = lock.await.map_err(|_| not_applied(timed_out()))?;
                if !self.guards.is_empty() {
                    let found = self.find().await.map_err(not_applied)?;
                    self.judge(found.as_ref())?;
                }
                self.apply_under(lock).await
            }
            Guarding::Requests => {
                let is_plain = self.guards.is_empty() && matches!(self.change, Change::Put(_));
                if is_plain {
                    self.apply_plainly().await
                } else {
                    self.apply_to_what_is_found().await
                }
            }
            Guarding::None { .. } => self.apply_plainly().await,
        }
    }

    /// Makes the change, whatever there is, and keeps its lock until that has ended:
    /// nothing takes back what a file system was asked for, so a change that takes
    /// longer than its commit has time may still happen. Nobody else writes the key
    /// until then, and no other process opens the directory.
    async fn apply_under(&self, lock: Option<KeyLock>) -> Result<()> {
        let bucket = Arc::clone(&self.engine.bucket);
        let directory = self.engine.directory.clone();
        let (path, change) = (self.path.clone(), self.change.clone());
        let begin_by = self.deadline_of_attempt();
        let ending = tokio::spawn(async move {
            let made = change.make(&bucket, &path, begin_by).await;
            drop((lock, directory));
            made
        });
        match timeout_at(self.deadline, ending).await {
            Ok(Ok(applied)) => applied.map_err(Failure::of_commit),
            Ok(Err(_)) => Err(Failure::new(
                Error::new(ErrorKind::Internal, "a write of a file was broken off"),
                Fate::Lost,
            )
            .of_commit()),
            Err(_) => Err(Failure::new(timed_out(), Fate::Lost).of_commit()),
        }
    }

    /// Makes the change, whatever there is.
    async fn apply_plainly(&self) -> Result<()> {
        let deadline = match self.change {
            // It can be looked for if its answer is lost.
            Change::Put(_) => self.deadline_of_attempt(),
            Change::Delete | Change::Nothing => self.deadline,
        };
        let bucket = &self.engine.bucket;
        let applied = self.change.make(bucket, &self.path, deadline).await;
        match applied {
            Err(failed) if failed.fate == Fate::Lost => self.look_up(failed).await,
            applied => applied.map_err(Failure::of_commit),
        }
    }

    /// Looks whether a put was done whose answer is lost. One that is not there
    /// may come yet, or others may have come since.
    async fn look_up(&self, lost: Failure) -> Result<()> {
        let may_be_found = matches!(self.change, Change::Put(_));
        let mut looks = 0;
        while may_be_found && looks < LOOKS && self.has_time() {
            match self.find().await {
                Ok(Some(found)) if found.write == self.write => return Ok(()),
                Ok(_) => looks += 1,
                // The server is away: it is asked as long as there is time.
                Err(_) => {}
            }
            sleep(LOOK_AFTER).await;
        }
        Err(lost.of_commit())
    }

    /// Judges the guards by what is there, and makes the change on the condition
    /// that it still is.
    async fn apply_to_what_is_found(&self) -> Result<()> {
        // The first attempt whose answer is lost. Those that follow it have the
        // same condition, so of all of them one is applied at most.
        let mut lost: Option<LostAttempt> = None;
        let mut pause = LOOK_AFTER;
        loop {
            if !self.has_time() {
                let late = Failure::new(timed_out(), Fate::Refused);
                return Err(lost.map_or(late, |lost| lost.failure).of_commit());
            }
            let found = match self.find().await {
                Ok(found) => found,
                Err(error) if lost.is_none() => return Err(not_applied(error)),
                Err(error) => {
                    pause = longer(pause, &error);
                    self.rest(pause).await;
                    continue;
                }
            };
            if let Some(attempt) = lost.take() {
                match self.fate_by(found.as_ref(), attempt.before) {
                    ByNow::Applied => return Ok(()),
                    ByNow::Unknown => return Err(attempt.failure.of_commit()),
                    ByNow::NotYet => lost = Some(attempt),
                }
            }
            self.judge(found.as_ref())?;
            let Err(failure) = self.attempt(found.as_ref()).await else {
                return Ok(());
            };
            pause = longer(pause, &failure.error);
            match failure.fate {
                // Somebody was faster; the guards are judged anew.
                Fate::ConditionFailed | Fate::Absent => continue,
                Fate::Refused if lost.is_none() => return Err(failure.of_commit()),
                Fate::Refused => {}
                Fate::Lost => {
                    let before = found.map(|found| found.write);
                    lost.get_or_insert(LostAttempt { failure, before });
                }
            }
            self.rest(pause).await;
        }
    }

    async fn attempt(&self, found: Option<&Found>) -> Result<(), Failure> {
        let bucket = &self.engine.bucket;
        let deadline = self.deadline_of_attempt();
        match (&self.change, found) {
            (Change::Put(content), found) => {
                let put_if = found.map_or(PutIf::Absent, |found| PutIf::Form(found.form.clone()));
                let put = bucket.put(&self.path, content.clone(), put_if, deadline);
                put.await.map(drop)
            }
            (Change::Delete, Some(found)) => {
                bucket.delete_form(&self.path, &found.form, deadline).await
            }
            (Change::Delete, None) | (Change::Nothing, _) => Ok(()),
        }
    }

    /// What became of an attempt whose answer is lost, given what it found
    /// `before`, and what there is now.
    fn fate_by(&self, found: Option<&Found>, before: Option<WriteId>) -> ByNow {
        let now = found.map(|found| found.write);
        match (&self.change, before, now) {
            (Change::Put(_), _, Some(now)) if now == self.write => ByNow::Applied,
            // Forms do not come back, so it can be applied no more; the key is
            // absent now, whoever deleted it. Who has guards wants to know who.
            (Change::Delete, Some(_), None) if self.guards.is_empty() => ByNow::Applied,
            // It has not been applied, or this form were gone.
            (_, Some(before), Some(now)) if now == before => ByNow::NotYet,
            // Somebody has changed the object: before it was applied, or after.
            _ => ByNow::Unknown,
        }
    }

    fn judge(&self, found: Option<&Found>) -> Result<()> {
        let entry = found.map(|found| Entry::new(Bytes::new(), found.expires, stamp(found.write)));
        let live = entry.filter(|entry| entry.is_live_at(self.now));
        for (index, guard) in self.guards.iter().enumerate() {
            if !guard.holds(live.as_ref()) {
                return Err(Error::conflict(index, guard));
            }
        }
        Ok(())
    }

    async fn find(&self) -> Result<Option<Found>> {
        let bytes = head_bytes(self.key.bytes());
        let object = self
            .engine
            .get_repeatedly(&self.path, Some(bytes), self.deadline)
            .await?;
        object
            .map(|object| {
                let header = header(&object.bytes, self.key)?;
                Ok(Found {
                    write: header.write,
                    form: object.form,
                    expires: header.expires,
                })
            })
            .transpose()
    }

    async fn rest(&self, pause: Duration) {
        sleep_until(self.deadline.min(Instant::now() + pause)).await;
    }

    fn has_time(&self) -> bool {
        Instant::now() < self.deadline
    }

    /// Some time is left to look what became of an attempt.
    fn deadline_of_attempt(&self) -> Instant {
        let left = self.deadline.saturating_duration_since(Instant::now());
        self.deadline - left / 4
    }
}

/// An attempt whose answer is lost, and the form that it was to replace.
struct LostAttempt {
    failure: Failure,
    before: Option<WriteId>,
}

/// What is known of an attempt by now.
enum ByNow {
    Applied,
    NotYet,
    Unknown,
}

/// How long to leave a server alone after `error`: who throttles is asked ever more
/// slowly.
fn longer(pause: Duration, error: &Error) -> Duration {
    match error.retry() {
        Retry::After(named) if error.kind() == ErrorKind::Throttled => named.max(pause * 2),
        _ => pause,
    }
}

fn not_applied(error: Error) -> Error {
    error.with_outcome(Outcome::NotApplied)
}
