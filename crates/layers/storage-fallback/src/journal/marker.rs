//! The marker: the row in which the primary counts what it has of a journal.

use bytes::Bytes;
use storage_core::{
    Capabilities, Consistency, Entry, Error, ErrorKind, OwnedKey, ReadOptions, ReadSupport, Result,
    Stamp, Store,
};

/// The value of a marker.
pub(crate) fn marker_value(number: u64) -> Bytes {
    Bytes::copy_from_slice(&number.to_be_bytes())
}

/// What [`marker_value`] wrote.
///
/// # Errors
/// `Corrupt` for anything else.
pub(crate) fn marker_number(value: &[u8]) -> Result<u64> {
    let bytes = value.try_into().map_err(|_| {
        Error::new(
            ErrorKind::Corrupt,
            "the row in which the primary counts what was written back is damaged",
        )
    })?;
    Ok(u64::from_be_bytes(bytes))
}

/// What the primary says of its row.
///
/// # Errors
/// As for the primary, and as for [`marker_number`].
pub(crate) async fn read_marker<S: Store>(
    inner: &S,
    key: &OwnedKey,
) -> Result<Option<(Stamp, u64)>> {
    let entry = inner
        .get_with(key.as_key(), &fresh(inner.capabilities()))
        .await?;
    let read = |entry: Entry| Ok((entry.stamp(), marker_number(entry.value())?));
    entry.map(read).transpose()
}

/// Options of a read that is not answered with what is old.
pub(crate) fn fresh(capabilities: &Capabilities) -> ReadOptions {
    match capabilities.reads {
        ReadSupport::Eventual => ReadOptions::new(),
        ReadSupport::OnDemand | ReadSupport::Linearizable => {
            ReadOptions::new().consistency(Consistency::Linearizable)
        }
    }
}
