//! The dictionaries that are in memory.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

use super::{Dictionary, DictionaryId};

/// Dictionaries by their ids. What is known is durable, and stays known: a store has few.
#[derive(Debug, Default)]
pub(crate) struct Dictionaries(RwLock<BTreeMap<DictionaryId, Arc<Dictionary>>>);

impl Dictionaries {
    pub(crate) fn get(&self, id: DictionaryId) -> Option<Arc<Dictionary>> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.get(&id).cloned()
    }

    /// Makes a dictionary known; one that is known already stays prepared.
    pub(crate) fn add(&self, dictionary: Dictionary) -> Arc<Dictionary> {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        match known.get(&dictionary.id) {
            Some(same) if same.hash == dictionary.hash => Arc::clone(same),
            _ => {
                let dictionary = Arc::new(dictionary);
                known.insert(dictionary.id, Arc::clone(&dictionary));
                dictionary
            }
        }
    }

    /// The last one of a namespace.
    pub(crate) fn newest_of(&self, namespace: &[u8]) -> Option<Arc<Dictionary>> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let mut newest_first = known.values().rev();
        newest_first
            .find(|dictionary| dictionary.namespace == namespace)
            .cloned()
    }

    pub(crate) fn count(&self) -> usize {
        self.0.read().unwrap_or_else(PoisonError::into_inner).len()
    }
}
