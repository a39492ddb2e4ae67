//! From values to their stored forms.

use std::sync::Arc;

use bytes::Bytes;
use storage_core::{
    BatchScope, Capabilities, Error, ErrorKind, Key, Mutation, Outcome, Put, Result, SequencedPut,
    WriteBatch,
    layer::{OwnKeys, Spared},
};

use crate::{
    CompressConfig,
    codec::Packer,
    counters::{Counters, Kept},
    form::{self, OVERHEAD_BYTES_MAX},
    layer::NAME,
    namespaces::Namespaces,
    probe,
};

/// How many operations of a batch the layer keeps for itself.
const OWN_OPERATIONS: usize = 16;

/// Decides how values are stored.
#[derive(Debug)]
pub(crate) struct Encoder {
    bytes_min: usize,
    packer: Packer,
    namespaces: Namespaces,
    counters: Arc<Counters>,
    keys: OwnKeys,
    /// How many operations may be added to a batch.
    spare_operations: usize,
}

/// What the layer leaves of the capabilities of the store below: forms are longer than
/// values by up to [`OVERHEAD_BYTES_MAX`], and batches get a few more operations.
pub(crate) fn capabilities(inner: &Capabilities) -> Capabilities {
    let mut capabilities = inner.clone();
    capabilities.value_bytes_max = inner.value_bytes_max.saturating_sub(OVERHEAD_BYTES_MAX);
    capabilities.batch_operations_max -= spare_operations(inner);
    let forms = OVERHEAD_BYTES_MAX.saturating_mul(capabilities.batch_operations_max);
    capabilities.batch_bytes_max = inner.batch_bytes_max.saturating_sub(forms);
    capabilities
}

const fn spare_operations(inner: &Capabilities) -> usize {
    match inner.batch {
        BatchScope::Store if inner.batch_operations_max > 2 * OWN_OPERATIONS => OWN_OPERATIONS,
        _ => 0,
    }
}

impl Encoder {
    pub(crate) fn new(
        config: &CompressConfig,
        inner: &Capabilities,
        counters: Arc<Counters>,
    ) -> Self {
        Self {
            bytes_min: config.bytes_min,
            packer: Packer::new(config.codec, config.level),
            namespaces: Namespaces::default(),
            counters,
            keys: OwnKeys::of(NAME),
            spare_operations: spare_operations(inner),
        }
    }

    /// Whether the value of `key` is stored without a form.
    pub(crate) fn is_bare(&self, key: Key<'_>) -> bool {
        self.keys.are_bare(key)
    }

    /// The batch that is committed below in place of `batch`.
    ///
    /// # Errors
    /// `Invalid` for a batch that deletes the layer's own keys too often; what the codec
    /// reports.
    pub(crate) fn encode(&self, batch: WriteBatch) -> Result<WriteBatch> {
        let (guards, mutations) = batch.into_parts();
        let mut encoded = Vec::with_capacity(mutations.len());
        let mut spare = self.spare_operations;
        for mutation in mutations {
            match mutation {
                Mutation::Put(put) => encoded.push(Mutation::Put(self.put(put)?)),
                Mutation::PutSequenced(put) => {
                    encoded.push(Mutation::PutSequenced(self.sequenced(put)?));
                }
                Mutation::Delete(key) => encoded.push(Mutation::Delete(key)),
                Mutation::DeleteRange(range) => match self.keys.spare(range) {
                    Spared::Whole(range) => encoded.push(Mutation::DeleteRange(range)),
                    Spared::Parts(parts) => {
                        let added = parts.len().saturating_sub(1);
                        spare = spare.checked_sub(added).ok_or_else(too_many_ranges)?;
                        encoded.extend(parts.into_iter().map(Mutation::DeleteRange));
                    }
                },
            }
        }
        Ok(WriteBatch::from_parts(guards, encoded))
    }

    fn put(&self, mut put: Put) -> Result<Put> {
        if self.is_bare(put.key.as_key()) {
            return Ok(put);
        }
        put.value = self.seal(put.key.as_key(), &put.value)?;
        Ok(put)
    }

    fn sequenced(&self, mut put: SequencedPut) -> Result<SequencedPut> {
        if self.is_bare(put.prefix.as_key()) {
            return Ok(put);
        }
        put.value = self.seal(put.prefix.as_key(), &put.value)?;
        Ok(put)
    }

    fn seal(&self, key: Key<'_>, value: &[u8]) -> Result<Bytes> {
        let stored = match self.compressed(key, value) {
            Ok(Ok(stored)) => stored,
            Ok(Err(kept)) => {
                self.counters.kept(kept);
                form::seal_raw(value)
            }
            Err(error) => return Err(error.with_key(key)),
        };
        self.counters.stored(value.len(), stored.len());
        Ok(stored)
    }

    /// The compressed form, or why the value is stored as it is.
    fn compressed(&self, key: Key<'_>, value: &[u8]) -> Result<Result<Bytes, Kept>> {
        let method = self.packer.method();
        let counters = match self.counters.codec(method) {
            Some(counters) if value.len() >= self.bytes_min => counters,
            _ => return Ok(Err(Kept::Small)),
        };
        let learnt = self.namespaces.of(key);
        if !learnt.is_tried() {
            return Ok(Err(Kept::Skipped));
        }
        if probe::LENGTHS.contains(&value.len()) && probe::looks_random(value) {
            learnt.miss();
            return Ok(Err(Kept::Random));
        }
        let seal = |packed: &[u8]| form::seal(method, value.len(), packed);
        let packed = counters
            .compressing
            .time(|| self.packer.pack(value, seal))
            .map_err(|error| {
                Error::new(ErrorKind::Internal, "a value could not be compressed")
                    .with_layer(NAME)
                    .with_outcome(Outcome::NotApplied)
                    .with_source(error)
            })?;
        if let Some(stored) = packed {
            learnt.hit();
            counters.compressed.add(1);
            Ok(Ok(stored))
        } else {
            learnt.miss();
            Ok(Err(Kept::Unsaved))
        }
    }
}

fn too_many_ranges() -> Error {
    Error::new(
        ErrorKind::Invalid,
        "the batch deletes the keys that the layer keeps for itself; leave them out",
    )
    .with_layer(NAME)
    .with_outcome(Outcome::NotApplied)
}
