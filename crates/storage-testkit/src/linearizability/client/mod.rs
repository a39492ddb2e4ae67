//! A client: takes steps, and records what each answer says.

mod commit;

use std::{collections::BTreeMap, fmt, sync::Arc};

use bytes::Bytes;
use storage_core::{
    BatchScope, Capabilities, Entry, ErrorKind, Mutation, Put, Read, ReadExt, ScanOptions, Store,
    StoreExt, WriteBatch, WriteOptions,
};

use super::{
    ClientId, Condition, History, Operation, OperationKind,
    coverage::{Coverage, StampedCommit},
    exchange::{Exchange, Reply},
    meeting::Place,
    step::{ChangePlan, NAMES, Name, Step},
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
    /// Where the other clients are met in this step, until they are.
    place: Option<Place>,
    coverage: Coverage,
    stamped: Vec<StampedCommit>,
}

/// What a client recorded.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) history: History,
    pub(super) coverage: Coverage,
    pub(super) stamped: Vec<StampedCommit>,
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
            place: None,
            coverage: Coverage::default(),
            stamped: Vec::new(),
        }
    }

    pub(super) fn capabilities(&self) -> Capabilities {
        self.store.capabilities().clone()
    }

    pub(super) const fn dice(&self) -> &Dice {
        &self.dice
    }

    /// What this client recorded.
    pub(super) fn end(self) -> Record {
        Record {
            history: self.operations.into_iter().collect(),
            coverage: self.coverage,
            stamped: self.stamped,
        }
    }

    /// Takes a step, in the middle of which it meets the other clients if it has
    /// a place to.
    pub(super) async fn take(&mut self, step: Step, place: Option<Place>) -> CaseResult {
        self.place = place;
        let taken = self.act(step).await;
        self.place = None;
        taken
    }

    async fn act(&mut self, step: Step) -> CaseResult {
        match step {
            Step::Get(name) => {
                let place = self.place.take();
                self.get(name, place).await.map(|_| ())
            }
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
    async fn get(&mut self, name: Name, place: Option<Place>) -> CaseResult<Option<Option<Entry>>> {
        let key = self.keys.key(name);
        let exchange = Exchange::of(OperationKind::Get, place, self.store.get(&key)).await;
        let Some(entry) = exchange.read_by(&mut self.coverage)? else {
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
        let (kind, place) = (OperationKind::GetMany, self.place.take());
        let exchange = Exchange::of(kind, place, self.store.get_many(&keys)).await;
        let entries = exchange.read_by(&mut self.coverage)?;
        for (name, entry) in NAMES.iter().zip(entries.into_iter().flatten()) {
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
        let (kind, place) = (OperationKind::Page, self.place.take());
        let exchange = Exchange::of(kind, place, self.store.scan_with(&range, &options)).await;
        if let Some(page) = exchange.read_by(&mut self.coverage)? {
            let shown = self.shown(page);
            // The keys are in one partition; a page of more would be of no one instant.
            let at_once = match self.store.capabilities().batch {
                BatchScope::Store | BatchScope::Partition => shown.len().max(1),
                BatchScope::Key => 1,
            };
            for shown in shown.chunks(at_once) {
                let mut operation = self.begin(&exchange);
                operation.conditions = shown.to_vec();
                self.operations.push(operation);
            }
        }
        Ok(())
    }

    /// All reads of a snapshot show the state at one instant of the call that
    /// took it.
    async fn snapshot(&mut self) -> CaseResult {
        let (kind, place) = (OperationKind::Snapshot, self.place.take());
        let exchange = Exchange::of(kind, place, self.store.snapshot()).await;
        let Some(snapshot) = exchange.read_by(&mut self.coverage)? else {
            return Ok(());
        };
        let mut operation = self.begin(&exchange);
        let keys = NAMES.map(|name| self.keys.key(name));
        let (range, options) = (self.keys.range(), ScanOptions::new());
        let many = Exchange::of(kind, None, snapshot.get_many(&keys)).await;
        for (name, entry) in NAMES
            .iter()
            .zip(many.read_by(&mut self.coverage)?.into_iter().flatten())
        {
            operation = operation.saw(*name, text(entry.as_ref()).as_deref());
        }
        tokio::task::yield_now().await;
        for (name, key) in NAMES.iter().zip(&keys) {
            let single = Exchange::of(kind, None, snapshot.get(key)).await;
            if let Some(entry) = single.read_by(&mut self.coverage)? {
                operation = operation.saw(*name, text(entry.as_ref()).as_deref());
            }
        }
        let page = snapshot.scan_with(&range, &options);
        let page = Exchange::of(kind, None, page).await;
        if let Some(page) = page.read_by(&mut self.coverage)? {
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

    async fn delete(&mut self, name: Name) -> CaseResult {
        let key = self.keys.key(name);
        let (kind, place) = (OperationKind::Delete, self.place.take());
        let exchange = Exchange::of(kind, place, self.store.delete(&key)).await;
        self.coverage.guarded.count(exchange.is_answered());
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
        let (kind, place) = (OperationKind::CompareAndSwap, self.place.take());
        let swap = self
            .store
            .compare_and_swap(&key, expected.as_deref(), new.map(Bytes::from));
        let exchange = Exchange::of(kind, place, swap).await;
        let is_answered = exchange.is_answered() || exchange.is_conflict();
        self.coverage.guarded.count(is_answered);
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
            let value = item.entry.value().escape_ascii().to_string();
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
    entry.map(|entry| entry.value().clone())
}

fn text(entry: Option<&Entry>) -> Option<String> {
    entry.map(|entry| entry.value().escape_ascii().to_string())
}
