//! A store in a temporary directory, and what can be done to it from outside.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use storage_core::{
    Durability, KeyRange, Maintenance, OwnedKey, ReadExt, Result, ScanOptions, Store, WriteBatch,
    WriteOptions,
};
use storage_fs::{FsBackend, FsConfig};
use tempfile::TempDir;

pub(crate) type Content = BTreeMap<Vec<u8>, Vec<u8>>;

/// A directory for stores, in memory if there is such a place.
pub(crate) struct Place(TempDir);

impl Place {
    pub(crate) fn new() -> Self {
        let directory = TempDir::new_in("/dev/shm").or_else(|_| TempDir::new());
        Self(directory.unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Opens the store called `store`.
    pub(crate) async fn open(&self) -> FsBackend {
        self.open_as("store", |_| ()).await.unwrap()
    }

    pub(crate) async fn open_as(
        &self,
        name: &str,
        configure: impl FnOnce(&mut FsConfig),
    ) -> Result<FsBackend> {
        let mut config = FsConfig::new(self.path(name));
        configure(&mut config);
        config.open().await
    }

    /// What a kill would leave of the store, and a loss of power that took
    /// nothing: its files as they are.
    pub(crate) fn crash(&self, name: &str) -> PathBuf {
        let left = self.path(name);
        let _ = fs::remove_dir_all(&left);
        copy(&self.path("store"), &left);
        left
    }

    /// The content of the store in another directory, after it was closed again.
    pub(crate) async fn content_of(&self, name: &str) -> Result<Content> {
        let store = self.open_as(name, |_| ()).await?;
        let content = content(&store).await?;
        store.close().await?;
        Ok(content)
    }
}

pub(crate) async fn content(store: &FsBackend) -> Result<Content> {
    let items = store.scan(KeyRange::all(), ScanOptions::new());
    let items = items.collect().await?.into_iter();
    Ok(items
        .map(|item| (item.key.to_vec(), item.entry.value().to_vec()))
        .collect())
}

/// Puts a value that survives a kill, and not a loss of power.
pub(crate) async fn put_buffered(store: &FsBackend, key: &str, value: impl Into<Vec<u8>>) {
    let batch = WriteBatch::new().put(key, value.into());
    let options = WriteOptions::new().durability(Durability::Buffered);
    store.commit_with(batch, &options).await.unwrap();
}

/// The file of a key.
pub(crate) async fn file_of(store: &FsBackend, key: impl Into<OwnedKey>) -> Option<PathBuf> {
    let key = key.into();
    let found = store.with_engine(move |engine| Ok(engine.file_of(key.as_key())));
    found.await.unwrap()
}

pub(crate) async fn compact(store: &FsBackend) {
    store.maintain(Maintenance::Compact).await.unwrap();
}

pub(crate) async fn figure(store: &FsBackend, name: &str) -> u64 {
    store.stats().await.unwrap().detail(name).unwrap()
}

pub(crate) async fn issues(store: &FsBackend) -> Vec<&'static str> {
    let health = store.health().await.unwrap();
    health.issues.iter().map(|issue| issue.name).collect()
}

/// All files below a directory, sorted.
pub(crate) fn files(path: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(path).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(self::files(&path));
        } else {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// The value files of a store.
pub(crate) fn value_files(store: &Path) -> Vec<PathBuf> {
    files(&store.join("data/values"))
}

pub(crate) fn flip(file: &Path, place: usize) {
    let mut bytes = fs::read(file).unwrap();
    bytes[place] ^= 0x10;
    fs::write(file, bytes).unwrap();
}

pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            match fs::copy(entry.path(), target) {
                // A store that works removes files.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                copied => drop(copied.unwrap()),
            }
        }
    }
}
