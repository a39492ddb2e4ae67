//! The marker: the row in which the primary counts what it has of a journal.

use bytes::Bytes;
use storage_core::{
    Capabilities, Consistency, Entry, OwnedKey, ReadOptions, ReadSupport, Result, Stamp, Store,
};

use super::sealed::{damaged, seal, unseal};

/// The value of a marker.
pub(crate) fn marker_value(number: u64) -> Bytes {
    seal(&number.to_be_bytes())
}

/// What [`marker_value`] wrote.
///
/// # Errors
/// `Corrupt` for anything else, `Unsupported` for what a newer version wrote.
fn marker_number(value: &[u8]) -> Result<u64> {
    let number = unseal(value)?.try_into().map_err(|_| damaged())?;
    Ok(u64::from_be_bytes(number))
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

#[cfg(test)]
mod tests {
    use storage_core::ErrorKind;

    use super::{super::sealed::damages, *};

    #[test]
    fn a_marker_has_the_bytes_of_its_format_and_no_damage_is_taken_for_one() {
        let golden = b"\x01\0\0\0\0\0\0\x01\x02\x06\x67\x50\x80";
        assert_eq!(marker_value(258), &golden[..]);
        assert_eq!(marker_number(golden).unwrap(), 258);
        for damaged in damages(golden) {
            let error = marker_number(&damaged).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Corrupt);
        }
    }
}
