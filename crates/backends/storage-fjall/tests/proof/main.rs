//! What fjall promises when its process dies or the power goes.

mod rotating;

use std::{path::PathBuf, process::ExitCode};

use storage_core::{Components, Result, SharedStore};
use storage_fjall::FjallConfig;
use storage_testkit::proof::{Program, Unsynced};

fn main() -> ExitCode {
    Program::new("fjall", open)
        .subject_broken_by_power_loss("says_that_it_syncs", |directory, components| async {
            let store = open(directory, components).await?;
            Ok(SharedStore::new(Unsynced::new(store)))
        })
        .slow_subject("fjall_rotating", rotating::open)
        .run()
}

async fn open(directory: PathBuf, components: Components) -> Result<SharedStore> {
    let store = FjallConfig::new(directory).open_with(components).await?;
    Ok(SharedStore::new(store))
}
