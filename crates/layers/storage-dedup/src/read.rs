//! Reading: rows, and the chunks that they refer to.
//!
//! A row and its chunks are read one after the other. In between the row may be written
//! anew and its chunks be removed, if the grace is shorter than that takes; then the row
//! is read again. Only a row that stays as it is while its chunk is missing is damaged.

use std::{collections::HashMap, sync::Arc};

use bytes::Bytes;
use storage_core::{
    Entry, Error, Item, Key, KeyRange, Operation, OwnedKey, Page, Projection, Read, ReadOptions,
    Result, ScanOptions, Sequence, Stamp, layer::page,
};

use crate::{
    DedupStore,
    form::{Form, missing},
    hash::{ChunkHash, as_usize},
    rows::Kind,
    shared::Shared,
    store::View,
};

/// How often a row may be found as it was, with a chunk missing, before it is called
/// damaged: a row may go and come back with its chunks between two looks.
const ALIKE_MAX: u32 = 16;

// A wrapper that relied on a default method would forget to forward it.
#[deny(clippy::missing_trait_methods)]
impl<R: Read> Read for DedupStore<R> {
    async fn get_with(&self, key: Key<'_>, options: &ReadOptions) -> Result<Option<Entry>> {
        if self.shared.own.contain(key) {
            return Ok(None);
        }
        self.get_row(key, options)
            .await
            .map_err(|error| error.with_operation(Operation::Get))
    }

    async fn get_many_with(
        &self,
        keys: &[OwnedKey],
        options: &ReadOptions,
    ) -> Result<Vec<Option<Entry>>> {
        self.get_rows(keys, options)
            .await
            .map_err(|error| error.with_operation(Operation::Get))
    }

    async fn scan_with(&self, range: &KeyRange, options: &ScanOptions) -> Result<Page> {
        self.scan_rows(range, options)
            .await
            .map_err(|error| error.with_operation(Operation::Scan))
    }

    fn sequence(&self) -> Option<Sequence> {
        self.inner.sequence()
    }
}

impl<R: Read> DedupStore<R> {
    async fn get_row(&self, key: Key<'_>, options: &ReadOptions) -> Result<Option<Entry>> {
        let mut patience = self.patience();
        let mut options = options;
        let fresh = self.shared.fresh();
        loop {
            let Some(stored) = self.inner.get_with(key, options).await? else {
                return Ok(None);
            };
            let form = self.shared.form(key, &stored)?;
            if let Form::Inline(value) = form {
                return Ok(Some(self.shared.entry(key, stored, value)));
            }
            let chunks = self.chunks([&form].into_iter(), options).await?;
            match missing_of(&form, &chunks) {
                None => {
                    let value = self.joined(form, &chunks).await;
                    let value = value.map_err(|error| error.with_key(key))?;
                    return Ok(Some(self.shared.entry(key, stored, value)));
                }
                Some(hash) => patience
                    .lose(hash, &stored)
                    .map_err(|error| error.with_key(key))?,
            }
            // A replica may have the row and not yet the chunk.
            options = &fresh;
        }
    }

    async fn get_rows(
        &self,
        keys: &[OwnedKey],
        options: &ReadOptions,
    ) -> Result<Vec<Option<Entry>>> {
        let rows = self.inner.get_many_with(keys, options).await?;
        let mut forms = Vec::with_capacity(rows.len());
        for (key, row) in keys.iter().zip(rows) {
            let key = key.as_key();
            let row = row.filter(|_| !self.shared.own.contain(key));
            forms.push(match row {
                Some(stored) => Some((self.shared.form(key, &stored)?, stored)),
                None => None,
            });
        }
        let all = forms.iter().flatten().map(|(form, _)| form);
        let chunks = self.chunks(all, options).await?;
        let mut entries = Vec::with_capacity(forms.len());
        for (key, form) in keys.iter().zip(forms) {
            let key = key.as_key();
            entries.push(match form {
                None => None,
                Some((form, _)) if self.is_live() && missing_of(&form, &chunks).is_some() => {
                    self.get_row(key, options).await?
                }
                Some((form, stored)) => {
                    let value = self.joined(form, &chunks).await;
                    let value = value.map_err(|error| error.with_key(key))?;
                    Some(self.shared.entry(key, stored, value))
                }
            });
        }
        Ok(entries)
    }

    async fn scan_rows(&self, range: &KeyRange, options: &ScanOptions) -> Result<Page> {
        let mut patience = self.patience();
        loop {
            let Some(visible) = self.shared.visible(range, options.direction) else {
                return Ok(Page::default());
            };
            let page = self.inner.scan_with(&visible.part, options).await?;
            if options.projection == Projection::Keys {
                return Ok(Page::new(page.items, visible.rest(page.next)));
            }
            match self.opened(page, &visible.part, options).await? {
                Opened::Page(page) => {
                    return Ok(Page::new(page.items, visible.rest(page.next)));
                }
                Opened::Missing { hash, key, row } => {
                    let key = Key::in_space(range.space(), &key);
                    patience
                        .lose(hash, &row)
                        .map_err(|error| error.with_key(key))?;
                }
            }
        }
    }

