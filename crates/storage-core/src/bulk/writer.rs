//! Many puts as few commits.
//!
//! A batch is bounded in entries and bytes, so a load of any size takes little
//! memory. Where a batch is of one key, many are committed at once. All batches but the last are buffered; the last is as durable as the
//! store can, which makes all of them so.

use std::collections::{HashMap, HashSet};

use super::together::together;
use crate::{
    BatchScope, Capabilities, Count, Durability, Error, ErrorKind, Mutation, Outcome, OwnedKey,
    Put, ReadExt, Result, Store, WriteBatch, WriteOptions,
};

/// A load under way.
///
/// # Durability
/// What was added is durable once [`finish`](Self::finish) has answered; until
/// then what was [acknowledged](Self::acknowledged) survives the process, if the
/// store offers that.
///
/// # Cancel safety
/// Each batch is applied whole or not at all. If a future is dropped while its
/// batch is being committed, nobody knows which, and the writer refuses what
/// comes after, as it does after a commit of [unknown](Outcome::Unknown) end.
#[derive(Debug)]
pub struct BulkWriter<'a, S> {
    store: &'a S,
    limits: BulkLimits,
    unchanged: Unchanged,
    /// Of all batches but the last.
    options: WriteOptions,
    pending: Vec<Mutation>,
    pending_bytes: usize,
    /// Whether a batch was begun to be committed whose end is not known.
    is_in_doubt: bool,
    acknowledged: BulkReport,
}

/// How many batches are under way at once where each is of one key.
const KEYS_AT_ONCE: usize = 64;

/// How large one batch may become. A store may take less; then that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BulkLimits {
    /// The most entries in a batch. Default: 1,000.
    pub entries_max: usize,
    /// The most bytes in a batch; a larger entry makes a batch of its own.
    /// Default: 8 MiB. More means fewer commits and more memory.
    pub bytes_max: usize,
}

impl Default for BulkLimits {
    fn default() -> Self {
        Self {
            entries_max: 1_000,
            bytes_max: 8 << 20,
        }
    }
}

/// What to do with a put that would change nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unchanged {
    /// Write it all the same: nothing is read.
    #[default]
    Rewrite,
    /// Leave it out. Each key is read before it is written, one value in memory
    /// at a time.
    LeaveOut,
}

/// What a load has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BulkReport {
    /// What was put, with the bytes of keys and values.
    pub written: Count,
    /// What was there already and was left out.
    pub unchanged: Count,
    /// How many keys were removed.
    pub removed: u64,
}

impl<'a, S: Store> BulkWriter<'a, S> {
    /// A load into `store`.
    #[must_use]
    pub fn new(store: &'a S, limits: BulkLimits, unchanged: Unchanged) -> Self {
        let capabilities = store.capabilities();
        Self {
            store,
            limits: BulkLimits {
                entries_max: limits.entries_max.min(entries_max(capabilities)),
                bytes_max: limits.bytes_max.min(capabilities.batch_bytes_max),
            },
            unchanged,
            options: WriteOptions::new().durability(while_loading(capabilities)),
            pending: Vec::new(),
            pending_bytes: 0,
            is_in_doubt: false,
            acknowledged: BulkReport::default(),
        }
    }

    /// Adds a put, after committing what came before it if that fills a batch.
    ///
    /// # Errors
    /// `Invalid` and `Unsupported` if the store does not take this put, which
    /// then is left out; besides, as for any commit. If nothing was
    /// [applied](Outcome::NotApplied), the same put may be added again, and what
    /// was added before is kept; `Poisoned` once nobody knows whether an earlier
    /// batch was applied.
    pub async fn put(&mut self, put: Put) -> Result<()> {
        self.add(put.into()).await
    }

    /// Adds the removal of `key`, in the same way.
    ///
    /// # Errors
    /// As for [`put`](Self::put).
    pub async fn remove(&mut self, key: OwnedKey) -> Result<()> {
        self.add(Mutation::Delete(key)).await
    }

    /// What the store has acknowledged so far.
    #[must_use]
    pub fn acknowledged(&self) -> BulkReport {
        self.acknowledged
    }

    /// Commits what is left, and makes all of the load durable, also what an
    /// earlier load that was cut off left behind.
    ///
    /// # Errors
    /// As for any commit; `Poisoned` once nobody knows whether an earlier batch
    /// was applied.
    pub async fn finish(mut self) -> Result<BulkReport> {
        self.commit_pending(&WriteOptions::new()).await?;
        Ok(self.acknowledged)
    }

    async fn add(&mut self, mutation: Mutation) -> Result<()> {
        self.refuse_in_doubt()?;
        let bytes = mutation.size_bytes();
        let single = WriteBatch::new().mutation(mutation);
        self.store.capabilities().admit(&single)?;
        let is_full = self.pending.len() >= self.limits.entries_max
            || self.pending_bytes + bytes > self.limits.bytes_max
            || self.would_overtake(&single);
        if is_full && !self.pending.is_empty() {
            let options = self.options.clone();
            self.commit_pending(&options).await?;
        }
        self.pending.extend(single.into_parts().1);
        self.pending_bytes += bytes;
        Ok(())
    }

