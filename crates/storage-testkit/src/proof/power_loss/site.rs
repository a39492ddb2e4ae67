//! Where a round has its directories.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use tempfile::TempDir;

use super::tree::Tree;

/// A temporary directory, in memory where that can be had: the images are many
/// and need not last.
#[derive(Debug)]
pub(super) struct Site {
    store: &'static str,
    directory: TempDir,
}

impl Site {
    pub(super) fn new(store: &'static str) -> Result<Self> {
        let mut builder = tempfile::Builder::new();
        builder.prefix("storage-power-loss-");
        let directory = builder
            .tempdir_in("/dev/shm")
            .or_else(|_| builder.tempdir())
            .context("making a directory for the recording")?;
        Ok(Self { store, directory })
    }

    /// Makes the directory called `name`, which holds `tree`, anew.
    pub(super) fn lay_out(&self, name: &str, tree: Option<&Tree>) -> Result<PathBuf> {
        let path = self.directory.path().join(name);
        let laid_out = || {
            if path.exists() {
                fs::remove_dir_all(&path)?;
            }
            fs::create_dir(&path)?;
            tree.map_or(Ok(()), |tree| tree.write_to(&path))
        };
        laid_out().with_context(|| format!("writing {}", path.display()))?;
        Ok(path)
    }

    /// Writes a file beside the directories.
    pub(super) fn write(&self, name: &str, bytes: &[u8]) -> Result<PathBuf> {
        let path = self.directory.path().join(name);
        fs::write(&path, bytes).with_context(|| format!("writing {}", path.display()))?;
        Ok(path)
    }

    /// What every child is told: its role, and which store is where.
    pub(super) fn arguments(&self, role: &str, directory: &Path, round: u32) -> Vec<OsString> {
        vec![
            role.into(),
            "--subject".into(),
            self.store.into(),
            "--directory".into(),
            directory.join("store").into(),
            "--round".into(),
            round.to_string().into(),
        ]
    }

    /// Leaves the directory where it is.
    pub(super) fn keep(self) -> PathBuf {
        self.directory.keep()
    }
}
