//! Doing a cell's work against the clock: the same loop for every target.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use storage::{Durability, SeededRandom};
use tokio::runtime::{Builder, Runtime};

use super::{cell::Workload, data::Data, target::Target};
use crate::measure::{Measurement, Stopwatch};

/// How many entries a scan reads.
const SCAN_ENTRIES: usize = 100;

/// Opens the target, loads what the workload reads, and measures it.
pub(crate) fn drive<T: Target>(
    open: impl AsyncFnOnce() -> Result<T>,
    workload: Workload,
    tasks: u32,
    data: Data,
) -> Result<Measurement> {
    let runtime = runtime(tasks)?;
    runtime.block_on(async {
        let target = Arc::new(open().await?);
        let data = Arc::new(data);
        if matches!(workload, Workload::Get | Workload::Scan) {
            let value = || data.value.clone();
            let entries = data.keys.iter().map(|key| (key.clone(), value()));
            target.load(entries.collect()).await?;
            for key in &data.keys {
                ensure!(
                    target.get(key).await? == data.value.len(),
                    "a loaded key is missing"
                );
            }
        }
        let worker = |task| Worker {
            target: Arc::clone(&target),
            data: Arc::clone(&data),
            random: SeededRandom::new(u64::from(task)),
            operations: data.operations / tasks,
            first: usize::try_from(task * (data.operations / tasks)).unwrap_or(usize::MAX),
        };
        let stopwatch = Stopwatch::start()?;
        if tasks == 1 {
            worker(0).work(workload).await?;
        } else {
            let running: Vec<_> = (0..tasks)
                .map(|task| tokio::spawn(worker(task).work(workload)))
                .collect();
            for task in running {
                task.await??;
            }
        }
        stopwatch.stop(data.operations)
    })
}

/// One task needs no other thread than its own.
fn runtime(tasks: u32) -> Result<Runtime> {
    let runtime = if tasks == 1 {
        Builder::new_current_thread().build()
    } else {
        Builder::new_multi_thread().worker_threads(2).build()
    };
    runtime.context("no runtime to measure on")
}

/// One task's share of the work.
struct Worker<T> {
    target: Arc<T>,
    data: Arc<Data>,
    random: SeededRandom,
    operations: u32,
    /// The first of the keys that this task alone puts.
    first: usize,
}

impl<T: Target> Worker<T> {
    async fn work(self, workload: Workload) -> Result<()> {
        match workload {
            Workload::Get => self.get().await,
            Workload::Scan => self.scan().await,
            Workload::BufferedPut => self.put(Durability::Buffered).await,
            Workload::SyncedPut => self.put(Durability::Synced).await,
        }
    }

    async fn get(self) -> Result<()> {
        for _ in 0..self.operations {
            let size = self.target.get(self.any_key()?).await?;
            ensure!(
                size == self.data.value.len(),
                "a value is {size} bytes long"
            );
        }
        Ok(())
    }

    async fn scan(self) -> Result<()> {
        let mut size = 0;
        for _ in 0..self.operations {
            size += self.target.scan(self.any_key()?, SCAN_ENTRIES).await?;
        }
        ensure!(size > 0, "the scans found nothing");
        Ok(())
    }

    async fn put(self, durability: Durability) -> Result<()> {
        let keys = self.data.keys.iter().skip(self.first);
        for (key, _) in keys.zip(0..self.operations) {
            let entry = (key.clone(), self.data.value.clone());
            self.target.put(entry, durability).await?;
        }
        Ok(())
    }

    fn any_key(&self) -> Result<&[u8]> {
        let count = u64::try_from(self.data.keys.len())?;
        let index = usize::try_from(self.random.next_u64() % count)?;
        let key = self.data.keys.get(index).context("there are keys")?;
        Ok(key)
    }
}
