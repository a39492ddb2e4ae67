//! Files that are made ahead of the order point, whatever becomes of their
//! commits.

use std::{
    fs,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use storage_core::{
    Durability, ErrorKind, Outcome, ReadExt, Store, StoreExt, WriteBatch,
    embedded::{Change, Engine, Prepared},
};
use storage_fs::{Codec, FsBackend};

use crate::place::{Place, compact, content, figure, file_of, put_buffered, value_files};

/// A commit that stays between being prepared and the order point.
struct InFlight {
    batch: WriteBatch,
    prepared: Prepared,
}

/// A store of one commit, and one that is prepared after it.
async fn with_in_flight(place: &Place) -> (FsBackend, InFlight) {
    let store = place.open_as("store", |config| config.log_bytes_max = 40 << 10);
    let store = store.await.unwrap();
    put_buffered(&store, "first", "value").await;
    let in_flight = prepare(&store, "in flight").await.unwrap();
    (store, in_flight)
}

async fn prepare(store: &FsBackend, key: &'static str) -> Option<InFlight> {
    let batch = WriteBatch::new().put(key, "made ahead");
    let mutations = batch.mutations().to_vec();
    let prepared = store.with_engine(move |engine| engine.prepare(&mutations));
    let prepared = prepared.await.unwrap()?;
    Some(InFlight { batch, prepared })
}

impl InFlight {
    /// Applies the commit, while nobody else commits.
    async fn apply(self, store: &FsBackend) {
        let apply = move |engine: &storage_fs::FsEngine| {
            let (_, mutations) = self.batch.into_parts();
            let changes = mutations.into_iter().filter_map(|mutation| match mutation {
                storage_core::Mutation::Put(put) => Some(Change::Put(put)),
                _ => None,
            });
            engine.apply_prepared(changes.collect(), &[self.prepared], Durability::Buffered)
        };
        store.with_engine(apply).await.unwrap();
    }
}

fn made_ahead(store: &Path) -> bool {
    let names = value_files(store);
    names
        .iter()
        .any(|name| name.to_string_lossy().contains("in%20flight"))
}

async fn is_sound(store: &FsBackend) {
    assert!(store.check().await.unwrap().damages.is_empty());
}

/// What may happen while a commit is in flight.
#[derive(Clone, Copy, Debug)]
enum Meanwhile {
    Commits,
    Compaction,
    Settling,
}

impl Meanwhile {
    const ALL: [Self; 3] = [Self::Commits, Self::Compaction, Self::Settling];

    async fn pass(self, store: &FsBackend) {
        put_buffered(store, "second", "value").await;
        match self {
            Self::Commits => {}
            Self::Compaction => compact(store).await,
            // Files are settled after so many bytes, and the log has none of them.
            Self::Settling => {
                put_buffered(store, "large", vec![7; 200_000]).await;
                while figure(store, "unsettled_files").await > 0 {
                    thread::sleep(Duration::from_millis(1));
                }
                // It is noted behind that.
                is_sound(store).await;
            }
        }
        put_buffered(store, "third", "value").await;
    }
}

#[tokio::test]
async fn a_file_in_flight_is_no_damage_and_goes_with_its_commit() {
    for meanwhile in Meanwhile::ALL {
        let place = Place::new();
        let (store, in_flight) = with_in_flight(&place).await;
        meanwhile.pass(&store).await;
        assert!(made_ahead(&place.path("store")));
        assert!(!store.exists("in flight").await.unwrap());
        is_sound(&store).await;
        drop(in_flight);
        assert!(!made_ahead(&place.path("store")));
        is_sound(&store).await;
    }
}

#[tokio::test]
async fn a_file_that_was_in_flight_at_a_crash_is_removed_by_the_open() {
    for meanwhile in Meanwhile::ALL {
        let place = Place::new();
        let (store, in_flight) = with_in_flight(&place).await;
        meanwhile.pass(&store).await;
        put_buffered(&store, "last", "value").await;
        let left = place.crash("left");
        assert!(made_ahead(&left));
        let expected = content(&store).await.unwrap();
        let again = place.open_as("left", |_| ()).await.unwrap();
        assert!(!made_ahead(&left), "{meanwhile:?}");
        assert_eq!(content(&again).await.unwrap(), expected);
        is_sound(&again).await;
        again.close().await.unwrap();
        drop(in_flight);
    }
}

#[tokio::test]
async fn a_commit_that_was_long_in_flight_survives_a_crash_and_a_lost_file() {
    for meanwhile in Meanwhile::ALL {
        let place = Place::new();
        let (store, in_flight) = with_in_flight(&place).await;
        meanwhile.pass(&store).await;
        in_flight.apply(&store).await;
        put_buffered(&store, "last", "value").await;
        is_sound(&store).await;
        let expected = content(&store).await.unwrap();
        let file = file_of(&store, "in flight").await.unwrap();
        for is_lost in [false, true] {
            let left = place.crash("left");
            if is_lost {
                let file = file.strip_prefix(place.path("store")).unwrap();
                fs::remove_file(left.join(file)).unwrap();
            }
            let again = place.open_as("left", |_| ()).await.unwrap();
            assert_eq!(content(&again).await.unwrap(), expected);
            is_sound(&again).await;
            again.close().await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_store_that_is_closed_before_a_file_in_flight_is_gone_looks_for_it_later() {
    let place = Place::new();
    let (store, in_flight) = with_in_flight(&place).await;
    put_buffered(&store, "second", "value").await;
    store.close().await.unwrap();
    let left = place.crash("left");
    assert!(made_ahead(&left));
    let again = place.open_as("left", |_| ()).await.unwrap();
    assert!(!made_ahead(&left));
    is_sound(&again).await;
    again.close().await.unwrap();
    // It is gone with its commit, too late for the store that made it.
    drop(in_flight);
    assert!(!made_ahead(&place.path("store")));
    is_sound(&place.open().await).await;
}

#[tokio::test]
async fn a_key_with_a_file_in_flight_is_prepared_no_second_time() {
    let place = Place::new();
    let (store, in_flight) = with_in_flight(&place).await;
    assert!(prepare(&store, "in flight").await.is_none());
    // As is a commit of the key that gets there first.
    put_buffered(&store, "in flight", "earlier").await;
    in_flight.apply(&store).await;
    let value = store.get("in flight").await.unwrap().unwrap();
    assert_eq!(value.as_ref(), b"made ahead");
    assert!(prepare(&store, "in flight").await.is_some());
    is_sound(&store).await;
}

#[tokio::test]
async fn a_file_that_was_made_for_another_put_of_the_key_is_not_used() {
    let place = Place::new();
    let (store, mut in_flight) = with_in_flight(&place).await;
    in_flight.batch = WriteBatch::new().put("in flight", "put later");
    in_flight.apply(&store).await;
    let value = store.get("in flight").await.unwrap().unwrap();
    assert_eq!(value.as_ref(), b"put later");
    is_sound(&store).await;
}

#[tokio::test]
async fn a_file_that_cannot_be_made_ahead_refuses_its_commit_and_leaves_nothing() {
    let place = Place::new();
    let (store, in_flight) = with_in_flight(&place).await;
    let made = value_files(&place.path("store"));
    let number = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let digits = name.split(['.', '+']).next().unwrap();
        digits.parse::<u64>().unwrap()
    };
    // The second file of the next commit finds its name taken.
    let last = made.iter().map(number).max().unwrap();
    let taken = made[0].with_file_name(format!("{}.b", last + 2));
    fs::write(&taken, "somebody else's").unwrap();
    let before = value_files(&place.path("store"));
    let batch = WriteBatch::new().put("a", "value").put("b", "value");
    let error = store.commit(batch.clone()).await.unwrap_err();
    assert_eq!(error.outcome(), Some(Outcome::NotApplied));
    assert_eq!(value_files(&place.path("store")), before);
    assert!(!store.exists("a").await.unwrap());
    store.commit(batch).await.unwrap();
    drop(in_flight);
    store.close().await.unwrap();
}

#[tokio::test]
async fn a_refused_guard_leaves_no_file() {
    let place = Place::new();
    let (store, in_flight) = with_in_flight(&place).await;
    drop(in_flight);
    let before = value_files(&place.path("store"));
    let batch = WriteBatch::new().put("first", "other").absent("first");
    let error = store.commit(batch).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(value_files(&place.path("store")), before);
}

#[tokio::test]
async fn what_is_made_ahead_is_compressed_as_everything_else() {
    let place = Place::new();
    let store = place
        .open_as("store", |config| {
            config.codec = Codec::Zstd;
            config.compress_bytes_min = 0;
        })
        .await
        .unwrap();
    for number in 0..5 {
        put_buffered(&store, &format!("{number}"), "again ".repeat(1_000)).await;
        let file = file_of(&store, format!("{number}")).await.unwrap();
        assert!(fs::metadata(&file).unwrap().len() < 100);
    }
    let expected = content(&store).await.unwrap();
    place.crash("left");
    assert_eq!(place.content_of("left").await.unwrap(), expected);
}

#[tokio::test]
async fn the_next_directory_is_there_before_files_are_made_in_it() {
    let place = Place::new();
    let store = place.open().await;
    let next = place.path("store/data/values/0/001");
    for number in 0..400 {
        put_buffered(&store, &format!("{number}"), "value").await;
    }
    assert!(!next.exists());
    for number in 400..600 {
        put_buffered(&store, &format!("{number}"), "value").await;
    }
    for _ in 0..1_000 {
        if next.exists() {
            return;
        }
        thread::sleep(Duration::from_millis(10));
    }
    panic!("nobody has made {}", next.display());
}
