//! Ctrl-C, `SIGTERM` and `SIGHUP`, for commands that end where their work is
//! whole: between two batches, with their temporary files removed.
//!
//! The other commands are ended by these signals at once, as any program is. A
//! signal that whoever started the command let it ignore, as `nohup` does, stays
//! ignored.

use std::{
    fs, io,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicBool, Ordering},
    },
};

use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    flag,
};

use crate::{
    failure::{Failure, Result},
    status::Status,
};

/// Whether a signal came. Signals are sent to the process, so there is one.
static ARRIVED: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);

/// From now on the first signal only makes [`check`] fail; the second one ends
/// the process.
pub(crate) fn heed() -> Result<()> {
    let ignored = ignored(&fs::read_to_string("/proc/self/status").unwrap_or_default());
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        if ignored & bit(signal) == 0 {
            heed_signal(signal).map_err(|error| {
                Failure::new(Status::Other, "could not take note of Ctrl-C").because(&error)
            })?;
        }
    }
    Ok(())
}

fn heed_signal(signal: i32) -> io::Result<()> {
    let code = Status::Interrupted.code().into();
    // In this order, or the first signal would end the process by its own mark.
    flag::register_conditional_shutdown(signal, code, Arc::clone(&ARRIVED))?;
    flag::register(signal, Arc::clone(&ARRIVED))?;
    Ok(())
}

/// The ignored signals, one bit each; none where the system does not tell.
fn ignored(status: &str) -> u64 {
    let digits = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    digits
        .and_then(|digits| u64::from_str_radix(digits.trim(), 16).ok())
        .unwrap_or(0)
}

/// The bit of a signal; they are numbered from 1.
const fn bit(signal: i32) -> u64 {
    1 << (signal - 1)
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
