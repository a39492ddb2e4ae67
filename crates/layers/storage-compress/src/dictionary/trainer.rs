//! What a store has for training dictionaries.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use storage_core::{
    Capabilities, CrashOrder, Durability, Key, ReadSupport, SequenceScope, Space, Support,
};

use super::{
    DictionaryConfig, Packing,
    gatherings::{Gathering, Gatherings},
};
use crate::{Codec, CompressConfig, codec::Packer, counters::Counters, namespaces::Learnt, probe};

/// Sees the values that pass, and says when there is a dictionary to be made.
#[derive(Debug)]
pub(crate) struct Trainer {
    pub(super) config: DictionaryConfig,
    gatherings: Gatherings,
    is_training: AtomicBool,
    /// What values are compressed with where there is no dictionary.
    pub(super) packer: Arc<Packer>,
    pub(crate) packing: Arc<Packing>,
    pub(super) counters: Arc<Counters>,
}

impl Trainer {
    /// Whether the settings are for dictionaries, and the store below keeps what a value
    /// needs for as long as the value.
    pub(crate) fn is_for(config: &CompressConfig, below: &Capabilities) -> bool {
        config.dictionaries.is_some() && config.codec == Codec::Zstd && keeps_what_was_before(below)
    }

    /// `None` if it is not [for](Self::is_for) that store.
    pub(crate) fn new(
        config: &CompressConfig,
        below: &Capabilities,
        packer: &Arc<Packer>,
        packing: &Arc<Packing>,
        counters: &Arc<Counters>,
    ) -> Option<Self> {
        let dictionaries = config.dictionaries.as_ref()?;
        if !Self::is_for(config, below) {
            return None;
        }
        Some(Self {
            config: dictionaries.clone(),
            gatherings: Gatherings::default(),
            is_training: AtomicBool::new(false),
            packer: Arc::clone(packer),
            packing: Arc::clone(packing),
            counters: Arc::clone(counters),
        })
    }

    /// Whether a value is one for dictionaries. Those of the system space are of layers,
    /// which make them in other ways.
    pub(crate) fn takes(&self, key: Key<'_>, value: &[u8]) -> bool {
        let lengths = self.config.value_bytes_min..=self.config.value_bytes_max;
        lengths.contains(&value.len()) && key.space() == Space::User
    }

    /// Lets a value pass that it takes: it may become a sample.
    pub(crate) fn pass(&self, learnt: &Arc<Learnt>, value: &[u8]) {
        /// After one value that looks random.
        const REST: u64 = 64;
        if !learnt.course.is_gathering(self.config.look_every) {
            return;
        }
        if probe::looks_random(value) {
            learnt.course.rest_for(REST);
            return;
        }
        self.gatherings.add(learnt, value, &self.config);
    }

    /// The next samples to train on, and the turn to do so; `None` if there are none, or
    /// somebody trains already.
    pub(crate) fn turn(self: &Arc<Self>) -> Option<Turn> {
        if !self.gatherings.is_due() || self.is_training.swap(true, Ordering::AcqRel) {
            return None;
        }
        Some(Turn(Arc::clone(self)))
    }
}

/// The right to train: one at a time, so that training takes one thread at most.
#[derive(Debug)]
pub(crate) struct Turn(pub(super) Arc<Trainer>);

impl Turn {
    pub(super) fn next(&self) -> Option<Gathering> {
        self.0.gatherings.take()
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.is_training.store(false, Ordering::Release);
    }
}

/// Whether no crash leaves a commit and takes one that could be seen before it was made; and
/// whether ids can be had for oneself.
fn keeps_what_was_before(below: &Capabilities) -> bool {
    // A server that loses its end while this process lives would lose a dictionary that goes
    // on being used here: the row has to be durable, or to die with those who know it.
    let dies_with_us = below.sequence == SequenceScope::Process;
    let outlives = below.durability_max == Durability::Synced || dies_with_us;
    let keeps = below.durability_min == Durability::Synced
        || (below.crash_order == CrashOrder::Suffix && outlives);
    // A read that lags behind does not see what its value needs.
    let sees = below.reads != ReadSupport::Eventual;
    keeps && sees && below.guards == Support::Supported
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_gets_dictionaries_if_a_crash_takes_none_and_leaves_their_values() {
        let embedded = Capabilities::embedded();
        assert!(keeps_what_was_before(&embedded));
        let mut any = embedded.clone();
        any.crash_order = CrashOrder::Any;
        any.durability_min = Durability::Buffered;
        assert!(!keeps_what_was_before(&any));
        any.durability_min = Durability::Synced;
        assert!(keeps_what_was_before(&any));
        any.guards = Support::Unsupported;
        assert!(!keeps_what_was_before(&any));
        let mut server = embedded.clone();
        server.sequence = SequenceScope::Store;
        assert!(keeps_what_was_before(&server));
        server.durability_max = Durability::Buffered;
        assert!(
            !keeps_what_was_before(&server),
            "its end is lost while we live"
        );
        let mut lagging = embedded;
        lagging.reads = ReadSupport::Eventual;
        assert!(!keeps_what_was_before(&lagging));
    }
}
