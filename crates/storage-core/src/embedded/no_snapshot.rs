//! The snapshot of engines that have none.

use super::EngineRead;
use crate::{Direction, Entry, Item, Key, KeyRange, Projection, Result};

/// What an engine without snapshots names as its
/// [`Snapshot`](super::Engine::Snapshot): there is no value of it.
#[derive(Clone, Copy, Debug)]
pub enum NoSnapshot {}

impl EngineRead for NoSnapshot {
    fn get(&self, _: Key<'_>) -> Result<Option<Entry>> {
        match *self {}
    }

    fn scan(
        &self,
        _: &KeyRange,
        _: Direction,
        _: Projection,
    ) -> Result<impl Iterator<Item = Result<Item>>> {
        match *self {}
        #[expect(unreachable_code, reason = "the type of the iterator has to be named")]
        Ok(std::iter::empty())
    }
}
