//! Sorted files and blob files.

use super::*;

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
    let detail = &health.issues[0].detail;
    assert!(
        detail.ends_with("restore the store from a backup"),
        "{detail}"
    );
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
