//! An engine in memory whose calls can be held, failed and counted.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use storage_core::{
    Capabilities, CheckReport, Committed, Components, Consistency, Damage, Description, Durability,
    Entry, Error, ErrorKind, Health, KeyRange, Maintenance, MaintenanceReport, Mutation, Outcome,
    OwnedKey, Page, Result, ScanOptions, Sequence, Stats, Timestamp, WriteBatch,
    networked::{Engine, EngineRead, Limits, Networked, Partitions},
};
use tokio::{runtime::Handle, task, time::Instant};

use crate::{data::Data, gate::Gate};

/// A key that no call of this engine can read or write.
pub(crate) const BAD: &str = "bad";

/// A store on a staged engine.
pub(crate) async fn open(stage: &Arc<Stage>) -> Networked<Staged> {
    open_with(stage, &Components::default()).await.unwrap()
}

pub(crate) async fn open_with(
    stage: &Arc<Stage>,
    components: &Components,
) -> Result<Networked<Staged>> {
    Networked::open(Staged(Arc::clone(stage)), components).await
}

/// What the engine does, as a test directs it.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) data: Mutex<Data>,
    pub(crate) capabilities: Capabilities,
    pub(crate) limits: Limits,
    pub(crate) partitions: Partitions,
    pub(crate) buffered_as: Durability,
    /// Whether each call lets others run before it does its work.
    pub(crate) takes_turns: bool,
    pub(crate) read_gate: Gate,
    pub(crate) commit_gate: Gate,
    /// Where all other calls wait.
    pub(crate) other_gate: Gate,
    /// How the next calls fail, if they do.
    pub(crate) read_failures: Mutex<VecDeque<Option<Failure>>>,
    pub(crate) commit_failures: Mutex<VecDeque<Option<Failure>>>,
    pub(crate) other_failures: Mutex<VecDeque<Option<Failure>>>,
    /// The calls that came so far, as they began.
    pub(crate) reads: Mutex<Vec<ReadCall>>,
    pub(crate) commits: Mutex<Vec<CommitCall>>,
    pub(crate) snapshots_open: AtomicUsize,
    pub(crate) closes: AtomicUsize,
    pub(crate) was_opened: AtomicBool,
    pub(crate) is_freed: AtomicBool,
}

/// A call that reads keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReadCall {
    pub(crate) keys: Vec<OwnedKey>,
    pub(crate) consistency: Option<Consistency>,
    /// The task that it was made on.
    pub(crate) task: Option<task::Id>,
}

/// A call that commits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CommitCall {
    pub(crate) keys: Vec<OwnedKey>,
    pub(crate) members: usize,
    pub(crate) durability: Durability,
}

