//! Importing a directory tree.
//!
//! The tree is walked twice: first to find whatever cannot be imported, before
//! anything is written, then to import it.

use std::path::Path;

use storage::{Capabilities, Put, SharedStore, prelude::*};

use super::{Imported, with_batches};
use crate::{
    failure::{Failure, Result},
    interrupts,
    progress::Progress,
    tree::{self, Content, Symlinks},
};

pub(super) async fn import(
    store: &SharedStore,
    root: &Path,
    symlinks: Symlinks,
) -> Result<Imported> {
    let capabilities = store.capabilities();
    let plan = Plan::of(root, symlinks, capabilities)?;
    let progress = Progress::of_bytes("importing", plan.bytes);
    let report = with_batches(store, async |batches| {
        for found in tree::walk(root, symlinks) {
            interrupts::check()?;
            let found = found?;
            let value = match found.content {
                Content::File { .. } => tree::read_file(&found.path, capabilities.value_bytes_max)?,
                Content::EmptyDirectory => Vec::new(),
                Content::Skipped(_) => continue,
            };
            let bytes = u64::try_from(value.len()).unwrap_or(u64::MAX);
            batches
                .put(Put::new(found.key, value))
                .await
                .map_err(|error| not_taken(error.into(), &found.path))?;
            progress.add(bytes);
        }
        Ok(())
    })
    .await?;
    Ok(Imported {
        report,
        empty_directories: plan.empty_directories,
        skipped: plan.skipped,
    })
}

/// What a tree holds, all of which can be imported.
#[derive(Debug, Default)]
struct Plan {
    bytes: u64,
    empty_directories: u64,
    skipped: u64,
}

impl Plan {
    fn of(root: &Path, symlinks: Symlinks, capabilities: &Capabilities) -> Result<Self> {
        let progress = Progress::of_unknown("looking");
        let mut plan = Self::default();
        for found in tree::walk(root, symlinks) {
            interrupts::check()?;
            let found = found?;
            capabilities
                .admit(&Key::user(&found.key))
                .map_err(|error| not_taken(error.into(), &found.path))?;
            match found.content {
                Content::File { bytes } => {
                    let value_bytes_max = capabilities.value_bytes_max;
                    if usize::try_from(bytes).is_ok_and(|bytes| bytes <= value_bytes_max) {
                        plan.bytes += bytes;
                        progress.add(bytes);
                    } else {
                        return Err(tree::too_large(&found.path, bytes, value_bytes_max));
                    }
                }
                Content::EmptyDirectory => plan.empty_directories += 1,
                Content::Skipped(what) => {
                    plan.skipped += 1;
                    progress.note(&format!("left out {}: {what}", found.path.display()));
                }
            }
        }
        Ok(plan)
    }
}

fn not_taken(failure: Failure, path: &Path) -> Failure {
    failure.within(format!("could not import {}", path.display()))
}
