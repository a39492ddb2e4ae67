//! Playing a history: each step on the store and on the oracle.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use storage_core::{
    Committed, ErrorKind, Guard, KeyRange, Mutation, Outcome, OwnedKey, Put, ReadExt, Result,
    ScanOptions, Sequence, SequenceScope, SequencedPut, Stamp, Store, StoreExt, WriteBatch,
    WriteOptions,
};

use super::{
    answer::Truth,
    oracle::{Oracle, Row},
    step::{ChangePlan, Expected, GuardPlan, StampAge, Step},
};
use crate::{
    Bench, CaseResult, Failure, Subject,
    failure::{ensure, ensure_eq},
    fixture::refused,
};

/// A store, what it should hold, and what was read of it so far.
pub(super) struct History<'a, S: Subject> {
    bench: &'a Bench<S>,
    store: Option<S::Store>,
    oracle: Oracle,
    snapshots: VecDeque<(<S::Store as Store>::Snapshot, Oracle)>,
    /// The rest of a scan that goes on later.
    scan: Option<(KeyRange, ScanOptions)>,
    /// The stamp of each key that was read last, and the version it was of.
    stamps: BTreeMap<OwnedKey, (Stamp, Row)>,
    last: Sequence,
}

/// Whether a guard must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Holds,
    Fails,
}

impl<'a, S: Subject> History<'a, S> {
    /// Snapshots held at a time.
    const SNAPSHOTS_MAX: usize = 2;

    pub(super) async fn begin(bench: &'a Bench<S>) -> CaseResult<Self> {
        Ok(Self {
            bench,
            store: Some(bench.open().await?),
            oracle: Oracle::default(),
            snapshots: VecDeque::new(),
            scan: None,
            stamps: BTreeMap::new(),
            last: Sequence::ZERO,
        })
    }

    /// Does one step, and compares everything.
    pub(super) async fn take(&mut self, step: &Step) -> CaseResult {
        self.act(step).await?;
        let store = self.store()?;
        self.truth(store)
            .check_all(store, "the whole store")
            .await?;
        for (snapshot, oracle) in &self.snapshots {
            let truth = Truth {
                oracle,
                ..self.truth(store)
            };
            truth.check_all(snapshot, "a whole snapshot").await?;
        }
        Ok(())
    }

    pub(super) async fn end(self) -> CaseResult {
        Ok(self.store()?.close().await?)
    }

    async fn act(&mut self, step: &Step) -> CaseResult {
        match step {
            Step::Commit {
                guards,
                changes,
                durability,
            } => {
                let options = WriteOptions::new().durability(*durability);
                self.commit(guards, changes, &options).await
            }
            Step::Delete(key) => self.delete(key).await,
            Step::CompareAndSwap { key, expected, new } => {
                self.compare_and_swap(key, *expected, new.clone()).await
            }
            Step::Get(key) => self.get(key).await,
            Step::AdvanceClock { milliseconds } => {
                self.bench.advance_milliseconds(*milliseconds);
                Ok(())
            }
            Step::Reopen => self.reopen().await,
            Step::TakeSnapshot => {
                let snapshot = self.store()?.snapshot().await?;
                self.snapshots.truncate(Self::SNAPSHOTS_MAX - 1);
                self.snapshots.push_front((snapshot, self.oracle.clone()));
                Ok(())
            }
            Step::DropSnapshot => {
                self.snapshots.pop_back();
                Ok(())
            }
            Step::FirstPage { range, options } => self.page(range.clone(), options.clone()).await,
            Step::NextPage => match self.scan.take() {
                Some((range, options)) => self.page(range, options).await,
                None => Ok(()),
            },
            _ => self.read(step).await,
        }
    }

