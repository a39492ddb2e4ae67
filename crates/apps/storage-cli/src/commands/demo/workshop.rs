//! The directory the demo works in, and the store it works on.

use std::{
    fs,
    path::{Path, PathBuf},
};

use storage::{DirectoryEngine, StoreUrl, prelude::*};
use tempfile::TempDir;

use super::manifest::SampleLimits;
use crate::{
    context::with_store_at,
    failure::{Failure, Result},
    given_url::GivenUrl,
    output::{Form, Output},
    own_files::{self, OwnFiles},
};

/// The name of a store that goes with the directory.
const STORE: &str = "store";

/// A temporary directory, removed at the end unless it is kept, and a store in
/// it or elsewhere.
#[derive(Debug)]
pub(super) struct Workshop {
    directory: TempDir,
    url: GivenUrl,
    keep: bool,
}

impl Workshop {
    /// Uses the store at `url`, else a new one that goes with the directory.
    pub(super) fn set_up(url: Option<&GivenUrl>, keep: bool) -> Result<Self> {
        if let Some(url) = url
            && url.parsed()? == StoreUrl::Memory
        {
            return Err(
                Failure::usage("a store in memory is gone once the import is killed")
                    .remedy("leave out --store, or name one that lasts: --store fjall:PATH"),
            );
        }
        let directory = tempfile::Builder::new()
            .prefix("storage-demo-")
            .tempdir()
            .map_err(|error| Failure::io("make a temporary directory", &error))?;
        let url = match url {
            Some(url) => url.clone(),
            None => StoreUrl::Directory {
                engine: DirectoryEngine::Fjall,
                path: directory.path().join(STORE),
            }
            .to_string()
            .into(),
        };
        Ok(Self {
            directory,
            url,
            keep,
        })
    }

    /// Refuses a tree that the demo itself would write to.
    pub(super) fn refuse_in_source(&self, root: &Path) -> Result<()> {
        let directory = own_files::resolved(self.directory.path());
        if directory.starts_with(own_files::resolved(root)) {
            return Err(Failure::usage(format!(
                "the demo would work in {}, which is in the tree",
                directory.display()
            ))
            .remedy("name another directory, or set TMPDIR to one elsewhere"));
        }
        OwnFiles::of(&self.url.parsed()?).refuse_in_source(root)
    }

    pub(super) fn url(&self) -> &GivenUrl {
        &self.url
    }

    pub(super) fn manifest_path(&self) -> PathBuf {
        self.directory.path().join("manifest")
    }

    /// What the store takes; refused if there is something in it, which the
    /// demo's files could replace.
    pub(super) async fn empty_store_limits(&self) -> Result<SampleLimits> {
        with_store_at(&self.url, async |store| {
            let first = ScanOptions::new().keys_only().entries_max(1);
            if store.scan(KeyRange::all(), first).next().await?.is_some() {
                return Err(Failure::usage(format!("{} is not empty", self.url)).remedy(
                    "leave out --store, or name a new store; the demo needs one of its own",
                ));
            }
            let capabilities = store.capabilities();
            Ok(SampleLimits {
                key_bytes: capabilities.key_bytes_max,
                value_bytes: capabilities.value_bytes_max,
            })
        })
        .await
    }

    fn holds_store(&self) -> bool {
        self.directory.path().join(STORE).exists()
    }

    /// Removes the directory, or says where it stays.
    pub(super) fn tidy_up(mut self, output: &mut Output, form: Form) -> Result<()> {
        if self.keep && form == Form::Text {
            output.line(format!(
                "The store is kept: storage --store {} stats",
                self.url
            ))?;
        }
        if self.keep && self.holds_store() {
            let _ = fs::remove_file(self.manifest_path());
            self.directory.disable_cleanup(true);
            return Ok(());
        }
        let path = self.directory.path().to_owned();
        self.directory
            .close()
            .map_err(|error| Failure::io(format!("remove {}", shown(&path)), &error))
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}
