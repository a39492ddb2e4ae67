//! What a copy and a digest go through: all entries but those of core.

use crate::{
    Count, Item, Key, KeyRange, OwnedKey, Read, ReadExt, Result, Scan, ScanOptions, Space,
    layer::is_core_key,
};

/// The entries of both spaces, the system space first, without the rows that
/// core keeps of the store itself.
pub(super) fn entries<R: Read>(view: &R) -> Entries<'_, R> {
    let [system, user] = both_spaces().map(|range| Part {
        space: range.space(),
        items: view.scan(range, ScanOptions::new()),
    });
    Entries {
        current: system,
        rest: Some(user),
    }
}

/// Both spaces, in the order of a copy.
pub(super) fn both_spaces() -> [KeyRange; 2] {
    [Space::System, Space::User].map(|space| KeyRange::all().in_space(space))
}

/// A walk through [`entries`].
pub(super) struct Entries<'a, R: Read> {
    current: Part<'a, R>,
    rest: Option<Part<'a, R>>,
}

struct Part<'a, R: Read> {
    space: Space,
    items: Scan<'a, R>,
}

impl<R: Read> Entries<'_, R> {
    /// The next entry; `None` at the end.
    ///
    /// # Errors
    /// As for [`Read`].
    pub(super) async fn next(&mut self) -> Result<Option<(OwnedKey, Item)>> {
        loop {
            let space = self.current.space;
            while let Some(item) = self.current.items.next().await? {
                if !is_core_key(Key::in_space(space, &item.key)) {
                    let key = OwnedKey::in_space(space, item.key.clone());
                    return Ok(Some((key, item)));
                }
            }
            match self.rest.take() {
                Some(part) => self.current = part,
                None => return Ok(None),
            }
        }
    }
}

impl Count {
    /// Counts one more entry, of `bytes`.
    pub(super) fn add(&mut self, bytes: usize) {
        self.entries += 1;
        self.bytes += u64::try_from(bytes).unwrap_or(u64::MAX);
    }
}
