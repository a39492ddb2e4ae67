//! A client: takes steps, and records what each answer says.

use std::{collections::BTreeMap, fmt, sync::Arc};

use bytes::Bytes;
use storage_core::{
    Capabilities, Entry, ErrorKind, Guard, Mutation, Put, Read, ReadExt, ScanOptions, Store,
    StoreExt, WriteBatch, WriteOptions,
};

use super::{
    ClientId, Condition, History, Operation, OperationKind,
    exchange::{Exchange, Reply},
    step::{ChangePlan, GuardPlan, NAMES, Name, Patience, Step},
    workload::Keyspace,
};
use crate::{CaseResult, Failure, dice::Dice, fixture::quick};

/// One client of a history.
pub(super) struct Client<S> {
    store: Arc<S>,
    id: ClientId,
    keys: Keyspace,
    dice: Dice,
    /// Makes each value that is put the only one of its kind, so that a read
    /// tells which put it saw.
    puts: u32,
    /// The value of each key that this client saw or set last.
    seen: BTreeMap<Name, Option<Bytes>>,
    operations: Vec<Operation>,
}

impl<S: Store> Client<S> {
    pub(super) fn new(store: Arc<S>, id: ClientId, keys: Keyspace, dice: Dice) -> Self {
        Self {
            store,
            id,
            keys,
            dice,
            puts: 0,
            seen: BTreeMap::new(),
            operations: Vec::new(),
        }
    }

    pub(super) fn capabilities(&self) -> Capabilities {
        self.store.capabilities().clone()
    }

    pub(super) const fn dice(&self) -> &Dice {
        &self.dice
    }

    /// What this client recorded.
    pub(super) fn end(self) -> History {
        self.operations.into_iter().collect()
    }

    pub(super) async fn take(&mut self, step: Step) -> CaseResult {
        match step {
            Step::Get(name) => self.get(name).await.map(|_| ()),
            Step::GetMany => self.get_many().await,
            Step::Page => self.page().await,
            Step::Snapshot => self.snapshot().await,
            Step::Commit {
                guard,
                changes,
                patience,
            } => self.commit(guard, &changes, patience).await,
            Step::Delete(name) => self.delete(name).await,
            Step::CompareAndSwap(name, change) => self.compare_and_swap(name, change).await,
        }
    }

    /// The entry that a read found; `None` if there was no answer.
    async fn get(&mut self, name: Name) -> CaseResult<Option<Option<Entry>>> {
        let key = self.keys.key(name);
        let exchange = Exchange::of(OperationKind::Get, self.store.get(&key)).await;
        let Some(entry) = exchange.read()? else {
            return Ok(None);
        };
        let operation = self
            .begin(&exchange)
            .saw(name, text(entry.as_ref()).as_deref());
        self.operations.push(operation);
        self.seen.insert(name, value(entry.as_ref()));
        Ok(Some(entry.clone()))
    }

    /// Each key is read at an instant of its own.
    async fn get_many(&mut self) -> CaseResult {
        let keys = NAMES.map(|name| self.keys.key(name));
        let exchange = Exchange::of(OperationKind::GetMany, self.store.get_many(&keys)).await;
        for (name, entry) in NAMES.iter().zip(exchange.read()?.into_iter().flatten()) {
            let operation = self
                .begin(&exchange)
                .saw(*name, text(entry.as_ref()).as_deref());
            self.operations.push(operation);
            self.seen.insert(name, value(entry.as_ref()));
        }
        Ok(())
    }

    async fn page(&mut self) -> CaseResult {
        let (range, options) = (self.keys.range(), ScanOptions::new());
        let exchange =
            Exchange::of(OperationKind::Page, self.store.scan_with(&range, &options)).await;
        if let Some(page) = exchange.read()? {
            let mut operation = self.begin(&exchange);
            operation.conditions = self.shown(page);
            self.operations.push(operation);
        }
        Ok(())
    }

