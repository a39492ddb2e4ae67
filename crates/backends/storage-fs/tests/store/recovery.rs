//! What an open makes of what a kill or a loss of power left.

use std::{fs, path::Path};

use storage_core::{ErrorKind, ReadExt, Store, StoreExt, WriteBatch};

use crate::place::{
    Content, Place, compact, content, figure, file_of, flip, issues, put_buffered, value_files,
};

const LARGE: usize = 200_000;

/// Leaves the log as far as it was durable unknown, as a loss of power does.
fn forget_mark(store: &Path) {
    fs::remove_file(store.join("SYNCED")).unwrap();
}

/// A store that is open, and what it held after each of its last commits.
async fn states(place: &Place) -> (storage_fs::FsBackend, Vec<Content>) {
    let store = place.open().await;
    for number in 0..5 {
        put_buffered(&store, &format!("base/{number}"), "value").await;
    }
    compact(&store).await;
    let mut states = vec![content(&store).await.unwrap()];
    for number in 0..6 {
        let batch = WriteBatch::new()
            .put(&*format!("{number}/a"), "first".repeat(number))
            .put(&*format!("{number}/b"), "second")
            .delete(&*format!("base/{number}"));
        store.commit(batch).await.unwrap();
        states.push(content(&store).await.unwrap());
    }
    (store, states)
}

#[tokio::test]
async fn a_log_torn_anywhere_keeps_every_commit_before_the_tear_whole() {
    let place = Place::new();
    let (_store, states) = states(&place).await;
    let log = fs::read(place.path("store/data/log-2")).unwrap();
    let mut seen = 0;
    for at in (45..log.len()).step_by(7).chain([log.len()]) {
        // The end is lost, a bit is wrong, or a sector was never written.
        for kind in 0..3 {
            let left = place.crash("left");
            forget_mark(&left);
            let mut torn = log.clone();
            match kind {
                0 => torn.truncate(at),
                1 if at < log.len() => torn[at] ^= 4,
                _ => torn[at..].fill(0),
            }
            fs::write(left.join("data/log-2"), &torn).unwrap();
            let found = place.content_of("left").await.unwrap();
            let state = states.iter().position(|state| *state == found);
            seen |= 1 << state.unwrap_or_else(|| panic!("a commit is torn at {at}"));
            // What was recovered stays.
            assert_eq!(place.content_of("left").await.unwrap(), found);
        }
    }
    assert_eq!(seen, 0b111_1111);
}

#[tokio::test]
async fn what_is_torn_before_the_mark_is_damage_and_stays_as_it_is() {
    let place = Place::new();
    let (_store, states) = states(&place).await;
    let left = place.crash("left");
    let log = left.join("data/log-2");
    let bytes = fs::read(&log).unwrap();
    for at in (8..bytes.len()).step_by(11) {
        flip(&log, at);
        let error = place.content_of("left").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
        assert!(error.message().contains("data/log-2"), "{error}");
        fs::write(&log, &bytes).unwrap();
    }
    assert_eq!(place.content_of("left").await.as_ref().ok(), states.last());
}

#[tokio::test]
async fn after_a_cut_health_says_so_and_new_commits_follow_what_is_left() {
    let place = Place::new();
    let (_store, states) = states(&place).await;
    let left = place.crash("left");
    forget_mark(&left);
    let log = left.join("data/log-2");
    flip(
        &log,
        usize::try_from(fs::metadata(&log).unwrap().len()).unwrap() - 3,
    );
    let store = place.open_as("left", |_| ()).await.unwrap();
    assert_eq!(content(&store).await.unwrap(), states[5]);
    assert_eq!(issues(&store).await, ["log_cut"]);
    // The same commit again: its record is the one that was cut off.
    let batch = WriteBatch::new()
        .put("5/a", "first".repeat(5))
        .put("5/b", "second");
    store.commit(batch).await.unwrap();
    assert_eq!(content(&store).await.unwrap(), states[6]);
    store.close().await.unwrap();
    let store = place.open_as("left", |_| ()).await.unwrap();
    assert_eq!(content(&store).await.unwrap(), states[6]);
    assert!(issues(&store).await.is_empty());
    assert!(store.check().await.unwrap().damages.is_empty());
}

