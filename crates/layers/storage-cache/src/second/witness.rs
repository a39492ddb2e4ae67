//! How the next cache of a store knows that nobody wrote to it meanwhile.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use storage_core::{
    Entry, OwnedKey, Random, ReadOptions, Result, Store, SystemKeys, WriteBatch, WriteOptions,
};

use crate::layer::NAME;

/// What a store says of itself when its cache closes: a number that was put there then, which a
/// copy from before does not have, and how far its sequences are reserved, which the first
/// commit of whoever opens it next moves on (`docs/formats/sequence.md`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Witness([u8; 16]);

impl Witness {
    pub(super) const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    pub(super) const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// What `store` says; `None` if no cache has closed on it, or its sequences are kept in
    /// another way.
    pub(super) async fn of<S: Store>(store: &S) -> Result<Option<Self>> {
        let number = read(store, &number_key()).await?;
        let reserved = read(store, &SystemKeys::of("core").key("sequence")).await?;
        let (Some(number), Some(reserved)) = (number, reserved) else {
            return Ok(None);
        };
        let mut bytes = BytesMut::new();
        bytes.put_slice(&number);
        bytes.put_slice(&reserved);
        let mut witness = [0; 16];
        let is_whole = bytes.try_copy_to_slice(&mut witness).is_ok() && bytes.is_empty();
        Ok(is_whole.then_some(Self(witness)))
    }

    /// The same, with a new number.
    pub(crate) async fn renewed<S: Store>(store: &S, random: &dyn Random) -> Result<Option<Self>> {
        let mut number = [0; 8];
        random.fill(&mut number)?;
        let batch = WriteBatch::new().put(number_key(), Bytes::copy_from_slice(&number));
        store.commit_with(batch, &WriteOptions::new()).await?;
        Self::of(store).await
    }
}

fn number_key() -> OwnedKey {
    SystemKeys::of(NAME).key("closed")
}

async fn read<S: Store>(store: &S, key: &OwnedKey) -> Result<Option<Bytes>> {
    let entry = store.get_with(key.as_key(), &ReadOptions::new()).await?;
    Ok(entry.map(Entry::into_value))
}
