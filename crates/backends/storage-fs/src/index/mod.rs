//! The index: which version each key has, in memory, in the order of keys.
//!
//! It is a persistent map of [pages](page): a clone shares all pages and takes
//! no time, and whoever changes an index copies only the page that the change
//! is in, if somebody else has it too. That makes snapshots.
//! `docs/decisions/0022-fs-index.md` gives the figures.

mod entries;
mod page;
#[cfg(test)]
mod tests;
mod totals;

use std::{ops::Bound, sync::Arc};

use imbl::OrdMap;

pub(crate) use self::{entries::Entries, page::Page, totals::Totals};
use crate::version::Version;

/// A page holds the keys from its fence up to the fence of the next.
type Pages = OrdMap<Arc<[u8]>, Page>;

/// An ordered map of keys to versions. Clones are independent of each other.
#[derive(Clone, Debug, Default)]
pub(crate) struct Index {
    // INVARIANT: unless it is empty, one fence is the empty key.
    pages: Pages,
    totals: Totals,
    page_bytes: usize,
}

impl Index {
    pub(crate) const fn totals(&self) -> &Totals {
        &self.totals
    }

    /// Roughly what the index takes in memory.
    pub(crate) fn memory_bytes(&self) -> usize {
        /// The allocations of a page and of its fence, and their places in the
        /// map.
        const BESIDE_PAGE_BYTES: usize = 136;
        self.page_bytes + self.pages.len() * BESIDE_PAGE_BYTES
    }

    pub(crate) fn get(&self, key: &[u8]) -> Option<Version> {
        let (_, page) = self.pages.get_prev(key)?;
        page.get(key)
    }

    /// Sets the version of a key, and gives the one before it.
    pub(crate) fn put(&mut self, key: &[u8], version: &Version) -> Option<Version> {
        self.totals.add(version);
        let (fence, page) = self.page_of(key);
        let edit = page.edit(key, Some(version));
        let cut = if edit.bytes.len() <= Page::BYTES_MAX {
            None
        } else if edit.is_last {
            // Keys that come in order leave full pages behind.
            page::split(&edit.bytes, edit.place)
        } else {
            page::split(&edit.bytes, edit.bytes.len() / 2)
        };
        self.page_bytes -= page.bytes().len();
        match cut {
            None => self.keep(fence, Page::new(&edit.bytes)),
            Some((first, key, second)) => {
                self.keep(fence, first);
                self.keep(key.into(), second);
            }
        }
        self.forget(edit.old)
    }

    /// Removes a key, and gives its version.
    pub(crate) fn remove(&mut self, key: &[u8]) -> Option<Version> {
        let (fence, page) = self.page_of(key);
        let edit = page.edit(key, None);
        edit.old?;
        self.page_bytes -= page.bytes().len();
        let bytes = self.joined(&fence, edit.bytes);
        if bytes.is_empty() && !fence.is_empty() {
            self.pages.remove(&fence);
        } else {
            self.keep(fence, Page::new(&bytes));
        }
        self.forget(edit.old)
    }

    /// Adds a page whose entries come after all others. `None`, and no change,
    /// if they do not.
    pub(crate) fn push(&mut self, page: Page, first: Vec<u8>, totals: &Totals) -> Option<()> {
        let is_after = self.last_key().is_none_or(|last| last < first);
        is_after.then(|| {
            let fence = if self.pages.is_empty() {
                Vec::new()
            } else {
                first
            };
            self.keep(fence.into(), page);
            self.totals.add_all(totals);
        })
    }

    /// All pages that have entries, in order.
    pub(crate) fn pages(&self) -> impl Iterator<Item = &Page> {
        let pages = self.pages.iter().map(|(_, page)| page);
        pages.filter(|page| !page.bytes().is_empty())
    }

    /// Calls `look` with every key and its version, in order.
    pub(crate) fn for_each(&self, mut look: impl FnMut(&[u8], &Version)) {
        for page in self.pages() {
            let mut walk = page.walk();
            while let Some(version) = walk.next() {
                look(walk.key(), &version);
            }
        }
    }

    fn page_of(&self, key: &[u8]) -> (Arc<[u8]>, Page) {
        self.pages
            .get_prev(key)
            .map_or_else(Default::default, |(fence, page)| {
                (Arc::clone(fence), page.clone())
            })
    }

    fn keep(&mut self, fence: Arc<[u8]>, page: Page) {
        self.page_bytes += page.bytes().len();
        self.pages.insert(fence, page);
    }

    fn forget(&mut self, old: Option<Version>) -> Option<Version> {
        if let Some(old) = &old {
            self.totals.subtract(old);
        }
        old
    }

    /// The bytes of the page at `fence`, with the page after it taken in if both
    /// are small.
    fn joined(&mut self, fence: &Arc<[u8]>, bytes: Vec<u8>) -> Vec<u8> {
        if bytes.len() > Page::BYTES_MIN {
            return bytes;
        }
        let after: (Bound<&[u8]>, Bound<&[u8]>) = (Bound::Excluded(fence), Bound::Unbounded);
        let next = self.pages.range::<_, [u8]>(after).next();
        let Some((next_fence, next)) = next.map(|(fence, page)| (Arc::clone(fence), page.clone()))
        else {
            return bytes;
        };
        // Room is left, so that the next put does not split it again.
        if bytes.len() + next.bytes().len() > Page::BYTES_MAX * 3 / 4 {
            return bytes;
        }
        self.pages.remove(&next_fence);
        self.page_bytes -= next.bytes().len();
        page::join(bytes, &next)
    }

    fn last_key(&self) -> Option<Vec<u8>> {
        let (_, page) = self.pages.get_max()?;
        let mut walk = page.walk();
        walk.next()?;
        while walk.next().is_some() {}
        Some(walk.key().to_vec())
    }
}
