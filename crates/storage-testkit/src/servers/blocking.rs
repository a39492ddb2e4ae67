//! Calls that block, in async tests.

use std::panic::resume_unwind;

/// Does what blocks, such as the calls of a server, on another thread of the Tokio runtime,
/// while the store under test goes on.
///
/// # Panics
/// If the work does, and outside of a runtime.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => resume_unwind(error.into_panic()),
    }
}