    /// All reads of a snapshot show the state at one instant of the call that
    /// took it.
    async fn snapshot(&mut self) -> CaseResult {
        let exchange = Exchange::of(OperationKind::Snapshot, self.store.snapshot()).await;
        let Some(snapshot) = exchange.read()? else {
            return Ok(());
        };
        let mut operation = self.begin(&exchange);
        let keys = NAMES.map(|name| self.keys.key(name));
        let (range, options) = (self.keys.range(), ScanOptions::new());
        let many = Exchange::of(OperationKind::Snapshot, snapshot.get_many(&keys)).await;
        for (name, entry) in NAMES.iter().zip(many.read()?.into_iter().flatten()) {
            operation = operation.saw(*name, text(entry.as_ref()).as_deref());
        }
        tokio::task::yield_now().await;
        for (name, key) in NAMES.iter().zip(&keys) {
            let single = Exchange::of(OperationKind::Snapshot, snapshot.get(key)).await;
            if let Some(entry) = single.read()? {
                operation = operation.saw(*name, text(entry.as_ref()).as_deref());
            }
        }
        let page = snapshot.scan_with(&range, &options);
        let page = Exchange::of(OperationKind::Snapshot, page).await;
        if let Some(page) = page.read()? {
            operation.conditions.extend(self.shown(page));
        }
        let mut told = Vec::new();
        for condition in operation.conditions {
            if !told.contains(&condition) {
                told.push(condition);
            }
        }
        operation.conditions = told;
        self.operations.push(operation);
        Ok(())
    }

    async fn commit(
        &mut self,
        guard: Option<(Name, GuardPlan)>,
        changes: &[(Name, ChangePlan)],
        patience: Patience,
    ) -> CaseResult {
        let guard = match guard {
            Some((name, plan)) => match self.guard(name, plan).await? {
                Some((guard, condition)) => Some((name, guard, condition)),
                None => return Ok(()),
            },
            None => None,
        };
        let asked = self.ask_for(changes);
        let mut batch = self.batch(&asked);
        if let Some((_, guard, _)) = &guard {
            batch = batch.guard(guard.clone());
        }
        let options = self.durability();
        let commit = self.store.commit_with(batch, &options);
        let exchange = match patience {
            Patience::UntilAnswered => Exchange::of(OperationKind::Commit, commit).await,
            Patience::OnePoll => Exchange::dropped(OperationKind::Commit, commit).await,
        };
        let condition = guard
            .as_ref()
            .map(|(name, _, condition)| ((*name).to_owned(), condition.clone()));
        // A stamp is of the stored form, which may change where the value does
        // not; so a conflict over a stamp says nothing of the value.
        let refused = match &guard {
            Some((_, Guard::Unchanged(..), _)) | None => None,
            Some((name, _, condition)) => Some(((*name).to_owned(), condition.negated())),
        };
        self.changed(&exchange, condition, asked, refused)
    }

    /// A guard to commit with, and what holds where it does.
    async fn guard(
        &mut self,
        name: Name,
        plan: GuardPlan,
    ) -> CaseResult<Option<(Guard, Condition)>> {
        let key = self.keys.key(name);
        Ok(Some(match plan {
            GuardPlan::Absent => (Guard::Absent(key), Condition::Absent),
            GuardPlan::Present => (Guard::Present(key), Condition::Present),
            GuardPlan::Unchanged => match self.get(name).await? {
                Some(Some(entry)) => {
                    let value = entry.value.escape_ascii().to_string();
                    (Guard::Unchanged(key, entry.stamp), Condition::Is(value))
                }
                Some(None) => (Guard::Absent(key), Condition::Absent),
                None => return Ok(None),
            },
        }))
    }

    async fn delete(&mut self, name: Name) -> CaseResult {
        let key = self.keys.key(name);
        let exchange = Exchange::of(OperationKind::Delete, self.store.delete(&key)).await;
        if let Reply::Answered(false) = &exchange.reply {
            let operation = self.begin(&exchange).saw(name, None);
            self.operations.push(operation);
            return Ok(());
        }
        let present = (name.to_owned(), Condition::Present);
        self.changed(&exchange, Some(present), vec![(name, None)], None)
    }

