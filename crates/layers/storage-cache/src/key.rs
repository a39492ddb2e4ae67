//! Keys as the cache keeps them.

use std::{
    fmt,
    hash::{Hash, Hasher},
    sync::Arc,
};

use equivalent::Equivalent;
use storage_core::Key;

/// How long a key may be that is kept in place.
const IN_PLACE_MAX: usize = 22;

/// A key of the user space, in memory of its own: one that came with a large
/// buffer must not keep all of it. Short keys are kept in place, since to follow a
/// pointer takes most of the time of a hit.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct CacheKey(Content);

#[derive(Clone, PartialEq, Eq)]
enum Content {
    /// What comes after the length is zero.
    InPlace(u8, [u8; IN_PLACE_MAX]),
    Shared(Arc<[u8]>),
}

impl CacheKey {
    pub(crate) fn of(key: Key<'_>) -> Self {
        let bytes = key.bytes();
        let mut in_place = [0; IN_PLACE_MAX];
        Self(
            match (in_place.get_mut(..bytes.len()), u8::try_from(bytes.len())) {
                (Some(place), Ok(length)) => {
                    place.copy_from_slice(bytes);
                    Content::InPlace(length, in_place)
                }
                _ => Content::Shared(bytes.into()),
            },
        )
    }

    pub(crate) fn as_key(&self) -> Key<'_> {
        Key::user(self.bytes())
    }

    #[inline]
    fn bytes(&self) -> &[u8] {
        match &self.0 {
            Content::InPlace(length, bytes) => {
                bytes.get(..usize::from(*length)).unwrap_or_default()
            }
            Content::Shared(bytes) => bytes,
        }
    }
}

impl Hash for CacheKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Lookup(self.bytes()).hash(state);
    }
}

impl fmt::Debug for CacheKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_key().fmt(f)
    }
}

/// A borrowed key of the user space, to look up without a copy of it. It is handed on in
/// two registers: a key, of three words, would be copied in memory at each call, and
/// a processor that reads there what it has just written in other pieces waits.
#[derive(Clone, Copy)]
pub(crate) struct Lookup<'a>(&'a [u8]);

impl<'a> Lookup<'a> {
    #[inline]
    pub(crate) const fn of(key: Key<'a>) -> Self {
        Self(key.bytes())
    }

    #[inline]
    pub(crate) const fn as_key(self) -> Key<'a> {
        Key::user(self.0)
    }
}

impl Hash for Lookup<'_> {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        // Not as a slice, whose length would be hashed first: nothing comes behind it.
        state.write(self.0);
    }
}

impl Equivalent<CacheKey> for Lookup<'_> {
    #[inline]
    fn equivalent(&self, key: &CacheKey) -> bool {
        self.0 == key.bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_any_length_are_kept_as_they_are() {
        assert_eq!(size_of::<CacheKey>(), 24);
        for length in [0, 1, IN_PLACE_MAX - 1, IN_PLACE_MAX, IN_PLACE_MAX + 1, 512] {
            let bytes = vec![0; length];
            let key = CacheKey::of(Key::user(&bytes));
            assert_eq!(key.as_key().bytes(), bytes);
            assert!(Lookup::of(Key::user(&bytes)).equivalent(&key));
            let longer = vec![0; length + 1];
            assert!(!Lookup::of(Key::user(&longer)).equivalent(&key));
            assert_ne!(CacheKey::of(Key::user(&longer)), key);
        }
    }
}
