//! Scans: RocksDB's iterator as items.

use rocksdb::DBRawIterator;
use storage_core::{
    Direction, Entry, Error, Item, Projection, Result,
    embedded::{Chunks, envelope, flat_key},
};

use crate::error::{from_rocks, would_wait};

/// The items of a range, in a direction.
pub(crate) struct Items<'a> {
    /// `None` once the scan has ended.
    iterator: Option<DBRawIterator<'a>>,
    has_begun: bool,
    direction: Direction,
    projection: Projection,
    chunks: Chunks,
}

/// Why an iterator stopped within its range.
enum Stopped {
    Failed(Error),
    WouldWait(Error),
}

impl<'a> Items<'a> {
    /// The items within the bounds of `iterator`.
    pub(crate) fn new(
        iterator: DBRawIterator<'a>,
        direction: Direction,
        projection: Projection,
    ) -> Self {
        Self {
            iterator: Some(iterator),
            has_begun: false,
            direction,
            projection,
            chunks: Chunks::default(),
        }
    }

    pub(crate) fn none() -> Self {
        Self {
            iterator: None,
            has_begun: true,
            direction: Direction::Forward,
            projection: Projection::Keys,
            chunks: Chunks::default(),
        }
    }

    /// The items, for an iterator that may wait for a disk.
    pub(crate) fn waiting(mut self) -> impl Iterator<Item = Result<Item>> + use<'a> {
        std::iter::from_fn(move || {
            Some(self.advance()?.map_err(|stopped| match stopped {
                Stopped::Failed(error) | Stopped::WouldWait(error) => error,
            }))
        })
    }

    /// The items, and `None` where the iterator would have to wait.
    pub(crate) fn cached(mut self) -> impl Iterator<Item = Option<Result<Item>>> + use<'a> {
        std::iter::from_fn(move || {
            Some(match self.advance()? {
                Ok(item) => Some(Ok(item)),
                Err(Stopped::Failed(error)) => Some(Err(error)),
                Err(Stopped::WouldWait(_)) => None,
            })
        })
    }

    /// The next item. After an error there are no more.
    fn advance(&mut self) -> Option<Result<Item, Stopped>> {
        let iterator = self.iterator.as_mut()?;
        match (self.direction, self.has_begun) {
            (Direction::Forward, false) => iterator.seek_to_first(),
            (Direction::Forward, true) => iterator.next(),
            (Direction::Reverse, false) => iterator.seek_to_last(),
            (Direction::Reverse, true) => iterator.prev(),
        }
        self.has_begun = true;
        let next = match iterator.item() {
            Some((key, stored)) => {
                item(key, stored, self.projection, &mut self.chunks).map_err(Stopped::Failed)
            }
            None => Err(stopped(iterator.status().err()?)),
        };
        if next.is_err() {
            self.iterator = None;
        }
        Some(next)
    }
}

fn stopped(error: rocksdb::Error) -> Stopped {
    if would_wait(&error) {
        Stopped::WouldWait(from_rocks(error))
    } else {
        Stopped::Failed(from_rocks(error))
    }
}

/// An item, copied once.
fn item(key: &[u8], stored: &[u8], projection: Projection, chunks: &mut Chunks) -> Result<Item> {
    let key = key.get(flat_key::OVERHEAD_BYTES..).unwrap_or_default();
    Ok(match projection {
        Projection::Entries => {
            let (key, stored) = chunks.copy(key, stored);
            Item::new(key, envelope::open(stored)?)
        }
        Projection::Keys => {
            let expires = envelope::expires(stored)?;
            Item::new(chunks.copy_one(key), Entry::without_value(expires))
        }
    })
}
