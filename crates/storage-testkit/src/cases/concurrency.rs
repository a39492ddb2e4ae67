//! Readers and writers at once: batches are seen whole, and time does not run
//! backwards.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU32, Ordering},
};

use bytes::Bytes;
use storage_core::{
    BatchScope, Entry, KeyRange, Read, ReadExt, ScanOptions, Store, StoreExt, WriteBatch,
};
use tokio::task::JoinHandle;

use super::batches::refuses_range_deletes;
use crate::{
    Bench, CaseResult, Failure, Subject,
    failure::{ensure, ensure_eq},
    fixture::{contents, directions, fill, join_all, quick, refuses_wide_batches, towards},
};

/// The two keys that one batch sets to the same value.
pub(super) const PAIR: [&str; 2] = ["{pair}a", "{pair}z"];

/// Sixty-four tasks write each their own keys, and all are there afterwards.
pub async fn every_writers_keys_are_there<S: Subject>(bench: &Bench<S>) -> CaseResult {
    const TASKS: u8 = 64;
    const KEYS: u8 = 5;
    let store = Arc::new(bench.open().await?);
    join_all((0..TASKS).map(|task| {
        let store = Arc::clone(&store);
        async move {
            for number in 0..KEYS {
                let key = [task, number];
                let batch = WriteBatch::new().put(&key, vec![task]);
                store.commit_with(batch, &quick(&*store)).await?;
                let value = store.get(&key).await?.map(Entry::into_value);
                ensure_eq!(value, Some(vec![task].into()), "its own write, read back");
            }
            // One write that has to survive a loss of power, if any can.
            store.put(&[task], vec![task]).await?;
            Ok(())
        }
    }))
    .await?;
    ensure_eq!(
        contents(&*store).await?.len(),
        64 * 6,
        "the number of entries"
    );
    Ok(())
}

/// A page shows one state: a batch is on it whole or not at all.
pub async fn a_page_never_shows_half_a_batch<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let store = Arc::new(bench.open().await?);
    if store.capabilities().batch == BatchScope::Key {
        return refuses_wide_batches(&*store).await;
    }
    let mut writing = write_pairs(&store).await?;
    while writing.goes_on() {
        for direction in directions(store.capabilities()) {
            let page = store
                .scan_with(&KeyRange::all(), &towards(*direction))
                .await?;
            let values: Vec<_> = page
                .items
                .into_iter()
                .map(|item| Some(item.entry.into_value()))
                .collect();
            pair_is_whole(&values)?;
        }
        tokio::task::yield_now().await;
    }
    writing.stop().await
}

/// A page never shows what a range delete left of a batch that puts it anew.
pub async fn a_page_never_shows_half_a_range_delete<S: Subject>(bench: &Bench<S>) -> CaseResult {
    const KEYS: u8 = 20;
    let store = Arc::new(bench.open().await?);
    if store.capabilities().batch != BatchScope::Store {
        return refuses_wide_batches(&*store).await;
    }
    if refuses_range_deletes(&*store).await? {
        return Ok(());
    }
    fill(&*store, (0..KEYS).map(|n| (vec![n], "0"))).await?;
    let mut writing = Writing::of(&store, |round| {
        let batch = WriteBatch::new().delete_range(KeyRange::all());
        (0..KEYS).fold(batch, |batch, n| batch.put(&[n], round.to_string()))
    });
    while writing.goes_on() {
        let page = store
            .scan_with(&KeyRange::all(), &ScanOptions::new())
            .await?;
        ensure_eq!(page.items.len(), usize::from(KEYS), "entries of a page");
        let values: Vec<_> = page.items.iter().map(|item| item.entry.value()).collect();
        let same = values.windows(2).all(|pair| pair.first() == pair.last());
        ensure!(same, "a page of one state: {values:?}");
        tokio::task::yield_now().await;
    }
    writing.stop().await
}

/// If one read saw a batch, no later read misses it, of any of its keys.
pub async fn reads_never_go_back_in_time<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let store = Arc::new(bench.open().await?);
    if store.capabilities().batch == BatchScope::Key {
        return refuses_wide_batches(&*store).await;
    }
    let mut writing = write_pairs(&store).await?;
    let mut seen = 0;
    while writing.goes_on() {
        for key in PAIR {
            let value = store.get(key).await?.map(Entry::into_value);
            let number = number(value.as_ref())?;
            ensure!(number >= seen, "{key} shows {number} after {seen} was seen");
            seen = number;
        }
        let page = store
            .scan_with(&KeyRange::all(), &ScanOptions::new())
            .await?;
        for item in page.items {
            let number = number(Some(item.entry.value()))?;
            ensure!(
                number >= seen,
                "a scan shows {number} after {seen} was seen"
            );
            seen = number;
        }
        tokio::task::yield_now().await;
    }
    writing.stop().await
}

