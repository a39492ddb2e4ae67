//! Keys: byte strings in one of two spaces.
//!
//! Every byte string, the empty one too, is a legal user key. What layers keep
//! for themselves lives in the system space, which no user scan ever shows.

use std::fmt;

use bytes::Bytes;

/// The half of the key space that a key belongs to.
///
/// How an engine keeps the two apart (a prefix byte, a column family, a table)
/// is its own business; bulk copies see both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Space {
    /// What applications write.
    #[default]
    User,
    /// What layers write, under keys made by [`SystemKeys`].
    System,
}

/// A borrowed key: what reads take.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key<'a> {
    space: Space,
    bytes: &'a [u8],
}

impl<'a> Key<'a> {
    /// A key of the user space.
    #[must_use]
    pub const fn user(bytes: &'a [u8]) -> Self {
        Self {
            space: Space::User,
            bytes,
        }
    }

    /// A key of the given space.
    #[must_use]
    pub const fn in_space(space: Space, bytes: &'a [u8]) -> Self {
        Self { space, bytes }
    }

    /// The space this key lives in.
    #[must_use]
    pub const fn space(self) -> Space {
        self.space
    }

    /// The bytes of this key within its space.
    #[must_use]
    pub const fn bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// Copies the key so that it can outlive the borrow.
    #[must_use]
    pub fn to_owned(self) -> OwnedKey {
        OwnedKey {
            space: self.space,
            bytes: Bytes::copy_from_slice(self.bytes),
        }
    }
}

impl fmt::Debug for Key<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}:\"{}\"", self.space, self.bytes.escape_ascii())
    }
}

impl<'a> From<&'a [u8]> for Key<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::user(bytes)
    }
}

impl<'a, const N: usize> From<&'a [u8; N]> for Key<'a> {
    fn from(bytes: &'a [u8; N]) -> Self {
        Self::user(bytes)
    }
}

impl<'a> From<&'a str> for Key<'a> {
    fn from(text: &'a str) -> Self {
        Self::user(text.as_bytes())
    }
}

impl<'a> From<&'a String> for Key<'a> {
    fn from(text: &'a String) -> Self {
        Self::user(text.as_bytes())
    }
}

impl<'a> From<&'a Vec<u8>> for Key<'a> {
    fn from(bytes: &'a Vec<u8>) -> Self {
        Self::user(bytes)
    }
}

impl<'a> From<&'a Bytes> for Key<'a> {
    fn from(bytes: &'a Bytes) -> Self {
        Self::user(bytes)
    }
}

impl<'a> From<&'a OwnedKey> for Key<'a> {
    fn from(key: &'a OwnedKey) -> Self {
        key.as_key()
    }
}

/// A key that owns its bytes: what batches take. Cloning shares the bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OwnedKey {
    space: Space,
    bytes: Bytes,
}

impl OwnedKey {
    /// A key of the given space.
    #[must_use]
    pub const fn in_space(space: Space, bytes: Bytes) -> Self {
        Self { space, bytes }
    }

    /// The space this key lives in.
    #[must_use]
    pub const fn space(&self) -> Space {
        self.space
    }

    /// The bytes of this key within its space.
    #[must_use]
    pub const fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Gives the bytes away.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        self.bytes
    }

    /// Borrows this key.
    #[must_use]
    pub fn as_key(&self) -> Key<'_> {
        Key {
            space: self.space,
            bytes: &self.bytes,
        }
    }
}

impl fmt::Debug for OwnedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_key().fmt(f)
    }
}

impl From<Bytes> for OwnedKey {
    fn from(bytes: Bytes) -> Self {
        Self::in_space(Space::User, bytes)
    }
}

impl From<Vec<u8>> for OwnedKey {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes::from(bytes).into()
    }
}

impl From<String> for OwnedKey {
    fn from(text: String) -> Self {
        Bytes::from(text).into()
    }
}

impl<'a, K> From<&'a K> for OwnedKey
where
    K: ?Sized,
    &'a K: Into<Key<'a>>,
{
    fn from(key: &'a K) -> Self {
        key.into().to_owned()
    }
}

impl From<Key<'_>> for OwnedKey {
    fn from(key: Key<'_>) -> Self {
        key.to_owned()
    }
}

/// Makes the system keys of one layer: its name, then whatever it appends.
///
/// The name is written as a namespace element, so no layer's keys are a prefix
/// of another's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemKeys {
    prefix: Bytes,
}

impl SystemKeys {
    /// The system keys of the layer called `layer`.
    #[must_use]
    pub fn of(layer: &str) -> Self {
        Self {
            prefix: crate::Namespace::root().child(layer).prefix().clone(),
        }
    }

    /// The system key for `suffix`.
    #[must_use]
    pub fn key(&self, suffix: impl AsRef<[u8]>) -> OwnedKey {
        let suffix = suffix.as_ref();
        let mut bytes = Vec::with_capacity(self.prefix.len() + suffix.len());
        bytes.extend_from_slice(&self.prefix);
        bytes.extend_from_slice(suffix);
        OwnedKey::in_space(Space::System, bytes.into())
    }

    /// Every key this layer can make.
    #[must_use]
    pub fn range(&self) -> crate::KeyRange {
        crate::KeyRange::prefix(self.prefix.clone()).in_space(Space::System)
    }
}
