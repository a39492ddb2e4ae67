//! Limits: what just fits is taken, what does not is refused without effect.

use bytes::Bytes;
use storage_core::{
    BatchScope, Capabilities, Entry, Error, ErrorKind, Guard, OwnedKey, ReadExt, Space, Store,
    StoreExt, Support, WriteBatch,
};

use crate::{
    Bench, CaseResult, Subject,
    failure::{ensure, ensure_eq},
    fixture::{contents, quick, refused, refuses, system_keys},
};

/// Values are built no larger than this, whatever the store takes.
const BUILT_BYTES_MAX: usize = 64 << 20;

/// Batches are built with no more operations than this.
const BUILT_OPERATIONS_MAX: usize = 1 << 17;

/// The longest key is taken, in either space, and read in every way.
pub async fn a_key_at_the_limit_is_taken<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let store = bench.open().await?;
    for space in [Space::User, Space::System] {
        let key = key_of(space, store.capabilities().key_bytes_max_in(space));
        store.put(key.clone(), "long").await?;
        let entry = store.get(&key).await?;
        ensure_eq!(
            entry.map(Entry::into_value),
            Some("long".into()),
            "in {space:?}"
        );
        let many = store.get_many(std::slice::from_ref(&key)).await?;
        ensure_eq!(many.len(), 1, "answers of get_many");
        ensure!(
            store.delete(&key).await?,
            "the longest key of {space:?} can be deleted"
        );
    }
    Ok(())
}

/// A key that is one byte too long is `Invalid` wherever it is given.
pub async fn a_key_over_the_limit_is_refused<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let store = bench.open().await?;
    store.put("other", "1").await?;
    for space in [Space::User, Space::System] {
        let limit = store.capabilities().key_bytes_max_in(space);
        let key = key_of(space, limit + 1);
        let batches = [
            WriteBatch::new().put(key.clone(), "value"),
            WriteBatch::new().delete(key.clone()),
        ];
        for batch in batches {
            let error = refuses(&store, batch, ErrorKind::Invalid).await?;
            names_sizes(&error, limit + 1, limit)?;
        }
        let error = refused(store.get(&key).await, ErrorKind::Invalid)?;
        names_sizes(&error, limit + 1, limit)?;
        refused(store.get_many(&[key]).await, ErrorKind::Invalid)?;
    }
    Ok(())
}

/// A guard on a key that is too long is refused too.
pub async fn a_guard_on_a_key_over_the_limit_is_refused<S: Subject>(
    bench: &Bench<S>,
) -> CaseResult {
    let store = bench.open().await?;
    let limit = store.capabilities().key_bytes_max;
    let key = key_of(Space::User, limit + 1);
    let batch = WriteBatch::new().guard(Guard::Absent(key));
    let error = refuses(&store, batch, ErrorKind::Invalid).await?;
    names_sizes(&error, limit + 1, limit)
}

/// The largest value is taken; where that is more than 64 MiB, the largest that
/// every store takes, 1 MiB.
pub async fn a_value_at_the_limit_is_taken<S: Subject>(bench: &Bench<S>) -> CaseResult {
    const PORTABLE_BYTES: usize = 1 << 20;
    let store = bench.open().await?;
    let capabilities = store.capabilities();
    let limit = match capabilities.value_bytes_max {
        limit if limit > BUILT_BYTES_MAX => PORTABLE_BYTES,
        limit => limit.min(capabilities.batch_bytes_max - 1),
    };
    let value = Bytes::from(vec![0; limit]);
    store.put("k", value.clone()).await?;
    let entry = store.get("k").await?;
    ensure!(
        entry.is_some_and(|entry| *entry.value() == value),
        "{limit} bytes come back"
    );
    Ok(())
}

/// A value that is one byte too long is `Invalid`, and the old one stays.
pub async fn a_value_over_the_limit_is_refused<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let store = bench.open().await?;
    store.put("k", "old").await?;
    let limit = store.capabilities().value_bytes_max;
    if limit > BUILT_BYTES_MAX {
        // Building such a value would take the memory of the machine.
        ensure!(
            store.capabilities().batch_bytes_max >= limit,
            "a value fits in a batch"
        );
        return Ok(());
    }
    let batch = WriteBatch::new().put("k", Bytes::from(vec![0; limit + 1]));
    let error = refuses(&store, batch, ErrorKind::Invalid).await?;
    names_sizes(&error, limit + 1, limit)
}

