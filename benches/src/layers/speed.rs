//! Measuring how long reads take.

use std::{path::Path, time::Duration};

use anyhow::Result;
use storage::{
    Stack, Store,
    cache::{CacheConfig, CacheLayer, Policy},
    fjall::FjallConfig,
    memory::MemoryConfig,
};

use super::{
    cell::{Cell, Reads, Subject},
    rivals::{BareMoka, BareQuickCache},
};
use crate::{
    measure::Measurement,
    overhead::{Callers, Data, Engine, Stored, Target, Whereabouts, Workload, drive},
};

/// Room for everything that hits read.
pub(super) const ROOM_BYTES: u64 = 64 << 20;

/// Room for about one in a hundred of what misses read.
const LITTLE_ROOM_BYTES: u64 = 1_000 * 464;

/// Measures the cell, with its files at `path`.
pub(super) fn measure(cell: Cell, path: &Path) -> Result<Measurement> {
    match cell.subject {
        Subject::QuickCache => drive_gets(cell, async || Ok(BareQuickCache::new())),
        Subject::Moka => drive_gets(cell, async || Ok(BareMoka::new())),
        Subject::Fjall => drive_gets(cell, async || {
            Ok(Stored(FjallConfig::new(path).open().await?))
        }),
        Subject::Cache | Subject::CacheShared | Subject::CacheLru => match cell.reads {
            Reads::Hits => cached(cell, MemoryConfig::new().open()),
            Reads::Misses => {
                let opening = FjallConfig::new(path).open();
                cached(cell, storage::blocking::block_on(opening)?)
            }
        },
    }
}

fn cached(cell: Cell, below: impl Store) -> Result<Measurement> {
    let room = match cell.reads {
        Reads::Hits => ROOM_BYTES,
        Reads::Misses => LITTLE_ROOM_BYTES,
    };
    let config = match cell.subject {
        Subject::CacheShared => CacheConfig::shared(room, Duration::from_hours(1)),
        Subject::CacheLru => CacheConfig::exclusive(room).policy(Policy::Lru),
        _ => CacheConfig::exclusive(room),
    };
    drive_gets(cell, async || {
        let stack = Stack::on(below).with(CacheLayer::new(config));
        Ok(Stored(stack.open().await?))
    })
}

fn drive_gets<T: Target>(cell: Cell, open: impl AsyncFnOnce() -> Result<T>) -> Result<Measurement> {
    let data = match cell.reads {
        Reads::Hits => Data::of(Engine::Memory, Workload::Get, 1),
        Reads::Misses => Data::of(Engine::Fjall, Workload::Get, 1),
    };
    drive(
        open,
        Workload::Get,
        Callers::Tasks(1),
        Whereabouts::Here,
        data,
    )
}
