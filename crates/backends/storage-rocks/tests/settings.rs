//! Settings take effect, and figures move as they are named.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::{
    fs,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use storage_core::{
    Durability, ErrorKind, KeyRange, Maintenance, ReadExt, ScanOptions, SeededRandom, Store,
    StoreExt, Unit, WriteBatch, WriteOptions,
};
use storage_rocks::{
    BlobConfig, Compression, IndexMemory, RocksBackend, RocksConfig, WriteAheadLog,
};
use storage_testkit::wait_for;
use tempfile::tempdir;

const BUFFERED: WriteOptions = WriteOptions::new().durability(Durability::Buffered);

fn noise(seed: u64, bytes: usize) -> Vec<u8> {
    let random = SeededRandom::new(seed);
    let words = (0..bytes.div_ceil(8)).flat_map(|_| random.next_u64().to_le_bytes());
    words.take(bytes).collect()
}

async fn put(store: &RocksBackend, key: u64, value: Vec<u8>, durability: Durability) {
    let batch = WriteBatch::new().put(key.to_be_bytes().to_vec(), value);
    let options = WriteOptions::new().durability(durability);
    store.commit_with(batch, &options).await.unwrap();
}

async fn detail(store: &RocksBackend, name: &str) -> u64 {
    store.stats().await.unwrap().detail(name).unwrap()
}

