//! One pass over all chunks, in steps that whoever closes the store waits for.

use std::{collections::VecDeque, sync::Arc};

use storage_core::{
    Error, ErrorKind, Guard, Item, Key, KeyRange, Mutation, Page, Put, Result, ScanOptions, Store,
    WriteOptions,
};

use super::{
    guarded::{self, Change},
    references::References,
};
use crate::{
    CollectReport,
    form::corrupt,
    hash::ChunkHash,
    layer::NAME,
    rows::{Condemned, Kind, RowKeys, decode_live, encode_live},
    shared::Shared,
};

/// How many chunks are looked at together, and how many hints in one step.
const CHUNKS: usize = 256;

/// A pass that is being made.
pub(super) struct Pass<S> {
    inner: Arc<S>,
    shared: Arc<Shared>,
    part: Part,
    /// The last chunk that was judged.
    after: Option<ChunkHash>,
    /// The chunks that follow, until it is known who refers to them.
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

impl Part {
    /// The rows of the chunks that it is about.
    const fn kind(self) -> Option<Kind> {
        match self {
            Self::Condemn => Some(Kind::Live),
            Self::Remove => Some(Kind::Condemned),
            Self::Over => None,
        }
    }

    const fn next(self) -> Self {
        match self {
            Self::Condemn => Self::Remove,
            Self::Remove | Self::Over => Self::Over,
        }
    }
}

impl<S: Store> Pass<S> {
    pub(super) fn new(inner: Arc<S>, shared: Arc<Shared>) -> Self {
        Self {
            inner,
            shared,
            part: Part::Condemn,
            after: None,
            looking: None,
            damage: None,
            report: CollectReport::default(),
        }
    }

    /// Does a little more: reads the rows of a few chunks, or looks at some of their
    /// hints, or judges them. Says how many chunks it has judged, perhaps none, or that
    /// the pass is over.
    pub(super) async fn step(&mut self) -> Result<Option<u32>> {
        let Some(mut looking) = self.looking.take() else {
            return match self.part.kind() {
                None => Ok(None),
                Some(kind) => {
                    self.looking = Some(self.begin(kind).await?);
                    Ok(Some(0))
                }
            };
        };
        if let Some(hints) = looking.hints.pop_front() {
            let rest = self.look_at(&mut looking.references, &hints).await?;
            if let Some(rest) = rest {
                looking.hints.push_front(rest);
            }
            self.looking = Some(looking);
            return Ok(Some(0));
        }
        let Looking {
            candidates,
            references,
            rows,
            up_to,
            ..
        } = looking;
        if self.part == Part::Condemn {
            self.condemn(candidates, &references).await?;
        } else {
            self.remove(candidates, &references).await?;
        }
        self.after = up_to;
        if up_to.is_none() {
            self.part = self.part.next();
        }
        Ok(Some(rows))
    }

    pub(super) fn finish(self) -> CollectReport {
        let told = |damage| format!("what is damaged was not collected: {damage}");
        self.shared.counters.set_failure(self.damage.map(told));
        self.shared.counters.passed(self.report);
        self.report
    }

    /// Reads the rows of the chunks that follow.
    async fn begin(&mut self, kind: Kind) -> Result<Looking> {
        let range = self.shared.rows.between(kind, self.after, None);
        let rows = self.rows(&range).await?;
        let mut looking = Looking {
            up_to: rows.up_to,
            rows: u32::try_from(rows.count).unwrap_or(u32::MAX),
            candidates: Vec::with_capacity(rows.items.len()),
            references: References::default(),
            hints: VecDeque::new(),
        };
        if kind == Kind::Live {
            // All up to the last chunk, to find those as well that lead nowhere.
            let hints = self.shared.rows.between(Kind::Hint, self.after, rows.up_to);
            looking.hints.push_back(hints);
            looking
                .candidates
                .extend(rows.items.iter().filter_map(|row| self.live(row)));
        } else {
            for row in &rows.items {
                let Some(candidate) = self.condemned(row) else {
                    continue;
                };
                let hints = self.shared.rows.with(Kind::Hint, candidate.hash);
                looking.hints.push_back(hints);
                looking.candidates.push(candidate);
            }
        }
        Ok(looking)
    }

