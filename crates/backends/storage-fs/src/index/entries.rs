//! Entries of a range of an index, one after the other.

use std::{ops::Bound, sync::Arc};

use bytes::Bytes;
use storage_core::Direction;

use super::{Index, Page};
use crate::version::Version;

/// Walks through a range of an index, which it keeps as it is. A page is
/// unpacked at a time.
#[derive(Debug)]
pub(crate) struct Entries {
    index: Index,
    start: Bound<Vec<u8>>,
    end: Bound<Vec<u8>>,
    direction: Direction,
    /// The fence of the page to unpack next.
    next: Option<Arc<[u8]>>,
    unpacked: std::vec::IntoIter<(Bytes, Version)>,
}

impl Entries {
    pub(crate) fn new(
        index: Index,
        (start, end): (Bound<Vec<u8>>, Bound<Vec<u8>>),
        direction: Direction,
    ) -> Self {
        let first = match direction {
            Direction::Forward => match &start {
                Bound::Included(key) | Bound::Excluded(key) => index.pages.get_prev(&**key),
                Bound::Unbounded => index.pages.get_min().map(|(fence, page)| (fence, page)),
            },
            Direction::Reverse => match &end {
                Bound::Included(key) | Bound::Excluded(key) => index.pages.get_prev(&**key),
                Bound::Unbounded => index.pages.get_max().map(|(fence, page)| (fence, page)),
            },
        };
        let next = first.map(|(fence, _)| Arc::clone(fence));
        Self {
            index,
            start,
            end,
            direction,
            next,
            unpacked: Vec::new().into_iter(),
        }
    }

    /// Unpacks the next page, and finds the one after it.
    fn unpack(&mut self, fence: &Arc<[u8]>) {
        let pages = &self.index.pages;
        let beyond: (Bound<&[u8]>, Bound<&[u8]>) = match self.direction {
            Direction::Forward => (Bound::Excluded(fence), Bound::Unbounded),
            Direction::Reverse => (Bound::Unbounded, Bound::Excluded(fence)),
        };
        let following = match self.direction {
            Direction::Forward => pages.range::<_, [u8]>(beyond).next(),
            Direction::Reverse => pages.range::<_, [u8]>(beyond).next_back(),
        };
        self.next = following.map(|(fence, _)| Arc::clone(fence));
        let mut unpacked = pages
            .get(&**fence)
            .map_or_else(Vec::new, |page| self.within(page));
        if self.direction == Direction::Reverse {
            unpacked.reverse();
        }
        if unpacked.is_empty() && self.is_past(fence) {
            self.next = None;
        }
        self.unpacked = unpacked.into_iter();
    }

    fn within(&self, page: &Page) -> Vec<(Bytes, Version)> {
        let mut entries = Vec::new();
        let mut walk = page.walk();
        while let Some(version) = walk.next() {
            let key = walk.key();
            if !is_behind(key, &self.start) {
                continue;
            }
            if !is_before(key, &self.end) {
                break;
            }
            entries.push((Bytes::copy_from_slice(key), version));
        }
        entries
    }

    /// Whether the page at `fence` and all that follow lie outside the range.
    fn is_past(&self, fence: &[u8]) -> bool {
        match self.direction {
            Direction::Forward => !is_before(fence, &self.end),
            // The page may begin before the range and end in it.
            Direction::Reverse => !is_behind(fence, &self.start),
        }
    }
}

impl Iterator for Entries {
    type Item = (Bytes, Version);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(entry) = self.unpacked.next() {
                return Some(entry);
            }
            let fence = self.next.take()?;
            self.unpack(&fence);
        }
    }
}

fn is_behind(key: &[u8], start: &Bound<Vec<u8>>) -> bool {
    match start {
        Bound::Included(start) => key >= &**start,
        Bound::Excluded(start) => key > &**start,
        Bound::Unbounded => true,
    }
}

fn is_before(key: &[u8], end: &Bound<Vec<u8>>) -> bool {
    match end {
        Bound::Included(end) => key <= &**end,
        Bound::Excluded(end) => key < &**end,
        Bound::Unbounded => true,
    }
}
