//! Removes chunks that nobody refers to.
//!
//! A pass has two parts. The first looks at each chunk that may be referred to, and at all
//! hints of it; if no key that a hint names refers to the chunk, the chunk is *condemned*:
//! its row `live` is replaced by one that says when. From then on a commit that relied on
//! the chunk fails by its guard on that row, and its writer writes the chunk again, which
//! replaces the row back. The second part looks, after the grace, at all hints of each
//! condemned chunk once more, and then removes the chunk, guarded by the row that condemns
//! it: so nobody has referred to it since it was condemned, and all who did before are
//! seen by the second look.
//!
//! Each step is one batch, so a crash anywhere leaves a store whose next pass goes on. A
//! row of a chunk that the store below cannot read keeps its chunk, and no others.

mod guarded;
mod references;

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use storage_core::{
    Error, ErrorKind, Guard, Item, Key, KeyRange, Mutation, Page, Put, Result, ScanOptions, Store,
    WriteOptions,
    layer::{Attendance, Background},
};

use self::{guarded::Change, references::References};
use crate::{
    CollectReport,
    form::corrupt,
    hash::ChunkHash,
    layer::NAME,
    rows::{Condemned, Kind, RowKeys, decode_live, encode_live},
    shared::Shared,
};

/// How many chunks are looked at together.
const CHUNKS: usize = 256;

/// Works on a store for as long as it is there.
#[derive(Debug)]
pub(crate) struct Collector<S> {
    inner: Weak<S>,
    shared: Arc<Shared>,
}

impl<S: Store> Collector<S> {
    pub(crate) const fn new(inner: Weak<S>, shared: Arc<Shared>) -> Self {
        Self { inner, shared }
    }

    /// One pass, as fast as it goes.
    ///
    /// # Errors
    /// As for the store below; `Closed` if it is gone.
    pub(crate) async fn pass(&self) -> Result<CollectReport> {
        let mut pass = self.start()?;
        loop {
            match pass.step().await {
                Ok(None) => return Ok(pass.finish()),
                Ok(Some(_)) => {}
                Err(error) => return Err(self.failed(error)),
            }
        }
    }

    /// Takes note of what ended a pass.
    fn failed(&self, error: Error) -> Error {
        self.shared.counters.set_failure(Some(error.to_string()));
        error
    }

    fn start(&self) -> Result<Pass<S>> {
        let inner = self.inner.upgrade().ok_or_else(Error::closed)?;
        Ok(Pass {
            inner,
            shared: Arc::clone(&self.shared),
            part: Part::Condemn,
            after: None,
            looking: None,
            damage: None,
            report: CollectReport::default(),
        })
    }

    /// Begins to make passes in the background, so long after each other.
    ///
    /// # Errors
    /// `Unavailable` if the system gives no thread.
    pub(crate) fn begin(self: Arc<Self>, every: Duration) -> Result<Background> {
        Background::start("storage-dedup", move |attendance| {
            while !attendance.pause(self.jittered(every)) && self.pass_slowly(attendance) {}
        })
    }

    /// A pass at the pace of the settings; says whether the store is still there. One that
    /// fails is told of and left to the next.
    fn pass_slowly(&self, attendance: &Attendance) -> bool {
        let Ok(mut pass) = self.start() else {
            return false;
        };
        loop {
            match attendance.wait(pass.step()) {
                Ok(None) => {
                    pass.finish();
                    return true;
                }
                Ok(Some(chunks)) => {
                    let seconds =
                        f64::from(chunks) / f64::from(self.shared.collect.chunks_per_second_max);
                    if attendance.pause(Duration::from_secs_f64(seconds)) {
                        return false;
                    }
                }
                Err(error) => {
                    self.failed(error);
                    return true;
                }
            }
        }
    }

    /// A tenth more or less, so that many stores do not all collect at once.
    fn jittered(&self, every: Duration) -> Duration {
        let mut drawn = [0];
        // Without randomness they do.
        let _ = self.shared.random.fill(&mut drawn);
        let [drawn] = drawn;
        every.mul_f64(0.9 + 0.2 * f64::from(drawn) / 255.0)
    }
}

/// A pass that is being made.
struct Pass<S> {
    inner: Arc<S>,
    shared: Arc<Shared>,
    part: Part,
    /// The last chunk that was looked at.
    after: Option<ChunkHash>,
    /// The chunks that follow, while it is being found out who refers to them.
    looking: Option<Looking>,
    /// The first row that could not be read. Its chunk is kept.
    damage: Option<Error>,
    report: CollectReport,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Condemn,
    Remove,
    Over,
}