    /// The chunk of a row that says that it may be referred to.
    fn live(&self, row: &Item) -> Option<Candidate> {
        let hash = RowKeys::hash(&row.key)?;
        Some(Candidate {
            hash,
            // The check names a row that has none.
            length: decode_live(row.entry.value()).unwrap_or_default(),
            guard: Guard::Present(self.shared.rows.of(Kind::Live, hash)),
        })
    }

    /// The chunk of a row that condemns it, if its grace is over.
    fn condemned(&mut self, row: &Item) -> Option<Candidate> {
        let hash = RowKeys::hash(&row.key)?;
        // The check names a row that makes no sense.
        let condemned = Condemned::decode(row.entry.value()).ok()?;
        let length = condemned.length;
        if condemned.at.after(self.shared.collect.grace) > self.inner.clock().now() {
            self.report.pending_chunks += 1;
            self.report.pending_bytes += u64::from(length);
            return None;
        }
        let mark = self.shared.rows.of(Kind::Condemned, hash);
        Some(Candidate {
            hash,
            length,
            guard: Guard::Unchanged(mark, row.entry.stamp()),
        })
    }

    /// Condemns those chunks that nobody refers to.
    async fn condemn(&mut self, candidates: Vec<Candidate>, references: &References) -> Result<()> {
        let now = self.inner.clock().now();
        let mut changes = Vec::new();
        for Candidate {
            hash,
            length,
            guard,
        } in candidates
        {
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
                guard,
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

    /// Removes these chunks, unless somebody refers to them after all.
    ///
    /// INVARIANT: their rows were read before the hints were. So whoever referred to a
    /// chunk before it was condemned is among those, and whoever did after has taken away
    /// the row that the removal is guarded by.
    async fn remove(&mut self, candidates: Vec<Candidate>, references: &References) -> Result<()> {
        let (mut removed, mut pardoned) = (Vec::new(), Vec::new());
        for Candidate {
            hash,
            length,
            guard,
        } in candidates
        {
            let [chunk, live, mark] = [Kind::Chunk, Kind::Live, Kind::Condemned]
                .map(|kind| self.shared.rows.of(kind, hash));
            let (changes, mutation) = match references.of(hash) {
                Some(_) => (&mut pardoned, Put::new(live, encode_live(length)).into()),
                None => (&mut removed, Mutation::Delete(chunk)),
            };
            changes.push(Change {
                hash,
                length,
                guard,
                mutations: vec![mutation, Mutation::Delete(mark)],
            });
        }
        self.report.pardoned += count(self.apply(pardoned).await?.len());
        for (_, length) in self.apply(removed).await? {
            self.report.removed += 1;
            self.report.removed_bytes += u64::from(length);
        }
        Ok(())
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
            count: page.items.len(),
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
        let count = keys.items.len();
        let mut items = Vec::with_capacity(count);
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
        Ok(Rows {
            count,
            items,
            up_to,
        })
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

/// Chunks side by side, of which it is being found out who refers to them.
struct Looking {
    candidates: Vec<Candidate>,
    /// What the hints have led to so far.
    references: References,
    /// Those that have not been looked at.
    hints: VecDeque<KeyRange>,
    /// How many rows there were, unreadable ones among them.
    rows: u32,
    /// The last of the chunks, if more follow.
    up_to: Option<ChunkHash>,
}

/// A chunk that is to be condemned or removed if nobody refers to it.
struct Candidate {
    hash: ChunkHash,
    length: u32,
    /// Its row is what it was when it was read.
    guard: Guard,
}

/// Rows of chunks that lie side by side.
struct Rows {
    /// How many there are.
    count: usize,
    /// Those that can be read.
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
