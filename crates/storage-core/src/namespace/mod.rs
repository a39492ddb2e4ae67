//! Namespaces: order-preserving prefixes that never overlap.
//!
//! A [`Namespace`] is a path of names, kept as the prefix of its keys.
//! [`Namespaced`] makes a store of one namespace of a store, and
//! [`NamespaceExt`] lists, measures and drops namespaces.

mod extension;
#[cfg(test)]
mod tests;
mod tuple;
mod view;

use std::ops::Bound;

use bytes::Bytes;

pub use self::{
    extension::{Count, NamespaceExt},
    view::Namespaced,
};
use crate::{KeyRange, OwnedKey, Space, range::prefix_end};

/// A path of names, kept as the key prefix that all keys of the namespace
/// share. The root namespace is the empty path: every key is in it.
///
/// Names are tuple elements, not joined strings: `a` then `b` and `a/b` are
/// different namespaces, and no namespace's prefix is the beginning of a
/// sibling's. Every text is a legal name, the empty one too.
///
/// ```
/// use storage_core::Namespace;
///
/// let users = Namespace::root().child("tenant 7").child("users");
/// assert_eq!(users.names(), ["tenant 7", "users"]);
/// let key = users.key("ada");
/// assert_eq!(users.strip(key.bytes()).as_deref(), Some(&b"ada"[..]));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Namespace {
    prefix: Bytes,
}

impl Namespace {
    /// The namespace that holds every key.
    #[must_use]
    pub const fn root() -> Self {
        Self {
            prefix: Bytes::new(),
        }
    }

    /// The namespace called `name` within this one.
    #[must_use]
    pub fn child(&self, name: &str) -> Self {
        let mut prefix = self.prefix.to_vec();
        tuple::push_name(&mut prefix, name);
        Self {
            prefix: prefix.into(),
        }
    }

    /// The names of the path, from the root.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        let mut rest: &[u8] = &self.prefix;
        while let Some((name, after)) = tuple::split_name(rest) {
            names.push(name);
            rest = after;
        }
        names
    }

    /// What every key of the namespace begins with.
    #[must_use]
    pub const fn prefix(&self) -> &Bytes {
        &self.prefix
    }

    /// The user key that `bytes` are within the namespace.
    #[must_use]
    pub fn key(&self, bytes: impl AsRef<[u8]>) -> OwnedKey {
        self.prefixed(bytes.as_ref()).into()
    }

    /// The range of user keys that `range` is within the namespace. A range of
    /// the system space, which has no namespaces, stays as it is.
    #[must_use]
    pub fn range(&self, range: KeyRange) -> KeyRange {
        let (space, start, end) = range.into_bounds();
        if space == Space::System {
            return KeyRange::from_bounds(space, start, end);
        }
        let start = match start {
            Bound::Unbounded => Bound::Included(self.prefix.clone()),
            bound => bound.map(|key| self.prefixed(&key)),
        };
        let end = match end {
            Bound::Unbounded => prefix_end(&self.prefix).map_or(Bound::Unbounded, Bound::Excluded),
            bound => bound.map(|key| self.prefixed(&key)),
        };
        KeyRange::from_bounds(space, start, end)
    }

    /// What the user key `key` is called within the namespace; `None` if it
    /// does not lie there. The result shares the bytes of `key`.
    #[must_use]
    pub fn strip(&self, key: &Bytes) -> Option<Bytes> {
        key.starts_with(&self.prefix)
            .then(|| key.slice(self.prefix.len()..))
    }

    /// The child of this namespace that the user key `key` lies in, if any.
    fn child_of(&self, key: &[u8]) -> Option<String> {
        let (name, _) = tuple::split_name(key.strip_prefix(&*self.prefix)?)?;
        Some(name)
    }

    /// The range that the keys of all children lie in.
    fn children(&self) -> KeyRange {
        let (first, after) = tuple::NAMES;
        self.range(KeyRange::between([first]..[after]))
    }

    /// What `range`, a part of this namespace's range, is within the namespace;
    /// `None` if no key of the namespace lies in it.
    fn strip_range(&self, range: KeyRange) -> Option<KeyRange> {
        let (space, start, end) = range.into_bounds();
        if space == Space::System {
            return Some(KeyRange::from_bounds(space, start, end));
        }
        let start = match start {
            Bound::Included(key) | Bound::Excluded(key) if key < self.prefix => Bound::Unbounded,
            Bound::Included(key) => Bound::Included(self.strip(&key)?),
            Bound::Excluded(key) => Bound::Excluded(self.strip(&key)?),
            Bound::Unbounded => Bound::Unbounded,
        };
        let end = match end {
            Bound::Included(key) | Bound::Excluded(key) if key < self.prefix => return None,
            Bound::Included(key) => self.strip(&key).map_or(Bound::Unbounded, Bound::Included),
            Bound::Excluded(key) => self.strip(&key).map_or(Bound::Unbounded, Bound::Excluded),
            Bound::Unbounded => Bound::Unbounded,
        };
        Some(KeyRange::from_bounds(space, start, end)).filter(|range| !range.is_empty())
    }

    fn prefixed(&self, bytes: &[u8]) -> Bytes {
        let mut key = Vec::with_capacity(self.prefix.len() + bytes.len());
        key.extend_from_slice(&self.prefix);
        key.extend_from_slice(bytes);
        key.into()
    }
}
