//! Playing a history under faults: each turn on the layers and on what they may
//! hold.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use bytes::Bytes;
use storage_core::{
    ErrorKind, Guard, KeyRange, Mutation, Outcome, OwnedKey, Put, Result, ScanOptions, Stamp,
    Store, StoreExt, TimeSource, Timestamp, WriteBatch, WriteOptions,
};

use super::{
    Scene,
    belief::{Belief, Change, Condition},
    turn::{FaultPlan, Turn},
    view::{Excuses, View},
};
use crate::{
    CaseResult, Failure,
    failure::ensure_eq,
    faulty::{Gate, Injection, Rule},
    model::step::{ChangePlan, Expected, GuardPlan, StampAge, Step},
};

/// Layers, what they may hold, and what their snapshots may.
pub(super) struct History<'a, S: Store> {
    scene: &'a Scene<S>,
    excuses: Excuses<'a>,
    belief: Belief,
    snapshots: VecDeque<(S::Snapshot, Belief)>,
    /// The rest of a scan that goes on later.
    scan: Option<(KeyRange, ScanOptions)>,
    /// The stamp and value of each key that were read last.
    stamps: BTreeMap<OwnedKey, (Stamp, Bytes)>,
    /// How many values were written: each is written once.
    written: u64,
    late: Vec<Gate>,
}

impl<'a, S: Store> History<'a, S> {
    /// Snapshots held at a time.
    const SNAPSHOTS_MAX: usize = 2;

    /// Late commits under way at a time, and states that are told apart: beyond
    /// these, what is unknown is found out.
    const LATE_MAX: usize = 3;
    const WIDTH_MAX: usize = 64;

    pub(super) fn begin(scene: &'a Scene<S>) -> Self {
        Self {
            scene,
            excuses: Excuses::new(&scene.faults),
            belief: Belief::of_an_empty_store(),
            snapshots: VecDeque::new(),
            scan: None,
            stamps: BTreeMap::new(),
            written: 0,
            late: Vec::new(),
        }
    }

    pub(super) async fn take(&mut self, turn: &Turn) -> CaseResult {
        self.excuses.forget();
        match turn {
            Turn::Step(step) => self.act(step).await?,
            Turn::Under(plan, step) => {
                let injection = self.inject(*plan)?;
                self.act(step).await?;
                let late = plan.target.is_late();
                // A late commit that was struck stays put off.
                if !late || injection.times() == 0 {
                    self.scene.faults.withdraw(&injection);
                    if late {
                        self.late.pop();
                    }
                }
            }
            Turn::LetLateCommitsHappen => self.late.iter().for_each(Gate::open),
            Turn::Look => self.look().await?,
        }
        if self.late.is_empty() {
            self.belief.settle(self.now());
        } else if self.late.len() > Self::LATE_MAX || self.belief.width() > Self::WIDTH_MAX {
            self.settle().await?;
            self.look().await?;
        }
        Ok(())
    }

    /// Ends all faults: from then on everything works, and the layers hold what
    /// the answers allow.
    pub(super) async fn end(mut self) -> CaseResult {
        self.settle().await?;
        self.excuses.forget();
        self.look().await?;
        let (key, store) = (OwnedKey::from("the end"), &self.scene.store);
        let put = Put::new(&key, "reached");
        let committed = store.commit(WriteBatch::new().mutation(put.clone())).await;
        committed.map_err(|error| Failure::from(error).within("a put after all faults"))?;
        let change = Change {
            conditions: Vec::new(),
            mutations: vec![put.into()],
        };
        self.belief.committed(&change, self.now())?;
        self.look().await?;
        Ok(store.close().await?)
    }

    fn inject(&mut self, plan: FaultPlan) -> CaseResult<Injection> {
        let rule = Rule::on_any(plan.target.calls()).nth(plan.number);
        let gate = Gate::new();
        let injection = self.scene.faults.inject(rule, plan.target.fault(&gate))?;
        if plan.target.is_late() {
            self.late.push(gate);
        }
        Ok(injection)
    }

    /// Lets everything happen that was put off.
    async fn settle(&mut self) -> CaseResult {
        self.late.drain(..).for_each(|gate| gate.open());
        self.scene.recover().await?;
        self.belief.settle(self.now());
        Ok(())
    }

