//! Who has the standby: each open takes it from whoever had it before.
//!
//! Whether that one is still alive nobody can tell, so it is not asked. What it writes
//! to the standby is guarded by the row that the next open has changed; and the numbers
//! of the next are beyond all that it could still fence off.

use bytes::Bytes;
use storage_core::{
    Entry, Error, ErrorKind, OwnedKey, Read, Result, SharedStore, Stamp, Store, SystemKeys,
    WriteBatch, WriteOptions,
};

use super::{
    marker::fresh,
    sealed::{damaged, seal, unseal},
};
use crate::NAME;

const OWNER: &[u8] = b"owner";

const CLOSED: u8 = 0;
const OPEN: u8 = 1;

/// How many numbers an opening has: a million a second for twelve days.
const NUMBERS: u64 = 1 << 40;

/// The opening that has a standby, until the next takes it.
#[derive(Debug)]
pub(super) struct Owner {
    opening: u64,
    /// Of the row that says so.
    stamp: Stamp,
}

impl Owner {
    /// Takes the standby over. From here on whoever had it can append nothing, so all
    /// rows are there to be read.
    ///
    /// # Errors
    /// As for the standby; `Conflict` if another does the same at this moment.
    pub(super) async fn take(standby: &SharedStore) -> Result<Self> {
        let before = read(standby).await?;
        let (guard, last) = match &before {
            None => (WriteBatch::new().absent(key()), 0),
            Some(entry) => {
                let (last, state) = decode(entry.value())?;
                if state == OPEN {
                    tracing::warn!(
                        "who had the standby has not closed it; if it still runs, it accepts \
                         no more commits"
                    );
                }
                (WriteBatch::new().unchanged(key(), entry.stamp()), last)
            }
        };
        let opening = last + 1;
        let batch = guard.put(key(), encode(opening, OPEN));
        let taken = standby.commit_with(batch, &WriteOptions::new()).await;
        taken.map_err(|error| match error.kind() {
            ErrorKind::Conflict => raced().with_source(error),
            _ => error,
        })?;
        let ours = read(standby).await?;
        let ours = ours.filter(|entry| *entry.value() == encode(opening, OPEN));
        let ours = ours.ok_or_else(raced)?;
        Ok(Self {
            opening,
            stamp: ours.stamp(),
        })
    }

    /// What all numbers of this opening come after.
    ///
    /// # Errors
    /// `Full` after sixteen million openings.
    pub(super) fn numbers_after(&self) -> Result<u64> {
        self.opening.checked_mul(NUMBERS).ok_or_else(|| {
            Error::new(
                ErrorKind::Full,
                "the standby was opened too often to number more commits; use another",
            )
        })
    }

    /// The same batch, which is refused once another has the standby.
    pub(super) fn guarding(&self, batch: WriteBatch) -> WriteBatch {
        batch.unchanged(key(), self.stamp.clone())
    }

    /// Whether no other has the standby.
    ///
    /// # Errors
    /// As for the standby.
    pub(super) async fn is_still(&self, standby: &SharedStore) -> Result<bool> {
        let entry = read(standby).await?;
        Ok(entry.is_some_and(|entry| *entry.value() == encode(self.opening, OPEN)))
    }

    /// Lets go of the standby.
    ///
    /// # Errors
    /// As for the standby; `Conflict` if another has it.
    pub(super) async fn release(&self, standby: &SharedStore) -> Result<()> {
        let batch = WriteBatch::new().put(key(), encode(self.opening, CLOSED));
        let batch = self.guarding(batch);
        standby.commit_with(batch, &WriteOptions::new()).await?;
        Ok(())
    }
}

fn raced() -> Error {
    Error::new(
        ErrorKind::Conflict,
        "another process opens the same standby at this moment; give each its own",
    )
}

async fn read(standby: &SharedStore) -> Result<Option<Entry>> {
    let options = fresh(standby.capabilities());
    standby.get_with(key().as_key(), &options).await
}

fn key() -> OwnedKey {
    SystemKeys::of(NAME).key(OWNER)
}

fn encode(opening: u64, state: u8) -> Bytes {
    seal(&[&opening.to_be_bytes()[..], &[state]].concat())
}

/// # Errors
/// `Corrupt` for what [`encode`] has not written, `Unsupported` for a newer version.
fn decode(bytes: &[u8]) -> Result<(u64, u8)> {
    match unseal(bytes)?.split_first_chunk() {
        Some((opening, [state @ (CLOSED | OPEN)])) => Ok((u64::from_be_bytes(*opening), *state)),
        _ => Err(damaged()),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::sealed::damages, *};

    #[test]
    fn an_owner_has_the_bytes_of_its_format_and_no_damage_is_taken_for_one() {
        let golden = encode(258, OPEN);
        assert_eq!(golden[..10], *b"\x01\0\0\0\0\0\0\x01\x02\x01");
        assert_eq!(decode(&golden).unwrap(), (258, OPEN));
        for damaged in damages(&golden) {
            let error = decode(&damaged).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Corrupt);
        }
        let error = decode(&encode(258, 2)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "no such state");
    }
}
