//! What a cache may use and how it behaves.

use std::{
    num::{NonZeroU64, NonZeroUsize},
    thread,
    time::Duration,
};

use serde::{Deserialize, Serialize};
use storage_core::{Capabilities, Error, ErrorKind, ReadSupport, Result};

use crate::layer::NAME;

/// More would take more memory than they save waiting.
const SHARDS_MAX: usize = 4_096;

/// The settings of a [`CacheLayer`](crate::CacheLayer).
///
/// There are two ways to begin, and no default between them, since the wrong one
/// shows old values: [`exclusive`](Self::exclusive), where all writes to the
/// store pass this cache, and [`shared`](Self::shared), where others write too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct CacheConfig {
    /// The memory that cached keys and entries may take, in bytes: their own bytes,
    /// and 192 for each. An entry too large for its share of it (the capacity
    /// divided by the shards) is not cached. Zero caches nothing.
    pub capacity_bytes: u64,
    /// How long an entry may be served after it was read. `None` promises that
    /// nobody else writes to the store: then entries stay until they are evicted,
    /// overwritten or expire, and a hit is as good as a linearizable read.
    #[serde(default)]
    pub time_to_live: Option<Duration>,
    /// What goes first when room runs out. Default: [`Policy::Adaptive`].
    #[serde(default)]
    pub policy: Policy,
    /// What a commit does with the keys it wrote. Default: [`Writes::Forget`].
    #[serde(default)]
    pub writes: Writes,
    /// Whether the cache knows of absent keys. Default: [`Absence::Kept`].
    #[serde(default)]
    pub absence: Absence,
    /// How many entries are read at once when reads walk through keys in order:
    /// after three misses that each come shortly after the last, the next is read
    /// together with those behind it. Default: 32. Zero reads nothing ahead. More
    /// saves more round trips and wastes more where the walk ends.
    #[serde(default = "defaults::read_ahead_entries")]
    pub read_ahead_entries: usize,
    /// How long keys stay out of the cache that a commit of unknown outcome may
    /// yet change. Default: 15 minutes. Longer than the store could still apply a
    /// commit after it has answered `Unknown`; less gives up fewer hits.
    #[serde(default = "defaults::unknown_for")]
    pub unknown_for: Duration,
    /// How many keys are kept in the store when it is closed, those that would be evicted
    /// last, to be read again in the background when it is next opened. Default:
    /// zero, which keeps none. They take one value under a system key, of at most
    /// 1 MiB.
    #[serde(default)]
    pub hot_set_entries: usize,
    /// How many parts the cache is divided into, each with a lock and a share of the
    /// capacity of its own; rounded up to a power of two, at most 4,096. Default: four
    /// a core, and fewer where each would hold less than 32 entries. More of them wait
    /// for each other less and evict less well.
    #[serde(default)]
    pub shards: Option<NonZeroUsize>,
    /// About how much an entry takes, with its key and the 192 bytes. Default: 512. It
    /// decides how many evicted keys [`Policy::Adaptive`] remembers; an error of
    /// ten times does little harm.
    #[serde(default = "defaults::expected_entry_bytes")]
    pub expected_entry_bytes: NonZeroU64,
}

impl CacheConfig {
    /// A cache of so many bytes, over a store that nobody else writes to: an
    /// embedded engine, whose directory one process has open, and of which no
    /// other handle writes below the cache.
    #[must_use]
    pub const fn exclusive(capacity_bytes: u64) -> Self {
        Self {
            capacity_bytes,
            time_to_live: None,
            policy: Policy::Adaptive,
            writes: Writes::Forget,
            absence: Absence::Kept,
            read_ahead_entries: defaults::read_ahead_entries(),
            unknown_for: defaults::unknown_for(),
            hot_set_entries: 0,
            shards: None,
            expected_entry_bytes: defaults::expected_entry_bytes(),
        }
    }

    /// A cache of so many bytes, over a store that others write to as well. What they
    /// write is seen after `time_to_live` at the latest.
    #[must_use]
    pub const fn shared(capacity_bytes: u64, time_to_live: Duration) -> Self {
        Self {
            time_to_live: Some(time_to_live),
            ..Self::exclusive(capacity_bytes)
        }
    }

    /// The same settings with another policy.
    #[must_use]
    pub const fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// The same settings with another way to treat writes.
    #[must_use]
    pub const fn writes(mut self, writes: Writes) -> Self {
        self.writes = writes;
        self
    }

    /// The same settings with another way to treat absent keys.
    #[must_use]
    pub const fn absence(mut self, absence: Absence) -> Self {
        self.absence = absence;
        self
    }

    /// The same settings with so many entries read ahead.
    #[must_use]
    pub const fn read_ahead_entries(mut self, entries: usize) -> Self {
        self.read_ahead_entries = entries;
        self
    }

    /// The same settings with another time for keys of unknown commits.
    #[must_use]
    pub const fn unknown_for(mut self, time: Duration) -> Self {
        self.unknown_for = time;
        self
    }

    /// The same settings with so many keys kept for the next cache of the store.
    #[must_use]
    pub const fn hot_set_entries(mut self, entries: usize) -> Self {
        self.hot_set_entries = entries;
        self
    }

