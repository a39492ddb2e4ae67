//! Doing a cell's work against the clock: the same loop for every target.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        mpsc::{self, Sender},
    },
    thread,
};

use anyhow::{Context, Result, anyhow, ensure};
use storage::{Durability, SeededRandom, blocking::block_on};
use tokio::runtime::{Builder, Runtime};

use super::{
    cell::Workload,
    data::{Data, Key},
    target::Target,
};
use crate::measure::{Measurement, Stopwatch};

/// How many entries a scan reads.
const SCAN_ENTRIES: usize = 100;

/// As many reads as one in so many are done before the clock starts.
const WARM_UP_DIVISOR: u32 = 4;

/// Who calls the target, and how many of them at once.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Callers {
    /// Tasks of an async runtime with a thread a core; one has a thread to
    /// itself.
    Tasks(u32),
    /// Threads that do nothing else.
    Threads(u32),
}

/// Where a target has its entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whereabouts {
    /// In this process, or in files that it has for itself. It finds none when it
    /// is opened.
    Here,
    /// On a server, which has all of them already. Calls take connections, which
    /// the first ones make.
    Network,
}

/// Opens the target, loads what the workload reads, and measures it.
pub(crate) fn drive<T: Target>(
    open: impl AsyncFnOnce() -> Result<T>,
    workload: Workload,
    callers: Callers,
    whereabouts: Whereabouts,
    data: Data,
) -> Result<Measurement> {
    let (Callers::Tasks(tasks) | Callers::Threads(tasks)) = callers;
    let runtime = runtime(tasks, whereabouts)?;
    let _other = OtherThread::start()?;
    runtime.block_on(async {
        let target = Arc::new(open().await?);
        let data = Arc::new(data);
        let reads = matches!(workload, Workload::Get | Workload::Scan);
        if reads && whereabouts == Whereabouts::Here {
            target.load(data.entries()).await?;
            for key in &data.keys {
                ensure!(
                    target.get(key).await? == data.value.len(),
                    "a loaded key is missing"
                );
            }
        }
        let share = data.operations / tasks;
        let workers = |share, seed| {
            (0..tasks)
                .map(|task| {
                    Ok(Worker {
                        target: Arc::clone(&target),
                        data: Arc::clone(&data),
                        keys: match workload {
                            Workload::Get | Workload::Scan => any_keys(&data, seed + task, share)?,
                            Workload::VolatilePut | Workload::BufferedPut | Workload::SyncedPut => {
                                own_keys(&data, task, share)
                            }
                        },
                    })
                })
                .collect::<Result<Vec<_>>>()
        };
        if reads || whereabouts == Whereabouts::Network {
            // What is read lies in memory, whoever reads it: an engine may have
            // a cache for each of those who read at once. Every connection is
            // there, with its statements prepared.
            run(
                callers,
                workers(share.div_ceil(WARM_UP_DIVISOR), tasks)?,
                workload,
            )
            .await?;
        }
        let workers = workers(share, 0)?;
        let stopwatch = Stopwatch::start()?;
        run(callers, workers, workload).await?;
        stopwatch.stop(data.operations)
    })
}

/// Has all workers do their work.
async fn run<T: Target>(
    callers: Callers,
    mut workers: Vec<Worker<T>>,
    workload: Workload,
) -> Result<()> {
    match (callers, workers.pop(), workers.is_empty()) {
        (Callers::Threads(_), last, _) => in_threads(workers.into_iter().chain(last), workload),
        (Callers::Tasks(_), Some(lone), true) => lone.work(workload).await,
        (Callers::Tasks(_), last, _) => {
            let all = workers.into_iter().chain(last);
            let running: Vec<_> = all.map(|each| tokio::spawn(each.work(workload))).collect();
            for task in running {
                task.await??;
            }
            Ok(())
        }
    }
}

/// A thread that does nothing, and ends once this is dropped. Every program that needs a
/// store has another thread; one that has none is given cheaper memory and
/// cheaper system calls by the C library, which only raw engines could have.
struct OtherThread {
    _end: Sender<Infallible>,
}

impl OtherThread {
    fn start() -> Result<Self> {
        let (end, ended) = mpsc::channel::<Infallible>();
        thread::Builder::new().spawn(move || ended.recv().err())?;
        Ok(Self { _end: end })
    }
}

/// One task needs no other thread than its own.
fn runtime(tasks: u32, whereabouts: Whereabouts) -> Result<Runtime> {
    let mut builder = if tasks == 1 {
        Builder::new_current_thread()
    } else {
        Builder::new_multi_thread()
    };
    builder.worker_threads(2);
    if whereabouts == Whereabouts::Network {
        builder.enable_all();
    }
    builder.build().context("no runtime to measure on")
}

/// Has each worker work in a thread of its own.
fn in_threads<T: Target>(
    workers: impl Iterator<Item = Worker<T>>,
    workload: Workload,
) -> Result<()> {
    let running: Vec<_> = workers
        .map(|worker| thread::spawn(move || block_on(worker.work(workload))))
        .collect();
    for thread in running {
        thread
            .join()
            .map_err(|_panic| anyhow!("a thread that was measured panicked"))??;
    }
    Ok(())
}

/// The keys that a task reads: any of them, drawn before the clock starts.
fn any_keys(data: &Data, seed: u32, count: u32) -> Result<Vec<Key>> {
    let random = SeededRandom::new(u64::from(seed));
    let all = u64::try_from(data.keys.len())?;
    let draw = |_| {
        let index = usize::try_from(random.next_u64() % all)?;
        data.keys.get(index).copied().context("there are keys")
    };
    (0..count).map(draw).collect()
}

/// The keys that a task puts, and no other.
fn own_keys(data: &Data, task: u32, count: u32) -> Vec<Key> {
    let first = usize::try_from(task * count).unwrap_or(usize::MAX);
    let from_first = data.keys.iter().skip(first);
    from_first.zip(0..count).map(|(key, _)| *key).collect()
}

/// One task's share of the work.
struct Worker<T> {
    target: Arc<T>,
    data: Arc<Data>,
    /// One for each operation.
    keys: Vec<Key>,
}

impl<T: Target> Worker<T> {
    async fn work(self, workload: Workload) -> Result<()> {
        match workload {
            Workload::Get => self.get().await,
            Workload::Scan => self.scan().await,
            Workload::VolatilePut => self.put(Durability::Volatile).await,
            Workload::BufferedPut => self.put(Durability::Buffered).await,
            Workload::SyncedPut => self.put(Durability::Synced).await,
        }
    }

    async fn get(self) -> Result<()> {
        for key in &self.keys {
            let size = self.target.get(key).await?;
            ensure!(
                size == self.data.value.len(),
                "a value is {size} bytes long"
            );
        }
        Ok(())
    }

    async fn scan(self) -> Result<()> {
        let mut size = 0;
        for key in &self.keys {
            size += self.target.scan(key, SCAN_ENTRIES).await?;
        }
        ensure!(size > 0, "the scans found nothing");
        Ok(())
    }

    async fn put(self, durability: Durability) -> Result<()> {
        for key in &self.keys {
            let entry = (key.to_vec(), self.data.value.clone());
            self.target.put(entry, durability).await?;
        }
        Ok(())
    }
}