#[derive(Debug)]
pub(crate) enum Failure {
    /// Nothing happens.
    Refuse(ErrorKind),
    /// All happens, but the answer is lost on its way.
    BreakOff(ErrorKind),
    /// An answer is missing.
    Miscount,
    Panic,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let mut capabilities = Capabilities::embedded();
        capabilities.durability_min = Durability::Volatile;
        capabilities.batch_operations_max = 2_000;
        capabilities.batch_bytes_max = 4 << 20;
        capabilities.value_bytes_max = 1 << 20;
        Self {
            data: Mutex::default(),
            capabilities,
            limits: Limits::new(),
            partitions: Partitions::one(),
            buffered_as: Durability::Buffered,
            takes_turns: false,
            read_gate: Gate::new(),
            commit_gate: Gate::new(),
            other_gate: Gate::new(),
            read_failures: Mutex::default(),
            commit_failures: Mutex::default(),
            other_failures: Mutex::default(),
            reads: Mutex::default(),
            commits: Mutex::default(),
            snapshots_open: AtomicUsize::new(0),
            closes: AtomicUsize::new(0),
            was_opened: AtomicBool::new(false),
            is_freed: AtomicBool::new(false),
        }
    }

    /// The numbers of keys that the calls read so far.
    pub(crate) fn keys_read(&self) -> Vec<usize> {
        let reads = self.reads.lock().unwrap();
        reads.iter().map(|call| call.keys.len()).collect()
    }

    /// The numbers of members that the commits had so far.
    pub(crate) fn groups(&self) -> Vec<usize> {
        let commits = self.commits.lock().unwrap();
        commits.iter().map(|call| call.members).collect()
    }

    /// Whether the data has an entry of `key`.
    pub(crate) fn holds(&self, key: &str) -> bool {
        let data = self.data.lock().unwrap();
        data.get_many(&[key.into()]).iter().any(Option::is_some)
    }

    async fn read(
        &self,
        look_up: impl FnOnce(&[OwnedKey]) -> Vec<Option<Entry>>,
        keys: &[OwnedKey],
        consistency: Option<Consistency>,
    ) -> Result<Vec<Option<Entry>>> {
        self.reads.lock().unwrap().push(ReadCall {
            keys: keys.to_vec(),
            consistency,
            task: task::try_id(),
        });
        self.read_gate.pass().await;
        self.take_turns().await;
        let failure = self.read_failures.lock().unwrap().pop_front().flatten();
        if let Some(failure) = failure {
            failure.happen()?;
            return Ok(Vec::new());
        }
        if keys.contains(&BAD.into()) {
            return Err(Error::new(ErrorKind::Corrupt, "a bad row, on purpose"));
        }
        Ok(look_up(keys))
    }

    async fn take_turns(&self) {
        assert!(Handle::try_current().is_ok(), "a call outside of a runtime");
        if self.takes_turns {
            task::yield_now().await;
        }
    }

    async fn do_other(&self) -> Result<()> {
        self.other_gate.pass().await;
        self.take_turns().await;
        let failure = self.other_failures.lock().unwrap().pop_front().flatten();
        failure.map_or(Ok(()), Failure::happen)
    }
}

impl Failure {
    /// Fails, unless it is an answer that is to be miscounted.
    fn happen(self) -> Result<()> {
        match self {
            Self::Refuse(kind) => {
                Err(Error::new(kind, "on purpose").with_outcome(Outcome::NotApplied))
            }
            Self::BreakOff(kind) => Err(Error::new(kind, "on purpose")),
            Self::Miscount => Ok(()),
            Self::Panic => panic!("on purpose"),
        }
    }
}

#[derive(Debug)]
pub(crate) struct Staged(Arc<Stage>);

impl Drop for Staged {
    fn drop(&mut self) {
        let was_opened = self.0.was_opened.load(Ordering::SeqCst);
        let is_at_home = Handle::try_current().is_ok();
        assert!(!was_opened || is_at_home, "freed outside of a runtime");
        self.0.is_freed.store(true, Ordering::SeqCst);
    }
}

impl EngineRead for Staged {
    async fn get_many(
        &self,
        keys: &[OwnedKey],
        consistency: Option<Consistency>,
        _: Instant,
    ) -> Result<Vec<Option<Entry>>> {
        let look_up = |keys: &[OwnedKey]| self.0.data.lock().unwrap().get_many(keys);
        self.0.read(look_up, keys, consistency).await
    }

    async fn scan(
        &self,
        range: &KeyRange,
        options: &ScanOptions,
        now: Timestamp,
        _: Instant,
    ) -> Result<Page> {
        self.0.do_other().await?;
        Ok(self.0.data.lock().unwrap().scan(range, options, now))
    }
}

impl Engine for Staged {
    type Snapshot = StagedSnapshot;

    fn describe(&self) -> Description {
        Description::of_engine("staged", "")
    }

    fn capabilities(&self) -> Capabilities {
        self.0.capabilities.clone()
    }

    fn limits(&self) -> Limits {
        self.0.limits.clone()
    }

    fn partitions(&self) -> Partitions {
        self.0.partitions
    }

    fn buffered_as(&self) -> Durability {
        self.0.buffered_as
    }

    async fn sequence(&self, _: Instant) -> Result<Option<Sequence>> {
        self.0.was_opened.store(true, Ordering::SeqCst);
        self.0.do_other().await?;
        Ok(Some(self.0.data.lock().unwrap().sequence()))
    }