    /// Whether this could be committed before a mutation of the same key.
    fn would_overtake(&self, single: &WriteBatch) -> bool {
        let is_one_batch = self.store.capabilities().batch == BatchScope::Store;
        let key = single.mutations().first().and_then(key_of);
        !is_one_batch && self.pending.iter().any(|pending| key_of(pending) == key)
    }

    /// Commits what is pending, which stays pending if that fails.
    async fn commit_pending(&mut self, options: &WriteOptions) -> Result<()> {
        self.refuse_in_doubt()?;
        let mut mutations = self.pending.clone();
        let mut left_out = Vec::new();
        if self.unchanged == Unchanged::LeaveOut {
            let unchanged = self.unchanged_keys(&mutations).await?;
            mutations.retain(|mutation| match mutation {
                Mutation::Put(put) if unchanged.contains(&put.key) => {
                    left_out.push(mutation.size_bytes());
                    false
                }
                _ => true,
            });
        }
        // Buffered, an empty batch would do nothing; as durable as possible, it
        // makes everything before it so.
        if !mutations.is_empty() || options.durability.is_none() {
            self.commit(mutations, options).await?;
        }
        for bytes in left_out {
            self.acknowledged.unchanged.add(bytes);
        }
        self.pending.clear();
        self.pending_bytes = 0;
        Ok(())
    }

    /// Commits mutations, as several batches where one cannot hold them. What is
    /// applied is pending no more if another batch fails.
    async fn commit(&mut self, mutations: Vec<Mutation>, options: &WriteOptions) -> Result<()> {
        let batches = match self.store.capabilities().batch {
            BatchScope::Key | BatchScope::Partition if !mutations.is_empty() => {
                mutations.into_iter().map(|one| vec![one]).collect()
            }
            // Also none, which makes durable what came before.
            _ => vec![mutations],
        };
        let store = self.store;
        let commits = batches.iter().map(|mutations| {
            let batch = WriteBatch::from_parts(Vec::new(), mutations.clone());
            store.commit_with(batch, options)
        });
        // It stays so if the future is dropped.
        self.is_in_doubt = true;
        let ends = together(commits).await;
        let is_unknown = |error: &Error| error.outcome() != Some(Outcome::NotApplied);
        self.is_in_doubt = ends
            .iter()
            .filter_map(|end| end.as_ref().err())
            .any(is_unknown);
        let mut failure: Option<Error> = None;
        for (mutations, end) in batches.iter().zip(ends) {
            match end {
                Ok(_) => self.acknowledge(mutations),
                // One that says nothing was applied must not hide another.
                Err(error) if failure.is_none() || is_unknown(&error) => failure = Some(error),
                Err(_) => {}
            }
        }
        failure.map_or(Ok(()), Err)
    }

    fn acknowledge(&mut self, mutations: &[Mutation]) {
        for mutation in mutations {
            match mutation {
                Mutation::Put(_) => self.acknowledged.written.add(mutation.size_bytes()),
                _ => self.acknowledged.removed += 1,
            }
        }
        let keys: HashSet<_> = mutations.iter().filter_map(key_of).collect();
        self.pending
            .retain(|pending| key_of(pending).is_none_or(|key| !keys.contains(key)));
        self.pending_bytes = self.pending.iter().map(Mutation::size_bytes).sum();
    }

    /// The same batch again could undo what others wrote since.
    fn refuse_in_doubt(&self) -> Result<()> {
        if !self.is_in_doubt {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Poisoned,
            "nobody knows whether an earlier batch of this load was applied; begin the load anew",
        )
        .with_outcome(Outcome::Unknown))
    }

    /// The keys that have what the last put of each would give them, and that
    /// nothing else is done to.
    async fn unchanged_keys(&self, mutations: &[Mutation]) -> Result<HashSet<OwnedKey>> {
        let mut last = HashMap::new();
        for mutation in mutations {
            match mutation {
                Mutation::Put(put) => {
                    let other = last.entry(&put.key).or_insert(Some(put));
                    *other = other.and(Some(put));
                }
                Mutation::Delete(key) => {
                    last.insert(key, None);
                }
                // No method adds these.
                Mutation::PutSequenced(_) | Mutation::DeleteRange(_) => {}
            }
        }
        let mut unchanged = HashSet::new();
        for put in last.into_values().flatten() {
            let current = self.store.get(&put.key).await?;
            if current.is_some_and(|it| *it.value() == put.value && it.expires() == put.expires) {
                unchanged.insert(put.key.clone());
            }
        }
        Ok(unchanged)
    }
}

fn entries_max(capabilities: &Capabilities) -> usize {
    match capabilities.batch {
        BatchScope::Store => capabilities.batch_operations_max,
        // One batch for each key, at once.
        BatchScope::Key | BatchScope::Partition => KEYS_AT_ONCE,
    }
}

const fn key_of(mutation: &Mutation) -> Option<&OwnedKey> {
    match mutation {
        Mutation::Put(put) => Some(&put.key),
        Mutation::Delete(key) => Some(key),
        // No method adds these.
        Mutation::PutSequenced(_) | Mutation::DeleteRange(_) => None,
    }
}

fn while_loading(capabilities: &Capabilities) -> Durability {
    Durability::Buffered.clamp(capabilities.durability_min, capabilities.durability_max)
}
