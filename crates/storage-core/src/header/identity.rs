//! The identity of a store.

use std::{fmt, str::FromStr};

use uuid::{Builder, Uuid};

use crate::{Error, ErrorKind, Random, Result};

/// The identity of a store: a random UUID (RFC 9562, version 4), given when its
/// header is written and kept for good. A restored or migrated store has a new
/// one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StoreId(Uuid);

impl StoreId {
    /// A new identity.
    ///
    /// # Errors
    /// `Unavailable` if there is no randomness to make it of.
    pub fn generate(random: &dyn Random) -> Result<Self> {
        let mut bytes = [0; 16];
        random.fill(&mut bytes)?;
        Ok(Self(Builder::from_random_bytes(bytes).into_uuid()))
    }

    /// The identity with these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }

    /// The bytes of the identity.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }
}

/// Lower-case hexadecimal digits in groups of 8, 4, 4, 4 and 12.
impl fmt::Display for StoreId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

impl FromStr for StoreId {
    type Err = Error;

    /// Parses any of the usual spellings of a UUID.
    ///
    /// # Errors
    /// `Invalid` if `text` is none.
    fn from_str(text: &str) -> Result<Self> {
        Uuid::parse_str(text).map(Self).map_err(|error| {
            Error::new(
                ErrorKind::Invalid,
                "the identity of a store is a UUID, 36 characters long",
            )
            .with_source(error)
        })
    }
}
