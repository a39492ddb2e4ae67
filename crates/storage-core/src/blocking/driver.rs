//! What runs the futures of a blocking store: the calling thread, with a Tokio
//! runtime beside it where the store needs one.

#[cfg(feature = "runtime")]
use std::sync::Arc;

use super::block_on;
#[cfg(feature = "runtime")]
use super::runtime::OwnRuntime;
use crate::{Result, RuntimeNeed};

/// Runs futures to their end.
#[derive(Clone, Debug)]
pub(super) enum Driver {
    /// The calling thread alone.
    Thread,
    /// The calling thread, with a runtime for timers and sockets.
    #[cfg(feature = "runtime")]
    Runtime(Arc<OwnRuntime>),
}

impl Driver {
    /// The driver for a store that is open already.
    pub(super) fn for_store(need: RuntimeNeed) -> Result<Self> {
        match need {
            RuntimeNeed::None => Ok(Self::Thread),
            RuntimeNeed::TimersAndSockets => Self::with_runtime(),
        }
    }

    /// The driver for opening a store of which nothing is known yet.
    pub(super) fn for_opening() -> Result<Self> {
        if cfg!(feature = "runtime") {
            Self::with_runtime()
        } else {
            Ok(Self::Thread)
        }
    }

    /// This driver, for a store that it opened: without what the store does
    /// not need.
    pub(super) fn fitted_to(self, need: RuntimeNeed) -> Result<Self> {
        match (&self, need) {
            #[cfg(feature = "runtime")]
            (Self::Runtime(_), RuntimeNeed::TimersAndSockets) => Ok(self),
            _ => Self::for_store(need),
        }
    }

    /// Waits for `future`.
    ///
    /// # Errors
    /// What `future` returns; `Invalid` if the store needs a runtime and the
    /// calling thread belongs to one already.
    pub(super) fn drive<T>(&self, future: impl Future<Output = Result<T>>) -> Result<T> {
        match self {
            Self::Thread => block_on(future),
            #[cfg(feature = "runtime")]
            Self::Runtime(runtime) => runtime.drive(future),
        }
    }

    #[cfg(feature = "runtime")]
    fn with_runtime() -> Result<Self> {
        OwnRuntime::start().map(|runtime| Self::Runtime(Arc::new(runtime)))
    }

    #[cfg(not(feature = "runtime"))]
    fn with_runtime() -> Result<Self> {
        Err(crate::Error::new(
            crate::ErrorKind::Unsupported,
            "this store needs timers and sockets; turn on the feature `runtime` of storage-core",
        ))
    }
}
