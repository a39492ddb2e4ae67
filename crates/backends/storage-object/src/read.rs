//! Gets: one request a key, several at once.

use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use storage_core::{Entry, Key, OwnedKey, Result};
use tokio::time::{Instant, sleep};

use crate::{bucket::Object, engine::ObjectEngine, failure::Failure, object, stamp::stamp};

/// How often a read is tried: connections that were idle may be dead.
const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_millis(20);

impl ObjectEngine {
    pub(crate) async fn get_all(
        &self,
        keys: &[OwnedKey],
        deadline: Instant,
    ) -> Result<Vec<Option<Entry>>> {
        if let [key] = keys {
            return Ok(vec![self.get_one(key.as_key(), deadline).await?]);
        }
        let gets: Vec<_> = keys
            .iter()
            .map(|key| self.get_one(key.as_key(), deadline))
            .collect();
        self.at_once(gets).await
    }

    async fn get_one(&self, key: Key<'_>, deadline: Instant) -> Result<Option<Entry>> {
        let path = self.names.entry(key);
        let object = self.get_repeatedly(&path, None, deadline).await?;
        object.map(|object| entry(&object, key)).transpose()
    }

    /// Gets an object or its beginning, again where that may help.
    pub(crate) async fn get_repeatedly(
        &self,
        path: &Path,
        bytes_max: Option<usize>,
        deadline: Instant,
    ) -> Result<Option<Object>> {
        let mut tries = Tries::default();
        loop {
            match self.bucket.get(path, bytes_max, deadline).await {
                Ok(object) => return Ok(object),
                Err(failed) => tries.again(failed).await?,
            }
        }
    }

    /// The answers of several reads, in their order.
    pub(crate) async fn at_once<T, F>(&self, reads: Vec<F>) -> Result<Vec<T>>
    where
        F: Future<Output = Result<T>> + Send,
        T: Send,
    {
        stream::iter(reads)
            .buffered(self.requests_at_once)
            .try_collect()
            .await
    }
}

/// How often a read has failed.
#[derive(Debug, Default)]
pub(crate) struct Tries(u32);

impl Tries {
    /// Waits for a moment, if it may help to try again.
    ///
    /// # Errors
    /// Why it failed, if not.
    pub(crate) async fn again(&mut self, failed: Failure) -> Result<()> {
        self.0 += 1;
        if self.0 >= TRIES || !failed.may_pass() {
            return Err(failed.error);
        }
        sleep(PAUSE * self.0).await;
        Ok(())
    }
}

/// The entry in the whole object of `key`.
pub(crate) fn entry(object: &Object, key: Key<'_>) -> Result<Entry> {
    let (header, value) = object::value(&object.bytes, key)?;
    Ok(Entry::new(value, header.expires, stamp(header.write)))
}
