//! Damaged files: named, and never papered over.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use storage_core::{ErrorKind, KeyRange, ReadExt, ScanOptions, Store, StoreExt, WriteBatch};

use crate::place::{
    Content, Place, compact, content, file_of, flip, issues, put_buffered, value_files,
};

/// What is said of a file, and what happened to it.
type Damage = (&'static str, fn(&Path));

fn damages() -> [Damage; 5] {
    [
        ("checksum differs", |file| flip(file, 0)),
        ("has 3 bytes of the 5", |file| {
            let bytes = fs::read(file).unwrap();
            fs::write(file, &bytes[..3]).unwrap();
        }),
        ("has 0 bytes of the 5", |file| fs::write(file, "").unwrap()),
        ("is longer than the 5 bytes", |file| {
            fs::write(file, "value!").unwrap();
        }),
        ("is missing", |file| fs::remove_file(file).unwrap()),
    ]
}

#[tokio::test]
async fn a_value_file_that_is_not_what_was_written_is_named_by_reads_and_checks() {
    for (what, damage) in damages() {
        let place = Place::new();
        let store = place.open().await;
        for key in ["a", "b", "c"] {
            store.put(key, "value").await.unwrap();
        }
        let snapshot = store.snapshot().await.unwrap();
        let file = file_of(&store, "b").await.unwrap();
        damage(&file);
        let name = file.file_name().unwrap().to_str().unwrap();
        let number = name.split('.').next().unwrap();
        let file = format!("data/values/0/000/{number}.* {what}");

        for error in [
            store.get("b").await.unwrap_err(),
            snapshot.get("b").await.unwrap_err(),
            content(&store).await.unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
            assert!(error.message().contains(&file) || error.message().contains(what));
            assert!(error.message().contains(&format!("/{number}.*")), "{error}");
            assert!(error.key().is_some(), "{error}");
        }
        let report = store.check().await.unwrap();
        assert_eq!(report.damages.len(), 1, "{report:?}");
        assert!(report.damages[0].detail.contains(&format!("/{number}.*")));
        assert!(report.damages[0].detail.contains(what), "{report:?}");

        assert!(store.exists("a").await.unwrap());
        let keys = store
            .scan(KeyRange::all(), ScanOptions::new().keys_only())
            .collect()
            .await;
        assert_eq!(keys.unwrap().len(), 3);
        // A new value heals it.
        store.put("b", "again").await.unwrap();
        assert_eq!(store.get("b").await.unwrap().unwrap().value(), "again");
        assert!(store.check().await.unwrap().damages.is_empty());
    }
}

/// A closed store with entries in its base and in its log.
async fn closed(place: &Place) -> Content {
    let store = place.open().await;
    for number in 0..10 {
        store.put(&*format!("base/{number}"), "v").await.unwrap();
    }
    compact(&store).await;
    let mut batch = WriteBatch::new().delete("base/3");
    for number in 0..10 {
        batch = batch.put(&*format!("log/{number}"), "value");
    }
    store.commit(batch).await.unwrap();
    store.put("last", "value").await.unwrap();
    let content = content(&store).await.unwrap();
    store.close().await.unwrap();
    content
}

#[tokio::test]
async fn any_damage_to_base_or_log_of_a_closed_store_is_met_by_the_open_with_its_place() {
    let place = Place::new();
    let expected = closed(&place).await;
    for name in ["base-2", "log-2"] {
        let bytes = fs::read(place.path("store/data").join(name)).unwrap();
        let damaged = place.crash("damaged").join("data").join(name);
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << (at % 8);
            fs::write(&damaged, changed).unwrap();
            let error = place.content_of("damaged").await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{name} at {at}: {error}");
            assert!(error.message().contains(name), "{error}");
        }
        for length in (0..bytes.len()).step_by(3) {
            fs::write(&damaged, &bytes[..length]).unwrap();
            let error = place.content_of("damaged").await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{name}: {error}");
        }
        fs::write(&damaged, &bytes).unwrap();
        // To refuse it has changed nothing.
        assert_eq!(place.content_of("damaged").await.unwrap(), expected);
    }
}

#[tokio::test]
async fn a_store_without_base_log_or_values_is_corrupt_and_says_what_is_missing() {
    let place = Place::new();
    closed(&place).await;
    for name in ["base-2", "log-2", "values"] {
        let path = place.crash("damaged").join("data").join(name);
        let _ = fs::remove_file(&path);
        let _ = fs::remove_dir_all(&path);
        let error = place.content_of("damaged").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{name}: {error}");
        assert!(error.message().contains("is missing"), "{error}");
    }
}

