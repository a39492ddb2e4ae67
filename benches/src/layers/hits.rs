//! How many reads of a trace are hits: of the layer with each policy, and of its
//! rivals.
//!
//! Every cache has room for the same number of values, which all have one size. What
//! misses is put there.

use std::{collections::BTreeMap, fmt, num::NonZeroU64};

use anyhow::{Context, Result};
use clap::ValueEnum;
use foyer_memory::{CacheProperties, S3FifoConfig};
use serde::Serialize;
use storage::{
    Key, ReadExt, Stack, Store, StoreExt, WriteBatch,
    blocking::block_on,
    cache::{Cache, CacheConfig, CacheLayer, Policy},
    memory::{MemoryBackend, MemoryConfig},
};

use super::traces::{KEYS, READS, Trace};
use crate::overhead::name;

/// The size of every value.
const VALUE_BYTES: usize = 256;

/// What the layer counts for each: the value, a key of 4 bytes, and 192.
const ENTRY_BYTES: u64 = 256 + 4 + 192;

/// How much of all values there is room for.
const PERCENTS: [u32; 2] = [1, 10];

/// The layer as it is by default.
const SUBJECT: &str = "cache";

/// What the layer must not be behind in the mean.
const RIVALS: [&str; 3] = ["cache-lru", "moka", "foyer"];

/// How many points behind the best of them the layer may be in a row.
const BEHIND_MAX: f64 = 3.0;

/// One line of the report.
#[derive(Debug, Serialize)]
pub(super) struct HitRow {
    workload: String,
    /// By cache, the hits of a hundred reads.
    hit_percent: BTreeMap<&'static str, f64>,
    bar: String,
    holds: bool,
}

/// Plays every trace on every cache.
pub(super) fn measure(seed: u64) -> Result<Vec<HitRow>> {
    let mut rows = Vec::new();
    for trace in Trace::value_variants() {
        let keys = trace.keys(seed);
        for percent in PERCENTS {
            eprintln!("hits of {}, {percent} %", name(trace));
            let room = KEYS / 100 * percent;
            rows.push(HitRow::of(
                format!("hits of {}, room for {percent} %", name(trace)),
                play_all(&keys, room)?,
            ));
        }
    }
    rows.push(HitRow::mean(&rows));
    Ok(rows)
}

impl HitRow {
    fn of(workload: String, hit_percent: BTreeMap<&'static str, f64>) -> Self {
        let of = |name| hit_percent.get(name).copied().unwrap_or(0.0);
        let best = RIVALS.map(of).into_iter().fold(0.0, f64::max);
        Self {
            workload,
            bar: format!("at most {BEHIND_MAX} points behind {}", RIVALS.join(", ")),
            holds: of(SUBJECT) >= best - BEHIND_MAX,
            hit_percent,
        }
    }

    fn mean(rows: &[Self]) -> Self {
        let count = f64::from(u32::try_from(rows.len()).unwrap_or(1));
        let mut mean = BTreeMap::new();
        for (name, percent) in rows.iter().flat_map(|row| &row.hit_percent) {
            *mean.entry(*name).or_insert(0.0) += percent / count;
        }
        let of = |name| mean.get(name).copied().unwrap_or(0.0);
        let holds = RIVALS.iter().all(|rival| of(SUBJECT) >= of(rival));
        Self {
            workload: "hits, mean".into(),
            bar: format!("at least {}", RIVALS.join(", ")),
            holds,
            hit_percent: mean
                .into_iter()
                .map(|(name, percent)| (name, rounded(percent)))
                .collect(),
        }
    }
}

impl fmt::Display for HitRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:38}", self.workload)?;
        for (name, percent) in &self.hit_percent {
            write!(f, " {name} {percent:.2},")?;
        }
        let holds = if self.holds { "holds" } else { "does not hold" };
        write!(f, " bar {}: {holds}", self.bar)
    }
}

/// Something with room for so many values.
trait Subject {
    /// Reads a key. Whether it was there; if not, it is now.
    fn read(&mut self, key: u32) -> Result<bool>;
}

