//! The layer over a store whose stored forms can be looked at and changed.

use std::{fmt, mem, sync::Mutex};

use bytes::Bytes;
use storage_compress::{
    CompressConfig, CompressControl, CompressLayer, CompressStats, CompressStore,
};
use storage_core::{
    Components, ErrorKind, Executor, Job, Random, ReadExt, Result, SeededRandom, Stack, StoreExt,
    blocking::block_on,
    memory::{MemoryBackend, MemoryConfig},
};

pub(crate) struct Scene {
    pub(crate) store: CompressStore<MemoryBackend>,
    /// The store below, which holds forms.
    pub(crate) below: MemoryBackend,
}

impl Scene {
    pub(crate) fn new() -> Self {
        Self::with(CompressConfig::new())
    }

    pub(crate) fn with(config: CompressConfig) -> Self {
        Self::of(config, Components::default())
    }

    pub(crate) fn of(config: CompressConfig, components: Components) -> Self {
        let below = MemoryConfig::new().open_with(&components);
        Self::over(below, config, components)
    }

    /// Another handle of the store that lies below this one.
    pub(crate) fn beside(&self, config: CompressConfig) -> Self {
        Self::over(self.below.clone(), config, working_at_once())
    }

    /// A store whose pool does each job at once: dictionaries are there when they are due.
    pub(crate) fn at_once(config: CompressConfig) -> Self {
        Self::of(config, working_at_once())
    }

    pub(crate) fn over(
        below: MemoryBackend,
        config: CompressConfig,
        components: Components,
    ) -> Self {
        let opening = Stack::on(below.clone())
            .with(CompressLayer::new(config))
            .components(components)
            .open();
        let store = block_on(opening).unwrap();
        Self { store, below }
    }

    pub(crate) fn stats(&self) -> CompressStats {
        self.store.find::<CompressControl>().unwrap().stats()
    }

    pub(crate) fn put(&self, key: &str, value: impl Into<Bytes>) {
        block_on(self.store.put(key, value)).unwrap();
    }

    pub(crate) fn get(&self, key: &str) -> Result<Option<Bytes>> {
        let entry = block_on(self.store.get(key))?;
        Ok(entry.map(storage_core::Entry::into_value))
    }

    /// The form that the value of `key` is stored in.
    pub(crate) fn form(&self, key: &str) -> Bytes {
        let entry = block_on(self.below.get(key)).unwrap();
        entry.unwrap().into_value()
    }

    /// Stores this form, as the layer did not.
    pub(crate) fn put_form(&self, key: &str, form: impl Into<Bytes>) {
        block_on(self.below.put(key, form)).unwrap();
    }

    /// What a read of this form says is wrong with it; `None` if nothing is.
    pub(crate) fn complaint(&self, form: impl Into<Bytes>) -> Option<String> {
        self.put_form("damaged", form);
        let error = self.get("damaged").err()?;
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
        assert_eq!(error.layer(), Some("compress"));
        assert!(error.key().is_some());
        Some(error.message().to_owned())
    }
}

pub(crate) fn working_at_once() -> Components {
    let counting: &'static Counting = Box::leak(Box::default());
    Components::default().with_executor(counting)
}

/// Bytes that no codec makes smaller.
pub(crate) fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut noise = vec![0; length];
    SeededRandom::new(seed).fill(&mut noise).unwrap();
    noise
}

/// Keeps jobs until it is told to do them.
#[derive(Default)]
pub(crate) struct Held(pub(crate) Mutex<Vec<Job>>);

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Held").finish_non_exhaustive()
    }
}

impl Held {
    pub(crate) fn do_all(&self) {
        loop {
            let jobs = mem::take(&mut *self.0.lock().unwrap());
            if jobs.is_empty() {
                return;
            }
            for job in jobs {
                job();
            }
        }
    }
}

impl Executor for &'static Held {
    fn execute(&self, job: Job) -> Result<()> {
        self.0.lock().unwrap().push(job);
        Ok(())
    }
}

/// An executor that counts its jobs, and does each at once.
#[derive(Debug, Default)]
pub(crate) struct Counting {
    pub(crate) jobs: Mutex<usize>,
}

impl Executor for &'static Counting {
    fn execute(&self, job: Job) -> Result<()> {
        *self.jobs.lock().unwrap() += 1;
        job();
        Ok(())
    }
}
