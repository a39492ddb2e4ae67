//! The rows that say what expires when. `docs/formats/expiry.md` gives them byte by byte.

use std::ops::Bound;

use bytes::Bytes;
use storage_core::{
    Error, ErrorKind, KeyRange, Put, Result, SequencedPut, Space, SystemKeys, Timestamp,
};

use crate::layer::NAME;

/// The version of the rows.
const VERSION: u8 = 1;

/// How much longer a row's key is than the entry's.
pub(crate) const EXTRA_BYTES: usize = PREFIX.len() + size_of::<u64>();

/// The layer's own system keys, then the version.
const PREFIX: [u8; 9] = *b"\x02expiry\x00\x01";

/// What never expires is in no row.
const NEVER: Timestamp = Timestamp::from_unix_milliseconds(u64::MAX);

/// The row of an entry that is put; `None` if it never expires.
pub(crate) fn row_of(put: &Put) -> Option<Put> {
    let expires = of_row(put.expires)?;
    Some(Put::new(row(expires, put.key.bytes()), Bytes::new()))
}

/// The row of an entry whose key is finished when it is put: so is the row's.
pub(crate) fn sequenced_row_of(put: &SequencedPut) -> Option<SequencedPut> {
    let expires = of_row(put.expires)?;
    let prefix = row(expires, put.prefix.bytes());
    Some(SequencedPut::new(prefix, put.suffix.clone(), Bytes::new()))
}

fn of_row(expires: Option<Timestamp>) -> Option<Timestamp> {
    expires.filter(|expires| *expires != NEVER)
}

fn row(expires: Timestamp, key: &[u8]) -> storage_core::OwnedKey {
    let mut suffix = Vec::with_capacity(1 + size_of::<u64>() + key.len());
    suffix.push(VERSION);
    suffix.extend_from_slice(&expires.as_unix_milliseconds().to_be_bytes());
    suffix.extend_from_slice(key);
    SystemKeys::of(NAME).key(suffix)
}

/// The rows of all that has expired by `now`, the oldest first.
pub(crate) fn due(now: Timestamp) -> KeyRange {
    let after = now.as_unix_milliseconds().saturating_add(1);
    let end = row(Timestamp::from_unix_milliseconds(after), &[]);
    KeyRange::from_bounds(
        Space::System,
        Bound::Included(Bytes::from_static(&PREFIX)),
        Bound::Excluded(end.into_bytes()),
    )
}

/// When the entry expires that a row is about, and its user key.
///
/// # Errors
/// `Corrupt` if it is no row.
pub(crate) fn parse(row: &Bytes) -> Result<(Timestamp, Bytes)> {
    let parsed = row.strip_prefix(&PREFIX).and_then(|rest| {
        let (expires, key) = rest.split_first_chunk()?;
        let expires = Timestamp::from_unix_milliseconds(u64::from_be_bytes(*expires));
        Some((expires, row.slice_ref(key)))
    });
    parsed.ok_or_else(|| {
        Error::new(
            ErrorKind::Corrupt,
            "a row of what expires when cannot be read; restore it from a backup",
        )
        .with_layer(NAME)
    })
}

#[cfg(test)]
mod tests {
    use storage_core::Key;

    use super::*;

    const fn at(milliseconds: u64) -> Timestamp {
        Timestamp::from_unix_milliseconds(milliseconds)
    }

    /// Golden: rows of version 1.
    #[test]
    fn the_rows_are_the_documented_ones() {
        let expires = at(0x0102_0304_0506_0708);
        let golden: &[u8] = b"\x02expiry\x00\x01\x01\x02\x03\x04\x05\x06\x07\x08key";
        let row = row_of(&Put::new("key", "value").until(expires)).unwrap();
        assert_eq!(row.key.as_key(), Key::in_space(Space::System, golden));
        assert_eq!((row.value.len(), row.expires), (0, None));
        assert_eq!(golden.len(), "key".len() + EXTRA_BYTES);
        let parsed = parse(&Bytes::from_static(golden)).unwrap();
        assert_eq!(parsed, (expires, "key".into()));

        let put = SequencedPut::new("log/", "!", "value").until(expires);
        let finished = sequenced_row_of(&put)
            .unwrap()
            .at(storage_core::Sequence::new(7));
        let entry = put.at(storage_core::Sequence::new(7));
        assert_eq!(finished, row_of(&entry).unwrap());
    }

    #[test]
    fn what_never_expires_has_no_row() {
        assert_eq!(row_of(&Put::new("k", "v")), None);
        assert_eq!(row_of(&Put::new("k", "v").until(NEVER)), None);
    }

    #[test]
    fn rows_are_due_from_the_moment_of_expiry_on() {
        let is_due = |expires, now| due(at(now)).contains(row(at(expires), b"\xFF").as_key());
        assert!(is_due(7, 7) && is_due(0, 7));
        assert!(!is_due(8, 7));
        assert!(is_due(u64::MAX - 1, u64::MAX));
    }

    #[test]
    fn what_is_no_row_is_corrupt() {
        for row in [
            &b""[..],
            b"\x02expiry\x00\x01\0\0\0\0\0\0\0",
            b"\x02expiry\x00\x02\0\0\0\0\0\0\0\0",
        ] {
            let error = parse(&Bytes::copy_from_slice(row)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Corrupt);
        }
    }

    mod fuzzed {
        use storage_testkit::fuzz::decoder;

        use super::*;

        #[test]
        fn a_row_is_what_would_be_written() {
            decoder(
                [b"\x02expiry\x00\x01\x01\x02\x03\x04\x05\x06\x07\x08key".to_vec()],
                |input| {
                    if let Ok((expires, key)) = parse(&Bytes::copy_from_slice(input)) {
                        assert_eq!(row(expires, &key).into_bytes(), *input);
                    }
                },
            );
        }
    }
}