    async fn look(&mut self) -> CaseResult {
        self.view()
            .check_all()
            .await
            .map_err(|failure| failure.within("the whole store"))?;
        for (snapshot, belief) in &mut self.snapshots {
            View {
                reader: snapshot,
                belief,
                now: self.scene.clock.now(),
                capabilities: self.scene.store.capabilities(),
                excuses: &self.excuses,
            }
            .check_all()
            .await
            .map_err(|failure| failure.within("a whole snapshot"))?;
        }
        Ok(())
    }

    async fn act(&mut self, step: &Step) -> CaseResult {
        match step {
            Step::Commit {
                guards, changes, ..
            } => self.commit(guards, changes).await,
            Step::Delete(key) => self.delete(key).await,
            Step::CompareAndSwap { key, expected, new } => {
                self.compare_and_swap(key, *expected, new.clone()).await
            }
            Step::Get(key) => self.get(key).await,
            Step::GetMany(keys) => self.view().get_many(keys).await,
            Step::Scan { range, options } => self.view().walk(range, options).await,
            Step::Count(range) => self.view().count(range).await,
            Step::FirstPage { range, options } => self.page(range.clone(), options.clone()).await,
            Step::NextPage => match self.scan.take() {
                Some((range, options)) => self.page(range, options).await,
                None => Ok(()),
            },
            Step::TakeSnapshot => self.take_snapshot().await,
            Step::DropSnapshot => {
                self.snapshots.pop_back();
                Ok(())
            }
            Step::ReadSnapshot {
                range,
                options,
                keys,
            } => self.read_snapshots(range, options, keys).await,
            Step::AdvanceClock { milliseconds } => {
                // What happens late may have happened before.
                self.belief.let_pending_happen(self.now());
                let by = Duration::from_millis(*milliseconds);
                self.scene.clock.advance(by);
                Ok(())
            }
            Step::Reopen => Ok(()),
        }
    }

    async fn page(&mut self, range: KeyRange, options: ScanOptions) -> CaseResult {
        self.scan = match self.view().page(&range, &options).await? {
            Some(page) => page.next.map(|next| (next, options)),
            None => Some((range, options)),
        };
        Ok(())
    }

    async fn get(&mut self, key: &OwnedKey) -> CaseResult {
        if let Some(Some(entry)) = self.view().get(key).await? {
            self.stamps
                .insert(key.clone(), (entry.stamp(), entry.into_value()));
        }
        Ok(())
    }

    async fn take_snapshot(&mut self) -> CaseResult {
        let answer = self.scene.store.snapshot().await;
        if let Some(snapshot) = self.excuses.accept(answer)? {
            let mut belief = self.belief.clone();
            belief.settle(self.now());
            self.snapshots.truncate(Self::SNAPSHOTS_MAX - 1);
            self.snapshots.push_front((snapshot, belief));
        }
        Ok(())
    }

    async fn read_snapshots(
        &mut self,
        range: &KeyRange,
        options: &ScanOptions,
        keys: &[OwnedKey],
    ) -> CaseResult {
        for (snapshot, belief) in &mut self.snapshots {
            let mut view = View {
                reader: snapshot,
                belief,
                now: self.scene.clock.now(),
                capabilities: self.scene.store.capabilities(),
                excuses: &self.excuses,
            };
            view.walk(range, options).await?;
            view.get_many(keys).await?;
        }
        Ok(())
    }

    async fn delete(&mut self, key: &OwnedKey) -> CaseResult {
        let change = Change {
            conditions: vec![Condition::Present(key.clone())],
            mutations: vec![Mutation::Delete(key.clone())],
        };
        match self.scene.store.delete(key).await {
            Ok(false) => self.belief.conflicted(&change, self.now()),
            answer => self.answered(answer, change),
        }
    }

    async fn compare_and_swap(
        &mut self,
        key: &OwnedKey,
        expected: Expected,
        new: Option<Bytes>,
    ) -> CaseResult {
        let guess = self.belief.guess(key, self.now());
        let expects = match (expected, guess) {
            (Expected::TheCurrent, guess) => guess,
            // No history writes an empty value.
            (Expected::SomethingElse, None) => Some(Bytes::new()),
            (Expected::SomethingElse, Some(_)) => None,
        };
        let new = new.map(|value| self.unique(&value));
        let change = Change {
            conditions: vec![match &expects {
                Some(value) => Condition::Value(key.clone(), value.clone()),
                None => Condition::Absent(key.clone()),
            }],
            mutations: vec![match &new {
                Some(value) => Put::new(key, value.clone()).into(),
                None => Mutation::Delete(key.clone()),
            }],
        };
        let store = &self.scene.store;
        let answer = store.compare_and_swap(key, expects.as_deref(), new).await;
        self.answered(answer, change)
    }

