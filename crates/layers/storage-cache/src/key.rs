//! Keys as the cache keeps them.

use std::{
    fmt,
    hash::{Hash, Hasher},
    sync::Arc,
};

use equivalent::Equivalent;
use storage_core::{Key, Space};

/// A key of either space. Clones share the bytes, which belong to nobody else:
/// a key that came with a large buffer must not keep all of it in memory.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct CacheKey {
    space: Space,
    bytes: Arc<[u8]>,
}

impl CacheKey {
    pub(crate) fn of(key: Key<'_>) -> Self {
        Self {
            space: key.space(),
            bytes: key.bytes().into(),
        }
    }

    pub(crate) fn as_key(&self) -> Key<'_> {
        Key::in_space(self.space, &self.bytes)
    }
}

impl Hash for CacheKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Lookup(self.as_key()).hash(state);
    }
}

impl fmt::Debug for CacheKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_key().fmt(f)
    }
}

/// A borrowed key to look up without a copy of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lookup<'a>(pub(crate) Key<'a>);

impl Hash for Lookup<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(self.0.bytes());
        state.write_u8(match self.0.space() {
            Space::User => 0,
            Space::System => 1,
        });
    }
}

impl Equivalent<CacheKey> for Lookup<'_> {
    fn equivalent(&self, key: &CacheKey) -> bool {
        self.0 == key.as_key()
    }
}
