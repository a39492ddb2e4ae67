//! What a caller may ask of a single read, scan or commit.
//!
//! Every option that is not `None` is a demand: a store either meets it or
//! answers [`Unsupported`](crate::ErrorKind::Unsupported) without effect.

use std::time::Duration;

/// How a commit must be able to survive before it is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Durability {
    /// Visible to every reader of this process; lost with it.
    Volatile,
    /// Survives the end of the process, not a loss of power.
    Buffered,
    /// Survives a loss of power, as do all commits ordered before it.
    Synced,
}

/// How fresh a read must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Consistency {
    /// Sees every commit that was answered before the read began.
    Linearizable,
    /// May miss commits answered less than `at_most` before the read began.
    Stale {
        /// The age that missed commits may reach.
        at_most: Duration,
    },
}

/// Options of a point read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReadOptions {
    /// How fresh the answer must be. `None`: the freshest the store offers.
    pub consistency: Option<Consistency>,
}

impl ReadOptions {
    /// The default options.
    #[must_use]
    pub const fn new() -> Self {
        Self { consistency: None }
    }

    /// Demands a consistency.
    #[must_use]
    pub const fn consistency(mut self, consistency: Consistency) -> Self {
        self.consistency = Some(consistency);
        self
    }
}

/// Which way a scan walks through its range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Direction {
    /// From the smallest key to the greatest.
    #[default]
    Forward,
    /// From the greatest key to the smallest.
    Reverse,
}

/// What a scan returns of each entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Projection {
    /// Keys, values, expiries and stamps.
    #[default]
    Entries,
    /// Keys and expiries only: values are empty, stamps are
    /// [`Stamp::none`](crate::Stamp::none).
    Keys,
}

/// Options of a scan: how far one page goes, which way, and what it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ScanOptions {
    /// Which way to walk. Default: forward.
    pub direction: Direction,
    /// What to return. Default: whole entries.
    pub projection: Projection,
    /// The most entries a page holds; at least 1. Default: 1,000. More entries
    /// cost fewer round trips and more memory.
    pub entries_max: usize,
    /// The most bytes of keys and values a page holds, unless its first entry
    /// alone is larger. Default: 1 MiB.
    pub bytes_max: usize,
    /// How fresh the answer must be. `None`: the freshest the store offers.
    pub consistency: Option<Consistency>,
}

impl ScanOptions {
    /// The default options.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            direction: Direction::Forward,
            projection: Projection::Entries,
            entries_max: 1_000,
            bytes_max: 1 << 20,
            consistency: None,
        }
    }

    /// Walks from the greatest key to the smallest.
    #[must_use]
    pub const fn reverse(mut self) -> Self {
        self.direction = Direction::Reverse;
        self
    }

    /// Returns keys without values.
    #[must_use]
    pub const fn keys_only(mut self) -> Self {
        self.projection = Projection::Keys;
        self
    }

    /// Sets the most entries a page holds.
    #[must_use]
    pub const fn entries_max(mut self, entries: usize) -> Self {
        self.entries_max = entries;
        self
    }

    /// Sets the most bytes of keys and values a page holds.
    #[must_use]
    pub const fn bytes_max(mut self, bytes: usize) -> Self {
        self.bytes_max = bytes;
        self
    }

    /// Demands a consistency.
    #[must_use]
    pub const fn consistency(mut self, consistency: Consistency) -> Self {
        self.consistency = Some(consistency);
        self
    }
}

impl Default for ScanOptions {
    fn default() -> Self {
        Self::new()
    }
}

/// Options of a commit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct WriteOptions {
    /// What the commit must survive. `None`: the strongest the store offers.
    pub durability: Option<Durability>,
}

impl WriteOptions {
    /// The default options.
    #[must_use]
    pub const fn new() -> Self {
        Self { durability: None }
    }

    /// Demands a durability.
    #[must_use]
    pub const fn durability(mut self, durability: Durability) -> Self {
        self.durability = Some(durability);
        self
    }
}
