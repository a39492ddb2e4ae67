//! Comparing the answers of reads with the oracle.

use storage_core::{
    Capabilities, Direction, Entry, KeyRange, OwnedKey, Page, Projection, Read, ReadExt,
    ScanOptions, ScanOrder, Timestamp,
};

use super::oracle::{Oracle, Row};
use crate::{
    CaseResult,
    failure::{ensure, ensure_eq},
    fixture::{check_page, system_keys},
};

/// What a read should be compared with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Truth<'a> {
    pub(crate) oracle: &'a Oracle,
    pub(crate) now: Timestamp,
    pub(crate) capabilities: &'a Capabilities,
}

impl Truth<'_> {
    /// Compares everything that `reader` holds.
    pub(crate) async fn check_all<R: Read>(&self, reader: &R, what: &str) -> CaseResult {
        for range in [KeyRange::all(), system_keys().range()] {
            self.check_scan(reader, &range, &ScanOptions::new())
                .await
                .map_err(|failure| failure.within(what))?;
        }
        Ok(())
    }

    /// Walks through `range` and compares each page.
    pub(crate) async fn check_scan<R: Read>(
        &self,
        reader: &R,
        range: &KeyRange,
        options: &ScanOptions,
    ) -> CaseResult {
        let mut rest = Some(range.clone());
        while let Some(range) = rest {
            rest = self.check_next_page(reader, &range, options).await?.next;
        }
        Ok(())
    }

    /// Reads one page of `range`, and checks it.
    pub(crate) async fn check_next_page<R: Read>(
        &self,
        reader: &R,
        range: &KeyRange,
        options: &ScanOptions,
    ) -> CaseResult<Page> {
        let page = reader.scan_with(range, options).await?;
        self.judge_page(&page, range, options)?;
        Ok(page)
    }

    /// Checks that a page of `range` and its rest are all there is.
    pub(crate) fn judge_page(
        &self,
        page: &Page,
        range: &KeyRange,
        options: &ScanOptions,
    ) -> CaseResult {
        check_page(page, range, options)?;
        let mut expected = self.oracle.live_in(range, self.now);
        if options.direction == Direction::Reverse {
            expected.reverse();
        }
        let (on_page, left): (Vec<_>, Vec<_>) = expected
            .into_iter()
            .partition(|(key, _)| page.items.iter().any(|item| item.key == *key.bytes()));
        ensure_eq!(
            page.items.len(),
            on_page.len(),
            "entries of {range:?} with {options:?}"
        );
        for (item, (key, row)) in page.items.iter().zip(&on_page) {
            ensure_eq!(item.key, *key.bytes(), "the order of {range:?}");
            ensure_eq!(item.entry.expires(), row.expires, "the expiry of {key:?}");
            if options.projection == Projection::Entries {
                ensure_eq!(*item.entry.value(), row.value, "the value of {key:?}");
            }
        }
        for (key, _) in &left {
            let follows = page
                .next
                .as_ref()
                .is_some_and(|next| next.contains(key.as_key()));
            ensure!(
                follows,
                "{key:?} is neither on the page nor in its rest {:?}",
                page.next
            );
            let skipped = self.capabilities.scan_order == ScanOrder::Ordered
                && page.items.iter().any(|item| match options.direction {
                    Direction::Forward => *key.bytes() < item.key,
                    Direction::Reverse => *key.bytes() > item.key,
                });
            ensure!(!skipped, "the page leaves out {key:?}");
        }
        ensure!(
            left.is_empty()
                || !page.items.is_empty()
                || self.oracle.has_expired_in(range, self.now),
            "an empty page of {range:?}, which has live entries and no expired ones"
        );
        Ok(())
    }

    /// Reads keys at once and one by one.
    pub(crate) async fn check_keys<R: Read>(&self, reader: &R, keys: &[OwnedKey]) -> CaseResult {
        let many = reader.get_many(keys).await?;
        ensure_eq!(many.len(), keys.len(), "answers of get_many");
        for (key, entry) in keys.iter().zip(many) {
            self.check_entry(key, entry.as_ref())?;
            let single = reader.get(key).await?;
            ensure_eq!(single, entry, "get and get_many of {key:?}");
        }
        Ok(())
    }

    /// Compares one answer.
    pub(crate) fn check_entry(&self, key: &OwnedKey, entry: Option<&Entry>) -> CaseResult {
        let row: Option<&Row> = self.oracle.live(key, self.now);
        ensure_eq!(
            entry.map(|entry| (entry.value(), entry.expires())),
            row.map(|row| (&row.value, row.expires)),
            "the entry of {key:?}"
        );
        Ok(())
    }
}
