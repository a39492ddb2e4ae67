//! The cache itself: what it holds, and the rules by which reads fill it.

use std::{
    fmt,
    sync::{
        Mutex, TryLockError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_channel::oneshot;
use storage_core::{Capabilities, Clock, Consistency, Entry, Key, ReadSupport, Space, Timestamp};

use crate::{
    Absence, CacheConfig, CacheStats, LevelStats,
    cached::Cached,
    counters::{Counters, Event},
    key::{CacheKey, Lookup},
    leading::Leading,
    level::Level,
    second::Second,
    stripes::{Answer, Start, Stripes},
    walk::Walk,
    wide::Wide,
};

/// The controls of a cache: figures, and settings that change at run time.
///
/// ```
/// use storage_cache::{Cache, CacheConfig, CacheLayer};
/// use storage_core::{ReadExt, Stack, StoreExt, memory::MemoryConfig};
///
/// # fn main() -> storage_core::Result<()> {
/// # storage_core::blocking::block_on(async {
/// let store = Stack::on(MemoryConfig::new().open())
///     .with(CacheLayer::new(CacheConfig::exclusive(1 << 20)))
///     .open()
///     .await?;
/// store.put("planet/3", "Earth").await?;
/// store.get("planet/3").await?;
/// store.get("planet/3").await?;
///
/// let cache: &Cache = store.find().expect("the stack has a cache");
/// assert_eq!(cache.stats().memory.hits, 1);
/// cache.resize(1 << 16);
/// cache.clear();
/// assert_eq!(cache.stats().memory.entries, 0);
/// # Ok(())
/// # })
/// # }
/// ```
pub struct Cache {
    pub(crate) config: CacheConfig,
    pub(crate) level: Level,
    pub(crate) second: Option<Second>,
    pub(crate) stripes: Stripes,
    pub(crate) wide: Wide,
    pub(crate) counters: Counters,
    /// Grows as commits begin and as they end: what is read ahead is kept only if
    /// none has meanwhile.
    pub(crate) commit_moves: AtomicU64,
    pub(crate) walk: Mutex<Walk>,
    pub(crate) clock: Clock,
    reads: ReadSupport,
    /// Once the store is closed, the store below answers everything.
    pub(crate) is_closed: AtomicBool,
}

/// What a read may get from the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Demand {
    /// Nothing.
    Around,
    /// Entries that were read so recently, if that matters. What the store below
    /// answers instead may be too old for others.
    Hit { age_max: Option<Duration> },
    /// The same; and what the store below answers may be kept.
    HitOrFill { age_max: Option<Duration> },
}

/// What the cache says of a key.
pub(crate) enum Look {
    Hit(Option<Entry>),
    /// Ask the store below, and keep the answer.
    Miss,
    /// Ask the store below.
    Around,
}

/// What a read does that found nothing.
pub(crate) enum Turn<'a> {
    /// Another read has filled the cache meanwhile.
    Hit(Option<Entry>),
    /// Wait for another read's answer. Without one, look again.
    Join(oneshot::Receiver<Answer>),
    /// Ask the store below.
    Around,
    /// Ask the store below, and say what it answered.
    Lead(Leading<'a>),
}

impl Cache {
    pub(crate) fn new(
        config: CacheConfig,
        second: Option<Second>,
        capabilities: &Capabilities,
        clock: &Clock,
    ) -> Self {
        Self {
            level: Level::new(&config),
            second,
            config,
            stripes: Stripes::new(),
            wide: Wide::default(),
            counters: Counters::new(),
            commit_moves: AtomicU64::new(0),
            walk: Mutex::default(),
            clock: clock.clone(),
            reads: capabilities.reads,
            is_closed: AtomicBool::new(false),
        }
    }

    /// What the cache has done so far, and what it holds.
    #[must_use]
    pub fn stats(&self) -> CacheStats {
        let Self {
            counters, level, ..
        } = self;
        CacheStats {
            memory: LevelStats {
                hits: counters.total(Event::Hit),
                negative_hits: counters.total(Event::NegativeHit),
                misses: counters.total(Event::Miss),
                fills: counters.total(Event::Fill),
                dropped_fills: counters.total(Event::DroppedFill),
                turned_away: counters.total(Event::TurnedAway),
                read_ahead: counters.total(Event::ReadAhead),
                evictions: level.evictions(),
                oversized: counters.total(Event::Oversized),
                bytes: level.bytes(),
                capacity_bytes: level.capacity_bytes(),
                entries: level.entries(),
            },
            second: self.second.as_ref().map(Second::stats).unwrap_or_default(),
            joined: counters.total(Event::Joined),
            bypassed: counters.total(Event::Bypassed),
            uncertain_keys: self.stripes.uncertain(),
            warmed: counters.total(Event::Warmed),
            hot_set_failures: counters.total(Event::HotSetFailed),
        }
    }

    /// Sets the memory that cached keys and entries may take, in bytes, and gives up
    /// what no longer has room.
    ///
    /// The number of shards stays, so a cache that was opened much smaller evicts less
    /// well than one that was opened at this size.
    pub fn resize(&self, capacity_bytes: u64) {
        self.level.resize(capacity_bytes);
    }

    /// Forgets everything, on both levels. Reads that are under way may fill the cache
    /// again at once.
    pub fn clear(&self) {
        self.level.clear();
        if let Some(second) = &self.second {
            second.abandon();
        }
    }

    /// From now on the store below answers everything. Returns what to keep in mind for
    /// the next cache.
    pub(crate) fn close(&self) -> Vec<CacheKey> {
        self.is_closed.store(true, Ordering::SeqCst);
        let hottest = self.hottest();
        self.level.clear();
        hottest
    }

    /// What a read with this consistency may get.
    #[inline]
    pub(crate) fn demand(&self, consistency: Option<Consistency>) -> Demand {
        let age_max = self.config.time_to_live;
        match (consistency, age_max) {
            (None, _) => Demand::HitOrFill { age_max },
            (Some(Consistency::Linearizable), None) if self.reads == ReadSupport::Linearizable => {
                Demand::HitOrFill { age_max }
            }
            (Some(Consistency::Linearizable), _) => Demand::Around,
            (Some(Consistency::Stale { .. }), None) => Demand::Hit { age_max },
            (Some(Consistency::Stale { at_most }), Some(age)) => Demand::Hit {
                age_max: Some(age.min(at_most)),
            },
        }
    }

    /// Looks a key up.
    #[expect(
        clippy::inline_always,
        reason = "else the answer is copied in memory on its way, half of the time of a hit"
    )]
    #[inline(always)]
    pub(crate) fn look(&self, key: Key<'_>, demand: Demand) -> Look {
        if !is_cacheable(key.space()) || self.is_closed.load(Ordering::Acquire) {
            return Look::Around;
        }
        let (Demand::Hit { age_max } | Demand::HitOrFill { age_max }) = demand else {
            self.counters.raise(Event::Bypassed);
            return Look::Around;
        };
        let lookup = Lookup::of(key);
        if self.wide.covers(lookup, || self.clock.now()) {
            self.counters.raise(Event::Bypassed);
            return Look::Around;
        }
        // Not taken apart before it is returned: each place that it is moved to is one more copy.
        let found = self.level.get(lookup);
        if let Some(cached) = &found {
            if self.is_served(cached, age_max) {
                self.counters.raise(if cached.is_absent() {
                    Event::NegativeHit
                } else {
                    Event::Hit
                });
                return Look::Hit(found.and_then(Cached::into_entry));
            }
            self.let_go(lookup, demand);
        }
        self.counters.raise(Event::Miss);
        match demand {
            Demand::HitOrFill { .. } => Look::Miss,
            _ => Look::Around,
        }
    }

    /// Whether what the store below says of a key may be kept.
    pub(crate) fn may_fill(&self, key: Key<'_>, demand: Demand) -> bool {
        is_cacheable(key.space())
            && !self.is_closed.load(Ordering::Acquire)
            && matches!(demand, Demand::HitOrFill { .. })
            && !self.wide.covers(Lookup::of(key), || self.clock.now())
    }

    /// Makes room for what is read in place of an entry that is out of date for all.
    #[cold]
    fn let_go(&self, lookup: Lookup<'_>, demand: Demand) {
        if let Demand::HitOrFill { .. } = demand {
            self.level.remove(lookup);
        }
    }

    /// Whether what the level in memory says is neither too old nor expired.
    #[inline]
    fn is_served(&self, cached: &Cached, age_max: Option<Duration>) -> bool {
        let expires = cached.expires();
        (age_max.is_none() && expires.is_none())
            || self.is_still_served(cached.as_of(), age_max, expires)
    }

    /// Takes no [`Cached`]: what lies in memory for others is copied there first.
    fn is_still_served(
        &self,
        as_of: Timestamp,
        age_max: Option<Duration>,
        expires: Option<Timestamp>,
    ) -> bool {
        let now = self.clock.now();
        // A clock that was set back says nothing about the age.
        let is_young = |age_max| as_of <= now && now < as_of.after(age_max);
        age_max.is_none_or(is_young) && expires.is_none_or(|expires| now < expires)
    }

    /// Begins the read of a key that was not found.
    pub(crate) fn begin_read(&self, key: Key<'_>) -> Turn<'_> {
        let as_of = self.as_of();
        let mut stripe = self.stripes.lock(Lookup::of(key));
        if self.wide.covers(Lookup::of(key), || self.clock.now()) {
            self.counters.raise(Event::Bypassed);
            return Turn::Around;
        }
        match stripe.start(Lookup::of(key), || self.clock.now()) {
            Start::Around => {
                self.counters.raise(Event::Bypassed);
                Turn::Around
            }
            Start::Join(receiver) => {
                self.counters.raise(Event::Joined);
                Turn::Join(receiver)
            }
            Start::Free => {
                if stripe.has_just_landed()
                    && let Some(cached) = self.level.get(Lookup::of(key))
                    && self.is_served(&cached, self.config.time_to_live)
                {
                    self.counters.raise(Event::Joined);
                    return Turn::Hit(cached.into_entry());
                }
                let key = CacheKey::of(key);
                let id = stripe.take_off(&key);
                Turn::Lead(Leading::new(self, key, stripe.hash(), id, as_of))
            }
        }
    }

    /// The instant that a read which begins now will be as old as, where that matters.
    pub(crate) fn as_of(&self) -> Timestamp {
        match self.config.time_to_live {
            Some(_) => self.clock.now(),
            None => Timestamp::from_unix_milliseconds(0),
        }
    }

    /// An answer that another read has found, at this instant.
    pub(crate) fn still_there(&self, entry: Option<Entry>) -> Option<Entry> {
        entry.filter(|entry| entry.expires().is_none() || entry.is_live_at(self.clock.now()))
    }

    /// Whether there is room for an answer of a key of this hash, or it is worth another's.
    pub(crate) fn admits(&self, hash: u64) -> bool {
        let is_admitted = self.level.admits(hash);
        if !is_admitted {
            self.counters.raise(Event::TurnedAway);
        }
        is_admitted
    }

    /// What to keep of an answer, if it may be kept at all.
    pub(crate) fn to_keep(
        &self,
        key: &CacheKey,
        entry: Option<&Entry>,
        as_of: Timestamp,
    ) -> Option<Cached> {
        if entry.is_none() && self.config.absence == Absence::NotKept {
            return None;
        }
        let cached = Cached::found(entry, as_of);
        if self.level.fits(cached.weight(key)) {
            return Some(cached);
        }
        self.counters.raise(Event::Oversized);
        None
    }

    /// Takes note of a miss, and says whether misses walk through keys in order.
    pub(crate) fn is_walk(&self, key: &CacheKey) -> bool {
        match self.walk.try_lock() {
            Ok(mut walk) => walk.step(key),
            Err(TryLockError::Poisoned(walk)) => walk.into_inner().step(key),
            // Several walk at once: whoever comes second waits for nothing.
            Err(TryLockError::WouldBlock) => false,
        }
    }
}

/// Layers below the cache write their own keys without its knowledge, and core does.
#[inline]
pub(crate) const fn is_cacheable(space: Space) -> bool {
    matches!(space, Space::User)
}

impl fmt::Debug for Cache {
    /// Tells nothing of keys and values.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache")
            .field("config", &self.config)
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}
