//! What a store and its snapshots share: how to work on values, and where.

use std::sync::Arc;

use bytes::Bytes;
use storage_core::{
    Capabilities, Components, Entry, Error, Executor, Item, Key, Mutation, OwnedKey, Page, Result,
    Space, WriteBatch, layer::Driver,
};

use crate::{
    CompressConfig, CompressControl,
    codec::Packer,
    counters::Counters,
    decoder::Decoder,
    dictionary::{Dictionaries, DictionaryId, Packing, Trainer, Turn},
    encoder::{self, Encoder},
    probe,
};

/// What the store and its snapshots share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) capabilities: Capabilities,
    pub(crate) control: CompressControl,
    encoder: Encoder,
    decoder: Decoder,
    trainer: Option<Arc<Trainer>>,
    pub(crate) known: Arc<Dictionaries>,
    executor: Arc<dyn Executor>,
    pub(crate) driver: Driver,
    inline_compressed_bytes_max: usize,
    inline_bytes_max: usize,
}

/// Whose thread works on values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Worker {
    Caller,
    Pool,
}

impl Worker {
    /// More values take long even if they are empty.
    const INLINE_VALUES_MAX: usize = 1_024;

    /// So many bytes are stored as they are in the time in which zstd compresses one.
    const RAW_PER_COMPRESSED: usize = 16;

    const fn of(values: usize, bytes: usize, inline_bytes_max: usize) -> Self {
        if values <= Self::INLINE_VALUES_MAX && bytes <= inline_bytes_max {
            return Self::Caller;
        }
        Self::Pool
    }
}

impl Shared {
    pub(crate) fn new(
        config: &CompressConfig,
        below: &Capabilities,
        known: Arc<Dictionaries>,
        components: &Components,
    ) -> Self {
        let counters = Arc::new(Counters::default());
        let capabilities = encoder::capabilities(below);
        let packer = Arc::new(Packer::new(config.codec, config.level));
        let packing = Arc::new(Packing::new(config.level.unwrap_or(Packer::ZSTD_LEVEL)));
        let trainer = Trainer::new(config, below, &packer, &packing, &counters).map(Arc::new);
        Self {
            encoder: Encoder::new(
                config,
                below,
                packer,
                trainer.clone(),
                Arc::clone(&known),
                Arc::clone(&counters),
            ),
            decoder: Decoder::new(capabilities.value_bytes_max, packing, Arc::clone(&counters)),
            control: CompressControl::new(counters, Arc::clone(&known)),
            trainer,
            known,
            capabilities,
            executor: Arc::clone(&components.executor),
            driver: Driver::new(&components.executor),
            inline_compressed_bytes_max: config.inline_compressed_bytes_max(),
            inline_bytes_max: config.inline_bytes_max,
        }
    }

    /// Does work where it belongs.
    pub(crate) async fn work<T: Send + 'static>(
        self: &Arc<Self>,
        worker: Worker,
        work: impl FnOnce(&Self) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        if worker == Worker::Caller {
            return work(self);
        }
        let shared = Arc::clone(self);
        self.executor.run(move || work(&shared)).await
    }

    /// Who compresses the values of a batch.
    pub(crate) fn compresses(&self, batch: &WriteBatch) -> Worker {
        let mutations = batch.mutations();
        let values = || mutations.iter().filter_map(value_put);
        let who = |bytes| Worker::of(mutations.len(), bytes, self.inline_compressed_bytes_max);
        let bytes = values().map(Bytes::len).sum();
        let raw_bytes_max = self
            .inline_bytes_max
            .saturating_mul(Worker::RAW_PER_COMPRESSED);
        if who(bytes) == Worker::Caller || bytes > raw_bytes_max {
            return who(bytes);
        }
        let tried = values().filter(|value| !probe::is_long_and_looks_random(value));
        who(tried.map(Bytes::len).sum())
    }

    /// Who decodes so many values of so many bytes in all.
    pub(crate) const fn decodes(&self, values: usize, bytes: usize) -> Worker {
        Worker::of(values, bytes, self.inline_bytes_max)
    }

    /// As for [`Encoder::encode`].
    pub(crate) fn encode(&self, batch: WriteBatch) -> Result<WriteBatch> {
        self.encoder.encode(batch)
    }

    /// The right to train a dictionary now, if there is one to train.
    pub(crate) fn turn_to_train(&self) -> Option<Turn> {
        self.trainer.as_ref()?.turn()
    }

    /// The dictionary that a stored entry needs and that is not in memory.
    pub(crate) fn lacks(
        &self,
        key: Key<'_>,
        stored: &Entry,
        known: &Dictionaries,
    ) -> Result<Option<DictionaryId>> {
        if self.encoder.is_bare(key) {
            return Ok(None);
        }
        let needed = self.decoder.dictionary(stored.value());
        let needed = needed.map_err(|error| error.with_key(key))?;
        Ok(needed.filter(|id| known.get(*id).is_none()))
    }

    /// How long the value of a stored entry claims to be.
    pub(crate) fn length(&self, key: Key<'_>, stored: &Entry) -> Result<usize> {
        if self.encoder.is_bare(key) {
            return Ok(stored.value().len());
        }
        let length = self.decoder.length(stored.value());
        length.map_err(|error| error.with_key(key))
    }

    /// The entry above that a stored one is.
    pub(crate) fn open(&self, key: Key<'_>, stored: Entry) -> Result<Entry> {
        self.open_with(key, stored, &self.known)
    }

    /// The same, with no other than these dictionaries.
    pub(crate) fn open_with(
        &self,
        key: Key<'_>,
        stored: Entry,
        known: &Dictionaries,
    ) -> Result<Entry> {
        if self.encoder.is_bare(key) {
            return Ok(stored);
        }
        let opened = self.decoder.open(key, &stored, known);
        opened.map_err(|error| error.with_key(key))
    }

    pub(crate) fn open_many(
        &self,
        stored: Vec<(OwnedKey, Option<Entry>)>,
    ) -> Result<Vec<Option<Entry>>> {
        let open = |(key, entry): (OwnedKey, Option<Entry>)| match entry {
            Some(entry) => self.open(key.as_key(), entry).map(Some),
            None => Ok(None),
        };
        stored.into_iter().map(open).collect()
    }

    /// How long the values of a page claim to be.
    pub(crate) fn lengths(&self, space: Space, page: &Page) -> Result<Vec<usize>> {
        let length = |item: &Item| self.length(Key::in_space(space, &item.key), &item.entry);
        page.items.iter().map(length).collect()
    }

    pub(crate) fn open_page(&self, space: Space, page: Page) -> Result<Page> {
        let open = |Item { key, entry, .. }: Item| {
            let entry = self.open(Key::in_space(space, &key), entry)?;
            Ok::<_, Error>(Item::new(key, entry))
        };
        let items = page.items.into_iter().map(open);
        Ok(Page::new(items.collect::<Result<_>>()?, page.next))
    }
}

/// The value that a mutation puts.
const fn value_put(mutation: &Mutation) -> Option<&Bytes> {
    match mutation {
        Mutation::Put(put) => Some(&put.value),
        Mutation::PutSequenced(put) => Some(&put.value),
        Mutation::Delete(_) | Mutation::DeleteRange(_) => None,
    }
}