#[tokio::test]
async fn a_base_or_log_of_another_store_is_corrupt() {
    let place = Place::new();
    closed(&place).await;
    let other = Place::new();
    closed(&other).await;
    for name in ["base-2", "log-2"] {
        let left = place.crash("mixed");
        let theirs = other.path("store/data").join(name);
        fs::copy(theirs, left.join("data").join(name)).unwrap();
        let error = place.content_of("mixed").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{name}: {error}");
    }
}

#[tokio::test]
async fn an_older_log_in_the_place_of_a_newer_one_is_corrupt() {
    let place = Place::new();
    let store = place.open().await;
    store.put("one", "1").await.unwrap();
    let older = place.crash("older");
    store.put("two", "2").await.unwrap();
    store.close().await.unwrap();
    fs::copy(older.join("data/log-1"), place.path("store/data/log-1")).unwrap();
    let error = place.content_of("store").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    assert!(
        error.message().contains("was durable up to byte"),
        "{error}"
    );
}

#[tokio::test]
async fn damage_that_comes_while_the_store_is_open_is_found_by_a_check_and_healed_by_a_compaction()
{
    let place = Place::new();
    let store = place.open().await;
    store.put("a", "1").await.unwrap();
    compact(&store).await;
    store.put("b", "2").await.unwrap();
    let data = place.path("store/data");
    flip(&data.join("base-2"), 20);
    let log = fs::metadata(data.join("log-2")).unwrap().len();
    flip(&data.join("log-2"), usize::try_from(log).unwrap() - 1);
    let report = store.check().await.unwrap();
    let places: Vec<_> = report.damages.iter().map(|damage| &*damage.place).collect();
    assert_eq!(places, ["data/base-2", "data/log-2"], "{report:?}");
    fs::remove_file(data.join("log-2")).unwrap();
    let report = store.check().await.unwrap();
    assert!(report.damages[1].detail.contains("is missing"));

    compact(&store).await;
    assert!(store.check().await.unwrap().damages.is_empty());
    let expected = content(&store).await.unwrap();
    store.close().await.unwrap();
    assert_eq!(place.content_of("store").await.unwrap(), expected);
}

#[tokio::test]
async fn dead_files_are_removed_even_if_no_base_can_be_written() {
    let place = Place::new();
    let store = place
        .open_as("store", |config| config.log_bytes_max = 4 << 10)
        .await
        .unwrap();
    for number in 2..200 {
        fs::create_dir(place.path("store/data").join(format!("base-{number}.new"))).unwrap();
    }
    for number in 0..2_000 {
        put_buffered(&store, "key", format!("{number}")).await;
    }
    let patience = Instant::now() + Duration::from_mins(1);
    while value_files(&place.path("store")).len() > 600 {
        assert!(Instant::now() < patience, "nothing is removed");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(issues(&store).await, ["upkeep_failed"]);
    assert_eq!(store.get("key").await.unwrap().unwrap().value(), "1999");
}

#[tokio::test]
async fn upkeep_that_fails_is_an_issue_of_health_until_it_succeeds() {
    let place = Place::new();
    let store = place
        .open_as("store", |config| config.log_bytes_max = 4 << 10)
        .await
        .unwrap();
    // In the way of the next base.
    let blocker = place.path("store/data/base-2.new");
    fs::create_dir(&blocker).unwrap();
    let mut number = 0;
    while issues(&store).await.is_empty() {
        assert!(number < 5_000, "upkeep never fails");
        put_buffered(&store, &format!("{number}"), vec![7; 200]).await;
        number += 1;
    }
    assert_eq!(issues(&store).await, ["upkeep_failed"]);
    let health = store.health().await.unwrap();
    assert!(
        health.issues[0].detail.contains("data/base-2"),
        "{health:?}"
    );
    // The store goes on.
    store.put("after", "value").await.unwrap();
    let expected = content(&store).await.unwrap();
    place.crash("left");
    compact(&store).await;
    assert!(issues(&store).await.is_empty());
    store.close().await.unwrap();
    assert_eq!(place.content_of("store").await.unwrap(), expected);
    assert_eq!(place.content_of("left").await.unwrap(), expected);
}
