//! Mutations: the single changes a batch is made of.

use bytes::Bytes;

use crate::{Entry, KeyRange, OwnedKey, Sequence, Timestamp};

/// One change of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mutation {
    /// Sets a key to a value.
    Put(Put),
    /// Sets a key that holds the commit's sequence to a value.
    PutSequenced(SequencedPut),
    /// Removes a key.
    Delete(OwnedKey),
    /// Removes every key of a range.
    DeleteRange(KeyRange),
}

impl Mutation {
    /// The bytes of the keys and values this mutation carries.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        match self {
            Self::Put(put) => put.key.bytes().len() + put.value.len(),
            Self::PutSequenced(put) => put.key_bytes() + put.value.len(),
            Self::Delete(key) => key.bytes().len(),
            Self::DeleteRange(_) => 0,
        }
    }
}

impl From<Put> for Mutation {
    fn from(put: Put) -> Self {
        Self::Put(put)
    }
}

impl From<SequencedPut> for Mutation {
    fn from(put: SequencedPut) -> Self {
        Self::PutSequenced(put)
    }
}

/// Sets a key to a value, for good or until an instant.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Put {
    /// The key to set.
    pub key: OwnedKey,
    /// The value to set it to.
    pub value: Bytes,
    /// When the entry stops existing; `None` means never.
    pub expires: Option<Timestamp>,
}

impl Put {
    /// Sets `key` to `value`, for good.
    #[must_use]
    pub fn new(key: impl Into<OwnedKey>, value: impl Into<Bytes>) -> Self {
        Self {
            key: key.into(),
            value: value.into(),
            expires: None,
        }
    }

    /// Sets `key` to the value of an entry, until that expires.
    #[must_use]
    pub fn of_entry(key: impl Into<OwnedKey>, entry: Entry) -> Self {
        let expires = entry.expires();
        Self::new(key, entry.into_value()).until(expires)
    }

    /// The same put, until `expires`.
    #[must_use]
    pub fn until(self, expires: impl Into<Option<Timestamp>>) -> Self {
        Self {
            expires: expires.into(),
            ..self
        }
    }
}

/// Sets a key that holds its commit's sequence: prefix, sequence, suffix.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SequencedPut {
    /// What comes before the sequence, and the space of the key.
    pub prefix: OwnedKey,
    /// What comes after the sequence.
    pub suffix: Bytes,
    /// The value to set the key to.
    pub value: Bytes,
    /// When the entry stops existing; `None` means never.
    pub expires: Option<Timestamp>,
}

impl SequencedPut {
    /// Writes `value` under `prefix`, the sequence, and `suffix`, for good.
    #[must_use]
    pub fn new(
        prefix: impl Into<OwnedKey>,
        suffix: impl Into<Bytes>,
        value: impl Into<Bytes>,
    ) -> Self {
        Self {
            prefix: prefix.into(),
            suffix: suffix.into(),
            value: value.into(),
            expires: None,
        }
    }

    /// The same put, until `expires`.
    #[must_use]
    pub fn until(self, expires: impl Into<Option<Timestamp>>) -> Self {
        Self {
            expires: expires.into(),
            ..self
        }
    }

    /// The length of the finished key.
    #[must_use]
    pub fn key_bytes(&self) -> usize {
        self.prefix.bytes().len() + size_of::<Sequence>() + self.suffix.len()
    }

    /// The put this one becomes in the commit with this sequence.
    #[must_use]
    pub fn at(self, sequence: Sequence) -> Put {
        let mut key = Vec::with_capacity(self.key_bytes());
        key.extend_from_slice(self.prefix.bytes());
        key.extend_from_slice(&sequence.to_key_bytes());
        key.extend_from_slice(&self.suffix);
        Put {
            key: OwnedKey::in_space(self.prefix.space(), key.into()),
            value: self.value,
            expires: self.expires,
        }
    }
}