impl<S: Store> Pass<S> {
    /// Does a little more: whoever closes the store waits for it. Says how many chunks
    /// it has come to, perhaps none, or that the pass is over.
    async fn step(&mut self) -> Result<Option<u32>> {
        if let Some(looking) = self.looking.take() {
            self.look_on(looking).await?;
            return Ok(Some(0));
        }
        let kind = match self.part {
            Part::Condemn => Kind::Live,
            Part::Remove => Kind::Condemned,
            Part::Over => return Ok(None),
        };
        let range = self.shared.rows.between(kind, self.after, None);
        let rows = self.rows(&range).await?;
        let come_to = u32::try_from(rows.items.len()).unwrap_or(u32::MAX);
        if self.part == Part::Condemn {
            // Up to the last one, to find those as well that lead nowhere.
            let hints = self.shared.rows.between(Kind::Hint, self.after, rows.up_to);
            self.looking = Some(Looking {
                rows,
                references: References::default(),
                hints,
            });
        } else {
            self.remove(rows.items).await?;
            self.go_behind(rows.up_to);
        }
        Ok(Some(come_to))
    }

    /// Looks at some hints more, and condemns where it has seen all.
    async fn look_on(&mut self, mut looking: Looking) -> Result<()> {
        let rest = self
            .look_at(&mut looking.references, &looking.hints)
            .await?;
        if let Some(hints) = rest {
            self.looking = Some(Looking { hints, ..looking });
            return Ok(());
        }
        self.condemn(looking.rows.items, &looking.references)
            .await?;
        self.go_behind(looking.rows.up_to);
        Ok(())
    }

    /// Goes on with the chunks behind these.
    fn go_behind(&mut self, up_to: Option<ChunkHash>) {
        self.after = up_to;
        if up_to.is_none() {
            self.part = match self.part {
                Part::Condemn => Part::Remove,
                Part::Remove | Part::Over => Part::Over,
            };
        }
    }

    fn finish(self) -> CollectReport {
        let told = |damage| format!("what is damaged was not collected: {damage}");
        self.shared.counters.set_failure(self.damage.map(told));
        self.shared.counters.passed(self.report);
        self.report
    }

    /// Condemns those chunks that nobody refers to.
    async fn condemn(&mut self, rows: Vec<Item>, references: &References) -> Result<()> {
        let now = self.inner.clock().now();
        let mut changes = Vec::new();
        for item in rows {
            let Some(hash) = RowKeys::hash(&item.key) else {
                continue;
            };
            // The check names such a row.
            let length = decode_live(item.entry.value()).unwrap_or_default();
            if let Some(referring) = references.of(hash) {
                self.report.live_chunks += 1;
                self.report.live_bytes += u64::from(length);
                self.report.referring_bytes += referring;
                continue;
            }
            let condemned = Condemned::new(length, now, &*self.shared.random)?;
            let [live, mark] =
                [Kind::Live, Kind::Condemned].map(|kind| self.shared.rows.of(kind, hash));
            changes.push(Change {
                hash,
                length,
                guard: Guard::Present(live.clone()),
                mutations: vec![
                    Mutation::Delete(live),
                    Put::new(mark, condemned.encode()).into(),
                ],
            });
        }
        for (hash, _) in self.apply(changes).await? {
            self.shared.known.forget(hash);
            self.report.condemned += 1;
        }
        Ok(())
    }

    /// Removes those condemned chunks whose grace is over, unless somebody refers to them
    /// after all.
    ///
    /// INVARIANT: the rows were read before the hints are. So whoever referred to a chunk
    /// before it was condemned is among them, and whoever did after has taken away the row
    /// that the removal is guarded by.
    async fn remove(&mut self, rows: Vec<Item>) -> Result<()> {
        let now = self.inner.clock().now();
        let (mut removed, mut pardoned) = (Vec::new(), Vec::new());
        for item in rows {
            let Some(hash) = RowKeys::hash(&item.key) else {
                continue;
            };
            let Ok(condemned) = Condemned::decode(item.entry.value()) else {
                // The check names it.
                continue;
            };
            let length = condemned.length;
            let is_over = condemned.at.after(self.shared.collect.grace) <= now;
            if !is_over {
                self.pending(length);
                continue;
            }
            let hints = self.shared.rows.with(Kind::Hint, hash);
            let is_referred_to = self.references(hints).await?.of(hash).is_some();
            let [chunk, live, mark] = [Kind::Chunk, Kind::Live, Kind::Condemned]
                .map(|kind| self.shared.rows.of(kind, hash));
            let guard = Guard::Unchanged(mark.clone(), item.entry.stamp());
            let unmark = Mutation::Delete(mark);
            let (changes, mutation) = if is_referred_to {
                (&mut pardoned, Put::new(live, encode_live(length)).into())
            } else {
                (&mut removed, Mutation::Delete(chunk))
            };
            changes.push(Change {
                hash,
                length,
                guard,
                mutations: vec![mutation, unmark],
            });
        }
        self.report.pardoned += count(self.apply(pardoned).await?.len());
        for (_, length) in self.apply(removed).await? {
            self.report.removed += 1;
            self.report.removed_bytes += u64::from(length);
        }
        Ok(())
    }

