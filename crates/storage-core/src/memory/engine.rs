//! The engine behind memory stores.

use std::{
    fmt,
    num::NonZeroUsize,
    sync::{PoisonError, RwLock},
};

use super::snapshot::MemorySnapshot;
use crate::{
    BatchScope, Capabilities, CrashOrder, Description, Direction, Durability, Entry, Error,
    ErrorKind, Health, Item, Key, KeyRange, OwnedKey, Projection, ReadSupport, Result, ScanOrder,
    SequenceScope, SnapshotSupport, Stats, Support,
    embedded::{Change, ChangeForm, Engine, EngineRead, ReadPolicy},
};

/// Changes of more than this many parts are applied to a copy, so that no
/// reader waits for them.
const IN_PLACE_CHANGES_MAX: usize = 64;

/// Scans of more than this many entries run on the pool.
const INLINE_ENTRIES_MAX: NonZeroUsize = NonZeroUsize::new(1_024).unwrap();

/// An ordered map in memory.
#[derive(Default)]
pub struct MemoryEngine {
    current: RwLock<MemorySnapshot>,
}

impl MemoryEngine {
    fn with_current<T>(&self, read: impl FnOnce(&MemorySnapshot) -> T) -> T {
        read(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl EngineRead for MemoryEngine {
    fn get(&self, key: Key<'_>) -> Result<Option<Entry>> {
        self.with_current(|current| current.get(key))
    }

    fn get_many(&self, keys: &[OwnedKey]) -> Result<Vec<Option<Entry>>> {
        self.with_current(|current| current.get_many(keys))
    }

    fn scan(
        &self,
        range: &KeyRange,
        direction: Direction,
        projection: Projection,
    ) -> Result<impl Iterator<Item = Result<Item>>> {
        let current = self.with_current(MemorySnapshot::clone);
        Ok(current.into_scan(range, direction, projection))
    }
}

impl Engine for MemoryEngine {
    type Snapshot = MemorySnapshot;

    fn describe(&self) -> Description {
        Description::of_engine("memory", "")
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            batch: BatchScope::Store,
            batch_operations_max: 1 << 24,
            batch_bytes_max: 1 << 30,
            guards: Support::Supported,
            range_deletes: Support::Supported,
            expiry: Support::Supported,
            snapshots: SnapshotSupport::Unlimited,
            scan_order: ScanOrder::Ordered,
            reads: ReadSupport::Linearizable,
            durability_min: Durability::Volatile,
            durability_max: Durability::Volatile,
            crash_order: CrashOrder::Suffix,
            sequence: SequenceScope::Process,
            key_bytes_max: 1 << 16,
            value_bytes_max: 512 << 20,
        }
    }

    fn read_policy(&self) -> ReadPolicy {
        ReadPolicy::Inline {
            entries_max: INLINE_ENTRIES_MAX,
        }
    }

    fn change_form(&self) -> ChangeForm {
        ChangeForm::Ordered
    }

    fn apply(&self, changes: Vec<Change>, _: Durability) -> Result<()> {
        let is_small = changes.len() <= IN_PLACE_CHANGES_MAX
            && !changes
                .iter()
                .any(|change| matches!(change, Change::DeleteRange(_)));
        if is_small {
            let mut next = self.current.write().unwrap_or_else(PoisonError::into_inner);
            next.apply(changes);
        } else {
            let mut next = self.with_current(MemorySnapshot::clone);
            next.apply(changes);
            *self.current.write().unwrap_or_else(PoisonError::into_inner) = next;
        }
        Ok(())
    }

    fn apply_may_wait(&self) -> bool {
        false
    }

    fn sync(&self) -> Result<()> {
        Err(Error::new(
            ErrorKind::Unsupported,
            "memory cannot be made durable",
        ))
    }

    fn snapshot(&self) -> Result<MemorySnapshot> {
        Ok(self.with_current(MemorySnapshot::clone))
    }

    fn stats(&self) -> Result<Stats> {
        let entries = self.with_current(MemorySnapshot::len);
        Ok(Stats {
            entries_estimate: u64::try_from(entries).ok(),
            disk_bytes: Some(0),
            details: Vec::new(),
        })
    }

    fn health(&self) -> Result<Health> {
        Ok(Health::default())
    }
}

impl fmt::Debug for MemoryEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.with_current(|current| current.fmt(f))
    }
}