/// A batch may hold as many operations as advertised, and not one more.
pub async fn a_batch_over_its_operations_limit_is_refused<S: Subject>(
    bench: &Bench<S>,
) -> CaseResult {
    let store = bench.open().await?;
    let capabilities = store.capabilities();
    let limit = capabilities.batch_operations_max;
    let built = limit.min(BUILT_OPERATIONS_MAX);
    store
        .commit_with(deletes(built, capabilities), &quick(&store))
        .await?;
    if limit < BUILT_OPERATIONS_MAX {
        store.put("a", "1").await?;
        let batch = deletes(limit + 1, capabilities);
        let error = refuses(&store, batch, ErrorKind::Invalid).await?;
        names_sizes(&error, limit + 1, limit)?;
    }
    Ok(())
}

/// A batch of more bytes than advertised is `Invalid`. One shared value makes
/// it cheap to build.
pub async fn a_batch_over_its_bytes_limit_is_refused<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let store = bench.open().await?;
    let capabilities = store.capabilities();
    let value_bytes = capabilities.value_bytes_max.min(BUILT_BYTES_MAX / 4);
    let puts = capabilities.batch_bytes_max / value_bytes + 1;
    let value = Bytes::from(vec![0; value_bytes]);
    if puts > capabilities.batch_operations_max.min(BUILT_OPERATIONS_MAX) {
        // The limit on operations, which has its own case, is met first.
        store.put("k", value).await?;
        ensure_eq!(contents(&store).await?.len(), 1, "the number of entries");
        return Ok(());
    }
    let mut batch = WriteBatch::new();
    for number in 0..puts {
        batch = batch.put(key_in_scope(number, capabilities), value.clone());
    }
    let error = refuses(&store, batch, ErrorKind::Invalid).await?;
    // A layer may add to the batch, so only the limit is known beforehand.
    names_sizes(
        &error,
        capabilities.batch_bytes_max,
        capabilities.batch_bytes_max,
    )
}

/// Guards count as operations of their batch.
pub async fn guards_count_as_operations<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let store = bench.open().await?;
    let capabilities = store.capabilities();
    let limit = capabilities.batch_operations_max;
    if capabilities.guards == Support::Unsupported || limit >= BUILT_OPERATIONS_MAX {
        let guarded = store
            .commit(WriteBatch::new().absent("k").delete("k"))
            .await;
        if capabilities.guards == Support::Unsupported {
            refused(guarded, ErrorKind::Unsupported)?;
        }
        return Ok(());
    }
    let batch = deletes(limit, capabilities).absent(key_in_scope(0, capabilities));
    refuses(&store, batch, ErrorKind::Invalid).await?;
    Ok(())
}

/// Deletes of as many keys as the batch scope of the store allows.
fn deletes(count: usize, capabilities: &Capabilities) -> WriteBatch {
    (0..count).fold(WriteBatch::new(), |batch, number| {
        batch.delete(key_in_scope(number, capabilities))
    })
}

/// A key of its own for each number, or one for all where a batch may change
/// one key only.
fn key_in_scope(number: usize, capabilities: &Capabilities) -> OwnedKey {
    match capabilities.batch {
        BatchScope::Key | BatchScope::Partition => "n".into(),
        BatchScope::Store => format!("n{number:08}").into(),
    }
}

fn key_of(space: Space, length: usize) -> OwnedKey {
    let mut bytes = match space {
        Space::User => Vec::new(),
        Space::System => system_keys().key("").into_bytes().to_vec(),
    };
    bytes.resize(length, b'k');
    OwnedKey::in_space(space, bytes.into())
}

fn names_sizes(error: &Error, actual: usize, limit: usize) -> CaseResult {
    let message = error.message();
    ensure!(
        message.contains(&actual.to_string()) && message.contains(&limit.to_string()),
        "the message names {actual} and {limit}: {message}"
    );
    Ok(())
}
