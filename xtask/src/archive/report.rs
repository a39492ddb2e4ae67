//! What an archive takes, held against what it may take.

use std::fmt::Write;

use serde_json::{Value, json};

/// A tree that was stored.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stored {
    pub(super) files: usize,
    /// How long they are, together.
    pub(super) bytes: u64,
    /// What the archive takes of the disk since, and did not before.
    pub(super) disk_bytes_added: u64,
}

/// What both imports took.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) first: Stored,
    pub(super) second: Stored,
    /// In how many files the second tree differs from the first.
    pub(super) files_edited: usize,
}

/// The most that the first import may add, of a hundred bytes that were imported.
const FIRST_MAX: f64 = 33.0;

/// The same for what was hardly edited since.
const SECOND_MAX: f64 = 3.0;

impl Report {
    pub(super) fn is_met(&self) -> bool {
        self.rows()
            .iter()
            .all(|(_, stored, most)| stored.percent() <= *most)
    }

    pub(super) fn print(&self, as_json: bool) {
        if as_json {
            println!("{}", self.json());
        } else {
            print!("{}", self.table());
        }
    }

    fn rows(&self) -> [(&'static str, &Stored, f64); 2] {
        [
            ("first", &self.first, FIRST_MAX),
            ("edited", &self.second, SECOND_MAX),
        ]
    }

    fn table(&self) -> String {
        let mut table = "| import | files | edited | bytes | bytes on disk | % | at most |\n\
                         |---|---|---|---|---|---|---|\n"
            .to_owned();
        for ((name, stored, most), edited) in self.rows().into_iter().zip([0, self.files_edited]) {
            let Stored {
                files,
                bytes,
                disk_bytes_added,
            } = stored;
            let percent = stored.percent();
            let verdict = if percent <= most { "met" } else { "missed" };
            // A string takes whatever is written.
            let _ = writeln!(
                table,
                "| {name} | {files} | {edited} | {bytes} | {disk_bytes_added} | {percent:.2} | {most}: {verdict} |"
            );
        }
        table
    }

    fn json(&self) -> Value {
        let rows = self.rows().map(|(name, stored, most)| {
            json!({
                "import": name,
                "files": stored.files,
                "bytes": stored.bytes,
                "disk_bytes_added": stored.disk_bytes_added,
                "percent": stored.percent(),
                "percent_max": most,
            })
        });
        json!({ "imports": rows, "files_edited": self.files_edited, "met": self.is_met() })
    }
}

impl Stored {
    #[expect(
        clippy::cast_precision_loss,
        clippy::as_conversions,
        reason = "a percentage of less than 2^53 bytes"
    )]
    fn percent(&self) -> f64 {
        100.0 * self.disk_bytes_added as f64 / self.bytes as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(first: u64, second: u64) -> Report {
        let stored = |disk_bytes_added| Stored {
            files: 10,
            bytes: 10_000,
            disk_bytes_added,
        };
        Report {
            first: stored(first),
            second: stored(second),
            files_edited: 1,
        }
    }

    #[test]
    fn both_bars_are_to_be_met() {
        assert!(report(3_300, 300).is_met());
        assert!(!report(3_301, 300).is_met());
        assert!(!report(3_300, 301).is_met());
        let table = report(3_301, 300).table();
        assert!(table.contains("| 33.01 | 33: missed |"), "{table}");
        assert!(table.contains("| 3.00 | 3: met |"), "{table}");
    }
}
