//! Judging whether entries have expired.

use crate::{Clock, Entry};

/// The entry, unless it has expired.
pub(crate) fn live(entry: Option<Entry>, clock: &Clock) -> Option<Entry> {
    entry.filter(|entry| is_live(entry, clock))
}

/// Whether the entry has not expired. Most entries never do, and cost no look
/// at the clock.
pub(crate) fn is_live(entry: &Entry, clock: &Clock) -> bool {
    entry.expires().is_none() || entry.is_live_at(clock.now())
}
