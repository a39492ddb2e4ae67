//! Stamps: which stored form of an entry was read.

use std::{fmt, sync::Arc};

use bytes::{Buf, BufMut, Bytes, BytesMut};

use crate::{Error, ErrorKind, Result, Timestamp};

/// An opaque token of an entry's stored form: its value and expiry themselves,
/// an `ETag`, a row version. Layers pass it through untouched. While it is kept,
/// so may be the value, and the memory that the value shares with others.
///
/// Two equal stamps of one key mean that the stored form is the same. Two
/// different stamps do not mean that the values differ: an encrypted value has
/// a new stored form at each write. An engine makes its stamps in one way for
/// all reads: two that are made in different ways differ.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Stamp(Token);

/// Stamps are small: in most entries of a scan nobody looks at them.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Token {
    None,
    Version(u64),
    /// One variant for all that takes memory, so that copies and drops of the
    /// others take one look.
    Kept(Arc<Kept>),
}

#[derive(Clone, PartialEq, Eq, Hash)]
enum Kept {
    Bytes(Bytes),
    /// A value and its expiry.
    Content(Bytes, Option<Timestamp>),
}

impl Stamp {
    /// A stamp made of an engine's token.
    #[must_use]
    pub fn new(token: Bytes) -> Self {
        Self(Token::Kept(Arc::new(Kept::Bytes(token))))
    }

    /// A stamp made of a number that changes whenever the stored form does.
    #[must_use]
    pub const fn of_version(version: u64) -> Self {
        Self(Token::Version(version))
    }

    /// The number that the stamp was made of, for engines that judge guards where
    /// their data is; `None` if it was made of something else.
    #[must_use]
    pub const fn version(&self) -> Option<u64> {
        match self.0 {
            Token::Version(version) => Some(version),
            Token::None | Token::Kept(_) => None,
        }
    }

    /// The stamp of a stored form that is a value and its expiry.
    pub(crate) fn of_content(value: &Bytes, expires: Option<Timestamp>) -> Self {
        let content = Kept::Content(value.clone(), expires);
        Self(Token::Kept(Arc::new(content)))
    }

    /// Whether this is the stamp of a stored form that is `value` and `expires`.
    pub(crate) fn is_of_content(&self, value: &Bytes, expires: Option<Timestamp>) -> bool {
        let Token::Kept(kept) = &self.0 else {
            return false;
        };
        match &**kept {
            Kept::Content(own, until) => (own, *until) == (value, expires),
            Kept::Bytes(_) => false,
        }
    }

    /// The same stamp in memory of its own.
    pub(crate) fn detached(&self) -> Self {
        let Token::Kept(kept) = &self.0 else {
            return self.clone();
        };
        let own = match &**kept {
            Kept::Bytes(token) => Kept::Bytes(Bytes::copy_from_slice(token)),
            Kept::Content(value, expires) => Kept::Content(Bytes::copy_from_slice(value), *expires),
        };
        Self(Token::Kept(Arc::new(own)))
    }

    /// The bytes of data that the stamp keeps.
    pub(crate) fn kept_bytes(&self) -> usize {
        match &self.0 {
            Token::None | Token::Version(_) => 0,
            Token::Kept(kept) => match &**kept {
                Kept::Bytes(bytes) | Kept::Content(bytes, _) => bytes.len(),
            },
        }
    }

    /// The stamp as bytes, for whoever keeps entries elsewhere: `docs/formats/cache.md`
    /// gives them byte by byte.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        let mut bytes = BytesMut::new();
        match &self.0 {
            Token::None => bytes.put_u8(form::NONE),
            Token::Version(version) => {
                bytes.put_u8(form::VERSION);
                bytes.put_u64(*version);
            }
            Token::Kept(kept) => match &**kept {
                Kept::Bytes(token) => {
                    bytes.put_u8(form::TOKEN);
                    bytes.put_slice(token);
                }
                Kept::Content(value, None) => {
                    bytes.put_u8(form::LASTING);
                    bytes.put_slice(value);
                }
                Kept::Content(value, Some(expires)) => {
                    bytes.put_u8(form::EXPIRING);
                    bytes.put_u64(expires.as_unix_milliseconds());
                    bytes.put_slice(value);
                }
            },
        }
        bytes.freeze()
    }

    /// The stamp of which [`to_bytes`](Self::to_bytes) has made these bytes.
    ///
    /// # Errors
    /// `Corrupt` if it has not.
    pub fn from_bytes(mut bytes: Bytes) -> Result<Self> {
        let damaged = || Error::new(ErrorKind::Corrupt, "these bytes are no stamp");
        let form = bytes.try_get_u8().map_err(|_| damaged())?;
        match form {
            form::NONE if bytes.is_empty() => Ok(Self::none()),
            form::VERSION if bytes.len() == size_of::<u64>() => {
                Ok(Self::of_version(bytes.get_u64()))
            }
            form::TOKEN => Ok(Self::new(bytes)),
            form::LASTING => Ok(Self::of_content(&bytes, None)),
            form::EXPIRING => {
                let expires = bytes.try_get_u64().map_err(|_| damaged())?;
                let expires = Timestamp::from_unix_milliseconds(expires);
                Ok(Self::of_content(&bytes, Some(expires)))
            }
            _ => Err(damaged()),
        }
    }

    /// The stamp of a read that carries none, such as a keys-only scan.
    /// A guard on it is refused as [`Invalid`](crate::ErrorKind::Invalid).
    #[must_use]
    pub const fn none() -> Self {
        Self(Token::None)
    }

    /// Whether this is [`Stamp::none`].
    #[must_use]
    pub const fn is_none(&self) -> bool {
        matches!(self.0, Token::None)
    }
}

