//! A primary that can be gone, and a standby, under the layer.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::{path::Path, time::Duration};

use storage::{
    Committed, Durability, Entry, Error, ErrorKind, Outcome, Result, SharedStore, Stack,
    WriteBatch, WriteOptions,
    fallback::{Fallback, FallbackConfig, FallbackControl, FallbackLayer, StandbyWrites},
    fjall::FjallConfig,
    memory::MemoryConfig,
    prelude::*,
};
use storage_testkit::faulty::{Call, Fault, Faults, FaultyStore, Rule};

pub(crate) struct Scene {
    pub(crate) store: Fallback<FaultyStore<SharedStore>>,
    pub(crate) faults: Faults,
    /// What the primary holds, past all faults.
    pub(crate) primary: SharedStore,
}

impl Scene {
    pub(crate) async fn open(primary: SharedStore, standby: SharedStore) -> Result<Self> {
        Self::open_as(FallbackConfig::new(), primary, standby).await
    }

    /// As [`open`](Self::open), with what `config` says besides.
    pub(crate) async fn open_as(
        config: FallbackConfig,
        primary: SharedStore,
        standby: SharedStore,
    ) -> Result<Self> {
        const LONG: Duration = Duration::from_hours(1);
        let config = config
            .writes(StandbyWrites::Overwriting)
            // The primary is looked for when it is told to.
            .probes(LONG, LONG);
        let faults = Faults::new();
        let below = FaultyStore::new(primary.clone(), &faults);
        let layer = FallbackLayer::new(config).standby(standby);
        Ok(Self {
            store: Stack::on(below).with(layer).open().await?,
            faults,
            primary,
        })
    }

    /// From now on the primary refuses everything.
    pub(crate) fn lose_primary(&self) {
        let calls = Rule::on_any([Call::Get, Call::GetMany, Call::Scan, Call::Commit]);
        let refuse = Fault::refuse(ErrorKind::Unavailable);
        self.faults.inject(calls, refuse).unwrap();
    }

    /// The primary answers again; nobody has noticed yet.
    pub(crate) fn find_primary(&self) {
        self.faults.withdraw_all();
    }

    /// The primary answers again, and has all that was accepted.
    pub(crate) async fn return_to_primary(&self) {
        self.find_primary();
        self.control().probe();
        soon(self.control().returned()).await;
    }

    pub(crate) fn control(&self) -> &FallbackControl {
        self.store.find().unwrap()
    }

    pub(crate) async fn commit(
        &self,
        batch: WriteBatch,
        durability: Durability,
    ) -> Result<Committed> {
        let options = WriteOptions::new().durability(durability);
        self.store.commit_with(batch, &options).await
    }

    /// Puts what may be kept in memory.
    pub(crate) async fn put(&self, key: &str, value: &str) {
        let batch = WriteBatch::new().put(key, value.to_owned());
        self.commit(batch, Durability::Volatile).await.unwrap();
    }

    pub(crate) async fn get(&self, key: &str) -> Result<Option<String>> {
        Ok(self.store.get(key).await?.map(text))
    }

    pub(crate) async fn primary_has(&self, key: &str) -> Option<String> {
        self.primary.get(key).await.unwrap().map(text)
    }
}

fn text(entry: Entry) -> String {
    String::from_utf8(entry.into_value().to_vec()).unwrap()
}

/// A store in this directory.
pub(crate) async fn fjall(directory: &Path) -> SharedStore {
    SharedStore::new(FjallConfig::new(directory).open().await.unwrap())
}

pub(crate) fn memory() -> SharedStore {
    SharedStore::new(MemoryConfig::new().open())
}

/// What is left of a process that has ended while `scene` was degraded: its stores
/// are neither written back nor closed by the layer.
pub(crate) async fn crash(scene: Scene, standby: SharedStore) {
    drop(scene);
    // A directory is opened by one process; this one has to let go of it.
    standby.close().await.unwrap();
}

#[expect(clippy::unnecessary_wraps, reason = "it stands for what was read")]
pub(crate) fn some(value: &str) -> Option<String> {
    Some(value.to_owned())
}

/// The error of a commit that was certainly not made.
#[track_caller]
pub(crate) fn not_applied<T: std::fmt::Debug>(answer: Result<T>) -> Error {
    let error = answer.unwrap_err();
    assert_eq!(error.outcome(), Some(Outcome::NotApplied), "{error}");
    error
}

pub(crate) async fn soon<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(10), work)
        .await
        .unwrap()
}
