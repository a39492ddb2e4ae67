//! Opening what a cell measures: an engine, raw or as a store.

use std::path::Path;

use anyhow::Result;
#[cfg(feature = "rocks")]
use storage::rocks::RocksConfig;
use storage::{
    SharedStore, Stack, Store, fjall::FjallConfig, fs::FsConfig, layer::PassThrough,
    memory::MemoryConfig, sled::SledConfig, sqlite::SqliteConfig,
};

#[cfg(feature = "rocks")]
use super::raw::RawRocks;
use super::{
    cell::{Access, CellArgs, Engine},
    data::Data,
    drive::{Callers, Whereabouts, drive},
    raw::{OneAtATime, RawFiles, RawFjall, RawMap, RawSled, RawSqlite},
    stored::Stored,
    target::Target,
};
use crate::measure::Measurement;

/// Measures the cell, with its files at `path`.
pub(super) fn measure(args: &CellArgs, data: Data, path: &Path) -> Result<Measurement> {
    match args.engine {
        Engine::Memory => either(
            args,
            data,
            async || Ok(RawMap::default()),
            async || Ok(MemoryConfig::new().open()),
        ),
        Engine::Fjall => either(
            args,
            data,
            async || RawFjall::open(path),
            async || Ok(FjallConfig::new(path).open().await?),
        ),
        #[cfg(feature = "rocks")]
        Engine::Rocks => either(
            args,
            data,
            async || RawRocks::open(path),
            async || Ok(RocksConfig::new(path).open().await?),
        ),
        Engine::Sled => either(
            args,
            data,
            async || RawSled::open(path),
            async || Ok(SledConfig::new(path).open().await?),
        ),
        Engine::Sqlite => either(
            args,
            data,
            async || RawSqlite::open(path),
            async || Ok(SqliteConfig::new(path).open().await?),
        ),
        Engine::Fs => either(
            args,
            data,
            async || RawFiles::open(path),
            async || Ok(FsConfig::new(path).open().await?),
        ),
    }
}

/// Measures the raw engine, or the store in the way that is asked for.
fn either<T: Target, S: Store>(
    args: &CellArgs,
    data: Data,
    raw: impl AsyncFnOnce() -> Result<T>,
    store: impl AsyncFnOnce() -> Result<S>,
) -> Result<Measurement> {
    match args.access {
        Access::Raw => tasks(args, data, raw),
        Access::RawThreads => drive(
            raw,
            args.workload,
            Callers::Threads(args.tasks),
            Whereabouts::Here,
            data,
        ),
        Access::RawInTurn => tasks(args, data, async || Ok(OneAtATime::new(raw().await?))),
        Access::Store => tasks(args, data, async || Ok(Stored(store().await?))),
        Access::Shared => tasks(args, data, async || {
            Ok(Stored(SharedStore::new(store().await?)))
        }),
        Access::Layers1 => tasks(args, data, async || {
            let one = Stack::on(store().await?).with(PassThrough);
            Ok(Stored(one.open().await?))
        }),
        Access::Layers3 => tasks(args, data, async || {
            let one = Stack::on(store().await?).with(PassThrough);
            let three = one.with(PassThrough).with(PassThrough);
            Ok(Stored(three.open().await?))
        }),
        Access::Layers5 => tasks(args, data, async || {
            let one = Stack::on(store().await?).with(PassThrough);
            let three = one.with(PassThrough).with(PassThrough);
            let five = three.with(PassThrough).with(PassThrough);
            Ok(Stored(five.open().await?))
        }),
    }
}

fn tasks<T: Target>(
    args: &CellArgs,
    data: Data,
    open: impl AsyncFnOnce() -> Result<T>,
) -> Result<Measurement> {
    drive(
        open,
        args.workload,
        Callers::Tasks(args.tasks),
        Whereabouts::Here,
        data,
    )
}
