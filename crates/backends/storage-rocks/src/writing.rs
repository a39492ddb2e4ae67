//! Changes as RocksDB writes them: all of them or none.

use rocksdb::{DB, WriteBatch, WriteOptions};
use storage_core::{
    Result,
    embedded::{
        Change, Tried,
        envelope::{self, OVERHEAD_BYTES_MAX},
        flat_key,
    },
};

use crate::{
    WriteAheadLog,
    bounds::half_open,
    error::{from_write, would_wait},
};

/// What RocksDB adds to each change of a batch, at most, besides the bytes of
/// the key and the value, and what the batch begins with.
const CHANGE_BYTES: usize = 16;
const HEADER_BYTES: usize = 12;

/// Options of writes that refuse to wait, made once.
pub(crate) struct Writes(WriteOptions);

impl Writes {
    pub(crate) fn new(kept: WriteAheadLog) -> Self {
        let mut options = WriteOptions::default();
        options.disable_wal(kept == WriteAheadLog::Off);
        options.set_no_slowdown(true);
        Self(options)
    }

    /// Makes `changes`, in their order, or refuses because that would take
    /// waiting.
    pub(crate) fn write(&self, db: &DB, changes: &[Change]) -> Result<Tried> {
        match write(db, changes, &self.0) {
            Err(error) if would_wait(&error) => Ok(Tried::WouldWait),
            written => written.map(|()| Tried::Applied).map_err(from_write),
        }
    }
}

/// Roughly what changes take in the log.
pub(crate) fn size_bytes(changes: &[Change]) -> usize {
    HEADER_BYTES + changes.iter().map(change_bytes).sum::<usize>()
}

fn write(db: &DB, changes: &[Change], options: &WriteOptions) -> Result<(), rocksdb::Error> {
    match changes {
        // RocksDB makes a batch of one change with less ado than a caller.
        [Change::Put(put)] => {
            let stored = envelope::seal(&put.value, put.expires);
            flat_key::with_flat(put.key.as_key(), |key| db.put_opt(key, stored, options))
        }
        [Change::Delete(key)] => {
            flat_key::with_flat(key.as_key(), |key| db.delete_opt(key, options))
        }
        changes => db.write_opt(batch(changes), options),
    }
}

fn batch(changes: &[Change]) -> WriteBatch {
    let mut batch = WriteBatch::with_capacity_bytes(size_bytes(changes));
    for change in changes {
        match change {
            Change::Put(put) => {
                let stored = envelope::seal(&put.value, put.expires);
                flat_key::with_flat(put.key.as_key(), |key| batch.put(key, stored));
            }
            Change::Delete(key) => {
                flat_key::with_flat(key.as_key(), |key| batch.delete(key));
            }
            // RocksDB takes no range that ends before it starts.
            Change::DeleteRange(range) if range.is_empty() => {}
            Change::DeleteRange(range) => {
                let (start, end) = half_open(range);
                batch.delete_range(start, end);
            }
        }
    }
    batch
}

fn change_bytes(change: &Change) -> usize {
    let bytes = match change {
        Change::Put(put) => put.key.as_key().bytes().len() + OVERHEAD_BYTES_MAX + put.value.len(),
        Change::Delete(key) => key.as_key().bytes().len(),
        // Few and short.
        Change::DeleteRange(_) => 0,
    };
    CHANGE_BYTES + flat_key::OVERHEAD_BYTES + bytes
}
