//! Damage that only RocksDB's files can have. What every engine's may have is in
//! `on_disk.rs`.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

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

#[tokio::test]
async fn a_damaged_sorted_file_is_named_by_reads_and_by_the_check() {
    let directory = sorted_store().await;
    let table = &with_extension(directory.path(), "sst")[1];
    flip(table, 1_000);
    let store = open(directory.path()).await.unwrap();
    let scanned = count(&store).await.unwrap_err();
    is_corrupt_and_names(&scanned, table);
    let mut met = None;
    for number in 0..300_u16 {
        if let Err(error) = store.get(&number.to_be_bytes()).await {
            met = Some(error);
        }
    }
    is_corrupt_and_names(&met.unwrap(), table);

    let report = store.check().await.unwrap();
    assert!(report.damages[0].place.ends_with(name(table)), "{report:?}");
    // The check names the path that people know.
    assert!(
        report.damages[0]
            .place
            .starts_with(directory.path().to_str().unwrap())
    );
}

#[tokio::test]
async fn a_check_names_every_damaged_file_and_what_the_cache_hides() {
    let directory = sorted_store().await;
    let store = open(directory.path()).await.unwrap();
    assert_eq!(store.check().await.unwrap().damages, []);
    // All of it is in the cache, so no read of the store meets the damage.
    let read = || async {
        store
            .scan(KeyRange::all(), ScanOptions::new())
            .collect()
            .await
    };
    read().await.unwrap();
    let tables = with_extension(directory.path(), "sst");
    for table in &tables {
        flip(table, 1_000);
    }
    read().await.unwrap();
    let report = store.check().await.unwrap();
    for table in &tables {
        let is_named = report
            .damages
            .iter()
            .any(|damage| damage.place.ends_with(name(table)));
        assert!(is_named, "{} in {report:?}", name(table));
    }
}

#[tokio::test]
async fn a_damaged_blob_file_is_corrupt() {
    let directory = sorted_store().await;
    let [blobs] = &with_extension(directory.path(), "blob")[..] else {
        panic!("there is one blob file");
    };
    flip(blobs, 50_000);
    let store = open(directory.path()).await.unwrap();
    assert!(store.get(&5_u16.to_be_bytes()).await.unwrap().is_some());
    let error = store.get("large").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    let report = store.check().await.unwrap();
    assert!(!report.damages.is_empty());
}

