//! The stored form of an entry in engines that keep flat bytes.
//!
//! One header byte, then the expiry where the header says so, then the value.
//! `docs/formats/envelope.md` gives it byte by byte.

use bytes::{Buf, BufMut, Bytes};

use crate::{Entry, Error, ErrorKind, Result, Timestamp};

const PLAIN: u8 = 0;
const EXPIRING: u8 = 1;

/// The most bytes an envelope adds to a value.
pub const OVERHEAD_BYTES_MAX: usize = 1 + size_of::<u64>();

/// Wraps a value and its expiry.
#[must_use]
pub fn seal(value: &[u8], expires: Option<Timestamp>) -> Bytes {
    // Exactly as large as needed: `Bytes` takes over such a vector as it is.
    let mut stored = Vec::with_capacity(overhead_bytes(expires) + value.len());
    append(&mut stored, value, expires);
    stored.into()
}

/// Appends the stored form of a value and its expiry, which takes
/// [`overhead_bytes`] more than the value.
pub fn append(stored: &mut impl BufMut, value: &[u8], expires: Option<Timestamp>) {
    match expires {
        None => stored.put_u8(PLAIN),
        Some(expires) => {
            stored.put_u8(EXPIRING);
            stored.put_u64(expires.as_unix_milliseconds());
        }
    }
    stored.put_slice(value);
}

/// How many bytes an envelope adds to a value that expires then.
#[must_use]
pub const fn overhead_bytes(expires: Option<Timestamp>) -> usize {
    match expires {
        None => 1,
        Some(_) => OVERHEAD_BYTES_MAX,
    }
}

/// Unwraps a stored form. The entry shares its bytes; value and expiry are its
/// stamp.
///
/// # Errors
/// `Corrupt` if the header is not one that [`seal`] writes.
#[inline]
pub fn open(mut stored: Bytes) -> Result<Entry> {
    let expires = expires(&stored)?;
    stored.advance(overhead_bytes(expires));
    Ok(Entry::of_content(stored, expires))
}

/// The expiry in a stored form, of which it needs no more than
/// [`OVERHEAD_BYTES_MAX`] bytes.
///
/// # Errors
/// As for [`open`].
#[inline]
pub fn expires(stored: &[u8]) -> Result<Option<Timestamp>> {
    match stored.first() {
        Some(&PLAIN) => Ok(None),
        _ => later_expires(stored),
    }
}

fn later_expires(stored: &[u8]) -> Result<Option<Timestamp>> {
    match stored.split_first() {
        Some((&EXPIRING, rest)) => {
            let expires = rest
                .first_chunk()
                .ok_or_else(|| corrupt("its expiry is cut off"))?;
            let milliseconds = u64::from_be_bytes(*expires);
            Ok(Some(Timestamp::from_unix_milliseconds(milliseconds)))
        }
        Some((header, _)) => Err(corrupt(&format!("its header byte is {header:#04x}"))),
        None => Err(corrupt("it is empty")),
    }
}

fn corrupt(what: &str) -> Error {
    Error::new(
        ErrorKind::Corrupt,
        format!("a stored value cannot be decoded: {what}; restore it from a backup"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stored_form_is_the_documented_one() {
        let expires = Timestamp::from_unix_milliseconds(0x0102_0304_0506_0708);
        assert_eq!(seal(b"v", None).as_ref(), b"\x00v");
        assert_eq!(
            seal(b"v", Some(expires)).as_ref(),
            b"\x01\x01\x02\x03\x04\x05\x06\x07\x08v"
        );
        let entry = open(seal(b"v", Some(expires))).unwrap();
        assert_eq!(
            (entry.value().as_ref(), entry.expires()),
            (&b"v"[..], Some(expires))
        );
    }

    #[test]
    fn damaged_envelopes_are_corrupt() {
        for stored in [&b""[..], b"\x02v", b"\x01\0\0\0\0\0\0\0"] {
            let opened = open(Bytes::copy_from_slice(stored)).unwrap_err();
            assert_eq!(opened.kind(), ErrorKind::Corrupt);
            assert_eq!(expires(stored).unwrap_err().kind(), ErrorKind::Corrupt);
        }
    }

    mod fuzzed {
        use storage_testkit::fuzz::decoder;

        use super::*;

        #[test]
        fn an_envelope_is_what_would_be_written() {
            decoder(
                [
                    b"\x00v".to_vec(),
                    b"\x01\x01\x02\x03\x04\x05\x06\x07\x08v".to_vec(),
                ],
                |input| {
                    if let Ok(entry) = open(Bytes::copy_from_slice(input)) {
                        assert_eq!(seal(entry.value(), entry.expires()), *input);
                    }
                },
            );
        }
    }
}
