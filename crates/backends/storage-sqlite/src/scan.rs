//! Scans that own the connection they run on.

use std::sync::MutexGuard;

use rusqlite::Connection;
use self_cell::self_cell;
use storage_core::{Direction, Item, KeyRange, Projection, Result, embedded::CachedItems};

use crate::{read::Cursor, readers::Lease, snapshot::Held};

/// The connection of a scan.
pub(crate) enum Source<'s> {
    /// Given back when the scan ends.
    Leased(Lease<'s>),
    /// Kept from others while the scan goes on.
    Held(MutexGuard<'s, Held>),
}

impl Source<'_> {
    fn connection(&self) -> Result<&Connection> {
        match self {
            Self::Leased(lease) => lease.connection(),
            Self::Held(held) => held.connection(),
        }
    }
}

self_cell!(
    struct Running<'s> {
        owner: Source<'s>,
        #[not_covariant]
        dependent: Cursor,
    }
);

/// The items of a range, of one state.
///
/// What makes an item of a row is compiled into its caller: copies of each item, from
/// one function's answer to the next one's, were 7 % of a scan's time.
pub(crate) struct Items<'s>(Running<'s>);

impl<'s> Items<'s> {
    pub(crate) fn begin(
        source: Source<'s>,
        range: &KeyRange,
        direction: Direction,
        projection: Projection,
    ) -> Result<Self> {
        Running::try_new(source, |source| {
            Cursor::begin(source.connection()?, range, direction, projection)
        })
        .map(Self)
    }

    /// The items, where there is a source; else word that it takes waiting.
    pub(crate) fn begin_if(
        source: Option<Source<'s>>,
        range: &KeyRange,
        direction: Direction,
        projection: Projection,
    ) -> Result<CachedItems<Self>> {
        source
            .map(|source| Self::begin(source, range, direction, projection))
            .transpose()
            .map(CachedItems::new)
    }
}

impl Iterator for Items<'_> {
    type Item = Result<Item>;

    #[expect(
        clippy::inline_always,
        reason = "else each item is copied in memory on its way"
    )]
    #[inline(always)]
    fn next(&mut self) -> Option<Result<Item>> {
        self.0.with_dependent_mut(|_, cursor| cursor.step())
    }
}
