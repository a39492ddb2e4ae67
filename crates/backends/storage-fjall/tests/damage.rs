//! Damage that only fjall has: blocks that a check reads, and journals that a
//! crash tore.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use storage_core::{
    KeyRange, Maintenance, ReadExt, Result, ScanOptions, SeededRandom, Store, StoreExt, WriteBatch,
};
use storage_fjall::{FjallBackend, FjallConfig};
use tempfile::tempdir;

type Content = BTreeMap<Vec<u8>, Vec<u8>>;

async fn open(path: &Path) -> Result<FjallBackend> {
    FjallConfig::new(path).open().await
}

async fn content(store: &FjallBackend) -> Result<Content> {
    let items = store
        .scan(KeyRange::all(), ScanOptions::new())
        .collect()
        .await?;
    Ok(items
        .into_iter()
        .map(|item| (item.key.to_vec(), item.entry.value().to_vec()))
        .collect())
}

async fn fill(store: &FjallBackend, name: &str) {
    for part in 0..20 {
        let mut batch = WriteBatch::new();
        for number in 0..20 {
            let key = format!("{name}/{part:02}/{number:02}");
            batch = batch.put(key.clone(), key.repeat(3));
        }
        store.commit(batch).await.unwrap();
    }
}

/// A closed store with data in sorted files and in the journal.
async fn make(path: &Path) {
    let store = open(path).await.unwrap();
    fill(&store, "sorted").await;
    store.maintain(Maintenance::Compact).await.unwrap();
    fill(&store, "journal").await;
    store.close().await.unwrap();
    // fjall makes journals 64 MiB long; opening one cuts it to its content.
    open(path).await.unwrap().close().await.unwrap();
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

fn copy(from: &Path, to: &Path) {
    let _ = fs::remove_dir_all(to);
    for file in files(from) {
        let target = to.join(file.strip_prefix(from).unwrap());
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(file, target).unwrap();
    }
}

#[tokio::test]
async fn a_check_names_the_damage_that_reads_meet() {
    let directory = tempdir().unwrap();
    let (whole, damaged) = (
        directory.path().join("whole"),
        directory.path().join("damaged"),
    );
    make(&whole).await;
    let is_table = |file: &PathBuf| {
        file.parent()
            .is_some_and(|parent| parent.ends_with("1/tables"))
    };
    let table = files(&whole).into_iter().find(is_table).unwrap();
    let name = table.strip_prefix(&whole).unwrap();
    let bytes = fs::read(&table).unwrap();
    let mut met = 0;
    for place in (0..bytes.len()).step_by(bytes.len() / 20) {
        copy(&whole, &damaged);
        let mut bytes = bytes.clone();
        bytes[place] ^= 1;
        fs::write(damaged.join(name), bytes).unwrap();
        // Damage to an index is met by the open already.
        let Ok(store) = open(&damaged).await else {
            continue;
        };
        let has_met = content(&store).await.is_err();
        let report = store.check().await.unwrap();
        assert_eq!(has_met, !report.damages.is_empty(), "{place}: {report:?}");
        met += usize::from(has_met);
    }
    assert!(met > 0, "no read met the damage");
}

#[tokio::test]
async fn a_journal_torn_by_a_crash_keeps_every_whole_commit_before_the_tear() {
    let directory = tempdir().unwrap();
    let (live, crashed) = (
        directory.path().join("live"),
        directory.path().join("crashed"),
    );
    let store = open(&live).await.unwrap();
    fill(&store, "sorted").await;
    // What a crash leaves behind: the files of an open store.
    copy(&live, &crashed);
    let (journal, end) = journal_of(&crashed);
    let written = fs::read(&journal).unwrap();
    let random = SeededRandom::new(11);
    for _ in 0..20 {
        let tear = usize::try_from(random.next_u64()).unwrap_or(0) % end;
        copy(&live, &crashed);
        fs::write(&journal, &written[..tear]).unwrap();
        let reopened = open(&crashed).await.unwrap();
        let found = content(&reopened).await.unwrap();
        assert_eq!(found.len() % 20, 0, "a commit is torn at {tear}");
        let expected = content(&store).await.unwrap();
        assert!(expected.into_iter().take(found.len()).eq(found));
    }
}

#[tokio::test]
async fn whichever_sector_of_the_last_batch_is_lost_all_before_it_stays() {
    const SECTOR_BYTES: usize = 512;
    let directory = tempdir().unwrap();
    let (live, crashed) = (
        directory.path().join("live"),
        directory.path().join("crashed"),
    );
    let store = open(&live).await.unwrap();
    fill(&store, "synced").await;
    let before = content(&store).await.unwrap();
    let (journal, begin) = journal_of(&live);
    let journal = crashed.join(journal.strip_prefix(&live).unwrap());
    let random = SeededRandom::new(3);
    let noise: Vec<u8> = (0..8_192)
        .map(|_| random.next_u64().to_le_bytes()[0])
        .collect();
    let batch = WriteBatch::new()
        .put("zipped", "fjall compresses this ".repeat(400))
        .put("plain", noise)
        .delete("synced/00/00")
        .put("empty", "");
    store.commit(batch).await.unwrap();
    let after = content(&store).await.unwrap();
    let (_, end) = journal_of(&live);
    let mut set_aside = 0;
    for sector in begin / SECTOR_BYTES..=(end - 1) / SECTOR_BYTES {
        copy(&live, &crashed);
        let mut torn = fs::read(&journal).unwrap();
        let lost = (sector * SECTOR_BYTES).max(begin)..((sector + 1) * SECTOR_BYTES).min(end);
        torn[lost].fill(0);
        fs::write(&journal, &torn).unwrap();

        let reopened = open(&crashed).await.unwrap();

        let found = content(&reopened).await.unwrap();
        assert!(
            found == before || found == after,
            "sector {sector} of {begin}..{end}"
        );
        assert!(found == before || torn == fs::read(journal_of(&live).0).unwrap());
        let health = reopened.health().await.unwrap();
        let cut = crashed.join(format!("CUT-0-{begin}"));
        assert_eq!(
            health
                .issues
                .iter()
                .any(|issue| issue.name == "journal_cut"),
            cut.exists()
        );
        if cut.exists() {
            assert_eq!(fs::read(&cut).unwrap(), torn[begin..end]);
            set_aside += 1;
        }
    }
    assert!(set_aside > 10, "{set_aside} tears were met by fjall alone");
}

/// The journal of an open store, and where what was written to it ends.
fn journal_of(path: &Path) -> (PathBuf, usize) {
    let journal = files(path)
        .into_iter()
        .find(|file| file.extension().is_some_and(|extension| extension == "jnl"))
        .unwrap();
    let written = fs::read(&journal).unwrap();
    let end = written.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    (journal, end)
}
