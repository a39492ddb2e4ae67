//! The time that a layer adds, with and without it in turn.

use std::{fmt, time::Instant};

use anyhow::{Result, ensure};
use serde::Serialize;
use storage::{ReadExt, Store, StoreExt, memory::MemoryConfig};
use tokio::runtime::{Builder, Runtime};

use crate::overhead::{Engine, Workload, data::Data, raw::RawFjall, target::Target};

/// With and without the layer, so many times.
const TURNS: u32 = 41;

/// Operations a turn.
const OPERATIONS: u32 = 50_000;

/// What a layer adds to an operation of a store that answers at once.
#[derive(Debug, Serialize)]
pub(crate) struct Added {
    pub(crate) subject: &'static str,
    /// The middle of what it added in each turn, in nanoseconds.
    nanoseconds: f64,
    /// A get of raw fjall, in nanoseconds.
    raw_get_nanoseconds: f64,
    /// The one in units of the other.
    ratio: f64,
    /// How much a second store without the layer adds: how noisy it was.
    control_nanoseconds: f64,
    bar: Option<f64>,
    holds: Option<bool>,
}

impl fmt::Display for Added {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            subject,
            nanoseconds,
            ratio,
            control_nanoseconds,
            ..
        } = self;
        write!(
            f,
            "{subject}: adds {nanoseconds:.0} ns, {ratio:.3} of a get of raw fjall; \
             nothing adds {control_nanoseconds:.0} ns"
        )?;
        match (self.bar, self.holds) {
            (Some(bar), Some(true)) => write!(f, "; bar {bar}, holds"),
            (Some(bar), _) => write!(f, "; bar {bar}, does not hold"),
            (None, _) => Ok(()),
        }
    }
}

/// The operation that is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    Get,
    Put,
}

/// A runtime of one thread, as a store with timers needs.
pub(super) fn runtime() -> Result<Runtime> {
    Ok(Builder::new_current_thread().enable_time().build()?)
}

/// What `layered` adds to memory.
pub(super) async fn added(
    subject: &'static str,
    layered: impl Store,
    operation: Operation,
    raw: f64,
    bar: Option<f64>,
) -> Result<Added> {
    let (bare, control) = (MemoryConfig::new().open(), MemoryConfig::new().open());
    let data = Data::of(Engine::Memory, Workload::Get, 1);
    let (mut added, mut noise) = (Vec::new(), Vec::new());
    for key in &data.keys {
        layered.put(key, data.value.clone()).await?;
        bare.put(key, data.value.clone()).await?;
        control.put(key, data.value.clone()).await?;
    }
    for _ in 0..TURNS {
        let below = turn(&bare, &data, operation).await?;
        added.push(turn(&layered, &data, operation).await? - below);
        noise.push(turn(&control, &data, operation).await? - below);
    }
    let (added, control) = (median(added), median(noise));
    let ratio = added / raw;
    Ok(Added {
        subject,
        nanoseconds: added,
        raw_get_nanoseconds: raw,
        ratio,
        control_nanoseconds: control,
        bar,
        holds: bar.map(|bar| ratio <= bar),
    })
}

/// How long a get of raw fjall takes, in nanoseconds, of entries that lie in
/// memory.
pub(super) fn raw_fjall_get() -> Result<f64> {
    let directory = tempfile::tempdir()?;
    let raw = RawFjall::open(&directory.path().join("raw"))?;
    let data = Data::of(Engine::Fjall, Workload::Get, 1);
    runtime()?.block_on(async {
        let entries = data
            .keys
            .iter()
            .map(|key| (key.to_vec(), data.value.clone()));
        raw.load(entries.collect()).await?;
        let mut times = Vec::new();
        for _ in 0..7 {
            let started = Instant::now();
            for key in &data.keys {
                ensure!(raw.get(key).await? == data.value.len(), "a key is missing");
            }
            times.push(each(started, u32::try_from(data.keys.len())?));
        }
        // The first turns fill the cache.
        Ok(median(times.split_off(2)))
    })
}

async fn turn(store: &impl Store, data: &Data, operation: Operation) -> Result<f64> {
    let started = Instant::now();
    let mut keys = data.keys.iter().cycle();
    for _ in 0..OPERATIONS {
        let Some(key) = keys.next() else { break };
        match operation {
            Operation::Get => ensure!(store.get(key).await?.is_some(), "a key is missing"),
            Operation::Put => drop(store.put(key, data.value.clone()).await?),
        }
    }
    Ok(each(started, OPERATIONS))
}

fn each(started: Instant, operations: u32) -> f64 {
    started.elapsed().as_secs_f64() * 1e9 / f64::from(operations)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