impl fmt::Debug for Stamp {
    /// Tells nothing of a value that the stamp may be made of.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Token::None => f.write_str("Stamp(none)"),
            Token::Version(version) => write!(f, "Stamp(version {version})"),
            Token::Kept(kept) => match &**kept {
                Kept::Bytes(token) => write!(f, "Stamp({} bytes)", token.len()),
                Kept::Content(value, _) => write!(f, "Stamp(a value of {} bytes)", value.len()),
            },
        }
    }
}

/// What the first byte of a stamp says that is kept as bytes.
mod form {
    pub(super) const NONE: u8 = 0;
    pub(super) const VERSION: u8 = 1;
    pub(super) const TOKEN: u8 = 2;
    pub(super) const LASTING: u8 = 3;
    pub(super) const EXPIRING: u8 = 4;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_detached_stamp_is_the_same_in_memory_of_its_own() {
        let block = Bytes::from(vec![7; 4_096]);
        let start = |stamp: &Stamp| match &stamp.0 {
            Token::Kept(kept) => match &**kept {
                Kept::Bytes(bytes) | Kept::Content(bytes, _) => bytes.as_ptr(),
            },
            Token::None | Token::Version(_) => panic!("it keeps bytes"),
        };
        let piece = block.slice(8..16);
        for stamp in [Stamp::of_content(&piece, None), Stamp::new(piece.clone())] {
            let detached = stamp.detached();
            assert_eq!((&detached, detached.kept_bytes()), (&stamp, 8));
            assert_ne!(start(&detached), start(&stamp));
        }
    }

    #[test]
    fn stamps_come_back_from_their_bytes_and_nothing_else_is_one() {
        let value = Bytes::from_static(b"value");
        let at = Some(Timestamp::from_unix_milliseconds(7));
        for stamp in [
            Stamp::none(),
            Stamp::of_version(7),
            Stamp::new(value.clone()),
            Stamp::of_content(&value, None),
            Stamp::of_content(&value, at),
        ] {
            assert_eq!(Stamp::from_bytes(stamp.to_bytes()).unwrap(), stamp);
        }
        for other in [&[][..], &[0, 0], &[1, 0], &[4, 0, 0], &[5]] {
            let error = Stamp::from_bytes(other.into()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Corrupt);
        }
    }

    #[test]
    fn stamps_are_equal_exactly_if_their_tokens_are() {
        let token = |length| Stamp::new(Bytes::from(vec![0; length]));
        assert_eq!(token(3), token(3));
        assert_ne!(token(3), token(2));
        assert_ne!(token(0), Stamp::none());
        assert_eq!(Stamp::of_version(7), Stamp::of_version(7));
        assert_ne!(Stamp::of_version(7), Stamp::of_version(8));
        let version = 7_u64.to_be_bytes().to_vec();
        assert_ne!(Stamp::of_version(7), Stamp::new(version.into()));
        assert!(Stamp::none().is_none());
    }

    #[test]
    fn values_that_differ_in_their_expiry_alone_have_different_stamps() {
        let at = |milliseconds| Some(Timestamp::from_unix_milliseconds(milliseconds));
        for value in ["", "short", "longer than a short token"] {
            let stamp = |expires| Stamp::of_content(&value.into(), expires);
            assert_eq!(stamp(None), stamp(None));
            assert_eq!(stamp(at(7)), stamp(at(7)));
            assert_ne!(stamp(at(7)), stamp(at(8)));
            assert_ne!(stamp(at(7)), stamp(None));
            assert!(!stamp(at(7)).is_none());
        }
    }
}
