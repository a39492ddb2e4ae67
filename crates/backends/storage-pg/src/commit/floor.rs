//! Where the numbering of commits goes on.
//!
//! A copy that brings keys with numbers of another store along says up to where
//! those go, in the row that other engines reserve their numbers in
//! (`docs/formats/sequence.md`). The commit that writes it is numbered behind it.

use storage_core::{Error, ErrorKind, Mutation, Outcome, OwnedKey, Result, SystemKeys, WriteBatch};

/// The largest number that a copy may bring along: what is numbered behind it
/// stays far below the end.
const COPIED_MAX: u64 = u64::MAX >> 2;

/// The key of the reservation.
pub(crate) fn reservation_key() -> OwnedKey {
    SystemKeys::of("core").key("sequence")
}

/// The number behind which the commits after this one are to be numbered, if
/// the batch says so.
///
/// # Errors
/// `Invalid` for a reservation that no store makes.
pub(super) fn raised_by(batch: &WriteBatch, key: &OwnedKey) -> Result<Option<u64>> {
    let mut raised = None;
    for mutation in batch.mutations() {
        if let Mutation::Put(put) = mutation
            && put.key == *key
        {
            let reserved = parse(&put.value).ok_or_else(|| {
                Error::new(
                    ErrorKind::Invalid,
                    "no store reserves commit sequences like this; leave the key out, or check the store it is copied from",
                )
                .with_outcome(Outcome::NotApplied)
                .with_key(key)
            })?;
            raised = raised.max(Some(reserved));
        }
    }
    Ok(raised)
}

/// The number in a reservation.
pub(crate) fn parse(value: &[u8]) -> Option<u64> {
    let reserved = u64::from_be_bytes(value.try_into().ok()?);
    (reserved <= COPIED_MAX).then_some(reserved)
}
