//! The mark of a copy that is not finished.
//!
//! It is a row of core in the target: the header of the source, as the source
//! has it. It comes with the first thing that is copied, or before, and goes
//! when the copy was compared with its source.

use bytes::Bytes;

use crate::{
    BatchScope, Capabilities, Mutation, OwnedKey, Put, ReadExt, Result, Store, StoreHeader,
    Support, SystemKeys, WriteBatch, layer::CORE,
};

/// Of which store `store` is an unfinished copy; `None` if it is none. The
/// identity is all zeros where the source had no header.
///
/// # Errors
/// As for [`Read`](crate::Read); `Corrupt` if the mark is damaged.
pub async fn unfinished_copy<S: Store>(store: &S) -> Result<Option<StoreHeader>> {
    let key = key();
    match store.get(&key).await? {
        None => Ok(None),
        Some(entry) => StoreHeader::decode(entry.value())
            .map(Some)
            .map_err(|error| error.with_key(&key)),
    }
}

/// Marks `target` as an unfinished copy of `source`, and gives it its header.
///
/// # Errors
/// As for any commit; `Conflict` if somebody else has begun a copy meanwhile.
pub(super) async fn begin<T: Store>(
    target: &T,
    source: &StoreHeader,
    header: &StoreHeader,
) -> Result<()> {
    let guarded = target.capabilities().guards == Support::Supported;
    let mark = put(key(), source.encode());
    let header = put(StoreHeader::key(), header.encode());
    for batch in batches(target.capabilities(), [mark, header]) {
        let is_mark = batch
            .mutations()
            .first()
            .is_some_and(|first| matches!(first, Mutation::Put(put) if put.key == key()));
        let batch = if guarded && is_mark {
            batch.absent(key())
        } else {
            batch
        };
        target
            .commit_with(batch, &crate::WriteOptions::new())
            .await?;
    }
    Ok(())
}

/// Takes the mark away.
///
/// # Errors
/// As for any commit.
pub(super) async fn end<T: Store>(target: &T) -> Result<()> {
    let batch = WriteBatch::new().delete(key());
    target
        .commit_with(batch, &crate::WriteOptions::new())
        .await?;
    Ok(())
}

fn key() -> OwnedKey {
    SystemKeys::of(CORE).key("copy")
}

fn put(key: OwnedKey, value: Bytes) -> Mutation {
    Put::new(key, value).into()
}

/// One batch, or one for each mutation where a batch takes no more.
fn batches(capabilities: &Capabilities, mutations: [Mutation; 2]) -> Vec<WriteBatch> {
    if capabilities.batch == BatchScope::Store {
        return vec![WriteBatch::from_parts(Vec::new(), mutations.into())];
    }
    let single = |mutation| WriteBatch::new().mutation(mutation);
    mutations.into_iter().map(single).collect()
}