    /// The same settings with so many shards.
    #[must_use]
    pub const fn shards(mut self, shards: NonZeroUsize) -> Self {
        self.shards = Some(shards);
        self
    }

    /// The same settings for entries of about this size.
    #[must_use]
    pub const fn expected_entry_bytes(mut self, bytes: NonZeroU64) -> Self {
        self.expected_entry_bytes = bytes;
        self
    }

    /// What the cache leaves of the capabilities of the store below: where others
    /// write too, reads see what they wrote at once only if they demand it.
    pub(crate) fn capabilities(&self, inner: &Capabilities) -> Capabilities {
        let mut capabilities = inner.clone();
        if self.time_to_live.is_some() && inner.reads == ReadSupport::Linearizable {
            capabilities.reads = ReadSupport::OnDemand;
        }
        capabilities
    }

    /// The same settings, if they make sense.
    ///
    /// # Errors
    /// `Invalid` if there are too many shards.
    pub(crate) fn validated(self) -> Result<Self> {
        if self.shards.is_some_and(|shards| shards.get() > SHARDS_MAX) {
            return Err(Error::new(
                ErrorKind::Invalid,
                format!("`shards` is more than {SHARDS_MAX}; use fewer, or leave it out"),
            )
            .with_layer(NAME));
        }
        Ok(self)
    }

    /// The number of shards that make sense for the capacity: a power of two.
    pub(crate) fn shard_count(&self) -> usize {
        const PER_CORE: usize = 4;
        const ENTRIES_MIN: u64 = 32;
        if let Some(shards) = self.shards {
            return shards.get().next_power_of_two();
        }
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let mut shards = (PER_CORE * cores).next_power_of_two();
        let entries = self.capacity_bytes / self.expected_entry_bytes;
        while shards > 1 && entries / u64::try_from(shards).unwrap_or(1) < ENTRIES_MIN {
            shards /= 2;
        }
        shards
    }
}

/// What a cache gives up first when it runs out of room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Policy {
    /// What was not used again since it came: scans and single reads do not push
    /// out what is used often. The fastest, and the best on most mixes. Once there is no
    /// more room, what is read for the first time is not kept, but what is missed twice
    /// within about half as many misses as entries have room.
    #[default]
    Adaptive,
    /// What was not used for longest.
    Lru,
    /// What was used least often since it came; of several, what was not used for
    /// longest. What was popular once stays for long.
    Lfu,
    /// What came first, however often it was used since.
    Fifo,
    /// Anything.
    Random,
}

/// What a commit does with the keys it wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Writes {
    /// It forgets them: the next read asks the store. Costs nothing.
    #[default]
    Forget,
    /// It reads back what it put before it answers, so that the next read is a hit.
    /// Costs one `get_many` a commit: what a guard may compare, the stamp, only the
    /// store can tell.
    ReadBack,
}

/// Whether a cache keeps in mind that a key is absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Absence {
    /// It does: a second read of an absent key is a hit, if there is room.
    #[default]
    Kept,
    /// It does not: room is for entries alone.
    NotKept,
}

mod defaults {
    use std::{num::NonZeroU64, time::Duration};

    pub(super) const fn read_ahead_entries() -> usize {
        32
    }

    pub(super) const fn unknown_for() -> Duration {
        Duration::from_mins(15)
    }

    pub(super) const fn expected_entry_bytes() -> NonZeroU64 {
        NonZeroU64::MIN.saturating_add(511)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_survive_being_written_down_and_unknown_ones_are_refused() {
        let config = CacheConfig::shared(1 << 20, Duration::from_secs(5)).policy(Policy::Lfu);
        let text = serde_json::to_string(&config).unwrap();
        assert_eq!(serde_json::from_str::<CacheConfig>(&text).unwrap(), config);
        let least: CacheConfig = serde_json::from_str(r#"{"capacity_bytes": 7}"#).unwrap();
        assert_eq!(least, CacheConfig::exclusive(7));
        let unknown = r#"{"capacity_bytes": 7, "colour": "red"}"#;
        assert!(serde_json::from_str::<CacheConfig>(unknown).is_err());
    }

    #[test]
    fn more_shards_than_make_sense_are_refused() {
        let config =
            |shards| CacheConfig::exclusive(1 << 20).shards(NonZeroUsize::new(shards).unwrap());
        assert!(config(SHARDS_MAX).validated().is_ok());
        for shards in [SHARDS_MAX + 1, usize::MAX] {
            let error = config(shards).validated().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid);
        }
    }

    #[test]
    fn a_small_cache_has_fewer_shards() {
        assert_eq!(CacheConfig::exclusive(0).shard_count(), 1);
        assert_eq!(CacheConfig::exclusive(63 * 512).shard_count(), 1);
        let roomy = CacheConfig::exclusive(1 << 30).shard_count();
        assert!(roomy >= 4 && roomy.is_power_of_two());
        let three = NonZeroUsize::new(3).unwrap();
        assert_eq!(CacheConfig::exclusive(0).shards(three).shard_count(), 4);
    }
}
