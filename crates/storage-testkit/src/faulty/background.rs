//! Work that goes on though nobody waits for it.

use std::{future::Future, thread};

use storage_core::blocking::block_on;
use tokio::runtime::Handle;

/// Drives `work` to its end: on the Tokio runtime that this is called on, or,
/// without one, on a thread of its own.
pub(super) fn in_background(work: impl Future<Output = ()> + Send + 'static) {
    match Handle::try_current() {
        Ok(runtime) => drop(runtime.spawn(work)),
        Err(_) => drop(thread::spawn(move || block_on(work))),
    }
}
