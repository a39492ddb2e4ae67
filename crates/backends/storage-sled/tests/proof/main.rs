//! What the engine promises when its process dies or the power goes.

mod alone;
mod reusing;

use std::{path::PathBuf, process::ExitCode};

use storage_core::{Components, Result, SharedStore};
use storage_sled::SledConfig;
use storage_testkit::proof::{Program, Unsynced};

fn main() -> ExitCode {
    Program::new("sled", open)
        .subject_broken_by_power_loss("says_that_it_syncs", |directory, components| async {
            let store = open(directory, components).await?;
            Ok(SharedStore::new(Unsynced::new(store)))
        })
        .subject_broken_by_power_loss("sled_alone", alone::open)
        .slow_subject("sled_reusing", reusing::open)
        .run()
}

async fn open(directory: PathBuf, components: Components) -> Result<SharedStore> {
    let store = SledConfig::new(directory).open_with(components).await?;
    Ok(SharedStore::new(store))
}
