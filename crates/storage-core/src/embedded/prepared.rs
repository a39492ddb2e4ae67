//! What an engine has done of a commit ahead of the order point.

use std::{any::Any, fmt, sync::Arc};

/// What [`Engine::prepare`](super::Engine::prepare) has done of one commit. Clones
/// are handles to the same.
///
/// Dropped when the commit is answered, whatever became of it, and perhaps after
/// the engine: what was prepared and not used is then to be undone by the
/// `Drop` of what is inside.
#[derive(Clone)]
pub struct Prepared(Arc<dyn Any + Send + Sync>);

impl Prepared {
    /// Wraps what the engine has prepared.
    #[must_use]
    pub fn new<T: Any + Send + Sync>(prepared: T) -> Self {
        Self(Arc::new(prepared))
    }

    /// What is inside, if it is a `T`.
    #[must_use]
    pub fn get<T: Any>(&self) -> Option<&T> {
        self.0.downcast_ref()
    }
}

impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prepared").finish_non_exhaustive()
    }
}
