//! What a layer says of itself before it is put on a store.

use super::Need;

/// A layer's name, needs, and effect on the stored form.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LayerDeclaration {
    /// The name, such as `compress`: lower-case letters, digits and `-`.
    pub name: &'static str,
    /// The stored form the layer writes; `None` if the layer does not alter
    /// what is stored.
    pub format: Option<LayerFormat>,
    /// What the store below must be able to do.
    pub needs: Vec<Need>,
}

impl LayerDeclaration {
    /// A layer that needs nothing and does not alter what is stored.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self {
            name,
            format: None,
            needs: Vec::new(),
        }
    }

    /// The same layer, which alters what is stored.
    #[must_use]
    pub fn stored_as(mut self, format: LayerFormat) -> Self {
        self.format = Some(format);
        self
    }

    /// The same layer with one more need.
    #[must_use]
    pub fn needing(mut self, need: Need) -> Self {
        self.needs.push(need);
        self
    }
}

/// The stored form that a layer writes.
///
/// A store opens only under layers whose formats agree with those that wrote
/// it. A layer reads all its older versions, so a greater version takes a store
/// over and a smaller one is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LayerFormat {
    /// The version of the stored form, from 1.
    pub version: u32,
    /// The settings without which what is stored cannot be read, such as
    /// `hash=blake3`; empty if there are none. What each stored value says of
    /// itself does not belong here, nor does a secret.
    pub detail: String,
}

impl LayerFormat {
    /// The stored form of this version, with the settings that determine it.
    #[must_use]
    pub fn new(version: u32, detail: impl Into<String>) -> Self {
        Self {
            version,
            detail: detail.into(),
        }
    }
}
