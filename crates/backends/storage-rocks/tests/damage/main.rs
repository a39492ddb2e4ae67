//! Damage that only RocksDB's files can have. What every engine's may have is in
//! `on_disk.rs`.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod list_of_files;
mod log;
mod sorted_files;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use storage_core::{
    Durability, Error, ErrorKind, KeyRange, Maintenance, ReadExt, Result, ScanOptions,
    SeededRandom, Store, StoreExt, WriteBatch, WriteOptions,
};
use storage_rocks::{BlobConfig, RocksBackend, RocksConfig};
use tempfile::{TempDir, tempdir};

/// So much is in each value that one commit spans several sectors.
const VALUE_BYTES: usize = 3_000;

async fn open(path: &Path) -> Result<RocksBackend> {
    tight(path).open().await
}

/// Buffers and blobs so small that little fills several files.
fn tight(path: &Path) -> RocksConfig {
    let mut blobs = BlobConfig::default();
    blobs.value_bytes_min = 10_000;
    let mut config = RocksConfig::new(path);
    config.write_buffer_bytes = 256 << 10;
    config.blobs = Some(blobs);
    config
}

/// Noise, so that nothing makes it smaller.
fn value(number: u16, bytes: usize) -> Vec<u8> {
    let random = SeededRandom::new(number.into());
    let words = (0..bytes.div_ceil(8)).flat_map(|_| random.next_u64().to_le_bytes());
    words.take(bytes).collect()
}

/// Commits one entry for each number.
async fn commit(store: &RocksBackend, numbers: std::ops::Range<u16>, durability: Durability) {
    let options = WriteOptions::new().durability(durability);
    for number in numbers {
        let batch =
            WriteBatch::new().put(number.to_be_bytes().to_vec(), value(number, VALUE_BYTES));
        store.commit_with(batch, &options).await.unwrap();
    }
}

/// How many entries there are. They must be the first ones, as they were put.
async fn count(store: &RocksBackend) -> Result<usize> {
    let items = store
        .scan(KeyRange::all(), ScanOptions::new())
        .collect()
        .await?;
    for (number, item) in (0..).zip(&items) {
        assert_eq!(&item.key[..], u16::to_be_bytes(number), "there is a gap");
        assert_eq!(*item.entry.value(), value(number, VALUE_BYTES));
    }
    Ok(items.len())
}

/// The files of a store, with their content.
fn tree(path: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    files(path)
        .into_iter()
        .map(|file| (file.clone(), fs::read(file).unwrap()))
        .collect()
}

fn files(path: &Path) -> Vec<PathBuf> {
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

fn with_extension(path: &Path, extension: &str) -> Vec<PathBuf> {
    let mut files = files(path);
    files.retain(|file| file.extension().is_some_and(|found| found == extension));
    files
}

fn newest_log(path: &Path) -> PathBuf {
    with_extension(path, "log").pop().unwrap()
}

/// Copies a store as it is on the disk, whether or not it is open.
fn copy(from: &Path, to: &Path) {
    let _ = fs::remove_dir_all(to);
    for file in files(from) {
        let target = to.join(file.strip_prefix(from).unwrap());
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        match fs::copy(file, target) {
            // RocksDB removed it just now, so nothing needs it.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            copied => drop(copied.unwrap()),
        }
    }
}

fn flip(file: &Path, place: usize) {
    let mut bytes = fs::read(file).unwrap();
    *bytes.get_mut(place).unwrap() ^= 1;
    fs::write(file, bytes).unwrap();
}

fn name(file: &Path) -> &str {
    file.file_name().unwrap().to_str().unwrap()
}

fn is_corrupt_and_names(error: &Error, file: &Path) {
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    assert!(
        error.message().contains(name(file)),
        "{} in: {error}",
        name(file)
    );
}

/// A closed store with several sorted files and a blob file.
async fn sorted_store() -> TempDir {
    let directory = tempdir().unwrap();
    let store = open(directory.path()).await.unwrap();
    commit(&store, 0..300, Durability::Buffered).await;
    store.put("large", value(7, 100_000)).await.unwrap();
    store.maintain(Maintenance::Compact).await.unwrap();
    store.close().await.unwrap();
    assert!(with_extension(directory.path(), "sst").len() > 2);
    directory
}