    /// The steps that only read.
    async fn read(&self, step: &Step) -> CaseResult {
        let store = self.store()?;
        let truth = self.truth(store);
        match step {
            Step::GetMany(keys) => truth.check_keys(store, keys).await,
            Step::Scan { range, options } => truth.check_scan(store, range, options).await,
            Step::Count(range) => {
                let expected = self.oracle.live_in(range, self.bench.now()).len();
                let count = store.count(range.clone()).await?;
                ensure_eq!(
                    usize::try_from(count),
                    Ok(expected),
                    "the count of {range:?}"
                );
                Ok(())
            }
            Step::ReadSnapshot {
                range,
                options,
                keys,
            } => {
                for (snapshot, oracle) in &self.snapshots {
                    let truth = Truth { oracle, ..truth };
                    truth.check_scan(snapshot, range, options).await?;
                    truth.check_keys(snapshot, keys).await?;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    async fn page(&mut self, range: KeyRange, options: ScanOptions) -> CaseResult {
        let store = self.store()?;
        let page = self
            .truth(store)
            .check_next_page(store, &range, &options)
            .await?;
        self.scan = page.next.map(|next| (next, options));
        Ok(())
    }

    async fn get(&mut self, key: &OwnedKey) -> CaseResult {
        let store = self.store()?;
        let entry = store.get(key).await?;
        self.truth(store).check_entry(key, entry.as_ref())?;
        if let (Some(entry), Some(row)) = (entry, self.oracle.live(key, self.bench.now())) {
            self.stamps
                .insert(key.clone(), (entry.stamp(), row.clone()));
        }
        Ok(())
    }

    async fn delete(&mut self, key: &OwnedKey) -> CaseResult {
        let expected = self.oracle.live(key, self.bench.now()).is_some();
        ensure_eq!(
            self.store()?.delete(key).await?,
            expected,
            "whether {key:?} existed"
        );
        // A delete of an absent key need not have committed anything.
        if expected {
            self.oracle.apply(Mutation::Delete(key.clone()), None);
        }
        Ok(())
    }

    async fn compare_and_swap(
        &mut self,
        key: &OwnedKey,
        expected: Expected,
        new: Option<Bytes>,
    ) -> CaseResult {
        let current = self
            .oracle
            .live(key, self.bench.now())
            .map(|row| row.value.clone());
        let expects = match (expected, &current) {
            (Expected::TheCurrent, current) => current.as_deref(),
            (Expected::SomethingElse, None) => Some(&b""[..]),
            (Expected::SomethingElse, Some(_)) => None,
        };
        let answer = self
            .store()?
            .compare_and_swap(key, expects, new.clone())
            .await;
        match expected {
            Expected::SomethingElse => refused(answer, ErrorKind::Conflict).map(|_| ()),
            Expected::TheCurrent => {
                let mutation = match new {
                    Some(value) => Put::new(key, value).into(),
                    None => Mutation::Delete(key.clone()),
                };
                self.committed(answer?, vec![mutation])
            }
        }
    }

    async fn commit(
        &mut self,
        guards: &[GuardPlan],
        changes: &[ChangePlan],
        options: &WriteOptions,
    ) -> CaseResult {
        let mut judged = Vec::new();
        for guard in guards {
            judged.push(self.judge(guard).await?);
        }
        let (guards, verdicts): (Vec<_>, Vec<_>) = judged.into_iter().unzip();
        let mutations: Vec<_> = changes.iter().map(|change| self.mutation(change)).collect();
        let batch = WriteBatch::from_parts(guards, mutations.clone());
        let answer = self.store()?.commit_with(batch, options).await;
        if verdicts.contains(&Verdict::Fails) {
            return names_a_failing_guard(answer, &verdicts);
        }
        let committed = answer?;
        ensure!(
            Some(committed.durability) >= options.durability,
            "the durability granted"
        );
        self.committed(committed, mutations)
    }

    /// Takes over what a commit that was answered has changed.
    fn committed(&mut self, committed: Committed, mutations: Vec<Mutation>) -> CaseResult {
        let numbered = self.store()?.capabilities().sequence != SequenceScope::Unsupported;
        ensure_eq!(
            committed.sequence.is_some(),
            numbered,
            "whether the commit has a sequence"
        );
        if let Some(sequence) = committed.sequence {
            ensure!(sequence > self.last, "{sequence} comes after {}", self.last);
            self.last = sequence;
        }
        for mutation in mutations {
            self.oracle.apply(mutation, committed.sequence);
        }
        Ok(())
    }

    /// Fills in a guard's stamp, and says whether it must hold.
    async fn judge(&mut self, plan: &GuardPlan) -> CaseResult<(Guard, Verdict)> {
        let now = self.bench.now();
        let is_live = |oracle: &Oracle, key| oracle.live(key, now).is_some();
        let (guard, holds) = match plan {
            GuardPlan::Absent(key) => (Guard::Absent(key.clone()), !is_live(&self.oracle, key)),
            GuardPlan::Present(key) => (Guard::Present(key.clone()), is_live(&self.oracle, key)),
            GuardPlan::Unchanged(key, age) => {
                let remembered = match age {
                    StampAge::ReadNow => None,
                    StampAge::ReadEarlier => self.stamps.get(key).cloned(),
                };
                self.get(key).await?;
                let current = self.stamps.get(key).filter(|_| is_live(&self.oracle, key));
                match (remembered, current) {
                    (None, None) => (Guard::Absent(key.clone()), true),
                    (None, Some((stamp, _))) => {
                        (Guard::Unchanged(key.clone(), stamp.clone()), true)
                    }
                    (Some((stamp, _)), None) => (Guard::Unchanged(key.clone(), stamp), false),
                    (Some((stamp, read)), Some((now_stamp, now_written))) => {
                        let holds = unchanged(&stamp, &read, now_stamp, now_written)?;
                        (Guard::Unchanged(key.clone(), stamp), holds)
                    }
                }
            }
        };
        Ok((
            guard,
            if holds {
                Verdict::Holds
            } else {
                Verdict::Fails
            },
        ))
    }

    fn mutation(&self, plan: &ChangePlan) -> Mutation {
        match plan.clone() {
            ChangePlan::Put {
                key,
                value,
                lives_milliseconds,
            } => {
                let expires = lives_milliseconds.map(|lives| self.bench.in_milliseconds(lives));
                Put::new(key, value).until(expires).into()
            }
            ChangePlan::PutSequenced {
                prefix,
                suffix,
                value,
            } => SequencedPut::new(prefix, suffix, value).into(),
            ChangePlan::Delete(key) => Mutation::Delete(key),
            ChangePlan::DeleteRange(range) => Mutation::DeleteRange(range),
        }
    }

    async fn reopen(&mut self) -> CaseResult {
        self.snapshots.clear();
        self.stamps.clear();
        if let Some(store) = self.store.take() {
            if store.capabilities().sequence == SequenceScope::Process {
                self.last = Sequence::ZERO;
            }
            self.store = Some(self.bench.reopen(store).await?);
        }
        Ok(())
    }

    fn store(&self) -> CaseResult<&S::Store> {
        self.store
            .as_ref()
            .ok_or_else(|| Failure::new("the store did not open again"))
    }

    fn truth<'b>(&'b self, store: &'b S::Store) -> Truth<'b> {
        Truth {
            oracle: &self.oracle,
            now: self.bench.now(),
            capabilities: store.capabilities(),
        }
    }
}

/// Whether a guard on a stamp read earlier must hold. Where the same value was
/// written again, the stored form may or may not be the same: the stamps tell.
fn unchanged(stamp: &Stamp, then: &Row, now_stamp: &Stamp, now: &Row) -> CaseResult<bool> {
    let same_content = (&then.value, then.expires) == (&now.value, now.expires);
    if then.version == now.version {
        ensure_eq!(stamp, now_stamp, "the stamp of an entry that nobody wrote");
    } else if !same_content {
        ensure!(stamp != now_stamp, "another content has the same stamp");
    }
    Ok(stamp == now_stamp)
}

fn names_a_failing_guard(answer: Result<Committed>, verdicts: &[Verdict]) -> CaseResult {
    let error = refused(answer, ErrorKind::Conflict)?;
    ensure_eq!(
        error.outcome(),
        Some(Outcome::NotApplied),
        "the outcome of a conflict"
    );
    let named = error.guard().and_then(|index| verdicts.get(index));
    ensure_eq!(
        named,
        Some(&Verdict::Fails),
        "the guard that the conflict names"
    );
    Ok(())
}
