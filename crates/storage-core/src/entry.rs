//! What a key maps to: a value, when it expires, and a stamp of its stored form.

use std::{fmt, time::Duration};

use bytes::Bytes;

/// A value as read from a store.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// The value. Empty where a scan asked for keys only.
    pub value: Bytes,
    /// When the entry stops existing; `None` means never. No store returns an
    /// entry at or after this instant of its clock.
    pub expires: Option<Timestamp>,
    /// Identifies the stored form, for [`Guard::Unchanged`](crate::Guard).
    pub stamp: Stamp,
}

impl Entry {
    /// An entry made of its parts, for engines and layers.
    #[must_use]
    pub const fn new(value: Bytes, expires: Option<Timestamp>, stamp: Stamp) -> Self {
        Self {
            value,
            expires,
            stamp,
        }
    }

    /// Whether the entry still exists at `now`.
    #[must_use]
    pub fn is_live_at(&self, now: Timestamp) -> bool {
        self.expires.is_none_or(|expires| now < expires)
    }
}

impl AsRef<[u8]> for Entry {
    fn as_ref(&self) -> &[u8] {
        &self.value
    }
}

/// An opaque token of an entry's stored form: the stored bytes themselves, an
/// `ETag`, a row version. Layers pass it through untouched.
///
/// Two equal stamps of one key mean that the stored form is the same. Two
/// different stamps do not mean that the values differ: an encrypted value has
/// a new stored form at each write.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Stamp(Token);

/// Short tokens are kept in place: an entry then costs no second allocation,
/// and a read of it no second look at memory.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Token {
    // INVARIANT: every token of up to `SHORT_BYTES` bytes is kept so, and the
    // bytes behind its length are zero. Equal tokens have one form.
    Short(u8, [u8; SHORT_BYTES]),
    Long(Bytes),
}

/// The length of no token. A variant of its own would make stamps larger.
const NO_TOKEN: u8 = u8::MAX;

const SHORT_BYTES: usize = 15;

impl Stamp {
    /// A stamp made of an engine's token.
    #[must_use]
    #[inline]
    pub fn new(token: Bytes) -> Self {
        if token.len() > SHORT_BYTES {
            return Self(Token::Long(token));
        }
        Self::short(&token).unwrap_or(Self(Token::Long(token)))
    }

    /// A stamp made of a number that changes whenever the stored form does.
    #[must_use]
    pub fn of_version(version: u64) -> Self {
        let token = version.to_be_bytes();
        Self::short(&token).unwrap_or_else(|| Self(Token::Long(Bytes::copy_from_slice(&token))))
    }

    /// The stamp of a read that carries none, such as a keys-only scan.
    /// A guard on it is refused as [`Invalid`](crate::ErrorKind::Invalid).
    #[must_use]
    pub const fn none() -> Self {
        Self(Token::Short(NO_TOKEN, [0; SHORT_BYTES]))
    }

    /// The engine's token, unless this is [`Stamp::none`].
    #[must_use]
    pub fn token(&self) -> Option<&[u8]> {
        match &self.0 {
            Token::Short(NO_TOKEN, _) => None,
            Token::Short(length, bytes) => bytes.get(..usize::from(*length)),
            Token::Long(token) => Some(token),
        }
    }

    fn short(token: &[u8]) -> Option<Self> {
        let length = u8::try_from(token.len()).ok()?;
        let mut bytes = [0; SHORT_BYTES];
        bytes.get_mut(..token.len())?.copy_from_slice(token);
        Some(Self(Token::Short(length, bytes)))
    }
}

impl fmt::Debug for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.token() {
            Some(token) => write!(f, "Stamp({} bytes)", token.len()),
            None => f.write_str("Stamp(none)"),
        }
    }
}

/// An instant in UTC milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The instant `milliseconds` after the Unix epoch.
    #[must_use]
    pub const fn from_unix_milliseconds(milliseconds: u64) -> Self {
        Self(milliseconds)
    }

    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub const fn as_unix_milliseconds(self) -> u64 {
        self.0
    }

    /// This instant plus `duration`, rounded up to a millisecond; the far end
    /// of time where that overflows.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        let milliseconds = duration.as_nanos().div_ceil(1_000_000);
        Self(
            self.0
                .saturating_add(u64::try_from(milliseconds).unwrap_or(u64::MAX)),
        )
    }
}

/// The place of a commit in a store's order of commits. Later commits have
/// greater sequences; gaps are normal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sequence(u64);

impl Sequence {
    /// The sequence before every commit.
    pub const ZERO: Self = Self(0);

    /// A sequence from its number.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number of this sequence.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The eight big-endian bytes a sequenced key holds: they sort as the
    /// sequences do.
    #[must_use]
    pub const fn to_key_bytes(self) -> [u8; 8] {
        self.0.to_be_bytes()
    }

    /// The sequence whose key bytes these are.
    #[must_use]
    pub const fn from_key_bytes(bytes: [u8; 8]) -> Self {
        Self(u64::from_be_bytes(bytes))
    }
}

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_keeps_its_token_whatever_its_length() {
        for length in [0, 1, 8, 15, 16, 300] {
            let token = Bytes::from(vec![7; length]);
            let stamp = Stamp::new(token.clone());
            assert_eq!(stamp.token(), Some(token.as_ref()));
            assert_eq!(stamp, Stamp::new(Bytes::copy_from_slice(&token)));
            assert_ne!(stamp, Stamp::none());
        }
        assert_ne!(Stamp::new("\0".into()), Stamp::new("\0\0".into()));
        assert_eq!(
            Stamp::of_version(7),
            Stamp::new(Bytes::from_static(b"\0\0\0\0\0\0\0\x07"))
        );
        assert_eq!(Stamp::none().token(), None);
    }

    #[test]
    fn a_stamp_takes_no_more_room_than_bytes() {
        assert_eq!(size_of::<Stamp>(), size_of::<Bytes>());
    }
}
