//! Reads of entries by their keys: one command for any number.

use deadpool_redis::redis::{RedisResult, cmd};
use storage_core::{Entry, OwnedKey, Result, embedded::flat_key};
use tokio::time::Instant;

use crate::{
    error::corrupt,
    partition::Partition,
    session::{Question, Session},
    value,
};

/// The stored values of keys, in their order.
#[derive(Debug)]
struct Values<'a> {
    entries: &'a str,
    keys: &'a [OwnedKey],
}

impl Question for Values<'_> {
    type Answer = Vec<Option<Vec<u8>>>;

    async fn ask(&self, session: &mut Session) -> RedisResult<Self::Answer> {
        let mut read = cmd("HMGET");
        read.arg(self.entries);
        for key in self.keys {
            flat_key::with_flat(key.as_key(), |flat| {
                read.arg(flat);
            });
        }
        session.ask(&read).await
    }
}

/// The stored entries of keys that a partition has, in their order.
///
/// # Errors
/// `Corrupt` if one is damaged; what the server reports.
pub(crate) async fn get_many(
    partition: &Partition,
    keys: &[OwnedKey],
    deadline: Instant,
) -> Result<Vec<Option<Entry>>> {
    let entries = &partition.keys().entries;
    let values = partition.ask(&Values { entries, keys }, deadline).await?;
    let entry = |(key, value): (&OwnedKey, Option<_>)| {
        let Some(value) = value else { return Ok(None) };
        let entry = value::entry(value)
            .ok_or_else(|| corrupt("the header of a value is damaged").with_key(key));
        entry.map(Some)
    };
    keys.iter().zip(values).map(entry).collect()
}
