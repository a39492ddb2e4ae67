//! sled as it is: what it calls flushed is taken to be durable.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use sled::{Batch, Db};
use storage_core::{
    BatchScope, Capabilities, Components, CrashOrder, Description, Direction, Durability, Entry,
    Error, ErrorKind, Health, Item, Key, KeyRange, Projection, ReadSupport, Result, ScanOrder,
    SharedStore, Stats, StoreDirectory, Support,
    embedded::{
        Change, ChangeForm, Embedded, Engine, EngineRead, NoSnapshot, ReadPolicy, envelope,
        flat_key,
    },
};

/// Opens a store on sled in `directory`, as its documentation says.
pub(crate) async fn open(directory: PathBuf, components: Components) -> Result<SharedStore> {
    let store = Embedded::open(components, move || Alone::open(&directory)).await?;
    Ok(SharedStore::new(store))
}

/// One tree, applied to by batches, and flushed when it is to be durable.
#[derive(Debug)]
struct Alone {
    db: Db,
    _directory: StoreDirectory,
}

impl Alone {
    fn open(path: &Path) -> Result<Self> {
        let directory = StoreDirectory::claim(path, "sled-alone", 1, |new| open_db(new).map(drop))?;
        Ok(Self {
            db: open_db(&directory.data())?,
            _directory: directory,
        })
    }
}

fn open_db(path: &Path) -> Result<Db> {
    sled::open(path).map_err(failed)
}

fn failed(error: sled::Error) -> Error {
    let kind = match error {
        sled::Error::Corruption { .. } => ErrorKind::Corrupt,
        _ => ErrorKind::Unavailable,
    };
    Error::new(kind, format!("sled failed: {error}")).with_source(error)
}

impl EngineRead for Alone {
    fn get(&self, key: Key<'_>) -> Result<Option<Entry>> {
        let stored = self.db.get(flat_key::flat(key)).map_err(failed)?;
        let stored = stored.map(|stored| Bytes::copy_from_slice(&stored));
        stored.map(envelope::open).transpose()
    }

    fn scan(
        &self,
        range: &KeyRange,
        direction: Direction,
        _: Projection,
    ) -> Result<impl Iterator<Item = Result<Item>>> {
        let mut rows = self.db.range::<Vec<u8>, _>(flat_key::bounds(range));
        Ok(std::iter::from_fn(move || {
            let row = match direction {
                Direction::Forward => rows.next(),
                Direction::Reverse => rows.next_back(),
            }?;
            Some(row.map_err(failed).and_then(|(key, stored)| {
                let key = flat_key::unflat(Bytes::copy_from_slice(&key));
                let entry = envelope::open(Bytes::copy_from_slice(&stored))?;
                Ok(Item::new(key, entry))
            }))
        }))
    }
}

impl Engine for Alone {
    type Snapshot = NoSnapshot;

    fn describe(&self) -> Description {
        Description::of_engine("sled-alone", "")
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::least();
        capabilities.batch = BatchScope::Store;
        capabilities.batch_operations_max = 1 << 10;
        capabilities.guards = Support::Supported;
        capabilities.range_deletes = Support::Supported;
        capabilities.expiry = Support::Supported;
        capabilities.scan_order = ScanOrder::Ordered;
        capabilities.reads = ReadSupport::Linearizable;
        capabilities.durability_max = Durability::Synced;
        capabilities.crash_order = CrashOrder::Suffix;
        capabilities
    }

    fn read_policy(&self) -> ReadPolicy {
        ReadPolicy::Pool
    }

    fn change_form(&self) -> ChangeForm {
        ChangeForm::Distinct
    }

    fn buffered_as(&self) -> Durability {
        Durability::Synced
    }

    fn apply(&self, changes: Vec<Change>, _: Durability) -> Result<()> {
        let mut batch = Batch::default();
        for change in changes {
            match change {
                Change::Put(put) => batch.insert(
                    flat_key::flat(put.key.as_key()),
                    &*envelope::seal(&put.value, put.expires),
                ),
                Change::Delete(key) => batch.remove(flat_key::flat(key.as_key())),
                Change::DeleteRange(_) => unreachable!("the adapter resolves them"),
            }
        }
        self.db.apply_batch(batch).map_err(failed)
    }

    fn apply_may_wait(&self) -> bool {
        true
    }

    fn sync(&self) -> Result<()> {
        self.db.flush().map(drop).map_err(failed)
    }

    fn snapshot(&self) -> Result<NoSnapshot> {
        Err(Error::new(ErrorKind::Unsupported, "sled has no snapshots"))
    }

    fn stats(&self) -> Result<Stats> {
        Ok(Stats::default())
    }

    fn health(&self) -> Result<Health> {
        Ok(Health::default())
    }
}
