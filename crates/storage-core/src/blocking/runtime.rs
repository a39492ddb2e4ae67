//! The runtime of a blocking store that needs timers and sockets.

use tokio::runtime::{Builder, Handle, Runtime};

use super::block_on;
use crate::{Error, ErrorKind, Result};

/// A runtime of one thread for timers, sockets and what the store does in
/// the background.
#[derive(Debug)]
pub(super) struct OwnRuntime {
    /// `None` only while it is dropped.
    runtime: Option<Runtime>,
}

impl OwnRuntime {
    pub(super) fn start() -> Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("storage-blocking")
            .enable_all()
            .build()
            .map_err(|error| {
                Error::new(
                    ErrorKind::Unavailable,
                    "the operating system gave no thread for timers and sockets",
                )
                .with_source(error)
            })?;
        Ok(Self {
            runtime: Some(runtime),
        })
    }

    pub(super) fn drive<T>(&self, future: impl Future<Output = Result<T>>) -> Result<T> {
        // Waiting here could keep the other runtime from doing what is
        // being waited for.
        if Handle::try_current().is_ok() {
            return Err(Error::new(
                ErrorKind::Invalid,
                "a blocking call on a thread of an async runtime; \
                 await the store itself, or call from a thread of your own",
            ));
        }
        let _context = self.runtime.as_ref().map(Runtime::enter);
        block_on(future)
    }
}

impl Drop for OwnRuntime {
    fn drop(&mut self) {
        // A plain drop waits for the runtime's thread, and panics where
        // waiting is forbidden.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
