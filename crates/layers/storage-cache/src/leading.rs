//! Reads that ask for what the cache does not know.

use storage_core::Timestamp;

use crate::{Cache, counters::Event, key::CacheKey, second::Row, stripes::Answer};

/// Where a read has found its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Second,
    Below,
}

/// A read that others may join. Dropped before it has landed, it lets those who
/// joined look again.
pub(crate) struct Leading<'a> {
    cache: &'a Cache,
    pub(crate) key: CacheKey,
    /// Of the key, as stripes have it.
    hash: u64,
    id: u64,
    pub(crate) as_of: Timestamp,
    has_landed: bool,
}

impl<'a> Leading<'a> {
    pub(crate) const fn new(
        cache: &'a Cache,
        key: CacheKey,
        hash: u64,
        id: u64,
        as_of: Timestamp,
    ) -> Self {
        Self {
            cache,
            key,
            hash,
            id,
            as_of,
            has_landed: false,
        }
    }

    /// Keeps what was found, unless a commit has begun meanwhile, and tells those who
    /// joined.
    pub(crate) fn land(mut self, answer: &Answer, source: Source) {
        let Self {
            cache, key, as_of, ..
        } = &self;
        let found = answer.as_ref().ok();
        let admitted = found.filter(|_| cache.admits(self.hash));
        let kept = admitted.and_then(|entry| cache.to_keep(key, entry.as_ref(), *as_of));
        let second = cache.second.as_ref().filter(|_| source == Source::Below);
        let filling = second.zip(found.and_then(Option::as_ref));
        let filling = filling.and_then(|(second, entry)| {
            let (entry, as_of) = (entry.clone(), *as_of);
            Some((second, second.to_keep(key, &Row { entry, as_of })?))
        });
        let mut stripe = cache.stripes.lock_hash(self.hash);
        let landed = stripe.land(key, self.id);
        if let Some((second, filling)) = filling
            && landed.is_current
        {
            second.fill(key, filling);
        }
        if let Some(kept) = kept {
            // A commit of many keys outdates the reads of all of them when it begins, or
            // those of the one that it has turned out to write when it ends.
            if landed.is_current {
                cache.level.insert(key.clone(), kept);
                cache.counters.raise(Event::Fill);
            } else {
                cache.counters.raise(Event::DroppedFill);
            }
        }
        drop(stripe);
        self.has_landed = true;
        for waiting in landed.waiting {
            let answer = match answer {
                Ok(entry) => Ok(entry.clone()),
                Err(error) => Err(error.duplicate()),
            };
            // Whoever waited may have left.
            let _ = waiting.send(answer);
        }
    }
}

impl Drop for Leading<'_> {
    fn drop(&mut self) {
        if !self.has_landed {
            let mut stripe = self.cache.stripes.lock_hash(self.hash);
            let landed = stripe.land(&self.key, self.id);
            drop(stripe);
            // Their senders are dropped: they look again.
            drop(landed);
        }
    }
}
