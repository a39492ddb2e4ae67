//! What stacks of the layers that alter what is stored promise when their process dies or
//! the power goes: each of them alone, each pair and all three, over fjall and over SQLite.
//! Every value is a chunk, and what nobody refers to is removed at once, so a collector
//! races the writers, and what is left must pass the check of each layer.
//!
//! As a test, all three layers are proved over either engine. For every stack, and as long
//! as one likes: `cargo xtask crash --engine fjall --stacks --rounds 100`, and so for
//! `sqlite` and for `power-loss`.

#[expect(dead_code, reason = "each program uses a part of it")]
mod layers;

use std::{future::Future, path::PathBuf, pin::Pin, process::ExitCode};

use storage::{Components, Result, SharedStore, fjall::FjallConfig, sqlite::SqliteConfig};
use storage_testkit::proof::Program;

use self::layers::{Layers, Upkeep};

type Opening = Pin<Box<dyn Future<Output = Result<SharedStore>> + Send>>;

fn main() -> ExitCode {
    let program = Program::new("fjall", |directory, components| {
        over_fjall(Layers::ALL, directory, components)
    })
    .subject("sqlite", |directory, components| {
        over_sqlite(Layers::ALL, directory, components)
    });
    Layers::stacks()
        .fold(program, |program, layers| {
            program
                .subject_by_command(layers.name("fjall"), move |directory, components| {
                    over_fjall(layers, directory, components)
                })
                .subject_by_command(layers.name("sqlite"), move |directory, components| {
                    over_sqlite(layers, directory, components)
                })
        })
        .run()
}

fn over_fjall(layers: Layers, directory: PathBuf, components: Components) -> Opening {
    Box::pin(async move {
        let engine = FjallConfig::new(directory);
        let engine = engine.open_with(components.clone()).await?;
        let engine = SharedStore::new(engine);
        layers.on(engine, components, Upkeep::Ceaseless).await
    })
}

fn over_sqlite(layers: Layers, directory: PathBuf, components: Components) -> Opening {
    Box::pin(async move {
        let engine = SqliteConfig::new(directory);
        let engine = engine.open_with(components.clone()).await?;
        let engine = SharedStore::new(engine);
        layers.on(engine, components, Upkeep::Ceaseless).await
    })
}