    async fn commit(&mut self, guards: &[GuardPlan], changes: &[ChangePlan]) -> CaseResult {
        let mut judged = Vec::new();
        for guard in guards {
            match self.guard(guard).await? {
                Some(guard) => judged.push(guard),
                // A read that a guard needs has failed.
                None => return Ok(()),
            }
        }
        let (guards, conditions): (Vec<Guard>, Vec<_>) = judged.into_iter().unzip();
        let changes = changes.iter().filter_map(|change| self.mutation(change));
        let mutations: Vec<_> = changes.collect();
        let batch = WriteBatch::from_parts(guards, mutations.clone());
        let answer = self
            .scene
            .store
            .commit_with(batch, &WriteOptions::new())
            .await;
        let change = Change {
            conditions,
            mutations,
        };
        self.answered(answer, change)
    }

    /// Takes over what the answer to a commit says, and no more.
    fn answered<T>(&mut self, answer: Result<T>, change: Change) -> CaseResult {
        let Err(error) = answer else {
            return self.belief.committed(&change, self.now());
        };
        let outcome = error.outcome();
        if error.kind() == ErrorKind::Conflict {
            ensure_eq!(
                outcome,
                Some(Outcome::NotApplied),
                "the outcome of a conflict"
            );
            return self.belief.conflicted(&change, self.now());
        }
        match outcome {
            Some(Outcome::NotApplied) => {}
            Some(Outcome::Unknown) => self.belief.unknown(change),
            None => {
                return Err(Failure::from(error).within("a failed commit does not say its outcome"));
            }
        }
        self.excuses.excuse(error)
    }

    async fn guard(&mut self, plan: &GuardPlan) -> CaseResult<Option<(Guard, Condition)>> {
        let (key, age) = match plan {
            GuardPlan::Absent(key) => {
                return Ok(Some((
                    Guard::Absent(key.clone()),
                    Condition::Absent(key.clone()),
                )));
            }
            GuardPlan::Present(key) => {
                return Ok(Some((
                    Guard::Present(key.clone()),
                    Condition::Present(key.clone()),
                )));
            }
            GuardPlan::Unchanged(key, age) => (key, age),
        };
        let remembered = self.stamps.get(key).cloned();
        let (stamp, value) = match (age, remembered) {
            (StampAge::ReadEarlier, Some(read)) => read,
            _ => match self.view().get(key).await? {
                Some(Some(entry)) => (entry.stamp(), entry.into_value()),
                _ => return Ok(None),
            },
        };
        Ok(Some((
            Guard::Unchanged(key.clone(), stamp),
            Condition::Value(key.clone(), value),
        )))
    }
}

impl<S: Store> History<'_, S> {
    fn mutation(&mut self, plan: &ChangePlan) -> Option<Mutation> {
        match plan.clone() {
            ChangePlan::Put {
                key,
                value,
                lives_milliseconds,
            } => {
                let lives = lives_milliseconds.map(Duration::from_millis);
                let expires = lives.map(|lives| self.now().after(lives));
                let value = self.unique(&value);
                Some(Put::new(key, value).until(expires).into())
            }
            ChangePlan::Delete(key) => Some(Mutation::Delete(key)),
            ChangePlan::DeleteRange(range) => Some(Mutation::DeleteRange(range)),
            // Histories under faults draw none.
            ChangePlan::PutSequenced { .. } => None,
        }
    }

    /// A value like this one that was never written before.
    fn unique(&mut self, value: &Bytes) -> Bytes {
        self.written += 1;
        let mut unique = format!("{}:", self.written).into_bytes();
        unique.extend_from_slice(value);
        unique.into()
    }

    fn view(&mut self) -> View<'_, S> {
        View {
            reader: &self.scene.store,
            belief: &mut self.belief,
            now: self.scene.clock.now(),
            capabilities: self.scene.store.capabilities(),
            excuses: &self.excuses,
        }
    }

    fn now(&self) -> Timestamp {
        self.scene.clock.now()
    }
}