    /// A page of entries as they are above, of as many bytes as were asked for.
    async fn opened(&self, page: Page, range: &KeyRange, options: &ScanOptions) -> Result<Opened> {
        let space = range.space();
        let mut forms = Vec::with_capacity(page.items.len());
        for item in &page.items {
            let key = Key::in_space(space, &item.key);
            forms.push(self.shared.form(key, &item.entry)?);
        }
        let lengths: Vec<_> = forms.iter().map(Form::length).collect();
        let page = page::cut(page, &lengths, range, options);
        forms.truncate(page.items.len());
        let read = ReadOptions::new();
        let read = match options.consistency {
            Some(consistency) => read.consistency(consistency),
            None => read,
        };
        let chunks = self.chunks(forms.iter(), &read).await?;
        let mut items = Vec::with_capacity(page.items.len());
        for (Item { key, entry, .. }, form) in page.items.into_iter().zip(forms) {
            if let Some(hash) = missing_of(&form, &chunks) {
                let row = entry;
                return Ok(Opened::Missing { hash, key, row });
            }
            let at = Key::in_space(space, &key);
            let value = self.joined(form, &chunks).await;
            let value = value.map_err(|error| error.with_key(at))?;
            let entry = self.shared.entry(at, entry, value);
            items.push(Item::new(key, entry));
        }
        Ok(Opened::Page(Page::new(items, page.next)))
    }

    /// The chunks that these rows refer to, as far as they are there.
    async fn chunks<'a>(
        &self,
        forms: impl Iterator<Item = &'a Form>,
        options: &ReadOptions,
    ) -> Result<Chunks> {
        let mut hashes: Vec<_> = forms
            .flat_map(Form::pieces)
            .map(|piece| piece.hash)
            .collect();
        if let [hash] = *hashes {
            let row = self.shared.rows.of(Kind::Chunk, hash);
            let found = self.inner.get_with(row.as_key(), options).await?;
            let found = found.map(|entry| (hash, entry.into_value()));
            return Ok(Arc::new(found.into_iter().collect()));
        }
        hashes.sort_unstable();
        hashes.dedup();
        if hashes.is_empty() {
            return Ok(Chunks::default());
        }
        let row = |hash: &ChunkHash| self.shared.rows.of(Kind::Chunk, *hash);
        let rows: Vec<_> = hashes.iter().map(row).collect();
        let found = self.inner.get_many_with(&rows, options).await?;
        let found = hashes.into_iter().zip(found);
        let found = found.filter_map(|(hash, entry)| Some((hash, entry?.into_value())));
        Ok(Arc::new(found.collect()))
    }

    /// The value that a row stands for.
    async fn joined(&self, form: Form, chunks: &Chunks) -> Result<Bytes> {
        match form {
            Form::Inline(value) => Ok(value),
            Form::Pieces(pieces) => {
                let bytes = pieces.iter().map(|piece| as_usize(piece.length)).sum();
                let chunks = Arc::clone(chunks);
                let join = move |shared: &Shared| shared.join(&pieces, &chunks);
                self.shared.work(bytes, join).await
            }
        }
    }

    fn is_live(&self) -> bool {
        matches!(self.view, View::Live(_))
    }

    fn patience(&self) -> Patience {
        Patience {
            alike_max: if self.is_live() { ALIKE_MAX } else { 0 },
            alike: 0,
            last: None,
        }
    }
}

type Chunks = Arc<HashMap<ChunkHash, Bytes>>;

/// What became of a page.
enum Opened {
    Page(Page),
    /// A chunk of this row is missing.
    Missing {
        hash: ChunkHash,
        key: Bytes,
        row: Entry,
    },
}

/// The first chunk of a row that is not among these.
fn missing_of(form: &Form, chunks: &Chunks) -> Option<ChunkHash> {
    let mut hashes = form.pieces().iter().map(|piece| piece.hash);
    hashes.find(|hash| !chunks.contains_key(hash))
}

/// Tells a row that changes from one that is damaged.
struct Patience {
    alike_max: u32,
    alike: u32,
    last: Option<Stamp>,
}

impl Patience {
    /// Takes note that a chunk of this row is missing.
    ///
    /// # Errors
    /// `Corrupt` if the row does not change.
    fn lose(&mut self, hash: ChunkHash, row: &Entry) -> Result<(), Error> {
        if self.last.as_ref().is_some_and(|last| row.has_stamp(last)) {
            self.alike += 1;
        } else {
            self.alike = 0;
            self.last = Some(row.stamp());
        }
        if self.alike >= self.alike_max {
            return Err(missing(hash));
        }
        Ok(())
    }
}
