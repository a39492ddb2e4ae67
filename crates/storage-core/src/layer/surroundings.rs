//! What futures find on the thread that polls them, and are to find on another.

#[cfg(any(feature = "runtime", feature = "networked"))]
use tokio::runtime::Handle;

/// The Tokio runtime that a thread is within, if it is, and if there are stores that need
/// one: its timers and sockets.
#[derive(Debug)]
pub(super) struct Surroundings {
    #[cfg(any(feature = "runtime", feature = "networked"))]
    runtime: Option<Handle>,
}

impl Surroundings {
    /// Those of this thread.
    pub(super) fn here() -> Self {
        Self {
            #[cfg(any(feature = "runtime", feature = "networked"))]
            runtime: Handle::try_current().ok(),
        }
    }

    /// Does something on this thread as if it were in them.
    #[cfg_attr(
        not(any(feature = "runtime", feature = "networked")),
        expect(clippy::unused_self, reason = "there is nothing to find")
    )]
    pub(super) fn within<T>(&self, done: impl FnOnce() -> T) -> T {
        #[cfg(any(feature = "runtime", feature = "networked"))]
        let _context = self.runtime.as_ref().map(Handle::enter);
        done()
    }
}
