//! Reading ahead: where misses walk through keys in order, a page takes the place
//! of a read.

use std::{ops::Bound, sync::atomic::Ordering};

use bytes::Bytes;
use storage_core::{
    Entry, Key, KeyRange, ReadOptions, ScanOptions, ScanOrder, Space, Store, Timestamp,
};

use crate::{
    Cache,
    counters::Event,
    key::{CacheKey, Lookup},
    leading::Leading,
    store::Shared,
    stripes::Answer,
};

/// A page that is read ahead holds no more bytes than this, unless its first entry
/// does.
const BYTES_MAX: usize = 64 << 10;

impl<S: Store> Shared<S> {
    /// Whether to read ahead from here.
    pub(crate) fn is_worth_a_page(&self, key: &CacheKey) -> bool {
        self.cache.config.read_ahead_entries > 1
            && self.cache.is_walk(key)
            && self.inner.capabilities().scan_order == ScanOrder::Ordered
    }

    /// Reads a page that begins with the key, keeps what lies behind it, and returns
    /// what the page says of the key; `None` if it says nothing.
    pub(crate) async fn read_ahead(
        &self,
        leading: &Leading<'_>,
        options: &ReadOptions,
    ) -> Option<Answer> {
        let cache = &*self.cache;
        let key = leading.key.as_key();
        let start = Bound::Included(Bytes::copy_from_slice(key.bytes()));
        let mut page_options = ScanOptions::new()
            .entries_max(cache.config.read_ahead_entries)
            .bytes_max(BYTES_MAX);
        page_options.consistency = options.consistency;
        let moves = cache.commit_moves.load(Ordering::SeqCst);
        let range = KeyRange::from_bounds(Space::User, start, Bound::Unbounded);
        // Whatever is wrong with the page may have nothing to do with the key.
        let page = self.inner.scan_with(&range, &page_options).await.ok()?;
        let found = match page.items.first() {
            Some(first) => (first.key == key.bytes()).then(|| first.entry.clone()),
            None if page.next.is_none() => None,
            // All it looked at had expired.
            None => return None,
        };
        for item in page.items.iter().skip(usize::from(found.is_some())) {
            let key = Key::user(&item.key);
            cache.keep_ahead(key, &item.entry, leading.as_of, moves);
        }
        Some(Ok(found))
    }
}

impl Cache {
    /// Keeps an entry that nobody has asked for, if no commit has begun or ended since
    /// `moves` were counted.
    fn keep_ahead(&self, key: Key<'_>, entry: &Entry, as_of: Timestamp, moves: u64) {
        let owned = CacheKey::of(key);
        let Some(kept) = self.to_keep(&owned, Some(entry), as_of) else {
            return;
        };
        let stripe = self.stripes.lock(Lookup::of(key));
        if self.level.contains(Lookup::of(key)) {
            return;
        }
        if stripe.is_idle(Lookup::of(key))
            && !self.wide.covers(Lookup::of(key), || self.clock.now())
            && self.commit_moves.load(Ordering::SeqCst) == moves
        {
            self.level.insert(owned, kept);
            drop(stripe);
            self.counters.raise(Event::Fill);
            self.counters.raise(Event::ReadAhead);
        } else {
            drop(stripe);
            self.counters.raise(Event::DroppedFill);
        }
    }
}
