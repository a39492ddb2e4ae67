//! Making dictionaries and storing them.

use std::{
    sync::{Arc, Weak},
    time::Instant,
};

use storage_core::{ErrorKind, Result, Store, WriteBatch, WriteOptions};

use super::{
    Dictionaries, Dictionary, DictionaryId, Lack, Trainer, Turn, all,
    gatherings::Gathering,
    loading::{of_row, one},
    row, training,
};
use crate::namespaces::Learnt;

/// How many dictionaries a namespace ever has.
const OF_NAMESPACE_MAX: usize = 8;

/// Trains on all samples that are complete, and stores what pays. Nobody waits for it, and
/// what fails is tried again with other samples.
pub(crate) async fn train_and_store<S: Store>(
    mut turn: Turn,
    store: Weak<S>,
    known: Arc<Dictionaries>,
) {
    loop {
        let trainer = Arc::clone(&turn.0);
        while let Some(gathering) = turn.next() {
            let content = train(&trainer, &gathering);
            // Held for no longer than this takes: dropping a store is to close it.
            let Some(store) = store.upgrade() else {
                return;
            };
            let end = match content {
                Some(content) => append(&*store, &gathering, &content, &known).await,
                None => Ok(End::Vain),
            };
            let learnt = &gathering.learnt;
            match end {
                Ok(End::Use(dictionary)) => {
                    learnt.set_dictionary(dictionary);
                    learnt.course.begin(trainer.config.look_every);
                }
                Ok(End::Enough) => learnt.course.rest_for_good(),
                Ok(End::Vain) | Err(_) => learnt.course.go_on(gathering.samples()),
            }
        }
        drop(turn);
        // Whoever completed samples since then found the turn taken.
        match trainer.turn() {
            Some(next) => turn = next,
            None => return,
        }
    }
}

/// The dictionary of these samples, if it pays.
fn train(trainer: &Trainer, gathering: &Gathering) -> Option<Vec<u8>> {
    let started = Instant::now();
    let (packer, packing) = (&trainer.packer, &trainer.packing);
    let content = training::train(gathering, &trainer.config, packer, packing);
    trainer.counters.dictionaries.trained(started.elapsed());
    // Without memory to train there is none.
    content.ok().flatten()
}

/// What a namespace goes on with.
enum End {
    Use(Arc<Dictionary>),
    /// What it has, from now on.
    Enough,
    /// What it has.
    Vain,
}

/// Stores a dictionary behind all others. If another handle has stored one of the namespace
/// meanwhile, that is used instead.
///
/// Whoever gets the id `n` has seen all rows before it: the guard on its absence makes all
/// handles see the same dictionaries in the same order, and so keep to the same bounds.
async fn append<S: Store>(
    store: &S,
    gathering: &Gathering,
    content: &[u8],
    known: &Dictionaries,
) -> Result<End> {
    let learnt = &gathering.learnt;
    let found = all(store).await?;
    let mut greatest = found.iter().map(|(id, _)| *id).max();
    let sound = found.into_iter().filter_map(|(_, found)| found.ok());
    let mut of_namespace = 0;
    for dictionary in sound {
        of_namespace += usize::from(dictionary.namespace == *learnt.prefix);
        known.add(dictionary);
    }
    if let Some(newer) = newer(learnt, known) {
        return Ok(End::Use(newer));
    }
    if of_namespace >= OF_NAMESPACE_MAX {
        return Ok(End::Enough);
    }
    let stored = row::encode(&learnt.prefix, content);
    if stored.len() > store.capabilities().value_bytes_max {
        return Ok(End::Enough);
    }
    while let Some(id) = DictionaryId::after(greatest) {
        let batch = WriteBatch::new()
            .absent(row::key(id))
            .put(row::key(id), stored.clone());
        // As durable as can be, whatever the values are.
        let there = match store.commit_with(batch, &WriteOptions::new()).await {
            Ok(_) => of_row(id, &stored),
            Err(error) if error.kind() == ErrorKind::Conflict => one(store, id).await?,
            Err(error) => return Err(error),
        };
        match there {
            Ok(dictionary) => {
                let is_its = dictionary.namespace == *learnt.prefix;
                let dictionary = known.add(dictionary);
                if is_its {
                    return Ok(End::Use(dictionary));
                }
            }
            Err(Lack::Damaged(_)) => {}
            // A read that does not see it yet.
            Err(Lack::Missing) => return Ok(End::Vain),
        }
        greatest = Some(id);
    }
    Ok(End::Enough)
}

/// A dictionary of a namespace that is newer than the one in use.
fn newer(learnt: &Learnt, known: &Dictionaries) -> Option<Arc<Dictionary>> {
    let newest = known.newest_of(&learnt.prefix)?;
    let used = learnt.dictionary().map(|used| used.id);
    (Some(newest.id) > used).then_some(newest)
}
