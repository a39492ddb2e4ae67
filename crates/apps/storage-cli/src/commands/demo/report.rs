//! What the demo says at its end.

use std::{fmt, path::PathBuf};

use serde_json::{Value, json};

use super::{Complete, Interrupted, Recovered, Survey, Verdict};
use crate::units;

/// Everything the demo found out.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) source: PathBuf,
    pub(super) store: String,
    pub(super) survey: Survey,
    pub(super) interrupted: Interrupted,
    pub(super) recovered: Recovered,
    pub(super) complete: Complete,
}

impl Report {
    /// Whether every byte is where it should be.
    pub(super) fn is_sound(&self) -> bool {
        self.recovered.verdict.is_sound()
            && self.complete.verdict.is_sound()
            && self.complete.verdict.files == self.survey.files
    }

    pub(super) fn to_json(&self) -> Value {
        json!({
            "source": self.source.to_string_lossy(),
            "store": self.store,
            "sound": self.is_sound(),
            "files": self.survey.files,
            "bytes": self.survey.bytes,
            "killed": {
                "files_acknowledged": self.interrupted.files,
                "bytes_acknowledged": self.interrupted.bytes,
                "seconds": self.interrupted.elapsed.as_secs_f64(),
            },
            "recovered": {
                "open_seconds": self.recovered.open_seconds,
                "files_found": self.recovered.files_found,
                "acknowledged": verdict_to_json(&self.recovered.verdict),
            },
            "complete": verdict_to_json(&self.complete.verdict),
            "disk_bytes": self.complete.disk_bytes,
        })
    }
}

fn verdict_to_json(verdict: &Verdict) -> Value {
    json!({
        "files_identical": verdict.files,
        "bytes_identical": verdict.bytes,
        "missing": verdict.missing,
        "mismatched": verdict.mismatched,
        "seconds": verdict.elapsed.as_secs_f64(),
    })
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let row = |f: &mut fmt::Formatter<'_>, name: &str, text: String| {
            writeln!(f, "  {name:<22} {text}")
        };
        writeln!(f, "{} -> {}", self.source.display(), self.store)?;
        row(f, "listed and hashed", self.listed())?;
        row(f, "killed the import", self.killed())?;
        row(f, "opened it again", self.reopened())?;
        row(f, "checked acknowledged", checked(&self.recovered.verdict))?;
        row(
            f,
            "imported the rest",
            "then closed and opened the store".to_owned(),
        )?;
        row(f, "checked everything", checked(&self.complete.verdict))?;
        if let Some(bytes) = self.complete.disk_bytes {
            row(f, "on disk", units::bytes(bytes))?;
        }
        if self.is_sound() {
            writeln!(
                f,
                "Everything the store acknowledged is there, byte for byte."
            )
        } else {
            writeln!(f, "DATA IS MISSING OR DIFFERS: please report this.")
        }
    }
}

impl Report {
    fn listed(&self) -> String {
        format!(
            "{}, {}",
            units::files(self.survey.files),
            units::bytes(self.survey.bytes)
        )
    }

    fn killed(&self) -> String {
        let Interrupted {
            files,
            bytes,
            elapsed,
        } = self.interrupted;
        format!(
            "with SIGKILL, after {} ({}) were acknowledged at {}",
            units::files(files),
            units::bytes(bytes),
            units::rate(bytes, elapsed)
        )
    }

    fn reopened(&self) -> String {
        format!(
            "in {:.2} s; found {}",
            self.recovered.open_seconds,
            units::files(self.recovered.files_found)
        )
    }
}

fn checked(verdict: &Verdict) -> String {
    format!(
        "{} identical, {} missing, {} different; {}",
        units::files(verdict.files),
        verdict.missing,
        verdict.mismatched,
        units::rate(verdict.bytes, verdict.elapsed)
    )
}
