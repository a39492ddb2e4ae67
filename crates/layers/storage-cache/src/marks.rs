//! The keys that a commit may change, from before the store below sees it until
//! its outcome is known.

use std::sync::{Arc, atomic::Ordering};

use storage_core::{
    Committed, ErrorKind, Guard, Mutation, Outcome, OwnedKey, Result, Sequence, SequencedPut,
    Space, WriteBatch,
};

use crate::{
    Cache, Writes,
    cache::is_cacheable,
    key::{CacheKey, Lookup},
    wide::Scope,
};

/// So many keys may be of unknown outcome before all reads go around the cache.
const UNCERTAIN_MAX: u64 = 1 << 16;

/// What a commit that has begun may change. What is dropped without having been
/// [settled](Self::settle) stays marked for as long as the store is open.
#[derive(Debug)]
pub(crate) struct Marks {
    cache: Arc<Cache>,
    keys: Vec<CacheKey>,
    wide: Vec<(u64, Scope)>,
    /// What a conflict shows to be out of date.
    guarded: Vec<OwnedKey>,
}

impl Marks {
    /// Marks what `batch` may change, and forgets it.
    pub(crate) fn begin(cache: &Arc<Cache>, batch: &WriteBatch) -> Self {
        cache.commit_moves.fetch_add(1, Ordering::SeqCst);
        let mut marks = Self {
            cache: Arc::clone(cache),
            keys: Vec::with_capacity(batch.mutations().len()),
            wide: Vec::new(),
            guarded: batch.guards().iter().map(Guard::key).cloned().collect(),
        };
        for mutation in batch.mutations() {
            if !is_cacheable(space_of(mutation)) {
                continue;
            }
            match mutation {
                Mutation::Put(put) => marks.mark(&put.key),
                Mutation::Delete(key) => marks.mark(key),
                Mutation::DeleteRange(range) => {
                    marks.mark_wide(Scope::Range(range.clone()));
                }
                Mutation::PutSequenced(put) => {
                    // Which key it is, the answer will tell; until then no read of one that
                    // it could be is served.
                    let scope = Scope::of_put(put);
                    let id = cache.wide.mark(scope.clone());
                    marks.wide.push((id, scope));
                }
            }
        }
        marks
    }

    /// Takes note of how the commit has ended.
    pub(crate) fn settle(self, answer: &Result<Committed>) {
        self.cache.commit_moves.fetch_add(1, Ordering::SeqCst);
        let outcome = match answer {
            Ok(committed) => {
                self.forget_sequenced(committed.sequence);
                return self.release();
            }
            Err(error) => error.outcome(),
        };
        if answer
            .as_ref()
            .is_err_and(|error| error.kind() == ErrorKind::Conflict)
        {
            for key in &self.guarded {
                self.cache.forget(Lookup::of(key.as_key()));
            }
        }
        match outcome {
            Some(Outcome::NotApplied) => self.release(),
            Some(Outcome::Unknown) | None => self.keep(),
        }
    }

    fn mark(&mut self, key: &OwnedKey) {
        let key = CacheKey::of(key.as_key());
        let mut stripe = self.cache.stripes.lock(Lookup::of(key.as_key()));
        stripe.mark(&key);
        self.cache.remove(&key);
        if self.cache.config.writes == Writes::ReadBack {
            self.cache.level.expect(stripe.hash());
        }
        drop(stripe);
        self.keys.push(key);
    }

    fn mark_wide(&mut self, scope: Scope) {
        let id = self.cache.wide.mark(scope.clone());
        self.cache.forget_all(&scope);
        self.wide.push((id, scope));
    }

    /// Forgets the keys that sequenced puts have turned out to write.
    fn forget_sequenced(&self, sequence: Option<Sequence>) {
        for (_, scope) in &self.wide {
            if let Scope::Sequenced { prefix, suffix } = scope {
                match sequence {
                    Some(sequence) => {
                        let put = SequencedPut::new(prefix.clone(), suffix.clone(), "");
                        let key = put.at(sequence).key;
                        self.cache.forget(Lookup::of(key.as_key()));
                    }
                    None => self.cache.forget_all(scope),
                }
            }
        }
    }

    /// The keys are what the next read says.
    fn release(self) {
        for key in &self.keys {
            self.cache.stripes.release(key, None);
        }
        for (id, _) in &self.wide {
            self.cache.wide.release(*id);
        }
    }

    /// The keys may change at any time, for a while.
    fn keep(self) {
        let Self { cache, .. } = &self;
        let now = cache.clock.now();
        let until = now.after(cache.config.unknown_for);
        for (id, scope) in &self.wide {
            cache.forget_all(scope);
            cache.wide.keep_until(*id, until, now);
        }
        if cache.stripes.uncertain() >= UNCERTAIN_MAX {
            cache.stripes.sweep(now);
        }
        let is_full = cache.stripes.uncertain() >= UNCERTAIN_MAX;
        if is_full && !self.keys.is_empty() {
            cache.wide.keep_everything_until(until, now);
        }
        for key in &self.keys {
            cache.stripes.release(key, (!is_full).then_some(until));
        }
    }
}

const fn space_of(mutation: &Mutation) -> Space {
    match mutation {
        Mutation::Put(put) => put.key.space(),
        Mutation::PutSequenced(put) => put.prefix.space(),
        Mutation::Delete(key) => key.space(),
        Mutation::DeleteRange(range) => range.space(),
    }
}

impl Cache {
    /// Forgets a key, and what a read under way will say of it.
    fn forget(&self, key: Lookup<'_>) {
        let mut stripe = self.stripes.lock(key);
        stripe.outdate(key);
        self.remove(&CacheKey::of(key.as_key()));
    }

    /// Removes a key from both levels, under the lock of its stripe.
    fn remove(&self, key: &CacheKey) {
        self.level.remove(Lookup::of(key.as_key()));
        if let Some(second) = &self.second {
            second.outdate(key);
        }
    }

    /// Forgets every key of a scope. Linear in the number of cached keys.
    fn forget_all(&self, scope: &Scope) {
        let is_concerned = |key: &CacheKey| scope.covers(key.as_key());
        for mut stripe in self.stripes.lock_each() {
            stripe.outdate_all(is_concerned);
        }
        self.level.retain(|key| !is_concerned(key));
        if let Some(second) = &self.second {
            second.outdate_all(scope);
        }
    }
}
