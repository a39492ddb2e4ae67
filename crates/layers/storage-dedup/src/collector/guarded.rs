//! Changes that each have a guard of their own, made in batches.

use storage_core::{ErrorKind, Guard, Mutation, Result, Store, WriteBatch, WriteOptions};

use crate::hash::ChunkHash;

/// A change that is made if its guard holds, and left out if not.
#[derive(Debug)]
pub(super) struct Change {
    /// The chunk that it is about, and how long that is.
    pub(super) hash: ChunkHash,
    pub(super) length: u32,
    pub(super) guard: Guard,
    pub(super) mutations: Vec<Mutation>,
}

/// How many operations a change may have: a guard and two mutations.
const OPERATIONS: usize = 3;

/// How many changes share a batch at most. More would be spoilt together by one whose
/// guard does not hold.
const CHANGES: usize = 64;

/// Makes the changes whose guards hold, and says of which chunks they were.
///
/// # Errors
/// As for [`Store::commit_with`]. What was changed until then stays changed.
pub(super) async fn apply<S: Store>(
    store: &S,
    mut changes: Vec<Change>,
    operations_max: usize,
    options: &WriteOptions,
) -> Result<Vec<(ChunkHash, u32)>> {
    let at_once = (operations_max / OPERATIONS).clamp(1, CHANGES);
    let mut made = Vec::with_capacity(changes.len());
    while !changes.is_empty() {
        let mut group: Vec<_> = changes.drain(..changes.len().min(at_once)).collect();
        while !group.is_empty() {
            let mut batch = WriteBatch::new();
            for change in &group {
                batch = batch.guard(change.guard.clone());
                batch.extend(change.mutations.iter().cloned());
            }
            match store.commit_with(batch, options).await {
                Ok(_) => {
                    made.extend(group.drain(..).map(|change| (change.hash, change.length)));
                }
                Err(error) if error.kind() == ErrorKind::Conflict => {
                    match error.guard().filter(|guard| *guard < group.len()) {
                        Some(guard) => drop(group.remove(guard)),
                        // The next pass comes by.
                        None => group.clear(),
                    }
                }
                Err(error) => return Err(error),
            }
        }
    }
    Ok(made)
}
