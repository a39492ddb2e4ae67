//! What a cache tells of itself.

use crate::SecondLevelStats;

/// What a cache has done since it was opened, and what it holds now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheStats {
    /// The level in memory.
    pub memory: LevelStats,
    /// The level in another store, if there is one.
    pub second: SecondLevelStats,
    /// Misses that took the answer of another's read of the same key.
    pub joined: u64,
    /// Reads that went around the cache: of a key that a commit is changing or may
    /// yet change, or that asked for something fresher than the cache promises.
    pub bypassed: u64,
    /// Keys that stay out of the cache because a commit of unknown outcome may yet
    /// change them.
    pub uncertain_keys: u64,
    /// Of the fills, those of entries that the last cache of the store held.
    pub warmed: u64,
    /// How often a [hot set](crate::CacheConfig::hot_set_entries) was damaged, or could
    /// not be read or written. It was ignored then.
    pub hot_set_failures: u64,
}

/// What one level of a cache has done, and what it holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LevelStats {
    /// Reads answered with an entry.
    pub hits: u64,
    /// Reads answered with the knowledge that there is no entry.
    pub negative_hits: u64,
    /// Reads of keys that were not there, or too old.
    pub misses: u64,
    /// What was put there after a read.
    pub fills: u64,
    /// What was not put there, because a commit began meanwhile.
    pub dropped_fills: u64,
    /// What was not put there, because there was no room and it had not been missed
    /// shortly before: see [`Policy::Adaptive`](crate::Policy::Adaptive).
    pub turned_away: u64,
    /// Of the fills, those of entries that nobody had asked for yet.
    pub read_ahead: u64,
    /// What was given up for want of room.
    pub evictions: u64,
    /// What was read and is too large to be kept.
    pub oversized: u64,
    /// The bytes of keys and entries, and 192 for each.
    pub bytes: u64,
    /// The bytes there is room for.
    pub capacity_bytes: u64,
    /// The keys that are known, absent ones among them.
    pub entries: u64,
}