#[tokio::test]
async fn a_merge_that_meets_damage_ends_writes_and_health_says_why() {
    let directory = sorted_store().await;
    let table = &with_extension(directory.path(), "sst")[1];
    flip(table, 1_000);
    let store = open(directory.path()).await.unwrap();
    store.put("before", "value").await.unwrap();
    let error = store.maintain(Maintenance::Compact).await.unwrap_err();
    is_corrupt_and_names(&error, table);
    let error = store.put("after", "value").await.unwrap_err();
    is_corrupt_and_names(&error, table);
    let health = store.health().await.unwrap();
    assert_eq!(health.issues[0].name, "background_error");
    assert!(health.issues[0].detail.contains(name(table)), "{health:?}");
    assert!(store.exists("before").await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_beside_writers_and_merges_finds_nothing_wrong() {
    let directory = tempdir().unwrap();
    let store = open(directory.path()).await.unwrap();
    let writer = tokio::spawn({
        let store = store.clone();
        async move {
            for round in 0..20 {
                commit(&store, 0..40, Durability::Buffered).await;
                if round % 5 == 4 {
                    store.maintain(Maintenance::Compact).await.unwrap();
                }
            }
        }
    });
    let mut checks = 0;
    while checks < 3 || !writer.is_finished() {
        assert_eq!(store.check().await.unwrap().damages, []);
        checks += 1;
    }
    writer.await.unwrap();
    // What the checks kept is removed.
    store.maintain(Maintenance::Compact).await.unwrap();
    assert_eq!(count(&store).await.unwrap(), 40);
    let removes = store.with_engine(|engine| engine.property("rocksdb.is-file-deletions-enabled"));
    assert_eq!(removes.await.unwrap().as_deref(), Some("1"));
}

/// The files that a crash leaves of a store of `synced` commits that were synced
/// and as many more that were not, and where the log ended after each commit.
async fn crashed(synced: u16) -> (TempDir, PathBuf, Vec<usize>) {
    let directory = tempdir().unwrap();
    let (live, left) = (directory.path().join("live"), directory.path().join("left"));
    let store = open(&live).await.unwrap();
    let mut ends = Vec::new();
    for number in 0..2 * synced {
        let durability = if number < synced {
            Durability::Synced
        } else {
            Durability::Buffered
        };
        commit(&store, number..number + 1, durability).await;
        let log = newest_log(&live);
        ends.push(fs::read(log).unwrap().len());
    }
    copy(&live, &left);
    (directory, left, ends)
}

#[tokio::test]
async fn a_torn_end_of_the_log_takes_whole_commits_that_were_not_synced() {
    const SYNCED: u16 = 10;
    let (directory, left, ends) = crashed(SYNCED).await;
    let torn = directory.path().join("torn");
    let log = torn.join(newest_log(&left).strip_prefix(&left).unwrap());
    let unsynced = ends[usize::from(SYNCED) - 1]..*ends.last().unwrap();
    let random = SeededRandom::new(5);
    for round in 0..30_u8 {
        copy(&left, &torn);
        let written = fs::read(&log).unwrap();
        let draw = usize::try_from(random.next_u64() % 1_000_000).unwrap();
        let place = unsynced.start + draw % unsynced.len();
        match round % 3 {
            0 => fs::write(&log, &written[..place]).unwrap(),
            1 => flip(&log, place),
            _ => {
                // A sector that never came.
                let mut bytes = written.clone();
                let end = (place + 512).min(bytes.len());
                bytes[place..end].fill(0);
                fs::write(&log, bytes).unwrap();
            }
        }
        let whole = ends.iter().filter(|end| **end <= place).count();

        let store = open(&torn).await.unwrap();

        assert_eq!(
            count(&store).await.unwrap(),
            whole,
            "torn at {place} of {unsynced:?}"
        );
        store.put("later", "value").await.unwrap();
        store.close().await.unwrap();
        let store = open(&torn).await.unwrap();
        assert!(store.exists("later").await.unwrap());
        assert!(store.health().await.unwrap().is_well());
    }
}

#[tokio::test]
async fn damage_to_what_was_synced_is_corrupt_names_the_log_and_stays_so() {
    const SYNCED: u16 = 10;
    let (directory, left, ends) = crashed(SYNCED).await;
    let damaged = directory.path().join("damaged");
    for place in [0, 30, ends[0] + 100, ends[usize::from(SYNCED) - 1] - 1] {
        copy(&left, &damaged);
        let log = &newest_log(&damaged);
        flip(log, place);
        let before = tree(&damaged);
        for _ in 0..2 {
            let error = open(&damaged).await.unwrap_err();
            is_corrupt_and_names(&error, log);
            assert_eq!(tree(&damaged), before, "to refuse it changes nothing");
        }
    }
    copy(&left, &damaged);
    let log = &newest_log(&damaged);
    fs::remove_file(log).unwrap();
    assert_eq!(open(&damaged).await.unwrap_err().kind(), ErrorKind::Corrupt);
}

#[tokio::test]
async fn a_list_of_files_cut_back_to_an_older_state_is_corrupt_and_left_alone() {
    let directory = tempdir().unwrap();
    let path = directory.path();
    let store = open(path).await.unwrap();
    commit(&store, 0..20, Durability::Synced).await;
    let manifest = files(path)
        .into_iter()
        .find(|file| name(file).starts_with("MANIFEST"))
        .unwrap();
    let older = fs::read(&manifest).unwrap().len();
    store.close().await.unwrap();
    let newer = fs::read(&manifest).unwrap().len();
    assert!(older < newer, "the close writes a file and lists it");

    let mut bytes = fs::read(&manifest).unwrap();
    bytes[older + 10] ^= 1;
    for bytes in [&bytes[..], &bytes[..older]] {
        fs::write(&manifest, bytes).unwrap();
        let before = tree(path);
        let error = open(path).await.unwrap_err();
        is_corrupt_and_names(&error, &manifest);
        assert_eq!(tree(path), before);
    }
}

#[tokio::test]
async fn where_the_end_of_one_log_was_lost_the_log_after_it_is_not_read() {
    let directory = tempdir().unwrap();
    let (live, left) = (directory.path().join("live"), directory.path().join("left"));
    let store = open(&live).await.unwrap();
    // What the disk holds of the list of files, and of all else but the logs.
    copy(&live, &left);
    fs::remove_file(left.join("SYNCED")).unwrap();
    let first = newest_log(&live);
    let kept = directory.path().join("kept");
    fs::hard_link(&first, &kept).unwrap();
    let mut ends = Vec::new();
    let (second, commits) = loop {
        let number = u16::try_from(ends.len()).unwrap();
        commit(&store, number..number + 1, Durability::Buffered).await;
        ends.push(fs::read(&kept).unwrap().len());
        let newer = with_extension(&live, "log")
            .into_iter()
            .find(|log| *log > first);
        if let Some(second) = newer {
            commit(&store, number + 1..number + 2, Durability::Buffered).await;
            break (second, ends.len());
        }
    };
    let to = |log: &Path| left.join(log.strip_prefix(&live).unwrap());
    fs::copy(&second, to(&second)).unwrap();
    let whole = fs::read(&kept).unwrap();

    // With both logs whole, everything is there.
    fs::write(to(&first), &whole).unwrap();
    let intact = directory.path().join("intact");
    copy(&left, &intact);
    let found = count(&open(&intact).await.unwrap()).await.unwrap();
    assert_eq!(found, commits + 1);

    // The first log ends with a whole record, so nothing in it looks torn.
    fs::write(to(&first), &whole[..ends[4]]).unwrap();
    assert_eq!(count(&open(&left).await.unwrap()).await.unwrap(), 5);
}

fn newest_list(path: &Path) -> PathBuf {
    let mut lists = files(path);
    lists.retain(|file| name(file).starts_with("MANIFEST"));
    lists.pop().unwrap()
}

#[tokio::test]
async fn a_damaged_list_of_files_of_a_checkpoint_is_corrupt_and_left_alone() {
    let directory = tempdir().unwrap();
    let store = open(&directory.path().join("store")).await.unwrap();
    commit(&store, 0..20, Durability::Buffered).await;
    let made = directory.path().join("checkpoint");
    let path = made.clone();
    let checkpoint = store.with_engine(move |engine| engine.checkpoint(path));
    checkpoint.await.unwrap();
    let damaged = directory.path().join("damaged");
    let list = newest_list(&made);
    let list = damaged.join(list.strip_prefix(&made).unwrap());
    let mut refused = 0;
    for place in 0..fs::read(newest_list(&made)).unwrap().len() {
        copy(&made, &damaged);
        flip(&list, place);
        let before = tree(&damaged);
        match open(&damaged).await {
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Corrupt, "{place}: {error}");
                assert_eq!(tree(&damaged), before, "{place}");
                refused += 1;
            }
            // What the list says there is of no weight.
            Ok(store) => assert_eq!(count(&store).await.unwrap(), 20, "{place}"),
        }
    }
    assert!(refused > 100, "{refused}");
}

#[tokio::test]
async fn a_list_of_files_that_names_none_that_are_there_is_left_alone_without_a_mark() {
    let directory = sorted_store().await;
    let path = directory.path();
    fs::remove_file(path.join("SYNCED")).unwrap();
    // The older state has other files, which were removed.
    let list = newest_list(path);
    let end = fs::read(&list).unwrap().len() - 1;
    flip(&list, end);
    let table = with_extension(path, "sst").remove(0);
    fs::remove_file(table).unwrap();
    let tree_without_mark = || {
        let mut tree = tree(path);
        tree.remove(&path.join("SYNCED"));
        tree
    };
    let before = tree_without_mark();
    let error = open(path).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    assert_eq!(tree_without_mark(), before);
}
