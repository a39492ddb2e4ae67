//! What a store and its snapshots share.

use std::{collections::HashMap, sync::Arc};

use bytes::{Bytes, BytesMut};
use storage_core::{
    Capabilities, Components, Direction, Entry, Executor, Key, KeyRange, Random, ReadOptions,
    Result, Space,
    layer::{Driver, OwnKeys, Spared},
};

use crate::{
    CollectConfig, DedupConfig,
    counters::Counters,
    form::{Form, OVERHEAD_BYTES, Piece, corrupt, missing},
    hash::{ChunkHash, Hasher, as_usize},
    known::Known,
    layer::NAME,
    rows::RowKeys,
};

/// How many operations of a batch the layer keeps for itself.
pub(crate) const OWN_OPERATIONS: usize = 16;

/// What the store and its snapshots share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) capabilities: Capabilities,
    /// The most operations and bytes that the store below takes in a batch.
    pub(crate) below: (usize, usize),
    /// The longest key of a hint that the store below takes.
    pub(crate) hint_bytes_max: usize,
    pub(crate) bytes_min: usize,
    pub(crate) collect: CollectConfig,
    pub(crate) hasher: Hasher,
    pub(crate) rows: RowKeys,
    pub(crate) own: OwnKeys,
    pub(crate) known: Known,
    pub(crate) counters: Counters,
    pub(crate) random: Arc<dyn Random>,
    executor: Arc<dyn Executor>,
    pub(crate) driver: Driver,
    inline_bytes_max: usize,
}

/// What the layer leaves of the capabilities of the store below. What would not fit below
/// with its chunks is not deduplicated, so little is taken away.
pub(crate) fn capabilities(inner: &Capabilities) -> Capabilities {
    let mut capabilities = inner.clone();
    capabilities.value_bytes_max = inner.value_bytes_max.saturating_sub(OVERHEAD_BYTES);
    capabilities.batch_operations_max = inner
        .batch_operations_max
        .saturating_sub(OWN_OPERATIONS)
        .max(1);
    let forms = OVERHEAD_BYTES.saturating_mul(capabilities.batch_operations_max);
    capabilities.batch_bytes_max = inner.batch_bytes_max.saturating_sub(forms);
    capabilities
}

/// The part of a range that a scan comes to first.
#[derive(Debug)]
pub(crate) struct Visible {
    pub(crate) part: KeyRange,
    /// The part on the other side of the layer's own keys.
    behind: Option<KeyRange>,
    direction: Direction,
}

impl Visible {
    /// What is left of the whole range, given what is left of the part.
    pub(crate) fn rest(self, next: Option<KeyRange>) -> Option<KeyRange> {
        let (Some(next), Some(behind)) = (&next, &self.behind) else {
            return next.or(self.behind);
        };
        let (space, start, end) = next.clone().into_bounds();
        let (_, first, last) = behind.clone().into_bounds();
        Some(match self.direction {
            Direction::Forward => KeyRange::from_bounds(space, start, last),
            Direction::Reverse => KeyRange::from_bounds(space, first, end),
        })
    }
}

impl Shared {
    pub(crate) fn new(
        config: &DedupConfig,
        key: [u8; ChunkHash::BYTES],
        below: &Capabilities,
        components: &Components,
    ) -> Self {
        Self {
            capabilities: capabilities(below),
            below: (below.batch_operations_max, below.batch_bytes_max),
            hint_bytes_max: below.key_bytes_max_in(Space::System),
            bytes_min: config.bytes_min,
            collect: config.collect,
            hasher: Hasher::new(key, config.cut),
            rows: RowKeys::new(),
            own: OwnKeys::of(NAME),
            known: Known::new(config.known_max),
            counters: Counters::default(),
            random: Arc::clone(&components.random),
            executor: Arc::clone(&components.executor),
            driver: Driver::new(&components.executor),
            inline_bytes_max: config.inline_bytes_max,
        }
    }

    /// Does what takes so many bytes of values: here, or on the pool if they are many.
    pub(crate) async fn work<T: Send + 'static>(
        self: &Arc<Self>,
        bytes: usize,
        work: impl FnOnce(&Self) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        if self.is_inline(bytes) {
            return work(self);
        }
        let shared = Arc::clone(self);
        self.executor.run(move || work(&shared)).await
    }

    /// Whether so many bytes of values are worked on by the caller's thread.
    pub(crate) const fn is_inline(&self, bytes: usize) -> bool {
        bytes <= self.inline_bytes_max
    }

    /// What a stored row holds; that of a bare key is its value.
    pub(crate) fn form(&self, key: Key<'_>, stored: &Entry) -> Result<Form> {
        if self.own.are_bare(key) {
            return Ok(Form::Inline(stored.value().clone()));
        }
        Form::decode(stored.value(), self.capabilities.value_bytes_max)
            .map_err(|error| error.with_key(key))
    }

    /// The entry above that a stored one is. It keeps the stamp: guards are judged below.
    pub(crate) fn entry(&self, key: Key<'_>, stored: Entry, value: Bytes) -> Entry {
        if self.own.are_bare(key) {
            return stored;
        }
        Entry::new(value, stored.expires(), stored.stamp())
    }

    /// The part of a range that a scan comes to first, without the layer's own keys; `None`
    /// if nothing else is in it.
    pub(crate) fn visible(&self, range: &KeyRange, direction: Direction) -> Option<Visible> {
        let mut parts = match self.own.spare(range.clone()) {
            Spared::Whole(range) => vec![range],
            Spared::Parts(parts) => parts,
        };
        if direction == Direction::Forward {
            parts.reverse();
        }
        Some(Visible {
            part: parts.pop()?,
            behind: parts.pop(),
            direction,
        })
    }

    /// The value that is made of these chunks.
    ///
    /// # Errors
    /// `Corrupt` if a chunk is missing or is not what its name says.
    pub(crate) fn join(
        &self,
        pieces: &[Piece],
        chunks: &HashMap<ChunkHash, Bytes>,
    ) -> Result<Bytes> {
        let content = |piece: &Piece| chunks.get(&piece.hash).ok_or_else(|| missing(piece.hash));
        if let [piece] = pieces {
            return self.verified(piece, content(piece)?).cloned();
        }
        let mut bytes = 0;
        for piece in pieces {
            bytes += self.verified(piece, content(piece)?)?.len();
        }
        let mut value = BytesMut::with_capacity(bytes);
        for piece in pieces {
            value.extend_from_slice(content(piece)?);
        }
        Ok(value.freeze())
    }

    fn verified<'a>(&self, piece: &Piece, content: &'a Bytes) -> Result<&'a Bytes> {
        if content.len() == as_usize(piece.length) && self.hasher.hash(content) == piece.hash {
            return Ok(content);
        }
        Err(corrupt(format_args!(
            "the chunk {} is not what it was",
            piece.hash
        )))
    }

    /// Reads that see every answered commit.
    pub(crate) const fn fresh(&self) -> ReadOptions {
        self.capabilities.reads.fresh()
    }
}
