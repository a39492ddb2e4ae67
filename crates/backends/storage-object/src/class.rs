//! Which storage class an object is written to.

use serde::Deserialize;
use storage_core::{Key, Space};

/// The storage class of some of the objects that are written.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ObjectClass {
    /// What the server calls the class: `STANDARD_IA`, `Cool`, `NEARLINE`. One that
    /// takes hours to be read is not for a store: what is in it is answered with
    /// `Unsupported`.
    pub name: String,
    /// Only values of at least so many bytes. Default: 0.
    #[serde(default)]
    pub value_bytes_min: usize,
    /// Only keys of the user space that begin so, as the engine is given them: below
    /// what layers and namespaces make of them. Default: all keys.
    #[serde(default)]
    pub key_prefix: String,
}

impl ObjectClass {
    /// The class of all objects.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            value_bytes_min: 0,
            key_prefix: String::new(),
        }
    }

    fn is_for(&self, key: Key<'_>, value_bytes: usize) -> bool {
        let is_named = self.key_prefix.is_empty()
            || (key.space() == Space::User && key.bytes().starts_with(self.key_prefix.as_bytes()));
        is_named && value_bytes >= self.value_bytes_min
    }
}

/// The class of an object: the first that is for it; `None` is that of the bucket.
pub(crate) fn class_of<'a>(
    classes: &'a [ObjectClass],
    key: Key<'_>,
    value_bytes: usize,
) -> Option<&'a str> {
    let mut classes = classes.iter();
    let class = classes.find(|class| class.is_for(key, value_bytes))?;
    Some(&class.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_class_that_is_for_an_object_is_its_own() {
        let mut archive = ObjectClass::new("archive");
        archive.key_prefix = "old/".into();
        archive.value_bytes_min = 10;
        let mut large = ObjectClass::new("large");
        large.value_bytes_min = 100;
        let classes = [archive, large, ObjectClass::new("rest")];
        let class = |key: &'static str, bytes| class_of(&classes, Key::user(key.as_bytes()), bytes);
        assert_eq!(class("old/a", 10), Some("archive"));
        assert_eq!(class("old/a", 9), Some("rest"));
        assert_eq!(class("new/a", 99), Some("rest"));
        assert_eq!(class("new/a", 100), Some("large"));
        let system = Key::in_space(Space::System, b"old/a");
        assert_eq!(class_of(&classes, system, 10), Some("rest"));
        assert_eq!(class_of(&[], system, 10), None);
    }
}
