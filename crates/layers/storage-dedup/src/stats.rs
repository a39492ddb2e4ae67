//! What the layer has done since it was opened.

/// The figures of a layer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DedupStats {
    /// Values that were written into their own rows.
    pub inline_values: u64,
    /// Values that were written as references to chunks.
    pub referring_values: u64,
    /// The bytes of the values that were written as references.
    pub logical_bytes: u64,
    /// The bytes of the chunks that were written for them.
    pub stored_bytes: u64,
    /// How often a chunk was there already.
    pub duplicates: u64,
    /// Passes that were finished.
    pub passes: u64,
    /// What the last finished pass found and did, whoever asked for it.
    pub last_pass: Option<CollectReport>,
    /// Why the last pass failed, or what it left out, if it did.
    pub failure: Option<String>,
}

impl DedupStats {
    /// How many bytes of values one written byte of chunks stood for, since the layer was
    /// opened; 1 before any was written.
    #[must_use]
    pub fn ratio(&self) -> f64 {
        ratio(self.logical_bytes, self.stored_bytes)
    }
}

/// What a pass of the collector found in the store, and what it did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CollectReport {
    /// Chunks that somebody refers to.
    pub live_chunks: u64,
    /// Their bytes.
    pub live_bytes: u64,
    /// The bytes of the values that refer to them.
    pub referring_bytes: u64,
    /// Chunks that nobody refers to, and that will be removed unless somebody does.
    pub pending_chunks: u64,
    /// Their bytes.
    pub pending_bytes: u64,
    /// Of these, chunks that the pass condemned.
    pub condemned: u64,
    /// Condemned chunks that somebody refers to after all.
    pub pardoned: u64,
    /// Chunks that were removed.
    pub removed: u64,
    /// Their bytes.
    pub removed_bytes: u64,
    /// Hints of references that are no more, which were removed.
    pub stale_hints: u64,
}

impl CollectReport {
    /// How many bytes of values one byte of chunks stands for, those that nobody refers to
    /// among them; 1 where there are none.
    #[must_use]
    pub fn ratio(&self) -> f64 {
        ratio(self.referring_bytes, self.live_bytes + self.pending_bytes)
    }
}

fn ratio(logical: u64, stored: u64) -> f64 {
    if stored == 0 {
        return 1.0;
    }
    as_f64(logical) / as_f64(stored)
}

#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "a ratio for people needs no more than 52 bits"
)]
const fn as_f64(number: u64) -> f64 {
    number as f64
}