#[tokio::test]
async fn small_files_that_a_loss_of_power_took_are_written_again() {
    let place = Place::new();
    let (_store, states) = states(&place).await;
    let left = place.crash("left");
    let is_settled = |file: &Path| {
        // Those of the base, among them a row of core.
        let name = file.file_name().unwrap().to_str().unwrap();
        name.contains("base") || name.contains('+')
    };
    let files = value_files(&left);
    let unsettled = files.iter().filter(|file| !is_settled(file));
    for (index, file) in unsettled.enumerate() {
        match index % 4 {
            0 => fs::remove_file(file).unwrap(),
            1 => fs::write(file, "").unwrap(),
            2 => fs::write(file, vec![0; 6]).unwrap(),
            _ => {}
        }
    }
    let store = place.open_as("left", |_| ()).await.unwrap();
    assert_eq!(&content(&store).await.unwrap(), states.last().unwrap());
    assert!(store.check().await.unwrap().damages.is_empty());
    assert!(issues(&store).await.is_empty());
}

#[tokio::test]
async fn a_directory_of_files_that_a_loss_of_power_took_is_made_again() {
    let place = Place::new();
    let store = place.open().await;
    for number in 0..3 {
        put_buffered(&store, &format!("{number}"), "value").await;
    }
    let left = place.crash("left");
    fs::remove_dir_all(left.join("data/values/0")).unwrap();
    let expected = content(&store).await.unwrap();
    assert_eq!(place.content_of("left").await.unwrap(), expected);
}

#[tokio::test]
async fn a_large_file_that_was_lost_before_it_was_synced_takes_its_commit_and_all_after_it() {
    let place = Place::new();
    let store = place.open().await;
    put_buffered(&store, "one", "1").await;
    put_buffered(&store, "two", vec![2; LARGE]).await;
    put_buffered(&store, "three", "3").await;
    let lost = file_of(&store, "two").await.unwrap();
    let left = place.crash("left");
    fs::remove_file(left.join(lost.strip_prefix(place.path("store")).unwrap())).unwrap();
    let store = place.open_as("left", |_| ()).await.unwrap();
    assert!(store.exists("one").await.unwrap());
    assert!(!store.exists("two").await.unwrap());
    assert!(!store.exists("three").await.unwrap());
    assert_eq!(issues(&store).await, ["log_cut"]);
    // Its file goes with its commit.
    assert!(store.check().await.unwrap().damages.is_empty());
}

#[tokio::test]
async fn what_a_cut_uncovers_is_checked_too() {
    let place = Place::new();
    let store = place.open().await;
    put_buffered(&store, "kept", "1").await;
    put_buffered(&store, "key", vec![1; LARGE]).await;
    let first = file_of(&store, "key").await.unwrap();
    put_buffered(&store, "key", vec![2; LARGE]).await;
    let second = file_of(&store, "key").await.unwrap();
    let left = place.crash("left");
    for lost in [first, second] {
        fs::remove_file(left.join(lost.strip_prefix(place.path("store")).unwrap())).unwrap();
    }
    let found = place.content_of("left").await.unwrap();
    assert_eq!(found.into_keys().collect::<Vec<_>>(), [b"kept"]);
}

#[tokio::test]
async fn a_large_file_that_was_synced_and_is_gone_is_damage() {
    let place = Place::new();
    let store = place.open().await;
    store.put("two", vec![2; LARGE]).await.unwrap();
    store.put("three", "3").await.unwrap();
    let lost = file_of(&store, "two").await.unwrap();
    let left = place.crash("left");
    fs::remove_file(left.join(lost.strip_prefix(place.path("store")).unwrap())).unwrap();
    let store = place.open_as("left", |_| ()).await.unwrap();
    assert!(store.exists("three").await.unwrap());
    let error = store.get("two").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
}

#[tokio::test]
async fn files_of_commits_that_never_happened_are_removed_and_their_numbers_not_used() {
    let place = Place::new();
    let store = place.open().await;
    put_buffered(&store, "key", "value").await;
    let left = place.crash("left");
    let orphans = [
        "0/000/7.key",
        "0/000/9+x",
        "0/002/2500.y",
        "3/000/3000000.z",
    ];
    for orphan in orphans {
        let path = left.join("data/values").join(orphan);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "orphan").unwrap();
    }
    let store = place.open_as("left", |_| ()).await.unwrap();
    for orphan in orphans {
        assert!(!left.join("data/values").join(orphan).exists(), "{orphan}");
    }
    assert!(store.check().await.unwrap().damages.is_empty());
    store.put("key", "again").await.unwrap();
    let file = file_of(&store, "key").await.unwrap();
    assert!(file.ends_with("3/000/3000001.key"), "{file:?}");
}

