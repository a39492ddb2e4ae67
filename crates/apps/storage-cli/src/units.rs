//! Sizes, counts and rates for people.

use std::time::Duration;

use indicatif::{DecimalBytes, HumanCount};
use storage::bulk::BulkReport;

/// Bytes, such as `92.0 MB`.
pub(crate) fn bytes(bytes: u64) -> String {
    DecimalBytes(bytes).to_string()
}

/// A number, such as `4,792`.
pub(crate) fn number(number: u64) -> String {
    HumanCount(number).to_string()
}

/// A number of entries, such as `4,792 entries` or `1 entry`.
pub(crate) fn entries(count: u64) -> String {
    counted(count, "entry", "entries")
}

/// A number of files, such as `4,792 files` or `1 file`.
pub(crate) fn files(count: u64) -> String {
    counted(count, "file", "files")
}

/// A number of places, such as `2 places`.
pub(crate) fn places(count: u64) -> String {
    counted(count, "place", "places")
}

/// What a load did, such as `4,792 entries (92.0 MB) in 1.25 s, 73.6 MB/s`.
pub(crate) fn loaded(report: &BulkReport, elapsed: Duration) -> String {
    let BulkReport {
        written, unchanged, ..
    } = report;
    let all = written.bytes + unchanged.bytes;
    let sentence = format!(
        "{} ({}) in {}, {}",
        entries(written.entries + unchanged.entries),
        bytes(all),
        seconds(elapsed),
        rate(all, elapsed)
    );
    match unchanged.entries {
        0 => sentence,
        count => format!("{sentence}; {} of them were there already", number(count)),
    }
}

fn counted(count: u64, one: &str, many: &str) -> String {
    format!(
        "{} {}",
        HumanCount(count),
        if count == 1 { one } else { many }
    )
}

/// Bytes in a time, such as `310.2 MB/s`.
pub(crate) fn rate(bytes: u64, elapsed: Duration) -> String {
    let milliseconds = elapsed.as_millis().max(1);
    let per_second = u128::from(bytes) * 1_000 / milliseconds;
    let per_second = u64::try_from(per_second).unwrap_or(u64::MAX);
    format!("{}/s", DecimalBytes(per_second))
}

/// A time, such as `1.25 s`.
pub(crate) fn seconds(elapsed: Duration) -> String {
    format!("{:.2} s", elapsed.as_secs_f64())
}