    async fn commit(
        &self,
        group: &[WriteBatch],
        durability: Durability,
        now: Timestamp,
        _: Instant,
    ) -> Result<Vec<Result<Committed>>> {
        let keys: Vec<OwnedKey> = group.iter().flat_map(keys_put).collect();
        self.0.commits.lock().unwrap().push(CommitCall {
            keys: keys.clone(),
            members: group.len(),
            durability,
        });
        self.0.commit_gate.pass().await;
        self.0.take_turns().await;
        let failure = self.0.commit_failures.lock().unwrap().pop_front().flatten();
        if let Some(failure @ (Failure::Refuse(_) | Failure::Panic)) = failure {
            failure.happen()?;
            unreachable!("both fail");
        }
        if keys.contains(&BAD.into()) {
            return Err(Error::new(ErrorKind::Invalid, "a bad row, on purpose")
                .with_outcome(Outcome::NotApplied));
        }
        let mut data = self.0.data.lock().unwrap();
        let mut answers: Vec<_> = group
            .iter()
            .map(|batch| data.commit(batch, durability, now))
            .collect();
        if let Some(failure) = failure {
            failure.happen()?;
            answers.pop();
        }
        Ok(answers)
    }

    async fn snapshot(&self, _: Instant) -> Result<(StagedSnapshot, Option<Sequence>)> {
        self.0.do_other().await?;
        let data = self.0.data.lock().unwrap().clone();
        let sequence = data.sequence();
        self.0.snapshots_open.fetch_add(1, Ordering::SeqCst);
        let snapshot = StagedSnapshot {
            data,
            stage: Arc::clone(&self.0),
            is_busy: AtomicBool::new(false),
        };
        Ok((snapshot, Some(sequence)))
    }

    async fn stats(&self, _: Instant) -> Result<Stats> {
        self.0.do_other().await?;
        Ok(Stats::default())
    }

    async fn health(&self, _: Instant) -> Result<Health> {
        self.0.do_other().await?;
        Ok(Health::default())
    }

    async fn check(&self) -> Result<CheckReport> {
        let mut report = CheckReport::default();
        if let Err(error) = self.0.do_other().await {
            report
                .damages
                .push(Damage::new("the engine", error.message().to_owned()));
        }
        Ok(report)
    }

    async fn maintain(&self, maintenance: Maintenance) -> Result<MaintenanceReport> {
        self.0.do_other().await?;
        match maintenance {
            Maintenance::Flush => Ok(MaintenanceReport::default()),
            _ => Err(Error::new(ErrorKind::Unsupported, "on purpose")),
        }
    }

    async fn close(&self, _: Instant) -> Result<()> {
        self.0.closes.fetch_add(1, Ordering::SeqCst);
        self.0.do_other().await
    }
}

fn keys_put(batch: &WriteBatch) -> Vec<OwnedKey> {
    let keys = batch.mutations().iter().filter_map(|it| match it {
        Mutation::Put(put) => Some(put.key.clone()),
        _ => None,
    });
    keys.collect()
}

/// A snapshot that bears one call at a time.
#[derive(Debug)]
pub(crate) struct StagedSnapshot {
    data: Data,
    stage: Arc<Stage>,
    is_busy: AtomicBool,
}

impl StagedSnapshot {
    async fn alone<T>(&self, call: impl Future<Output = T>) -> T {
        assert!(
            !self.is_busy.swap(true, Ordering::SeqCst),
            "two calls at once on a snapshot"
        );
        let _leaving = Leaving(&self.is_busy);
        call.await
    }
}

impl EngineRead for StagedSnapshot {
    async fn get_many(
        &self,
        keys: &[OwnedKey],
        consistency: Option<Consistency>,
        _: Instant,
    ) -> Result<Vec<Option<Entry>>> {
        let look_up = |keys: &[OwnedKey]| self.data.get_many(keys);
        self.alone(self.stage.read(look_up, keys, consistency))
            .await
    }

    async fn scan(
        &self,
        range: &KeyRange,
        options: &ScanOptions,
        now: Timestamp,
        _: Instant,
    ) -> Result<Page> {
        self.alone(self.stage.do_other()).await?;
        Ok(self.data.scan(range, options, now))
    }
}

impl Drop for StagedSnapshot {
    fn drop(&mut self) {
        assert!(Handle::try_current().is_ok(), "freed outside of a runtime");
        self.stage.snapshots_open.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Takes note that a snapshot is busy no more.
struct Leaving<'a>(&'a AtomicBool);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::SeqCst);
    }
}
