//! Walking through a range of rows.

use std::{ops::Bound, sync::RwLockReadGuard};

use bytes::{Bytes, BytesMut};
use sled::IVec;
use storage_core::{
    Direction, Entry, Item, KeyRange, Projection, Result, Stamp,
    embedded::{envelope, flat_key},
};

use crate::{
    error::from_sled,
    log::Log,
    rows::{PIECES, Pieces},
};

/// What is longer keeps the memory that it has in sled's pages.
const COPIED_BYTES_MAX: usize = 64;

/// The room for keys and short values that is made at once. Whoever keeps one
/// of them keeps all that share it.
const SHELF_BYTES: usize = 4 << 10;

/// The items of a range. No commit takes place while there are these.
pub(crate) struct Items<'a> {
    log: &'a Log,
    rows: sled::Iter,
    direction: Direction,
    projection: Projection,
    shelf: BytesMut,
    /// Whether sled has failed to go on: asked again, it fails again.
    has_failed: bool,
    _whole: RwLockReadGuard<'a, ()>,
}

impl<'a> Items<'a> {
    pub(crate) fn new(
        log: &'a Log,
        range: &KeyRange,
        direction: Direction,
        projection: Projection,
        whole: RwLockReadGuard<'a, ()>,
    ) -> Self {
        let (start, end) = flat_key::bounds(range);
        // Behind the user space there are pieces.
        let end = match end {
            Bound::Unbounded => Bound::Excluded(vec![PIECES]),
            end => end,
        };
        Self {
            log,
            rows: log.db().range::<Vec<u8>, _>((start, end)),
            direction,
            projection,
            shelf: BytesMut::new(),
            has_failed: false,
            _whole: whole,
        }
    }

    fn item(&mut self, key: &IVec, stored: IVec) -> Result<Item> {
        self.log.keep_up()?;
        let key = key.get(flat_key::OVERHEAD_BYTES..).unwrap_or_default();
        if Pieces::of(&stored)?.is_none()
            && self.projection == Projection::Entries
            && stored.len() <= COPIED_BYTES_MAX
        {
            let mut kept = self.kept(key, &stored);
            let key = kept.split_to(key.len());
            return Ok(Item::new(key, envelope::open(kept)?));
        }
        let entry = match self.projection {
            Projection::Entries => entry(self.log, stored)?,
            Projection::Keys => entry_without_value(stored)?,
        };
        Ok(Item::new(self.kept(key, &[]), entry))
    }

    /// A copy of both, beside others: to make room for each would take longer
    /// than all the rest.
    fn kept(&mut self, key: &[u8], stored: &[u8]) -> Bytes {
        let bytes = key.len() + stored.len();
        if self.shelf.capacity() < bytes {
            self.shelf = BytesMut::with_capacity(SHELF_BYTES.max(bytes));
        }
        self.shelf.extend_from_slice(key);
        self.shelf.extend_from_slice(stored);
        self.shelf.split().freeze()
    }
}

impl Iterator for Items<'_> {
    type Item = Result<Item>;

    fn next(&mut self) -> Option<Result<Item>> {
        if self.has_failed {
            return None;
        }
        let row = match self.direction {
            Direction::Forward => self.rows.next(),
            Direction::Reverse => self.rows.next_back(),
        }?;
        Some(match row {
            Ok((key, stored)) => self.item(&key, stored),
            Err(error) => {
                self.has_failed = true;
                Err(from_sled(error))
            }
        })
    }
}

/// The items of a range, or nothing where they would have to wait for a commit.
pub(crate) struct ItemsNow<'a>(pub(crate) Option<Items<'a>>);

impl Iterator for ItemsNow<'_> {
    type Item = Option<Result<Item>>;

    fn next(&mut self) -> Option<Option<Result<Item>>> {
        match &mut self.0 {
            Some(items) => items.next().map(Some),
            None => Some(None),
        }
    }
}

/// The entry of a stored row, while no commit takes place if it is in pieces.
pub(crate) fn entry(log: &Log, stored: IVec) -> Result<Entry> {
    match Pieces::of(&stored)? {
        Some(pieces) => pieces.entry(log.db()),
        None => envelope::open(bytes(stored)),
    }
}

/// The same without its value and stamp, as a scan of keys returns it.
fn entry_without_value(stored: IVec) -> Result<Entry> {
    let head = match Pieces::of(&stored)? {
        Some(pieces) => pieces.head()?,
        None => envelope::open(bytes(stored))?,
    };
    Ok(Entry::new(Bytes::new(), head.expires, Stamp::none()))
}

/// The bytes of a value of sled's.
pub(crate) fn bytes(stored: IVec) -> Bytes {
    Bytes::from_owner(stored)
}
