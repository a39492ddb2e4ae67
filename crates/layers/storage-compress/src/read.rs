//! Reading: what lies below, decoded.

use storage_core::{
    Entry, Key, KeyRange, Operation, OwnedKey, Page, Projection, Read, ReadOptions, Result,
    ScanOptions, ScanOrder, Sequence, layer::page,
};

use crate::{
    CompressStore, dictionary,
    namespaces::prefix_of,
    shared::{Shared, Worker},
};

// A wrapper that relied on a default method would forget to forward it.
#[deny(clippy::missing_trait_methods)]
impl<R: Read> Read for CompressStore<R> {
    async fn get_with(&self, key: Key<'_>, options: &ReadOptions) -> Result<Option<Entry>> {
        match self.inner.get_with(key, options).await? {
            Some(stored) => self
                .opened(key, stored)
                .await
                .map(Some)
                .map_err(|error| error.with_operation(Operation::Get)),
            None => Ok(None),
        }
    }

    async fn get_many_with(
        &self,
        keys: &[OwnedKey],
        options: &ReadOptions,
    ) -> Result<Vec<Option<Entry>>> {
        let stored = self.inner.get_many_with(keys, options).await?;
        self.opened_many(keys, stored)
            .await
            .map_err(|error| error.with_operation(Operation::Get))
    }

    async fn scan_with(&self, range: &KeyRange, options: &ScanOptions) -> Result<Page> {
        let page = self.inner.scan_with(range, options).await?;
        if options.projection == Projection::Keys {
            return Ok(page);
        }
        self.opened_page(page, range, options)
            .await
            .map_err(|error| error.with_operation(Operation::Scan))
    }

    fn sequence(&self) -> Option<Sequence> {
        self.inner.sequence()
    }
}

impl<R: Read> CompressStore<R> {
    /// Reads the dictionary that a stored entry needs, unless it is in memory.
    ///
    /// # Errors
    /// `Corrupt`, with its id and the namespace, if it is missing or damaged; as for the
    /// store below.
    async fn load(&self, key: Key<'_>, stored: &Entry) -> Result<()> {
        let known = &self.shared.known;
        if let Some(id) = self.shared.lacks(key, stored, known)? {
            let found = dictionary::one(&*self.inner, id).await?;
            let found = found.map_err(|lack| lack.error(id, prefix_of(key)).with_key(key))?;
            known.add(found);
        }
        Ok(())
    }

    async fn opened(&self, key: Key<'_>, stored: Entry) -> Result<Entry> {
        let shared = &self.shared;
        let length = shared.length(key, &stored)?;
        self.load(key, &stored).await?;
        let worker = shared.decodes(1, length);
        if worker == Worker::Caller {
            return shared.open(key, stored);
        }
        let key = key.to_owned();
        let open = move |shared: &Shared| shared.open(key.as_key(), stored);
        shared.work(worker, open).await
    }

    async fn opened_many(
        &self,
        keys: &[OwnedKey],
        stored: Vec<Option<Entry>>,
    ) -> Result<Vec<Option<Entry>>> {
        let mut bytes = 0_usize;
        for (key, entry) in keys.iter().zip(&stored) {
            if let Some(entry) = entry {
                let length = self.shared.length(key.as_key(), entry)?;
                bytes = bytes.saturating_add(length);
                self.load(key.as_key(), entry).await?;
            }
        }
        let stored: Vec<_> = keys.iter().cloned().zip(stored).collect();
        let worker = self.shared.decodes(stored.len(), bytes);
        self.shared
            .work(worker, |shared| shared.open_many(stored))
            .await
    }

    /// A page of entries as they are above, of as many bytes as were asked for: what is
    /// compressed says less of how long a page is.
    async fn opened_page(
        &self,
        mut page: Page,
        range: &KeyRange,
        options: &ScanOptions,
    ) -> Result<Page> {
        let space = range.space();
        let mut lengths = self.shared.lengths(space, &page)?;
        if self.shared.capabilities.scan_order == ScanOrder::Ordered {
            page = page::cut(page, &lengths, range, options);
        } else {
            // Where the range goes on cannot be told from the last key.
            let fitting = page::fitting(&page, &lengths, options.bytes_max);
            if fitting < page.items.len() {
                let fewer = options.clone().entries_max(fitting);
                page = self.inner.scan_with(range, &fewer).await?;
                lengths = self.shared.lengths(space, &page)?;
            }
        }
        for item in &page.items {
            self.load(Key::in_space(space, &item.key), &item.entry)
                .await?;
        }
        let bytes = lengths.iter().take(page.items.len()).sum();
        let worker = self.shared.decodes(page.items.len(), bytes);
        self.shared
            .work(worker, move |shared| shared.open_page(space, page))
            .await
    }
}
