//! From values to their stored forms.

use std::{io, sync::Arc};

use bytes::Bytes;
use storage_core::{
    BatchScope, Capabilities, Error, ErrorKind, Key, Mutation, Outcome, Put, Result, SequencedPut,
    WriteBatch,
    layer::{OwnKeys, Spared},
};

use crate::{
    CompressConfig,
    codec::Packer,
    counters::{CodecCounters, Counters, Kept},
    dictionary::{Dictionaries, Dictionary, Trainer},
    form::{self, OVERHEAD_BYTES_MAX},
    layer::NAME,
    namespaces::{Learnt, Namespaces},
    probe,
};

/// How many operations of a batch the layer keeps for itself.
const OWN_OPERATIONS: usize = 16;

/// Decides how values are stored.
#[derive(Debug)]
pub(crate) struct Encoder {
    bytes_min: usize,
    packer: Arc<Packer>,
    /// None if values are not compressed with dictionaries.
    trainer: Option<Arc<Trainer>>,
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
        packer: Arc<Packer>,
        trainer: Option<Arc<Trainer>>,
        known: Arc<Dictionaries>,
        counters: Arc<Counters>,
    ) -> Self {
        let dictionaries = config.dictionaries.as_ref();
        let look_every = dictionaries.map_or(0, |dictionaries| dictionaries.look_every);
        Self {
            bytes_min: config.bytes_min,
            packer,
            trainer,
            namespaces: Namespaces::new(known, look_every),
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
        put.value = self.seal(put.key.as_key(), put.value)?;
        Ok(put)
    }

    fn sequenced(&self, mut put: SequencedPut) -> Result<SequencedPut> {
        if self.is_bare(put.prefix.as_key()) {
            return Ok(put);
        }
        put.value = self.seal(put.prefix.as_key(), put.value)?;
        Ok(put)
    }

    fn seal(&self, key: Key<'_>, value: Bytes) -> Result<Bytes> {
        let length = value.len();
        let stored = match self.compressed(key, &value) {
            Ok(Ok(stored)) => stored,
            Ok(Err(kept)) => {
                self.counters.kept(kept);
                form::seal_raw(value)
            }
            Err(error) => return Err(error.with_key(key)),
        };
        self.counters.stored(length, stored.len());
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
        let trainer = self.trainer.as_ref();
        let trainer = trainer.filter(|trainer| trainer.takes(key, value));
        if let Some(trainer) = trainer {
            trainer.pass(&learnt, value);
        }
        if !learnt.is_tried() {
            return Ok(Err(Kept::Skipped));
        }
        if probe::looks_random(value) {
            learnt.miss();
            return Ok(Err(Kept::Random));
        }
        let dictionary = trainer
            .zip(learnt.dictionary())
            .filter(|(trainer, dictionary)| trainer.packing.understands(dictionary));
        let packed = if let Some((trainer, dictionary)) = dictionary {
            self.packed_with(trainer, &dictionary, &learnt, value)
        } else {
            let seal = |packed: &[u8]| form::seal(method, value.len(), packed);
            counted(counters, || self.packer.pack(value, seal))
        };
        let packed = packed.map_err(|error| {
            Error::new(ErrorKind::Internal, "a value could not be compressed")
                .with_layer(NAME)
                .with_outcome(Outcome::NotApplied)
                .with_source(error)
        })?;
        if let Some(stored) = packed {
            learnt.hit();
            Ok(Ok(stored))
        } else {
            learnt.miss();
            Ok(Err(Kept::Unsaved))
        }
    }

    /// The form of a value that is compressed with a dictionary.
    fn packed_with(
        &self,
        trainer: &Trainer,
        dictionary: &Dictionary,
        learnt: &Learnt,
        value: &[u8],
    ) -> io::Result<Option<Bytes>> {
        let counters = &self.counters.dictionaries;
        let seal = |packed: &[u8]| form::seal_trained(dictionary, value.len(), packed);
        let pack = || trainer.packing.pack(dictionary, value, seal);
        let packed = counted(&counters.codec, pack)?;
        let bytes = packed.as_ref().map_or(value.len(), Bytes::len);
        learnt.course.packed(value.len(), bytes);
        if packed.is_some() {
            counters.packed(value.len(), bytes);
        }
        Ok(packed)
    }
}

/// What `pack` makes, counted and timed.
fn counted(
    counters: &CodecCounters,
    pack: impl FnOnce() -> io::Result<Option<Bytes>>,
) -> io::Result<Option<Bytes>> {
    let packed = counters.compressing.time(pack)?;
    if packed.is_some() {
        counters.compressed.add(1);
    }
    Ok(packed)
}

fn too_many_ranges() -> Error {
    Error::new(
        ErrorKind::Invalid,
        "the batch deletes the keys that the layer keeps for itself; leave them out",
    )
    .with_layer(NAME)
    .with_outcome(Outcome::NotApplied)
}
