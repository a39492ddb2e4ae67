//! What the adapter for engines across a network adds to a get of one caller,
//! with nobody else there: an engine that answers at once is called as it is, and
//! through the adapter.
//!
//! Prints the median time of each over several rounds that take turns:
//! `cargo run --release -p storage-core --features networked --example lone_gets`.

use std::{io::Write, time::Duration};

use storage_core::{
    Capabilities, Committed, Components, Consistency, Description, Durability, Entry, Health,
    KeyRange, Maintenance, MaintenanceReport, OwnedKey, Page, ReadExt, Result, ScanOptions,
    Sequence, Stats, StoreExt, Timestamp, WriteBatch,
    networked::{Engine, EngineRead, Limits, Networked},
};
use tokio::time::Instant;

const ROUNDS: usize = 21;
const CALLS: u32 = 50_000;

fn main() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()
        .map_err(|error| storage_core::Error::io("starting a runtime", error))?;
    let measured = runtime.spawn(measure());
    let (engine, get, put) = runtime
        .block_on(measured)
        .map_err(|error| storage_core::Error::io("measuring", error.into()))??;
    let _ = writeln!(
        std::io::stdout(),
        "a call of the engine takes {engine:?}, a get through the adapter {get:?} \
         ({:?} more), a put, which is a task of its own, {put:?}",
        get.saturating_sub(engine)
    );
    Ok(())
}

/// The times of a call of the engine, of a get and of a put.
async fn measure() -> Result<(Duration, Duration, Duration)> {
    let store = Networked::open(Ready, &Components::default()).await?;
    let mut engine_times = Vec::new();
    let mut get_times = Vec::new();
    let mut put_times = Vec::new();
    let key = OwnedKey::from("key");
    for _ in 0..ROUNDS {
        let begin = Instant::now();
        for _ in 0..CALLS {
            Ready
                .get_many(std::slice::from_ref(&key), None, begin)
                .await?;
        }
        engine_times.push(begin.elapsed() / CALLS);

        let begin = Instant::now();
        for _ in 0..CALLS {
            store.get("key").await?;
        }
        get_times.push(begin.elapsed() / CALLS);

        let begin = Instant::now();
        for _ in 0..CALLS {
            store.put("key", "value").await?;
        }
        put_times.push(begin.elapsed() / CALLS);
    }
    Ok((median(engine_times), median(get_times), median(put_times)))
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// An engine that answers at once, and always the same.
#[derive(Debug)]
struct Ready;

impl EngineRead for Ready {
    async fn get_many(
        &self,
        keys: &[OwnedKey],
        _: Option<Consistency>,
        _: Instant,
    ) -> Result<Vec<Option<Entry>>> {
        Ok(vec![None; keys.len()])
    }

    async fn scan(&self, _: &KeyRange, _: &ScanOptions, _: Timestamp, _: Instant) -> Result<Page> {
        Ok(Page::default())
    }
}

impl Engine for Ready {
    type Snapshot = Self;

    fn describe(&self) -> Description {
        Description::of_engine("ready", "")
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::embedded()
    }

    fn limits(&self) -> Limits {
        Limits::new()
    }

    async fn sequence(&self, _: Instant) -> Result<Option<Sequence>> {
        Ok(None)
    }

    async fn commit(
        &self,
        group: &[WriteBatch],
        durability: Durability,
        _: Timestamp,
        _: Instant,
    ) -> Result<Vec<Result<Committed>>> {
        let answers = group.iter().map(|_| Ok(Committed::new(None, durability)));
        Ok(answers.collect())
    }

    async fn snapshot(&self, _: Instant) -> Result<(Self, Option<Sequence>)> {
        Ok((Self, None))
    }

    async fn stats(&self, _: Instant) -> Result<Stats> {
        Ok(Stats::default())
    }

    async fn health(&self, _: Instant) -> Result<Health> {
        Ok(Health::default())
    }

    async fn maintain(&self, _: Maintenance) -> Result<MaintenanceReport> {
        Ok(MaintenanceReport::default())
    }

    async fn close(&self, _: Instant) -> Result<()> {
        Ok(())
    }
}