#[tokio::test]
async fn what_an_unfinished_compaction_left_is_removed() {
    let place = Place::new();
    let (_store, states) = states(&place).await;
    let left = place.crash("left");
    let data = left.join("data");
    // The old base and log are still there, and the next base was begun.
    for leftover in ["base-1", "log-1", "base-3.new"] {
        fs::write(data.join(leftover), "anything").unwrap();
    }
    assert_eq!(
        &place.content_of("left").await.unwrap(),
        states.last().unwrap()
    );
    for leftover in ["base-1", "log-1", "base-3.new"] {
        assert!(!data.join(leftover).exists(), "{leftover}");
    }
}

#[tokio::test]
async fn a_log_that_was_begun_and_never_synced_is_left_out() {
    let place = Place::new();
    let (_store, states) = states(&place).await;
    let beginnings = [vec![], b"fs.log.1".to_vec(), vec![0; 45], b"fs.l".to_vec()];
    for beginning in beginnings {
        let left = place.crash("left");
        fs::write(left.join("data/log-3"), beginning).unwrap();
        let store = place.open_as("left", |_| ()).await.unwrap();
        assert_eq!(&content(&store).await.unwrap(), states.last().unwrap());
        // Its number is free again.
        compact(&store).await;
        compact(&store).await;
        store.close().await.unwrap();
        assert_eq!(
            &place.content_of("left").await.unwrap(),
            states.last().unwrap()
        );
    }
}

#[tokio::test]
async fn commits_in_the_next_log_are_lost_with_those_before_them_and_not_alone() {
    let place = Place::new();
    let store = place
        .open_as("store", |config| config.log_bytes_max = 4 << 10)
        .await
        .unwrap();
    // In the way of every next base, so that logs gather.
    for number in 2..6 {
        fs::create_dir(place.path("store/data").join(format!("base-{number}.new"))).unwrap();
    }
    let mut expected = vec![content(&store).await.unwrap()];
    let mut number = 0;
    while !place.path("store/data/log-3").exists() {
        put_buffered(&store, &format!("{number:04}"), vec![7; 300]).await;
        number += 1;
        assert!(number < 5_000, "no log is begun");
    }
    for number in 0..5 {
        put_buffered(&store, &format!("last/{number}"), "value").await;
    }
    expected.push(content(&store).await.unwrap());
    let left = place.crash("left");
    for number in 2..6 {
        fs::remove_dir(left.join("data").join(format!("base-{number}.new"))).unwrap();
    }
    assert_eq!(
        &place.content_of("left").await.unwrap(),
        expected.last().unwrap()
    );

    let left = place.crash("left");
    for number in 2..6 {
        fs::remove_dir(left.join("data").join(format!("base-{number}.new"))).unwrap();
    }
    forget_mark(&left);
    let log = left.join("data/log-2");
    let length = usize::try_from(fs::metadata(&log).unwrap().len()).unwrap();
    flip(&log, length - 1);
    let found = place.content_of("left").await.unwrap();
    assert!(!found.contains_key(b"last/0".as_slice()));
    let expected = expected.last().unwrap();
    let before: Content = expected.clone().into_iter().take(found.len()).collect();
    assert_eq!(found, before);
    assert!(!left.join("data/log-3").exists());
}

#[tokio::test]
async fn a_clean_close_leaves_nothing_to_look_at() {
    let place = Place::new();
    let store = place.open().await;
    for number in 0..100 {
        put_buffered(&store, &format!("{}", number % 10), format!("{number}")).await;
    }
    assert!(figure(&store, "unsettled_files").await > 0);
    let expected = content(&store).await.unwrap();
    store.close().await.unwrap();
    let log = fs::read(place.path("store/data/log-1")).unwrap();
    let left = value_files(&place.path("store"));
    let store = place.open().await;
    assert_eq!(figure(&store, "unsettled_files").await, 0);
    assert_eq!(figure(&store, "dead_files").await, 0);
    assert_eq!(content(&store).await.unwrap(), expected);
    assert_eq!(
        figure(&store, "files").await,
        u64::try_from(left.len()).unwrap()
    );
    store.close().await.unwrap();
    // To open it and to read is to change nothing.
    assert_eq!(fs::read(place.path("store/data/log-1")).unwrap(), log);
}
