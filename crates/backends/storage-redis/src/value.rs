//! Values as Redis holds them: a header with version and expiry, then the bytes.

use bytes::{Buf, Bytes};
use storage_core::{Entry, Stamp, Timestamp};

/// The first byte of a value that stays.
const STAYS: u8 = 1;

/// The first byte of a value that has an expiry.
const EXPIRES: u8 = 2;

/// The entry in a stored value; none if it is damaged.
pub(crate) fn entry(stored: Vec<u8>) -> Option<Entry> {
    let mut stored = Bytes::from(stored);
    let (version, expires) = header(&mut stored)?;
    Some(Entry::new(stored, expires, Stamp::of_version(version)))
}

/// The entry without its value of which the header is stored.
pub(crate) fn without_value(stored: Vec<u8>) -> Option<Entry> {
    let (_, expires) = header(&mut Bytes::from(stored))?;
    Some(Entry::without_value(expires))
}

/// Takes the header away.
fn header(stored: &mut Bytes) -> Option<(u64, Option<Timestamp>)> {
    let kind = stored.try_get_u8().ok()?;
    let version = stored.try_get_u64().ok()?;
    let expires = match kind {
        STAYS => None,
        EXPIRES => Some(stored.try_get_u64().ok()?),
        _ => return None,
    };
    Some((version, expires.map(Timestamp::from_unix_milliseconds)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_read_as_it_is_documented() {
        let stays = entry(b"\x01\0\0\0\0\0\0\0\x07value".to_vec()).unwrap();
        let expected = Entry::new("value".into(), None, Stamp::of_version(7));
        assert_eq!(stays, expected);
        let stored = b"\x02\0\0\0\0\0\0\0\x07\0\0\0\0\0\0\x03\xe8".to_vec();
        let expires = Timestamp::from_unix_milliseconds(1_000);
        let ends = entry(stored.clone()).unwrap();
        assert_eq!(
            ends,
            Entry::new(Bytes::new(), Some(expires), Stamp::of_version(7))
        );
        let bare = without_value(stored).unwrap();
        assert_eq!(bare.expires(), Some(expires));
    }

    #[test]
    fn a_damaged_value_is_no_entry() {
        for stored in [
            &b""[..],
            b"\x01short",
            b"\x02\0\0\0\0\0\0\0\x07short",
            b"\x03\0\0\0\0\0\0\0\x07v",
        ] {
            assert!(entry(stored.to_vec()).is_none(), "{stored:?}");
        }
    }
}
