//! Walking through a range of rows.

use std::{ops::Bound, sync::RwLockReadGuard};

use bytes::Bytes;
use sled::IVec;
use storage_core::{
    Direction, Entry, Item, KeyRange, Projection, Result,
    embedded::{Chunks, envelope, flat_key},
};

use crate::{
    error::from_sled,
    log::Log,
    rows::{PIECES, Pieces},
};

/// What is longer keeps the memory that it has in sled's pages.
const COPIED_BYTES_MAX: usize = 1 << 10;

/// The items of a range. No commit takes place while there are these.
pub(crate) struct Items<'a> {
    log: &'a Log,
    rows: sled::Iter,
    direction: Direction,
    projection: Projection,
    chunks: Chunks,
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
            chunks: Chunks::default(),
            has_failed: false,
            _whole: whole,
        }
    }

    fn item(&mut self, key: &IVec, stored: IVec) -> Result<Item> {
        self.log.keep_up()?;
        let key = key.get(flat_key::OVERHEAD_BYTES..).unwrap_or_default();
        let entry = match (Pieces::of(&stored)?, self.projection) {
            (Some(pieces), Projection::Keys) => Entry::without_value(pieces.expires()?),
            (None, Projection::Keys) => Entry::without_value(envelope::expires(&stored)?),
            (Some(pieces), Projection::Entries) => pieces.entry(self.log.db())?,
            (None, Projection::Entries) if stored.len() <= COPIED_BYTES_MAX => {
                let (key, stored) = self.chunks.copy(key, &stored);
                return Ok(Item::new(key, envelope::open(stored)?));
            }
            (None, Projection::Entries) => envelope::open(bytes(stored))?,
        };
        Ok(Item::new(self.chunks.copy_one(key), entry))
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

/// The entry of a stored row, while no commit takes place if it is in pieces.
pub(crate) fn entry(log: &Log, stored: IVec) -> Result<Entry> {
    match Pieces::of(&stored)? {
        Some(pieces) => pieces.entry(log.db()),
        None => envelope::open(bytes(stored)),
    }
}

/// The bytes of a value of sled's.
pub(crate) fn bytes(stored: IVec) -> Bytes {
    Bytes::from_owner(stored)
}
