//! Ctrl-C, `SIGTERM` and `SIGHUP`, for commands that end where their work is
//! whole: between two batches, with their temporary files removed.
//!
//! The other commands are ended by these signals at once, as any program is.

use std::{
    process,
    sync::atomic::{AtomicBool, Ordering},
};

use crate::{
    failure::{Failure, Result},
    status::Status,
};

/// Whether a signal came. Signals are sent to the process, so there is one.
static ARRIVED: AtomicBool = AtomicBool::new(false);

/// From now on the first signal only makes [`check`] fail; the second one ends
/// the process.
pub(crate) fn heed() -> Result<()> {
    let arrived = || {
        if ARRIVED.swap(true, Ordering::SeqCst) {
            process::exit(Status::Interrupted.code().into());
        }
    };
    ctrlc::set_handler(arrived).map_err(|error| {
        Failure::new(Status::Other, "could not take note of Ctrl-C").because(&error)
    })
}

/// Whether a signal came.
pub(crate) fn arrived() -> bool {
    ARRIVED.load(Ordering::SeqCst)
}

/// Fails if a signal came.
pub(crate) fn check() -> Result<()> {
    if arrived() {
        return Err(Failure::new(Status::Interrupted, "interrupted"));
    }
    Ok(())
}
