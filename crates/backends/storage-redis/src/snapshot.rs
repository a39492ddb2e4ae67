//! Snapshots: there are none.

use storage_core::{
    Consistency, Entry, KeyRange, OwnedKey, Page, Result, ScanOptions, Timestamp,
    networked::EngineRead,
};
use tokio::time::Instant;

/// The snapshot of an engine that takes none: nobody can have one.
#[derive(Clone, Copy, Debug)]
pub enum NoSnapshot {}

impl EngineRead for NoSnapshot {
    async fn get_many(
        &self,
        _: &[OwnedKey],
        _: Option<Consistency>,
        _: Instant,
    ) -> Result<Vec<Option<Entry>>> {
        match *self {}
    }

    async fn scan(&self, _: &KeyRange, _: &ScanOptions, _: Timestamp, _: Instant) -> Result<Page> {
        match *self {}
    }
}