    async fn compare_and_swap(&mut self, name: Name, change: ChangePlan) -> CaseResult {
        let key = self.keys.key(name);
        let expected = self.seen.get(name).cloned().flatten();
        let asked = self.ask_for(&[(name, change)]);
        let new = asked.first().and_then(|(_, new)| new.clone());
        let swap = self
            .store
            .compare_and_swap(&key, expected.as_deref(), new.map(Bytes::from));
        let exchange = Exchange::of(OperationKind::CompareAndSwap, swap).await;
        let expected = expected.map(|value| value.escape_ascii().to_string());
        let condition = Condition::seen(expected.as_deref());
        let refused = (name.to_owned(), condition.negated());
        let condition = (name.to_owned(), condition);
        self.changed(&exchange, Some(condition), asked, Some(refused))
    }

    /// Records what the answer to a change says: that its condition held and it
    /// was made, that the condition was refused, or nothing.
    fn changed<T>(
        &mut self,
        exchange: &Exchange<T>,
        condition: Option<(String, Condition)>,
        asked: Vec<(Name, Option<String>)>,
        refused: Option<(String, Condition)>,
    ) -> CaseResult {
        let mut operation = self.begin(exchange);
        if let Reply::Answered(_) = &exchange.reply {
            let values = asked.iter().cloned();
            self.seen
                .extend(values.map(|(name, value)| (name, value.map(Bytes::from))));
        }
        match &exchange.reply {
            Reply::Answered(_) | Reply::Unknown => {
                operation.conditions.extend(condition);
                let changes = asked.into_iter();
                operation.changes = changes
                    .map(|(name, value)| (name.to_owned(), value))
                    .collect();
            }
            Reply::NotApplied(error) if error.kind() == ErrorKind::Conflict => {
                operation.conditions.extend(refused);
            }
            Reply::NotApplied(_) => {}
            Reply::Failed(error) => return Err(Failure::from(error.duplicate())),
        }
        if !operation.conditions.is_empty() || !operation.changes.is_empty() {
            self.operations.push(operation);
        }
        Ok(())
    }

    fn begin<T>(&self, exchange: &Exchange<T>) -> Operation {
        Operation {
            answered: exchange.answered,
            ..Operation::open_ended(self.id, exchange.kind, exchange.called)
        }
    }

    /// The changes of a plan; one value serves all keys of a batch.
    fn ask_for(&mut self, changes: &[(Name, ChangePlan)]) -> Vec<(Name, Option<String>)> {
        self.puts += 1;
        let value = format!("{}.{}", self.id, self.puts);
        let changes = changes.iter();
        changes
            .map(|(name, change)| match change {
                ChangePlan::Put => (*name, Some(value.clone())),
                ChangePlan::Delete => (*name, None),
            })
            .collect()
    }

    fn batch(&self, changes: &[(Name, Option<String>)]) -> WriteBatch {
        let changes = changes.iter();
        changes.fold(WriteBatch::new(), |batch, (name, value)| {
            let key = self.keys.key(name);
            batch.mutation(match value {
                Some(value) => Mutation::from(Put::new(key, value.clone())),
                None => Mutation::Delete(key),
            })
        })
    }

    /// Mostly the weakest durability, sometimes the strongest.
    fn durability(&self) -> WriteOptions {
        if self.dice.once_in(16) {
            WriteOptions::new()
        } else {
            quick(&*self.store)
        }
    }

    /// What a page says of each key, and of keys that nobody has put. Keys in
    /// the rest of the range are not on the page either way.
    fn shown(&self, page: &storage_core::Page) -> Vec<(String, Condition)> {
        let mut shown: BTreeMap<_, _> = NAMES
            .iter()
            .filter(|name| {
                let key = self.keys.key(name);
                page.next
                    .as_ref()
                    .is_none_or(|next| !next.contains(key.as_key()))
            })
            .map(|name| ((*name).to_owned(), Condition::Absent))
            .collect();
        for item in &page.items {
            let value = item.entry.value.escape_ascii().to_string();
            shown.insert(self.keys.name(&item.key), Condition::Is(value));
        }
        shown.into_iter().collect()
    }
}

impl<S> fmt::Debug for Client<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

fn value(entry: Option<&Entry>) -> Option<Bytes> {
    entry.map(|entry| entry.value.clone())
}

fn text(entry: Option<&Entry>) -> Option<String> {
    entry.map(|entry| entry.value.escape_ascii().to_string())
}
