//! The second level: entries in another store, which may outlive the process.
//!
//! What is read from it is what the store holds, by the rule in `queue.rs`. It
//! never makes a read fail nor wait for longer than its limit, and no commit waits for
//! it at all: where it fails, an epoch of its rows ends, and nobody reads them again.

mod place;
mod queue;
mod row;
mod stats;
mod watch;
mod witness;
mod writer;

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::Ordering},
    time::{Duration, Instant},
};

use bytes::Bytes;
use storage_core::{
    Clock, Components, Error, ErrorKind, KeyRange, OwnedKey, Random, Read, ReadOptions,
    ReadSupport, Result, SequenceScope, SharedStore, Space, Store, StoreHeader, StoreId, Support,
    Timestamp, layer::Task,
};

pub use self::stats::SecondLevelStats;
use self::{
    place::{Mark, Place},
    queue::Queue,
    stats::Counts,
    watch::Watch,
};
pub(crate) use self::{row::Row, witness::Witness};
use crate::{CacheConfig, key::CacheKey, layer::NAME, wide::Scope};

/// After a read that failed or took too long, none is tried for so long.
const REST: Duration = Duration::from_secs(1);

/// What nobody waits for who reads or commits may take so many times as long.
const WRITE_LIMITS: u32 = 50;

/// A store that keeps entries behind the memory of a cache: fjall on a local disk,
/// Redis nearby.
///
/// Several caches may use one: each keeps rows of its own. The layer does not close it:
/// close it after the stores whose caches use it.
///
/// It must not forget a write that it has answered and come back with what was there
/// before, while the process of the cache lives: a server that may be restarted on its own keeps
/// nothing, or syncs each write (`appendfsync always`).
#[derive(Clone, Debug)]
pub struct SecondLevel {
    store: SharedStore,
    capacity_bytes: u64,
    time_limit: Duration,
}

impl SecondLevel {
    /// A second level in `store`, of about so many bytes of keys and values: once it has
    /// been given more, it begins anew and removes them all.
    ///
    /// It must be a store that sees its own writes at once; where the cache has a
    /// [time to live](CacheConfig::time_to_live), one with entries that expire. Opening
    /// the stack fails with `Invalid` if it is not.
    #[must_use]
    pub const fn new(store: SharedStore, capacity_bytes: u64) -> Self {
        Self {
            store,
            capacity_bytes,
            time_limit: Duration::from_millis(100),
        }
    }

    /// How long a read may wait for it, and no longer than twice as long, before it asks
    /// the store. Default: 100 ms. Other reads leave it alone for a second then. Writes,
    /// which go on in the background, and opening and closing may wait 50 times as long.
    #[must_use]
    pub const fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = limit;
        self
    }

    /// Opens it for the cache over `inner`, which nobody writes to yet.
    ///
    /// # Errors
    /// As [`new`](Self::new) says; `Unavailable` if the system gives no thread; as reading
    /// the header of `inner`.
    pub(crate) async fn open<S: Store>(
        self,
        config: &CacheConfig,
        inner: &S,
        components: &Components,
    ) -> Result<Second> {
        let capabilities = self.store.capabilities();
        if capabilities.reads == ReadSupport::Eventual {
            return Err(invalid(
                "reads of the second level may lag behind; use a store whose reads see its writes",
            ));
        }
        let is_exclusive = config.time_to_live.is_none();
        if !is_exclusive && capabilities.expiry == Support::Unsupported {
            return Err(invalid(
                "a second level for `time_to_live` takes a store with entries that expire",
            ));
        }
        let header = StoreHeader::read(inner).await?;
        let may_outlive = is_exclusive
            && header.is_some()
            && inner.capabilities().sequence == SequenceScope::Store;
        let witness = if may_outlive {
            Witness::of(inner).await?
        } else {
            None
        };
        let id = match &header {
            Some(header) => header.id,
            None => StoreId::generate(&*components.random)?,
        };
        let core = Arc::new(Core {
            place: Place::of(id),
            may_outlive,
            is_exclusive,
            time_to_live: config.time_to_live,
            capacity_bytes: self.capacity_bytes,
            time_limit: self.time_limit,
            queue: Mutex::default(),
            watch: Watch::start(self.time_limit.clamp(TICK_MIN, TICK_MAX))?,
            random: Arc::clone(&components.random),
            counts: Counts::default(),
            fresh: capabilities.reads.fresh(),
            store: self.store,
        });
        if core.begin_first(witness).await.is_err() {
            core.counts.failures.fetch_add(1, Ordering::Relaxed);
        }
        let writing = Arc::clone(&core).write();
        Ok(Second {
            core,
            writer: Task::spawn(&components.executor, writing),
        })
    }
}