/// After concurrent overwrites, a key holds what one of the last writers wrote.
pub async fn concurrent_overwrites_end_in_one_of_the_last_values<S: Subject>(
    bench: &Bench<S>,
) -> CaseResult {
    let store = Arc::new(bench.open().await?);
    join_all((0..32_u8).map(|task| {
        let store = Arc::clone(&store);
        async move {
            for round in 0..10_u8 {
                let batch = WriteBatch::new().put("k", vec![task, round]);
                store.commit_with(batch, &quick(&*store)).await?;
            }
            Ok(())
        }
    }))
    .await?;
    let value = store.get("k").await?.map(Entry::into_value);
    let round = value.as_ref().and_then(|value| value.get(1).copied());
    ensure_eq!(round, Some(9), "the round of the last value, {value:?}");
    Ok(())
}

/// A task that writes until it is stopped, and those who look on.
#[derive(Debug)]
pub(super) struct Writing {
    stop: Arc<AtomicBool>,
    /// How many batches the task has committed.
    rounds: Arc<AtomicU32>,
    task: JoinHandle<CaseResult>,
    /// How many there were at the last look.
    rounds_seen: u32,
    /// How many looks came upon another state than the look before.
    changes_seen: u32,
}

impl Writing {
    /// How many states to see. Looks alone do not count: on a busy machine
    /// hundreds fit between two batches.
    const CHANGES_SEEN_MIN: u32 = 100;

    /// After this many batches nobody waits for more states to be seen.
    const ROUNDS_MAX: u32 = 20_000;

    /// Commits `batch(1)`, `batch(2)` … until it is stopped.
    fn of<S: Store>(store: &Arc<S>, batch: impl Fn(u32) -> WriteBatch + Send + 'static) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let rounds = Arc::new(AtomicU32::new(0));
        let (store, stopped, done) = (Arc::clone(store), Arc::clone(&stop), Arc::clone(&rounds));
        let task = tokio::spawn(async move {
            for round in 1.. {
                if stopped.load(Ordering::Relaxed) {
                    break;
                }
                store.commit_with(batch(round), &quick(&*store)).await?;
                done.store(round, Ordering::Relaxed);
                tokio::task::yield_now().await;
            }
            Ok(())
        });
        Self {
            stop,
            rounds,
            task,
            rounds_seen: 0,
            changes_seen: 0,
        }
    }

    /// Whether there should be another look while the task writes.
    pub(super) fn goes_on(&mut self) -> bool {
        let rounds = self.rounds.load(Ordering::Relaxed);
        if rounds != self.rounds_seen {
            self.rounds_seen = rounds;
            self.changes_seen += 1;
        }
        self.changes_seen < Self::CHANGES_SEEN_MIN
            && rounds < Self::ROUNDS_MAX
            && !self.task.is_finished()
    }

    /// Stops the task; an error is what kept it from writing.
    pub(super) async fn stop(self) -> CaseResult {
        self.stop.store(true, Ordering::Relaxed);
        self.task.await?
    }
}

/// Starts a task that sets both keys of the [`PAIR`] to 1, 2, 3 …
pub(super) async fn write_pairs<S: Store>(store: &Arc<S>) -> CaseResult<Writing> {
    fill(&**store, PAIR.map(|key| (key, "0"))).await?;
    Ok(Writing::of(store, |round| {
        let value = Bytes::from(round.to_string());
        let [first, second] = PAIR;
        WriteBatch::new()
            .put(first, value.clone())
            .put(second, value)
    }))
}

/// Checks that both values of the [`PAIR`] are there and the same.
pub(super) fn pair_is_whole(values: &[Option<Bytes>]) -> CaseResult {
    let [first, last] = values else {
        return Err(Failure::new(format!(
            "there should be two entries: {values:?}"
        )));
    };
    ensure!(first.is_some(), "the first key is always there");
    ensure_eq!(first, last, "both values are of one batch");
    Ok(())
}

fn number(value: Option<&Bytes>) -> CaseResult<u32> {
    value
        .and_then(|value| str::from_utf8(value).ok()?.parse().ok())
        .ok_or_else(|| Failure::new(format!("{value:?} is not what the writer wrote")))
}
