//! The cache with its second level on the embedded default engine: what the suite asks of
//! every stack that is shipped, and what is read again by the next cache.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "helpers of tests fail as tests do"
)]

use std::{fs, path::Path, time::Duration};

use storage::{
    Components, ErrorKind, KeyRange, ReadExt, Result, SharedStore, Stack, Store, StoreExt,
    WriteBatch,
    blocking::block_on,
    cache::{Cache, CacheConfig, CacheLayer, CacheStore, SecondLevel, SecondLevelStats, Writes},
    fjall::{FjallBackend, FjallConfig},
};
use storage_testkit::{Subject, conformance, wait_for};
use tempfile::TempDir;

/// A cache without room in memory over a directory, its second level in another.
struct OnTwoLevels {
    directories: [TempDir; 2],
    config: CacheConfig,
}

impl OnTwoLevels {
    fn new(config: CacheConfig) -> Self {
        let directory = || TempDir::new().expect("a temporary directory");
        Self {
            directories: [directory(), directory()],
            config,
        }
    }

    async fn open_both(
        &self,
        components: Components,
    ) -> Result<(CacheStore<FjallBackend>, SharedStore)> {
        let [below, second] = &self.directories;
        let open = |path: &Path| FjallConfig::new(path).open_with(components.clone());
        let second = SharedStore::new(open(second.path()).await?);
        let level = SecondLevel::new(second.clone(), 1 << 30).time_limit(Duration::from_secs(5));
        let store = Stack::on(open(below.path()).await?)
            .with(CacheLayer::new(self.config.clone()).second_level(level))
            .components(components)
            .open()
            .await?;
        Ok((store, second))
    }
}

impl Subject for OnTwoLevels {
    type Store = CacheStore<FjallBackend>;
    const ENGINE: &'static str = "fjall";

    async fn open(&self, components: Components) -> Result<Self::Store> {
        Ok(self.open_both(components).await?.0)
    }
}

mod two_levels_of_fjall {
    use super::*;

    conformance!(OnTwoLevels::new(CacheConfig::exclusive(0)));
}

mod two_levels_that_read_back {
    use super::*;

    conformance!(OnTwoLevels::new(
        CacheConfig::exclusive(1 << 12).writes(Writes::ReadBack)
    ));
}

/// A session of a store with two levels.
struct Session {
    store: CacheStore<FjallBackend>,
    second: SharedStore,
}

impl Session {
    fn open(scene: &OnTwoLevels) -> Self {
        // What was dropped lets go of its directory a moment later.
        let mut opened = None;
        wait_for("both directories", || {
            match block_on(scene.open_both(Components::default())) {
                Err(error) if error.kind() == ErrorKind::Unavailable => {}
                answer => opened = Some(answer.unwrap()),
            }
            opened.is_some()
        });
        let (store, second) = opened.unwrap();
        Self { store, second }
    }

    fn stats(&self) -> SecondLevelStats {
        self.store.find::<Cache>().unwrap().stats().second
    }

    fn get(&self, key: &str) -> Option<Vec<u8>> {
        let entry = block_on(self.store.get(key)).unwrap();
        entry.map(|entry| entry.value().to_vec())
    }

    fn get_from_second(&self, key: &str) {
        let hits = self.stats().hits;
        wait_for("a hit", || {
            self.get(key);
            hits < self.stats().hits
        });
    }

    fn rows(&self) -> u64 {
        block_on(self.second.count(KeyRange::all())).unwrap()
    }

    fn close(self) {
        block_on(self.store.close()).unwrap();
        block_on(self.second.close()).unwrap();
    }
}

#[test]
fn rows_are_read_again_by_the_next_cache_if_the_last_was_closed() {
    let scene = OnTwoLevels::new(CacheConfig::exclusive(0));
    let session = Session::open(&scene);
    for key in ["a", "b", "c"] {
        block_on(session.store.put(key, "1")).unwrap();
        session.get_from_second(key);
    }
    block_on(session.store.put("b", "2")).unwrap();
    session.close();

    let session = Session::open(&scene);
    assert_eq!(session.stats().epochs, 0, "{:?}", session.stats());
    assert_eq!(session.get("a").as_deref(), Some(&b"1"[..]));
    assert_eq!(session.stats().hits, 1);
    assert_eq!(session.get("b").as_deref(), Some(&b"2"[..]));
    assert_eq!(session.stats().hits, 1);
    // And again, with a guard on what the second level says.
    session.close();
    let session = Session::open(&scene);
    let entry = block_on(session.store.get("c")).unwrap().unwrap();
    assert_eq!(session.stats().hits, 1);
    let swap = WriteBatch::new()
        .unchanged("c", entry.stamp())
        .put("c", "2");
    block_on(session.store.commit(swap)).unwrap();
    assert_eq!(session.get("c").as_deref(), Some(&b"2"[..]));
}

#[test]
fn nothing_is_read_of_a_cache_that_was_not_closed_and_its_rows_are_removed() {
    let scene = OnTwoLevels::new(CacheConfig::exclusive(0));
    let session = Session::open(&scene);
    for key in ["a", "b", "c"] {
        block_on(session.store.put(key, "1")).unwrap();
        session.get_from_second(key);
    }
    // Closed and dropped: what the first cache left is in use again.
    session.close();
    drop(Session::open(&scene));

    let session = Session::open(&scene);
    assert_eq!(session.stats().epochs, 1);
    assert_eq!(session.get("a").as_deref(), Some(&b"1"[..]));
    assert_eq!(session.stats().hits, 0);
    session.get_from_second("a");
    // The mark and the new row.
    wait_for("two rows", || session.rows() == 2);
}

#[test]
fn nothing_is_read_after_somebody_wrote_without_the_cache() {
    let scene = OnTwoLevels::new(CacheConfig::exclusive(0));
    let session = Session::open(&scene);
    block_on(session.store.put("a", "1")).unwrap();
    session.get_from_second("a");
    session.close();
    let engine = block_on(FjallConfig::new(scene.directories[0].path()).open()).unwrap();
    let engine = block_on(Stack::on(engine).open()).unwrap();
    block_on(engine.put("a", "2")).unwrap();
    block_on(engine.close()).unwrap();

    let session = Session::open(&scene);
    assert_eq!(session.get("a").as_deref(), Some(&b"2"[..]));
    assert_eq!(session.stats().epochs, 1);
}

#[test]
fn nothing_is_read_over_a_copy_of_the_store_from_before() {
    let scene = OnTwoLevels::new(CacheConfig::exclusive(0));
    let session = Session::open(&scene);
    block_on(session.store.put("a", "1")).unwrap();
    session.get_from_second("a");
    session.close();
    let [below, _] = &scene.directories;
    let copy = TempDir::new().unwrap();
    copy_all(below.path(), copy.path());
    let session = Session::open(&scene);
    block_on(session.store.put("a", "2")).unwrap();
    session.get_from_second("a");
    session.close();
    fs::remove_dir_all(below.path()).unwrap();
    copy_all(copy.path(), below.path());
    // As many sessions have written to it as before.
    let engine = block_on(FjallConfig::new(below.path()).open()).unwrap();
    let engine = block_on(Stack::on(engine).open()).unwrap();
    block_on(engine.put("b", "1")).unwrap();
    block_on(engine.close()).unwrap();

    let session = Session::open(&scene);
    assert_eq!(session.get("a").as_deref(), Some(&b"1"[..]));
    assert_eq!(session.stats().epochs, 1);
}

fn copy_all(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(std::result::Result::unwrap) {
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_all(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}
