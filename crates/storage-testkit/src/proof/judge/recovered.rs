//! What a store holds after it was opened again.

use std::collections::{BTreeMap, HashMap};

use blake3::Hasher;
use storage_core::{
    KeyRange, OwnedKey, ReadExt, Result, ScanOptions, Sequence, SharedStore, Space, Store,
    Timestamp,
};

use crate::proof::{Content, History, Keyspace, OperationId, Place};

/// Everything a store holds of one round.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// The round.
    pub round: u32,
    /// What is at each place; a place that is not here has no entry.
    pub contents: BTreeMap<Place, Content>,
    /// The entries of the log, in the order of their sequences.
    pub log: Vec<LogEntry>,
    /// What should not be there, described.
    pub strays: Vec<String>,
}

/// An entry of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// The sequence in its key.
    pub sequence: Sequence,
    /// The operation in its key.
    pub operation: OperationId,
    /// What its value says.
    pub content: Content,
}

impl Recovered {
    /// Reads a round from both spaces, and checks that single reads agree with
    /// scans.
    ///
    /// # Errors
    /// What the store's reads report.
    pub async fn read(store: &SharedStore, keys: Keyspace, history: &History) -> Result<Self> {
        let places = history.places().into_iter();
        let named: HashMap<OwnedKey, Place> =
            places.map(|place| (keys.key(place), place)).collect();
        let mut recovered = Self {
            round: keys.round(),
            ..Self::default()
        };
        let expiry = store.capabilities().expiry;
        for range in keys.ranges() {
            let space = range.space();
            let mut scan = store.scan(range, ScanOptions::new());
            while let Some(item) = scan.next().await? {
                let key = OwnedKey::in_space(space, item.key);
                let content = Content::of_entry(&item.entry, expiry);
                recovered.add(keys, &named, &key, content);
            }
        }
        for (key, place) in &named {
            let entry = store.get(key).await?;
            let got = entry.map(|entry| Content::of_entry(&entry, expiry));
            recovered.compare(*place, got.as_ref());
        }
        Ok(recovered)
    }

    /// The last sequence in the log; 0 if the log is empty.
    #[must_use]
    pub fn last_sequence(&self) -> u64 {
        let sequences = self.log.iter().map(|entry| entry.sequence.get());
        sequences.max().unwrap_or(0)
    }

    fn add(
        &mut self,
        keys: Keyspace,
        named: &HashMap<OwnedKey, Place>,
        key: &OwnedKey,
        content: Content,
    ) {
        if let Some(place) = named.get(key) {
            if self.contents.insert(*place, content).is_some() {
                self.strays.push(format!("a scan shows {place} twice"));
            }
        } else if key.space() == Space::User
            && let Some((sequence, operation)) = keys.log_entry(key.bytes())
        {
            self.log.push(LogEntry {
                sequence,
                operation,
                content,
            });
        } else {
            self.strays
                .push(format!("{key:?} is there, which no operation wrote"));
        }
    }

    fn compare(&mut self, place: Place, got: Option<&Content>) {
        let scanned = self.contents.get(&place);
        if scanned != got {
            self.strays.push(format!(
                "a scan shows {scanned:?} at {place}, a get {got:?}"
            ));
        }
    }
}

/// A digest of everything a store holds of one round, to compare later.
///
/// # Errors
/// What the store's reads report.
pub(in crate::proof) async fn digest(store: &SharedStore, keys: Keyspace) -> Result<String> {
    let mut hasher = Hasher::new();
    for range in keys.ranges() {
        digest_range(store, range, &mut hasher).await?;
    }
    Ok(hasher.finalize().to_hex().to_string())
}

async fn digest_range(store: &SharedStore, range: KeyRange, hasher: &mut Hasher) -> Result<()> {
    let mut scan = store.scan(range, ScanOptions::new());
    while let Some(item) = scan.next().await? {
        let expires = item.entry.expires().map(Timestamp::as_unix_milliseconds);
        hasher.update(&expires.unwrap_or(u64::MAX).to_be_bytes());
        for bytes in [&item.key, item.entry.value()] {
            let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            hasher.update(&length.to_be_bytes()).update(bytes);
        }
    }
    Ok(())
}