fn play_all(keys: &[u32], room: u32) -> Result<BTreeMap<&'static str, f64>> {
    let layer = |policy| Layer::open(policy, room);
    let foyer = |config| Foyer::new(room, config);
    let mut subjects: Vec<(&'static str, Box<dyn Subject>)> = vec![
        (SUBJECT, Box::new(layer(Policy::Adaptive)?)),
        ("cache-lru", Box::new(layer(Policy::Lru)?)),
        ("cache-lfu", Box::new(layer(Policy::Lfu)?)),
        ("cache-fifo", Box::new(layer(Policy::Fifo)?)),
        ("cache-random", Box::new(layer(Policy::Random)?)),
        ("moka", Box::new(Moka::new(room))),
        ("foyer", Box::new(foyer(None))),
        (
            "foyer-s3-fifo",
            Box::new(foyer(Some(S3FifoConfig::default()))),
        ),
    ];
    let mut hit_percent = BTreeMap::new();
    for (name, subject) in &mut subjects {
        let mut hits = 0_u32;
        for (at, key) in (0..READS).zip(keys) {
            let is_hit = subject.read(*key)?;
            hits += u32::from(is_hit && at >= READS / 2);
        }
        let percent = f64::from(hits) / f64::from(READS / 2) * 100.0;
        hit_percent.insert(*name, rounded(percent));
    }
    Ok(hit_percent)
}

/// To a hundredth of a point.
fn rounded(percent: f64) -> f64 {
    (percent * 100.0).round() / 100.0
}

/// The layer, over memory.
struct Layer<S> {
    store: S,
}

impl Layer<()> {
    fn open(policy: Policy, room: u32) -> Result<Layer<impl Store>> {
        let below = MemoryConfig::new().open();
        block_on(fill(&below))?;
        let config = CacheConfig::exclusive(ENTRY_BYTES * u64::from(room))
            .policy(policy)
            // Pages would be hits that no policy has earned.
            .read_ahead_entries(0)
            .expected_entry_bytes(NonZeroU64::new(ENTRY_BYTES).context("it is not zero")?);
        let stack = Stack::on(below).with(CacheLayer::new(config));
        Ok(Layer {
            store: block_on(stack.open())?,
        })
    }
}

async fn fill(store: &MemoryBackend) -> Result<()> {
    let batch = (0..KEYS).fold(WriteBatch::new(), |batch, key| {
        batch.put(key.to_be_bytes().to_vec(), vec![7; VALUE_BYTES])
    });
    store.commit(batch).await?;
    Ok(())
}

impl<S: Store> Subject for Layer<S> {
    fn read(&mut self, key: u32) -> Result<bool> {
        let cache: &Cache = self.store.find().context("the stack has a cache")?;
        let before = cache.stats().memory.misses;
        let key = key.to_be_bytes();
        block_on(self.store.get(Key::user(&key)))?.context("every key is there")?;
        Ok(cache.stats().memory.misses == before)
    }
}

struct Moka {
    cache: moka::future::Cache<u32, ()>,
    reads: u32,
}

impl Moka {
    /// How many reads pass before it has settled what it has put off: no more than
    /// in the first milliseconds of its own timer.
    const READS_BETWEEN: u32 = 64;

    fn new(room: u32) -> Self {
        Self {
            cache: moka::future::Cache::new(u64::from(room)),
            reads: 0,
        }
    }
}

impl Subject for Moka {
    fn read(&mut self, key: u32) -> Result<bool> {
        self.reads += 1;
        block_on(async {
            let is_hit = self.cache.get(&key).await.is_some();
            if !is_hit {
                self.cache.insert(key, ()).await;
            }
            if self.reads.is_multiple_of(Self::READS_BETWEEN) {
                self.cache.run_pending_tasks().await;
            }
            Ok(is_hit)
        })
    }
}

struct Foyer(foyer_memory::Cache<u32, ()>);

impl Foyer {
    fn new(room: u32, config: Option<S3FifoConfig>) -> Self {
        let builder = foyer_memory::CacheBuilder::new(usize::try_from(room).unwrap_or(0));
        let builder = match config {
            Some(config) => builder.with_eviction_config(config),
            None => builder,
        };
        Self(builder.build::<CacheProperties>())
    }
}

impl Subject for Foyer {
    fn read(&mut self, key: u32) -> Result<bool> {
        let is_hit = self.0.get(&key).is_some();
        if !is_hit {
            drop(self.0.insert(key, ()));
        }
        Ok(is_hit)
    }
}
