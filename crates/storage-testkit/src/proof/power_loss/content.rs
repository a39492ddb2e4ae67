//! The bytes of one file, holes left out.

use std::{collections::BTreeMap, ops::Range, sync::Arc};

/// The unit in which bytes are kept. Whole sectors fit in it.
pub(super) const PAGE_BYTES: u64 = 4096;

type Page = [u8; 4096];

/// The bytes of a file. Clones share their pages until one changes them.
///
/// Bytes may lie beyond the size: a disk can have taken the data of a write and
/// not the new size. Nobody sees them unless the size grows over them.
#[derive(Clone, Debug, Default)]
pub(super) struct Content {
    pages: BTreeMap<u64, Arc<Page>>,
    size: u64,
}

impl Content {
    pub(super) const fn size(&self) -> u64 {
        self.size
    }

    /// Puts bytes in their place and leaves the size as it is.
    pub(super) fn put(&mut self, offset: u64, bytes: &[u8]) {
        for (offset, piece) in pieces(offset, bytes, PAGE_BYTES) {
            let page = self
                .pages
                .entry(offset / PAGE_BYTES)
                .or_insert_with(|| Arc::new([0; 4096]));
            let start = position(offset % PAGE_BYTES);
            let place = Arc::make_mut(page).get_mut(start..start.saturating_add(piece.len()));
            if let Some(place) = place {
                place.copy_from_slice(piece);
            }
        }
    }

    /// Makes the file at least so long.
    pub(super) fn extend(&mut self, size: u64) {
        self.size = self.size.max(size);
    }

    /// Gives the file this size; what is cut off is gone.
    pub(super) fn resize(&mut self, size: u64) {
        self.zero(size..u64::MAX);
        self.size = size;
    }

    /// Turns a range into zeros.
    pub(super) fn zero(&mut self, range: Range<u64>) {
        let first = range.start / PAGE_BYTES;
        self.pages.retain(|index, page| {
            let start = index.saturating_mul(PAGE_BYTES);
            let end = start.saturating_add(PAGE_BYTES);
            if *index < first || start >= range.end {
                return true;
            }
            if range.start <= start && end <= range.end {
                return false;
            }
            let from = position(range.start.saturating_sub(start));
            let to = position(range.end.min(end).saturating_sub(start));
            if let Some(part) = Arc::make_mut(page).get_mut(from..to) {
                part.fill(0);
            }
            true
        });
    }

    /// What lies within the size, as runs of bytes; all else is zeros.
    pub(super) fn runs(&self) -> impl Iterator<Item = (u64, &[u8])> {
        self.pages.iter().filter_map(|(index, page)| {
            let offset = index.saturating_mul(PAGE_BYTES);
            let visible = position(self.size.saturating_sub(offset).min(PAGE_BYTES));
            let bytes = page.get(..visible)?;
            bytes
                .iter()
                .any(|byte| *byte != 0)
                .then_some((offset, bytes))
        })
    }
}

impl PartialEq for Content {
    fn eq(&self, other: &Self) -> bool {
        self.size == other.size && self.runs().eq(other.runs())
    }
}

/// Cuts bytes that begin at `offset` where a multiple of `unit` lies.
pub(super) fn pieces(offset: u64, bytes: &[u8], unit: u64) -> impl Iterator<Item = (u64, &[u8])> {
    let mut rest = bytes;
    let mut offset = offset;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let room = position(unit.saturating_sub(offset % unit));
        let (piece, after) = rest.split_at(room.min(rest.len()));
        let start = offset;
        offset = offset.saturating_add(length(piece));
        rest = after;
        Some((start, piece))
    })
}

/// The length of bytes as files count it.
pub(super) fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

/// A place within a page.
fn position(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(content: &Content) -> Vec<u8> {
        let mut bytes = vec![0; position(content.size())];
        for (offset, run) in content.runs() {
            let start = position(offset);
            bytes[start..start + run.len()].copy_from_slice(run);
        }
        bytes
    }

    #[test]
    fn bytes_beyond_the_size_are_seen_when_it_grows_over_them() {
        let mut content = Content::default();
        content.put(2, b"ab");
        assert_eq!(text(&content), b"");
        content.extend(5);
        assert_eq!(text(&content), b"\0\0ab\0");
    }

    #[test]
    fn what_was_cut_off_does_not_come_back() {
        let mut content = Content::default();
        content.put(0, b"abcdef");
        content.extend(6);
        content.resize(2);
        content.resize(4);
        assert_eq!(text(&content), b"ab\0\0");
    }

    #[test]
    fn a_large_hole_takes_no_pages() {
        let mut content = Content::default();
        content.resize(64 << 20);
        content.put(8192, b"x");
        assert_eq!(content.pages.len(), 1);
        content.zero(0..64 << 20);
        assert_eq!(content.pages.len(), 0);
        assert_eq!(content.size(), 64 << 20);
    }

    #[test]
    fn bytes_across_a_page_border_come_back_whole() {
        let bytes: Vec<u8> = (0..10_000_u32)
            .map(|byte| u8::try_from(byte % 251).unwrap())
            .collect();
        let mut content = Content::default();
        content.put(0, &bytes);
        content.extend(10_000);
        assert_eq!(text(&content), bytes);
        content.zero(4000..4200);
        assert_eq!(text(&content)[..4000], bytes[..4000]);
        assert_eq!(text(&content)[4000..4200], [0; 200]);
        assert_eq!(text(&content)[4200..], bytes[4200..]);
    }
}
