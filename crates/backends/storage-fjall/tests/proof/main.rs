//! What fjall promises when its process dies.

use std::{path::PathBuf, process::ExitCode};

use storage_core::{Components, SharedStore};
use storage_fjall::FjallConfig;
use storage_testkit::proof::Program;

fn main() -> ExitCode {
    Program::new(
        "fjall",
        |directory: PathBuf, components: Components| async move {
            let store = FjallConfig::new(directory).open_with(components).await?;
            Ok(SharedStore::new(store))
        },
    )
    .run()
}
