//! A store that a proof program can open by name.

use std::{fmt, future::Future, path::PathBuf, pin::Pin};

use storage_core::{Components, Result, SharedStore};

use super::FindingKind;

type Opening = Pin<Box<dyn Future<Output = Result<SharedStore>> + Send>>;

/// A name, and how to open the store in a directory.
pub(super) struct NamedStore {
    pub(super) name: &'static str,
    pub(super) expected: Expected,
    open: Box<dyn Fn(PathBuf, Components) -> Opening + Send + Sync>,
}

/// What the store's checks are meant to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expected {
    /// That it keeps its promises.
    Sound,
    /// The same, in a few rounds of power loss: it is too slow for more.
    SoundThoughSlow,
    /// The same, by command alone: it has no check.
    SoundByCommand,
    /// That it is broken in this way.
    Broken(FindingKind),
    /// That a loss of power breaks its promises, whatever a kill does.
    BrokenByPowerLoss,
}

impl NamedStore {
    pub(super) fn new<F>(
        name: &'static str,
        expected: Expected,
        open: impl Fn(PathBuf, Components) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<SharedStore>> + Send + 'static,
    {
        Self {
            name,
            expected,
            open: Box::new(move |directory, components| Box::pin(open(directory, components))),
        }
    }

    /// Opens the store in `directory`, which is missing, empty or the store's.
    pub(super) async fn open(&self, directory: PathBuf) -> Result<SharedStore> {
        (self.open)(directory, Components::default()).await
    }
}

impl fmt::Debug for NamedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NamedStore")
            .field("name", &self.name)
            .field("expected", &self.expected)
            .finish_non_exhaustive()
    }
}