/// How often it is looked whether an answer comes too late.
const TICK_MIN: Duration = Duration::from_millis(1);
const TICK_MAX: Duration = Duration::from_millis(100);

fn invalid(message: &'static str) -> Error {
    Error::new(ErrorKind::Invalid, message).with_layer(NAME)
}

/// The second level of a cache. Dropped without having been closed, it is not read again.
pub(crate) struct Second {
    core: Arc<Core>,
    writer: Task,
}

struct Core {
    store: SharedStore,
    /// How it is read: what it may lag behind with would be out of date.
    fresh: ReadOptions,
    place: Place,
    /// Whether the next cache of the store may go on with the rows.
    may_outlive: bool,
    is_exclusive: bool,
    time_to_live: Option<Duration>,
    capacity_bytes: u64,
    time_limit: Duration,
    queue: Mutex<Queue>,
    watch: Watch,
    random: Arc<dyn Random>,
    counts: Counts,
}

impl Second {
    /// The rows of these keys, each `None` if there is none that may be served.
    pub(crate) async fn read(&self, keys: &[CacheKey], clock: &Clock) -> Vec<Option<Row>> {
        let core = &*self.core;
        let mut rows = vec![None; keys.len()];
        let asked: Vec<(usize, OwnedKey)> = {
            let queue = core.lock();
            let of = |(index, key): (usize, &CacheKey)| {
                let epoch = queue.readable(key).filter(|_| core.takes(key))?;
                Some((index, core.place.row(epoch, key.as_key())))
            };
            keys.iter().enumerate().filter_map(of).collect()
        };
        if asked.is_empty() {
            return rows;
        }
        let places: Vec<_> = asked.iter().map(|(_, place)| place.clone()).collect();
        let found = match &*places {
            [place] => core
                .within_read(core.store.get_with(place.as_key(), &core.fresh))
                .await
                .map(|found| vec![found]),
            places => {
                let read = core.store.get_many_with(places, &core.fresh);
                core.within_read(read).await
            }
        };
        let Ok(found) = found else {
            core.counts.failures.fetch_add(1, Ordering::Relaxed);
            core.lock().rests_until = Some(Instant::now() + REST);
            return rows;
        };
        let now = clock.now();
        for ((index, _), stored) in asked.into_iter().zip(found) {
            let row =
                stored.and_then(|stored| core.row_of(keys.get(index)?, stored.into_value(), now));
            core.counts.count_read(row.is_some());
            if let Some(place) = rows.get_mut(index) {
                *place = row;
            }
        }
        rows
    }

