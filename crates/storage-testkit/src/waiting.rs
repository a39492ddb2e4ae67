//! Waiting for what others do.

use std::{
    thread,
    time::{Duration, Instant},
};

/// Long enough for what takes milliseconds, however busy the machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// Blocks until something is so, and looks every millisecond. `what` says it in words.
///
/// # Panics
/// If it is not so within a minute.
#[track_caller]
pub fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "waited in vain for {what}");
        thread::sleep(Duration::from_millis(1));
    }
}
