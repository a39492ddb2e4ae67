//! What a store was asked to hold, and what it answered.

use std::collections::BTreeMap;

use bytes::Bytes;
use storage_core::{
    Durability, Entry, Error, ErrorKind, KeyRange, Outcome, OwnedKey, Read, ReadExt, Result,
    ScanOptions, Store, WriteBatch, WriteOptions,
};

use crate::{CaseResult, Failure, failure::ensure};

/// The keys that a case put, and what their puts were answered. All user keys of
/// the store are in it.
#[derive(Clone, Debug, Default)]
pub(super) struct Ledger(BTreeMap<Bytes, Fact>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Fact {
    There(Bytes),
    Absent,
    /// The put may have been applied.
    Unsure(Bytes),
}

impl Ledger {
    /// Puts an entry under a new key, and takes down the answer.
    pub(super) async fn put(
        &mut self,
        store: &impl Store,
        key: &[u8],
        value: &[u8],
        durability: Durability,
    ) -> CaseResult<Option<Error>> {
        let (key, value) = (Bytes::copy_from_slice(key), Bytes::copy_from_slice(value));
        let batch = WriteBatch::new().put(OwnedKey::from(key.clone()), value.clone());
        let options = WriteOptions::new().durability(durability);
        let (fact, error) = match store.commit_with(batch, &options).await {
            Ok(_) => (Fact::There(value), None),
            Err(error) => match error.outcome() {
                Some(Outcome::NotApplied) => (Fact::Absent, Some(error)),
                Some(Outcome::Unknown) => (Fact::Unsure(value), Some(error)),
                None => {
                    return Err(Failure::new(format!(
                        "a refused commit does not say whether it was applied: {error}"
                    )));
                }
            },
        };
        self.0.insert(key, fact);
        Ok(error)
    }

    /// Puts an entry with the strongest durability; it must be taken.
    pub(super) async fn must_put(
        &mut self,
        store: &impl Store,
        key: &[u8],
        value: &[u8],
    ) -> CaseResult {
        let durability = store.capabilities().durability_max;
        match self.put(store, key, value, durability).await? {
            None => Ok(()),
            Some(error) => Err(error.into()),
        }
    }

    /// Takes down that another process was acknowledged an entry.
    pub(super) fn expect(&mut self, key: &'static [u8], value: &'static [u8]) {
        let value = Bytes::from_static(value);
        self.0.insert(Bytes::from_static(key), Fact::There(value));
    }

    /// How many entries must be there.
    pub(super) fn acknowledged(&self) -> usize {
        let is_there = |fact: &&Fact| matches!(fact, Fact::There(_));
        self.0.values().filter(is_there).count()
    }

    /// Checks that the store holds what it acknowledged, and nothing else but
    /// what may have been applied: by a get of every key, and by a scan. What
    /// may have been applied is settled from then on.
    pub(super) async fn check(&mut self, store: &impl Store) -> CaseResult {
        let mut there = BTreeMap::new();
        for (key, fact) in &mut self.0 {
            let found = store.get(key).await?.map(Entry::into_value);
            fact.admit(key, found.as_ref())?;
            *fact = found.clone().map_or(Fact::Absent, Fact::There);
            there.extend(found.map(|found| (key.clone(), found)));
        }
        let scanned = all(store).await?;
        ensure!(
            scanned == there,
            "a scan shows {} entries, the gets of all keys {}, or their values differ",
            scanned.len(),
            there.len()
        );
        Ok(())
    }

    /// Checks gets of all keys, which may be refused as one of `kinds`.
    pub(super) async fn check_unless(&self, store: &impl Store, kinds: &[ErrorKind]) -> CaseResult {
        for (key, fact) in &self.0 {
            if let Some(found) = unless(kinds, store.get(key).await)? {
                fact.admit(key, found.map(Entry::into_value).as_ref())?;
            }
        }
        Ok(())
    }
}

impl Fact {
    /// Checks that a get of `key` may find this.
    fn admit(&self, key: &[u8], found: Option<&Bytes>) -> CaseResult {
        let is_right = match (self, found) {
            (Self::There(value) | Self::Unsure(value), Some(found)) => found == value,
            (Self::Absent | Self::Unsure(_), None) => true,
            (Self::There(_), None) | (Self::Absent, Some(_)) => false,
        };
        let should_be = match self {
            Self::There(value) => format!("there with {} bytes", value.len()),
            Self::Absent => "absent".into(),
            Self::Unsure(value) => format!("absent, or there with {} bytes", value.len()),
        };
        ensure!(
            is_right,
            "the entry of \"{}\" should be {should_be}, but {}",
            key.escape_ascii(),
            match found {
                None => "is absent".into(),
                Some(found) => format!("has {} bytes that were not put", found.len()),
            }
        );
        Ok(())
    }
}

/// The answer, unless it is an error of one of these kinds.
#[track_caller]
pub(super) fn unless<T>(kinds: &[ErrorKind], answer: Result<T>) -> CaseResult<Option<T>> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if kinds.contains(&error.kind()) => Ok(None),
        Err(error) if kinds.is_empty() => Err(error.into()),
        Err(error) => Err(Failure::new(format!(
            "an error should be one of {kinds:?}, but is: {error}"
        ))),
    }
}

/// Every user entry of a store.
pub(super) async fn all(reader: &impl Read) -> Result<BTreeMap<Bytes, Bytes>> {
    let items = reader.scan(KeyRange::all(), ScanOptions::new());
    let items = items.collect().await?.into_iter();
    Ok(items
        .map(|item| (item.key, item.entry.into_value()))
        .collect())
}