    fn pending(&mut self, length: u32) {
        self.report.pending_chunks += 1;
        self.report.pending_bytes += u64::from(length);
    }

    async fn references(&mut self, hints: KeyRange) -> Result<References> {
        let mut references = References::default();
        let mut rest = Some(hints);
        while let Some(hints) = rest {
            rest = self.look_at(&mut references, &hints).await?;
        }
        Ok(references)
    }

    /// Looks at the first of these hints, and removes those that lead nowhere. Returns
    /// the others.
    async fn look_at(
        &mut self,
        references: &mut References,
        hints: &KeyRange,
    ) -> Result<Option<KeyRange>> {
        let page = self
            .inner
            .scan_with(hints, &self.scan().keys_only())
            .await?;
        let stale = references
            .look_at(&page, &*self.inner, &self.shared)
            .await?;
        self.report.stale_hints += count(self.apply(stale).await?.len());
        Ok(page.next)
    }

    /// The first rows of a range, but for those that the store below cannot read.
    async fn rows(&mut self, range: &KeyRange) -> Result<Rows> {
        let page = match self.inner.scan_with(range, &self.scan()).await {
            Err(error) if error.kind() == ErrorKind::Corrupt => {
                return self.readable_rows(range).await;
            }
            page => page?,
        };
        let up_to = up_to(&page)?;
        Ok(Rows {
            items: page.items,
            up_to,
        })
    }

    /// The rows one by one, where they cannot be read together.
    async fn readable_rows(&mut self, range: &KeyRange) -> Result<Rows> {
        let keys = self
            .inner
            .scan_with(range, &self.scan().keys_only())
            .await?;
        let up_to = up_to(&keys)?;
        let mut items = Vec::with_capacity(keys.items.len());
        for Item { key, .. } in keys.items {
            let row = Key::in_space(range.space(), &key);
            match self.inner.get_with(row, &self.shared.fresh()).await {
                Ok(entry) => items.extend(entry.map(|entry| Item::new(key, entry))),
                Err(error) if error.kind() == ErrorKind::Corrupt => {
                    self.damage.get_or_insert(error);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(Rows { items, up_to })
    }

    fn scan(&self) -> ScanOptions {
        let mut options = ScanOptions::new().entries_max(CHUNKS);
        options.consistency = self.shared.fresh().consistency;
        options
    }

    async fn apply(&self, changes: Vec<Change>) -> Result<Vec<(ChunkHash, u32)>> {
        // The order of commits holds after a crash, so what is lost is done again.
        let durability = self.shared.capabilities.durability_min;
        let options = WriteOptions::new().durability(durability);
        let (operations_max, _) = self.shared.below;
        guarded::apply(&*self.inner, changes, operations_max, &options)
            .await
            .map_err(|error| error.with_layer(NAME))
    }
}

/// Chunks of which it is being found out who refers to them.
struct Looking {
    rows: Rows,
    /// What the hints have led to so far.
    references: References,
    /// Those that have not been looked at.
    hints: KeyRange,
}

/// Rows of chunks that lie side by side.
struct Rows {
    items: Vec<Item>,
    /// The last chunk of them, if more follow.
    up_to: Option<ChunkHash>,
}

fn up_to(page: &Page) -> Result<Option<ChunkHash>> {
    if page.next.is_none() {
        return Ok(None);
    }
    let last = page.items.last().and_then(|item| RowKeys::hash(&item.key));
    last.map(Some)
        .ok_or_else(|| corrupt("a row of a chunk has a key that makes no sense"))
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
