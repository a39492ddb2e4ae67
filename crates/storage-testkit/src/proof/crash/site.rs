//! The place of a store, and what the rounds so far left in it.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::proof::inspect::Left;

/// A temporary directory with a store and the notes of each round.
#[derive(Debug)]
pub(super) struct Site {
    store: &'static str,
    directory: TempDir,
    /// What each round left.
    left: Vec<(u32, Left)>,
}

impl Site {
    pub(super) fn new(store: &'static str) -> Result<Self> {
        let directory = tempfile::Builder::new()
            .prefix("storage-proof-")
            .tempdir()
            .context("making a directory for the store")?;
        Ok(Self {
            store,
            directory,
            left: Vec::new(),
        })
    }

    /// How many rounds left something here.
    pub(super) fn rounds(&self) -> usize {
        self.left.len()
    }

    /// Takes note of what a round left.
    pub(super) fn add(&mut self, round: u32, left: Left) {
        self.left.push((round, left));
    }

    /// Writes down what a child noted.
    pub(super) fn write_notes(&self, round: u32, notes: &[u8]) -> Result<()> {
        let path = self.notes(round);
        fs::write(&path, notes).with_context(|| format!("writing {}", path.display()))
    }

    /// Leaves the directory where it is.
    pub(super) fn keep(self) -> PathBuf {
        self.directory.keep()
    }

    pub(super) fn work_arguments(&self, round: u32, seed: u64) -> Vec<OsString> {
        let mut arguments = self.arguments("work", round);
        arguments.extend(["--seed".into(), seed.to_string().into()]);
        arguments
    }

    pub(super) fn inspect_arguments(&self, round: u32) -> Vec<OsString> {
        let mut arguments = self.arguments("inspect", round);
        arguments.extend(["--survives".into(), "buffered".into()]);
        arguments.extend(["--notes".into(), self.notes(round).into()]);
        for (earlier, left) in &self.left {
            let earlier = format!("{earlier}:{}", left.digest);
            arguments.extend(["--earlier".into(), earlier.into()]);
        }
        if let Some((_, last)) = self.left.last() {
            let beyond = last.last_sequence.to_string();
            arguments.extend(["--beyond".into(), beyond.into()]);
        }
        arguments
    }

    fn arguments(&self, role: &str, round: u32) -> Vec<OsString> {
        vec![
            role.into(),
            "--subject".into(),
            self.store.into(),
            "--directory".into(),
            self.path().join("store").into(),
            "--round".into(),
            round.to_string().into(),
        ]
    }

    fn notes(&self, round: u32) -> PathBuf {
        self.path().join(format!("round-{round}.notes"))
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }
}
