//! Reads of entries by their keys: one command for any number.

use deadpool_redis::redis::{RedisResult, cmd};
use storage_core::{Entry, OwnedKey, Result, embedded::flat_key};

use crate::{
    error::corrupt,
    session::{Question, Session},
    value,
};

/// The stored values of keys, in their order.
#[derive(Debug)]
pub(crate) struct Values<'a> {
    pub(crate) entries: &'a str,
    pub(crate) keys: &'a [OwnedKey],
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

/// The entries in stored values.
///
/// # Errors
/// `Corrupt` if one is damaged.
pub(crate) fn entries(
    keys: &[OwnedKey],
    values: Vec<Option<Vec<u8>>>,
) -> Result<Vec<Option<Entry>>> {
    let entry = |(key, value): (&OwnedKey, Option<_>)| {
        let Some(value) = value else { return Ok(None) };
        let entry = value::entry(value)
            .ok_or_else(|| corrupt("the header of a value is damaged").with_key(key));
        entry.map(Some)
    };
    keys.iter().zip(values).map(entry).collect()
}
