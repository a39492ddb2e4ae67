//! A store that can be gone, under the layer.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::time::Duration;

use storage_core::{
    Consistency, Durability, Entry, Error, ErrorKind, Outcome, OwnedKey, Read, ReadExt,
    ReadOptions, Result, SharedStore, Stack, Store, StoreExt, WriteBatch, WriteOptions,
    memory::MemoryConfig,
};
use storage_fallback::{
    Fallback, FallbackConfig, FallbackControl, FallbackLayer, FallbackState, StaleReads,
    StandbyWrites,
};
use storage_testkit::faulty::{Call, Fault, Faults, FaultyStore, Rule};

/// The layer over a store whose faults are directed.
pub(crate) struct Scene {
    pub(crate) store: Fallback<FaultyStore<SharedStore>>,
    pub(crate) faults: Faults,
    /// What the primary holds, past all faults.
    pub(crate) primary: SharedStore,
}

/// Settings of a layer that accepts commits, and looks for the primary only when
/// it is told to.
pub(crate) fn accepting() -> FallbackConfig {
    patient().writes(StandbyWrites::Overwriting)
}

/// Settings of a layer that looks for the primary only when it is told to.
pub(crate) fn patient() -> FallbackConfig {
    const LONG: Duration = Duration::from_hours(1);
    FallbackConfig::new().probes(LONG, LONG)
}

impl Scene {
    pub(crate) async fn open(config: FallbackConfig) -> Self {
        Self::over(memory(), FallbackLayer::new(config))
            .await
            .unwrap()
    }

    pub(crate) async fn over(primary: SharedStore, layer: FallbackLayer) -> Result<Self> {
        let faults = Faults::new();
        let below = FaultyStore::new(primary.clone(), &faults);
        let store = Stack::on(below).with(layer).open().await?;
        Ok(Self {
            store,
            faults,
            primary,
        })
    }

    /// From now on the primary refuses everything.
    pub(crate) fn lose_primary(&self) {
        self.lose_primary_as(ErrorKind::Unavailable);
    }

    pub(crate) fn lose_primary_as(&self, kind: ErrorKind) {
        for call in [
            Call::Get,
            Call::GetMany,
            Call::Scan,
            Call::Commit,
            Call::Snapshot,
        ] {
            self.faults
                .inject(Rule::on(call), Fault::refuse(kind))
                .unwrap();
        }
        let calls = [Call::Health, Call::Close];
        for call in calls {
            let refusal = Fault::refuse(ErrorKind::Unavailable);
            self.faults.inject(Rule::on(call), refusal).unwrap();
        }
    }

    /// From now on the primary answers again; nobody has noticed yet.
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

    pub(crate) fn is_degraded(&self) -> bool {
        matches!(self.control().state(), FallbackState::Degraded { .. })
    }

    /// Puts what may be kept in memory.
    pub(crate) async fn put(&self, key: &str, value: &str) {
        let batch = WriteBatch::new().put(key, value.to_owned());
        self.commit(batch, Durability::Volatile).await.unwrap();
    }

    pub(crate) async fn commit(
        &self,
        batch: WriteBatch,
        durability: Durability,
    ) -> Result<storage_core::Committed> {
        let options = WriteOptions::new().durability(durability);
        self.store.commit_with(batch, &options).await
    }

    pub(crate) async fn get(&self, key: &str) -> Result<Option<String>> {
        text(self.store.get(key).await)
    }

    /// What is read if it may be a minute old.
    pub(crate) async fn get_stale(&self, key: &str) -> Result<Option<String>> {
        text(self.store.get_with(key.into(), &stale()).await)
    }

    pub(crate) async fn primary_has(&self, key: &str) -> Option<String> {
        text(self.primary.get(key).await).unwrap()
    }
}

/// A primary in memory.
pub(crate) fn memory() -> SharedStore {
    SharedStore::new(MemoryConfig::new().open())
}

pub(crate) fn stale() -> ReadOptions {
    let at_most = Duration::from_mins(1);
    ReadOptions::new().consistency(Consistency::Stale { at_most })
}

pub(crate) fn always() -> FallbackConfig {
    patient().reads(StaleReads::Always)
}

#[expect(clippy::unnecessary_wraps, reason = "it stands for what was read")]
pub(crate) fn some(value: &str) -> Option<String> {
    Some(value.to_owned())
}

pub(crate) fn text(answer: Result<Option<Entry>>) -> Result<Option<String>> {
    let text = |entry: Entry| String::from_utf8(entry.value().to_vec()).unwrap();
    Ok(answer?.map(text))
}

pub(crate) fn keys(names: &[&str]) -> Vec<OwnedKey> {
    names.iter().map(|name| OwnedKey::from(*name)).collect()
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
