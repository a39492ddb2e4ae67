//! Scenes with dictionaries.

use bytes::Bytes;
use storage_compress::{CompressConfig, DictionaryConfig};
use storage_core::{
    KeyRange, Namespace, OwnedKey, ReadExt, ScanOptions, StoreExt, blocking::block_on,
};

use crate::{golden::row_key, scene::Scene};

/// Small dictionaries from few samples.
pub(super) fn quick() -> DictionaryConfig {
    DictionaryConfig::new()
        .dictionary_bytes(2_048)
        .samples(256, 64 << 10)
}

impl Scene {
    /// A store that makes small dictionaries of few samples, at once.
    pub(crate) fn learning() -> Self {
        Self::learning_with(quick())
    }

    pub(super) fn learning_with(config: DictionaryConfig) -> Self {
        Self::at_once(CompressConfig::new().dictionaries(Some(config)))
    }

    /// Puts so many values in the namespace of this name; in none if it is empty.
    pub(crate) fn fill(&self, namespace: &str, values: u32, value: impl Fn() -> String) {
        for number in 0..values {
            block_on(self.store.put(key(namespace, number), value())).unwrap();
        }
    }

    /// Puts values until they get a dictionary that is new.
    pub(crate) fn teach(&self, namespace: &str, value: impl Fn() -> String) {
        let rows = self.rows();
        let is_taught = (0..100).any(|_| {
            self.fill(namespace, 64, &value);
            self.rows() > rows
        });
        assert!(is_taught, "there is no dictionary after 6,400 values");
    }

    /// How many dictionaries are stored.
    pub(crate) fn rows(&self) -> usize {
        let (first, last) = (row_key(0).into_bytes(), row_key(255).into_bytes());
        let range = KeyRange::between(first..=last).in_space(storage_core::Space::System);
        block_on(self.below.scan(range, ScanOptions::new()).collect())
            .unwrap()
            .len()
    }

    pub(crate) fn row(&self, id: u8) -> Option<Bytes> {
        let entry = block_on(self.below.get(&row_key(id))).unwrap();
        entry.map(storage_core::Entry::into_value)
    }

    pub(crate) fn put_row(&self, id: u8, row: impl Into<Bytes>) {
        block_on(self.below.put(row_key(id), row)).unwrap();
    }

    pub(super) fn delete_row(&self, id: u8) {
        block_on(self.below.delete(&row_key(id))).unwrap();
    }

    /// The form of one of the values that [`fill`](Self::fill) puts.
    pub(super) fn form_in(&self, namespace: &str, number: u32) -> Bytes {
        let entry = block_on(self.below.get(&key(namespace, number))).unwrap();
        entry.unwrap().into_value()
    }
}

/// The key of one of the values that [`Scene::fill`] puts.
pub(super) fn key(namespace: &str, number: u32) -> OwnedKey {
    if namespace.is_empty() {
        return format!("{number:05}").into();
    }
    Namespace::root()
        .child(namespace)
        .key(format!("{number:05}"))
}