/// The files with this extension.
fn files_of(path: &Path, extension: &'static str) -> impl Iterator<Item = PathBuf> + use<> {
    fs::read_dir(path.join("data"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(move |file| file.extension().is_some_and(|found| found == extension))
}

/// How large the files with this extension are together.
fn bytes_of(path: &Path, extension: &'static str) -> u64 {
    files_of(path, extension)
        // RocksDB may remove it meanwhile.
        .map(|file| fs::metadata(file).map_or(0, |metadata| metadata.len()))
        .sum()
}

/// What RocksDB itself notes of the options it runs with.
fn noted(path: &Path) -> String {
    let files = fs::read_dir(path.join("data")).unwrap();
    let name = |file: &Path| file.file_name().unwrap().to_string_lossy().into_owned();
    let mut notes: Vec<_> = files.map(|entry| entry.unwrap().path()).collect();
    notes.retain(|file| name(file).starts_with("OPTIONS-"));
    notes.sort();
    fs::read_to_string(notes.last().unwrap()).unwrap()
}

#[tokio::test]
async fn rocksdb_runs_with_what_was_set() {
    let directory = tempdir().unwrap();
    let mut blobs = BlobConfig::default();
    blobs.value_bytes_min = 12_345;
    blobs.file_bytes = 3 << 20;
    blobs.collected_percent = 40;
    let mut config = RocksConfig::new(directory.path());
    config.cache_bytes = 5 << 20;
    config.bloom_bits_per_key = 0;
    config.block_bytes = 8 << 10;
    config.write_buffer_bytes = 1 << 20;
    config.write_buffers_max = 5.try_into().unwrap();
    config.background_jobs = 3.try_into().unwrap();
    config.open_files_max = Some(77);
    config.blobs = Some(blobs);
    let store = config.open().await.unwrap();
    assert_eq!(detail(&store, "cache_capacity").await, 5 << 20);
    for setting in [
        "block_size=8192",
        "filter_policy=nullptr",
        "write_buffer_size=1048576",
        "max_write_buffer_number=5",
        "max_background_jobs=3",
        "max_open_files=77",
        "min_blob_size=12345",
        "blob_file_size=3145728",
    ] {
        let noted = noted(directory.path());
        assert!(
            noted.contains(&format!(" {setting}\n")),
            "{setting} in {noted}"
        );
    }
    // A compaction clears all blob files, and then goes back to the setting.
    put(&store, 1, noise(1, 50_000), Durability::Buffered).await;
    store.maintain(Maintenance::Compact).await.unwrap();
    store.maintain(Maintenance::Compact).await.unwrap();
    let noted = noted(directory.path());
    let cutoff = " blob_garbage_collection_age_cutoff=0.400000\n";
    assert!(noted.contains(cutoff), "{noted}");
    store.close().await.unwrap();
}

/// Settings that keep all values with their keys.
fn without_blobs(path: &Path) -> RocksConfig {
    let mut config = RocksConfig::new(path);
    config.blobs = None;
    config
}

/// A store of a hundred entries of 10 kB, all of them in write buffers.
async fn filled(path: &Path) -> RocksBackend {
    let store = without_blobs(path).open().await.unwrap();
    for key in 0..100 {
        put(&store, key, noise(key, 10_000), Durability::Buffered).await;
    }
    store
}

/// Whether these are the bytes of a hundred entries of 10 kB.
fn is_about_all(bytes: u64) -> bool {
    (1_000_000..1_100_000).contains(&bytes)
}

#[tokio::test]
async fn figures_of_writes_move_as_they_are_named() {
    let directory = tempdir().unwrap();
    let store = filled(directory.path()).await;
    let stats = store.stats().await.unwrap();
    let figure = |name: &str| stats.detail(name).unwrap();
    assert!((100..120).contains(&stats.entries_estimate.unwrap()));
    assert_eq!((figure("tables"), figure("table_data")), (0, 0));
    assert!(is_about_all(figure("log_data")), "{stats:?}");
    assert!(figure("write_buffers") > 1_000_000);
    assert!(is_about_all(figure("bytes_committed")));
    // To the log alone.
    assert!((1_000..1_100).contains(&figure("write_amplification")));
    assert!(stats.disk_bytes.unwrap() > figure("log_data"));
    assert_eq!(figure("log_syncs"), 0);

    put(&store, 100, vec![], Durability::Synced).await;
    assert_eq!(detail(&store, "log_syncs").await, 1);
    store.maintain(Maintenance::Compact).await.unwrap();
    let stats = store.stats().await.unwrap();
    let figure = |name: &str| stats.detail(name).unwrap();
    for name in ["table_data", "live_data", "flush_written"] {
        assert!(is_about_all(figure(name)), "{name}: {stats:?}");
    }
    // To the log and to files.
    assert!((2_000..4_000).contains(&figure("write_amplification")));
    let levels = (0..=6).map(|level| figure(&format!("tables_level_{level}")));
    assert_eq!((figure("tables"), levels.sum()), (1, 1));
    assert!(figure("index_memory") > 0);
}

#[tokio::test]
async fn figures_of_reads_and_merges_move_as_they_are_named() {
    let directory = tempdir().unwrap();
    let store = filled(directory.path()).await;
    store.maintain(Maintenance::Compact).await.unwrap();
    store.close().await.unwrap();
    let store = without_blobs(directory.path()).open().await.unwrap();
    let (seven, absent) = (7_u64.to_be_bytes(), *b"\0\0\0\0\0\0\0\x07absent");
    let looks = || async {
        let stats = store.stats().await.unwrap();
        ["cache_hits", "cache_misses", "cache_hit_rate"].map(|name| stats.detail(name).unwrap())
    };
    assert!(store.exists(&seven).await.unwrap());
    let [hits, misses, rate] = looks().await;
    assert!(misses > 0);
    assert!(store.exists(&seven).await.unwrap());
    let [more_hits, as_many_misses, better_rate] = looks().await;
    assert!(more_hits > hits && as_many_misses == misses && better_rate > rate);
    assert!(detail(&store, "cache").await > 10_000);
    assert_eq!(detail(&store, "cache_capacity").await, 64 << 20);
    let spared = detail(&store, "reads_spared_by_filters").await;
    assert!(!store.exists(&absent).await.unwrap());
    let spared_since = detail(&store, "reads_spared_by_filters").await - spared;
    assert_eq!(spared_since, 1);

    // The one file is merged anew.
    store.maintain(Maintenance::Compact).await.unwrap();
    let stats = store.stats().await.unwrap();
    let figure = |name: &str| stats.detail(name).unwrap();
    assert!(figure("compaction_read") > 900_000, "{stats:?}");
    assert!(is_about_all(figure("compaction_written")));
    assert!(figure("compaction_time") > 0);
    assert_eq!(figure("background_errors"), 0);
}

#[tokio::test]
async fn figures_have_their_units_and_rocksdb_gives_the_rest() {
    let directory = tempdir().unwrap();
    let store = RocksConfig::new(directory.path()).open().await.unwrap();
    let stats = store.stats().await.unwrap();
    let unit = |name| {
        stats
            .details
            .iter()
            .find(|found| found.name == name)
            .map(|found| found.unit)
    };
    assert_eq!(unit("compaction_time"), Some(Unit::Microseconds));
    assert_eq!(unit("cache_hit_rate"), Some(Unit::Thousandths));
    assert_eq!(unit("table_data"), Some(Unit::Bytes));
    let property = |name| store.with_engine(move |engine| engine.property(name));
    let text = property("rocksdb.stats").await.unwrap().unwrap();
    assert!(text.contains("Compaction Stats"));
    for unknown in ["rocksdb.nothing", "\0"] {
        assert_eq!(property(unknown).await.unwrap(), None);
    }
}

#[tokio::test]
async fn deletions_are_counted_until_they_are_merged_away() {
    let directory = tempdir().unwrap();
    let store = RocksConfig::new(directory.path()).open().await.unwrap();
    for key in 0..10 {
        put(&store, key, vec![7; 100], Durability::Buffered).await;
    }
    store.maintain(Maintenance::Compact).await.unwrap();
    assert_eq!(detail(&store, "deletions_estimate").await, 0);
    let mut batch = WriteBatch::new();
    for key in 0..4_u64 {
        batch = batch.delete(key.to_be_bytes().to_vec());
    }
    store.commit_with(batch, &BUFFERED).await.unwrap();
    assert_eq!(detail(&store, "deletions_estimate").await, 4);
    store.maintain(Maintenance::Compact).await.unwrap();
    assert_eq!(detail(&store, "deletions_estimate").await, 0);
}

#[tokio::test]
async fn large_values_are_in_blob_files_and_small_ones_are_not() {
    let directory = tempdir().unwrap();
    let mut blobs = BlobConfig::default();
    blobs.value_bytes_min = 1_000;
    blobs.compression = Compression::None;
    let mut config = RocksConfig::new(directory.path());
    config.blobs = Some(blobs);
    let store = config.open().await.unwrap();
    for key in 0..10 {
        put(&store, key, vec![7; 900], Durability::Buffered).await;
    }
    store.maintain(Maintenance::Compact).await.unwrap();
    assert_eq!(bytes_of(directory.path(), "blob"), 0);
    for key in 10..20 {
        put(&store, key, vec![7; 50_000], Durability::Buffered).await;
    }
    store.maintain(Maintenance::Compact).await.unwrap();
    let blobs = bytes_of(directory.path(), "blob");
    assert!((500_000..510_000).contains(&blobs), "{blobs}");
    assert_eq!(detail(&store, "blob_data").await, blobs);
    assert_eq!(detail(&store, "blob_files").await, 1);
    assert!(detail(&store, "flush_written").await > blobs);
    let found = store
        .scan(KeyRange::all(), ScanOptions::new())
        .collect()
        .await
        .unwrap();
    assert_eq!(
        found
            .iter()
            .filter(|item| item.entry.value().len() == 50_000)
            .count(),
        10
    );

    // What is deleted is garbage, and gone once its keys are merged.
    let range = KeyRange::between(10_u64.to_be_bytes()..19_u64.to_be_bytes());
    store
        .commit(WriteBatch::new().delete_range(range))
        .await
        .unwrap();
    store.maintain(Maintenance::Compact).await.unwrap();
    let blobs = detail(&store, "blob_data").await;
    assert!((50_000..51_000).contains(&blobs), "{blobs}");
    assert_eq!(detail(&store, "blob_garbage").await, 0);
    assert_eq!(
        store
            .get(&19_u64.to_be_bytes())
            .await
            .unwrap()
            .unwrap()
            .value()
            .len(),
        50_000
    );
}

/// The bytes of the sorted files of a store with so compressed levels, once they
/// are all on the last level, and when they had just been written.
async fn table_bytes(levels: &[Compression]) -> (u64, u64) {
    let directory = tempdir().unwrap();
    let mut config = RocksConfig::new(directory.path());
    config.compression = levels.to_vec();
    let store = config.clone().open().await.unwrap();
    for key in 0..500_u64 {
        let value = format!("{key} compresses well, ").repeat(100).into_bytes();
        put(&store, key, value, Durability::Buffered).await;
    }
    // The close writes the buffers to a file of the newest level.
    store.close().await.unwrap();
    let written = bytes_of(directory.path(), "sst");
    let store = config.open().await.unwrap();
    assert_eq!(detail(&store, "tables_level_0").await, 1);
    store.maintain(Maintenance::Compact).await.unwrap();
    (written, detail(&store, "table_data").await)
}

#[tokio::test]
async fn each_level_is_compressed_as_its_setting_says() {
    const NONE: Compression = Compression::None;
    let plain = table_bytes(&[NONE]).await;
    assert!(plain.0 > 1_000_000 && plain.1 > 1_000_000, "{plain:?}");
    for compression in [Compression::Lz4, Compression::Zstd] {
        let below = table_bytes(&[NONE, compression]).await;
        assert!(below.0 > 1_000_000 && below.1 < 200_000, "{below:?}");
        let everywhere = table_bytes(&[compression]).await;
        assert!(
            everywhere.0 < 200_000 && everywhere.1 < 200_000,
            "{everywhere:?}"
        );
        let newest = table_bytes(&[compression, NONE]).await;
        assert!(newest.0 < 200_000 && newest.1 > 1_000_000, "{newest:?}");
    }
    let (lz4, zstd) = (
        table_bytes(&[Compression::Lz4]).await,
        table_bytes(&[Compression::Zstd]).await,
    );
    assert!(zstd.1 < lz4.1, "{zstd:?} {lz4:?}");
}

#[tokio::test]
async fn the_log_grows_no_larger_than_its_limit() {
    const LIMIT: u64 = 1 << 20;
    const VALUE_BYTES: usize = 20_000;
    let directory = tempdir().unwrap();
    let mut config = RocksConfig::new(directory.path());
    config.log_bytes_max = LIMIT;
    let store = config.open().await.unwrap();
    let mut largest = 0;
    for key in 0..500 {
        put(&store, key, noise(key, VALUE_BYTES), Durability::Buffered).await;
        largest = largest.max(bytes_of(directory.path(), "log"));
        // A busy machine would let puts get ahead of what removes logs.
        wait_for("full logs to be removed", || {
            files_of(directory.path(), "log").count() == 1
        });
    }
    assert!(detail(&store, "log_written").await > 9 * LIMIT);
    assert!(largest > LIMIT / 4, "{largest}");
    // The last commit before a buffer is full, and a log that is about to be
    // removed.
    assert!(largest < LIMIT + LIMIT / 2, "{largest}");
}

#[tokio::test]
async fn a_periodic_log_is_synced_without_being_asked() {
    let directory = tempdir().unwrap();
    let mut config = RocksConfig::new(directory.path());
    config.log = WriteAheadLog::Periodic {
        interval: Duration::from_millis(1),
        bytes: u64::MAX,
    };
    let store = config.open().await.unwrap();
    assert_eq!(detail(&store, "log_syncs").await, 0);
    put(&store, 1, vec![], Durability::Buffered).await;
    let begun = Instant::now();
    while detail(&store, "log_syncs").await == 0 {
        assert!(
            begun.elapsed() < Duration::from_mins(1),
            "it is never synced"
        );
        thread::sleep(Duration::from_millis(1));
    }
    store.close().await.unwrap();
}

#[tokio::test]
async fn without_a_log_a_commit_is_volatile_or_synced() {
    let directory = tempdir().unwrap();
    let mut config = RocksConfig::new(directory.path());
    config.log = WriteAheadLog::Off;
    let store = config.clone().open().await.unwrap();
    assert_eq!(store.capabilities().durability_min, Durability::Volatile);
    put(&store, 1, noise(1, 1_000), Durability::Volatile).await;
    assert_eq!(detail(&store, "log_data").await, 0);
    assert_eq!(detail(&store, "table_data").await, 0);
    let batch = WriteBatch::new().put("key", "value");
    let committed = store.commit_with(batch, &BUFFERED).await.unwrap();
    assert_eq!(committed.durability, Durability::Synced);
    assert!(detail(&store, "table_data").await > 0);
    assert_eq!(detail(&store, "log_data").await, 0);
    put(&store, 2, vec![], Durability::Volatile).await;
    store.close().await.unwrap();
    // With a log again: a clean close lost nothing, and the two get along.
    config.log = WriteAheadLog::On;
    let store = config.open().await.unwrap();
    for key in [1, 2_u64] {
        assert!(store.exists(&key.to_be_bytes()).await.unwrap());
    }
    put(&store, 3, vec![], Durability::Buffered).await;
    assert!(detail(&store, "log_data").await > 0);
}

#[tokio::test]
async fn indexes_in_the_cache_take_no_memory_beside_it() {
    let directory = tempdir().unwrap();
    let mut config = RocksConfig::new(directory.path());
    config.index_memory = IndexMemory::Cached;
    let store = config.open().await.unwrap();
    for key in 0..20_000 {
        let batch = WriteBatch::new().put(u64::to_be_bytes(key).to_vec(), vec![7; 10]);
        store.commit_with(batch, &BUFFERED).await.unwrap();
    }
    store.maintain(Maintenance::Compact).await.unwrap();
    for key in 0..100_u64 {
        assert!(store.exists(&(key * 200).to_be_bytes()).await.unwrap());
    }
    assert!(detail(&store, "index_cache_hits").await > 0);
    assert!(detail(&store, "filter_cache_hits").await > 0);
    assert!(detail(&store, "index_memory").await < 10_000);
}

#[tokio::test]
async fn a_setting_out_of_bounds_is_refused_and_makes_nothing() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("store");
    let mut config = RocksConfig::new(&path);
    config.log_bytes_max = 1;
    let error = config.open().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.message().contains("log_bytes_max"), "{error}");
    assert!(!path.exists());
}
