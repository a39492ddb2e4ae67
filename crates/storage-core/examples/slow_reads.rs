//! An engine whose every read blocks its thread for 20 ms, under an async
//! program with a task that wants to run each millisecond, all on one thread.
//!
//! Prints how late the task ran beside the reads, and how late without them,
//! which is the machine's own share:
//! `cargo run --release -p storage-core --example slow_reads`.

use std::{
    io::Write,
    sync::{Arc, Weak},
    thread,
    time::{Duration, Instant},
};

use storage_core::{
    Capabilities, Components, Description, Direction, Durability, Entry, Health, Item, Key,
    KeyRange, Maintenance, MaintenanceReport, Projection, ReadExt, Result, Stats, StoreExt,
    embedded::{Change, ChangeForm, Embedded, Engine, EngineRead, ReadPolicy},
    memory::{MemoryEngine, MemorySnapshot},
};

const READ: Duration = Duration::from_millis(20);
const TICK: Duration = Duration::from_millis(1);
const TICKS: u32 = 2_000;
const READERS: usize = 8;

fn main() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .map_err(|error| storage_core::Error::io("starting a runtime", error))?;
    let mut out = std::io::stdout();
    for readers in [0, READERS] {
        let (reads, delays) = runtime.block_on(run(readers))?;
        let worst = delays.iter().max().copied().unwrap_or_default();
        let late = delays.iter().filter(|delay| **delay > 5 * TICK).count();
        let _ = writeln!(
            out,
            "{TICKS} ticks of {TICK:?} beside {reads} reads of {READ:?}: \
             the latest is {worst:?} late, {late} are more than 5 ms late"
        );
    }
    Ok(())
}

/// Ticks while `readers` tasks read; returns the reads and the ticks' delays.
async fn run(readers: usize) -> Result<(usize, Vec<Duration>)> {
    let store = Embedded::new(SlowEngine::default(), &Components::default())?;
    store.put("key", "value").await?;
    let ticking = Arc::new(());
    let readers: Vec<_> = (0..readers)
        .map(|_| tokio::spawn(keep_reading(store.clone(), Arc::downgrade(&ticking))))
        .collect();
    let mut delays = Vec::new();
    for _ in 0..TICKS {
        let due = Instant::now() + TICK;
        tokio::time::sleep_until(due.into()).await;
        // Tokio's timer itself rounds up to a millisecond.
        delays.push(due.elapsed().saturating_sub(TICK));
    }
    drop(ticking);
    let mut reads = 0;
    for reader in readers {
        reads += reader.await.unwrap_or(Ok(0))?;
    }
    Ok((reads, delays))
}

async fn keep_reading(store: Embedded<SlowEngine>, ticking: Weak<()>) -> Result<usize> {
    let mut reads = 0;
    while ticking.upgrade().is_some() {
        store.get("key").await?;
        reads += 1;
    }
    Ok(reads)
}

/// Memory, as slow as a bad disk.
#[derive(Debug, Default)]
struct SlowEngine {
    memory: MemoryEngine,
}

impl EngineRead for SlowEngine {
    fn get(&self, key: Key<'_>) -> Result<Option<Entry>> {
        thread::sleep(READ);
        self.memory.get(key)
    }

    fn scan(
        &self,
        range: &KeyRange,
        direction: Direction,
        projection: Projection,
    ) -> Result<impl Iterator<Item = Result<Item>>> {
        thread::sleep(READ);
        self.memory.scan(range, direction, projection)
    }
}

impl Engine for SlowEngine {
    type Snapshot = MemorySnapshot;

    fn describe(&self) -> Description {
        Description::of_engine("slow", "")
    }

    fn capabilities(&self) -> Capabilities {
        self.memory.capabilities()
    }

    fn read_policy(&self) -> ReadPolicy {
        ReadPolicy::Pool
    }

    fn change_form(&self) -> ChangeForm {
        self.memory.change_form()
    }

    fn apply(&self, changes: Vec<Change>, durability: Durability) -> Result<()> {
        self.memory.apply(changes, durability)
    }

    fn apply_may_wait(&self) -> bool {
        true
    }

    fn sync(&self) -> Result<()> {
        self.memory.sync()
    }

    fn snapshot(&self) -> Result<MemorySnapshot> {
        self.memory.snapshot()
    }

    fn stats(&self) -> Result<Stats> {
        self.memory.stats()
    }

    fn health(&self) -> Result<Health> {
        self.memory.health()
    }

    fn maintain(&self, maintenance: Maintenance) -> Result<MaintenanceReport> {
        self.memory.maintain(maintenance)
    }
}