    /// What to keep of an entry, if it may be kept at all.
    pub(crate) fn to_keep(&self, key: &CacheKey, row: &Row) -> Option<Filling> {
        let core = &*self.core;
        let encoded = row.encode(key);
        if !core.takes(key) || encoded.len() > core.store.capabilities().value_bytes_max {
            core.counts.oversized.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        let too_old = core.time_to_live.map(|time| row.as_of.after(time));
        let expires = [row.entry.expires(), too_old].into_iter().flatten().min();
        Some(Filling { encoded, expires })
    }

    /// Keeps what the store holds under a key, under the lock of the key's stripe.
    pub(crate) fn fill(&self, key: &CacheKey, filling: Filling) {
        let Filling { encoded, expires } = filling;
        let core = &*self.core;
        let is_kept = core.change(|queue| queue.fill(key.clone(), encoded, expires));
        core.counts.count_fill(is_kept);
    }

    /// A commit may change the key, or it is out of date: its row is not read again.
    pub(crate) fn outdate(&self, key: &CacheKey) {
        if self.core.takes(key) && !self.core.change(|queue| queue.outdate(key)) {
            self.core.counts.overflows.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The same for all keys of a scope.
    pub(crate) fn outdate_all(&self, scope: &Scope) {
        let range = match scope {
            Scope::Range(range) => Some(range.clone()),
            Scope::Sequenced { prefix, .. } => Some(KeyRange::prefix(prefix.bytes().clone())),
            Scope::Everything => None,
        };
        let range = range.filter(|range| range.space() == Space::User);
        let can = self.core.store.capabilities().range_deletes == Support::Supported;
        match range {
            Some(range) if can => {
                if !self.core.change(|queue| queue.outdate_range(range)) {
                    self.core.counts.overflows.fetch_add(1, Ordering::Relaxed);
                }
            }
            _ => self.core.abandon(),
        }
    }

    /// Forgets everything.
    pub(crate) fn abandon(&self) {
        self.core.abandon();
    }

    pub(crate) fn stats(&self) -> SecondLevelStats {
        let core = &*self.core;
        let queue = core.lock();
        let (bytes, is_read) = (queue.bytes, queue.epoch().is_some());
        drop(queue);
        core.counts.stats(bytes, core.capacity_bytes, is_read)
    }

    /// Closes the store below, and lets the next cache go on with the rows if they are what
    /// it holds then.
    ///
    /// # Errors
    /// As for the store below.
    pub(crate) async fn close<S: Store>(&self, inner: &S) -> Result<()> {
        let core = &*self.core;
        let witness = if core.may_outlive {
            let renewed = Witness::renewed(inner, &*core.random).await;
            renewed.ok().flatten()
        } else {
            None
        };
        // A commit behind this may be missing among the removals: it shows in the end.
        let sequence = inner.sequence();
        let drained = core.change(Queue::close);
        let is_drained = core
            .within_write(async { Ok(drained.await.is_ok()) })
            .await
            .unwrap_or(false);
        let closed = inner.close().await;
        self.writer.cancel();
        let (epoch, bytes) = {
            let mut queue = core.lock();
            queue.end();
            (queue.epoch(), queue.bytes)
        };
        if let (Some(witness), Some(epoch)) = (witness, epoch)
            && is_drained
            && closed.is_ok()
            && inner.sequence() == sequence
        {
            let mark = Mark::Closed {
                epoch,
                witness,
                bytes,
            };
            if core.put_mark(mark).await.is_err() {
                core.counts.failures.fetch_add(1, Ordering::Relaxed);
            }
        }
        closed
    }
}

/// A row to be written.
pub(crate) struct Filling {
    encoded: Bytes,
    expires: Option<Timestamp>,
}

impl Core {
    /// Whether the row of a key fits into the store: else there is never one.
    fn takes(&self, key: &CacheKey) -> bool {
        let bytes = self.place.extra_bytes() + key.as_key().bytes().len();
        bytes <= self.store.capabilities().key_bytes_max_in(Space::User)
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<T>(&self, change: impl FnOnce(&mut Queue) -> T) -> T {
        let mut queue = self.lock();
        let result = change(&mut queue);
        let writer = queue.take_writer();
        drop(queue);
        if let Some(writer) = writer {
            writer.wake();
        }
        result
    }

    fn abandon(&self) {
        self.change(Queue::abandon);
    }

    /// What a row says of its key, if it may still be served.
    fn row_of(&self, key: &CacheKey, stored: Bytes, now: Timestamp) -> Option<Row> {
        let Ok(row) = Row::decode(key, stored) else {
            self.counts.failures.fetch_add(1, Ordering::Relaxed);
            return None;
        };
        let is_young = self
            .time_to_live
            .is_none_or(|time| row.as_of <= now && now < row.as_of.after(time));
        (is_young && row.entry.is_live_at(now)).then_some(row)
    }

    async fn within_read<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        self.within(self.time_limit, work).await
    }

    async fn within_write<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        self.within(self.time_limit.saturating_mul(WRITE_LIMITS), work)
            .await
    }

    async fn within<T>(&self, limit: Duration, work: impl Future<Output = Result<T>>) -> Result<T> {
        self.watch.within(limit, work).await.unwrap_or_else(|| {
            let error = Error::new(ErrorKind::TimedOut, "the second level is too slow");
            Err(error.with_layer(NAME))
        })
    }
}

impl fmt::Debug for Second {
    /// Tells nothing of keys and values.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Second")
            .field("store", &self.core.store)
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}
