//! A first look at a store, before any history.

use storage_core::{Capabilities, ErrorKind, ReadExt, Store, Support, WriteBatch};

use crate::{CaseResult, Failure, fixture::quick};

/// Fails if a stamp that was just read does not hold although nobody else is
/// there. A swap reads again after each such refusal, so over a store that
/// refuses every stamp it would go on for ever.
pub(super) async fn a_fresh_stamp_holds<S: Store>(store: &S) -> CaseResult {
    // A stored form may be written anew once, but not each time.
    const TRIES: usize = 3;
    const KEY: &str = "before all histories";
    if !has_guards(store.capabilities()) {
        return Ok(());
    }
    let options = quick(store);
    let put = WriteBatch::new().put(KEY, "0");
    if store.commit_with(put, &options).await.is_err() {
        return Ok(());
    }
    for _ in 0..TRIES {
        let Ok(Some(entry)) = store.get(KEY).await else {
            return Ok(());
        };
        let batch = WriteBatch::new()
            .unchanged(KEY, entry.stamp())
            .put(KEY, "1");
        match store.commit_with(batch, &options).await {
            Err(error) if error.kind() == ErrorKind::Conflict => {}
            // Histories tell what other answers are worth.
            _ => return Ok(()),
        }
    }
    Err(Failure::new(format!(
        "a commit guarded by the stamp that was read just before was refused {TRIES} times, \
         though nobody else was there"
    )))
}

/// Whether a batch may hold a guard and a change.
pub(super) fn has_guards(capabilities: &Capabilities) -> bool {
    capabilities.guards == Support::Supported && capabilities.batch_operations_max > 1
}
