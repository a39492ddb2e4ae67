//! Changes as one batch of RocksDB, which applies it whole.

use rocksdb::WriteBatch;
use storage_core::embedded::{
    Change,
    envelope::{self, OVERHEAD_BYTES_MAX},
    flat_key,
};

use crate::bounds::half_open;

/// What RocksDB adds to each change of a batch, at most, besides the bytes of
/// the key and the value, and what the batch begins with.
const CHANGE_BYTES: usize = 16;
const HEADER_BYTES: usize = 12;

/// The batch that makes `changes`, in their order.
pub(crate) fn batch(changes: &[Change]) -> WriteBatch {
    let bytes = changes.iter().map(size_bytes).sum::<usize>();
    let mut batch = WriteBatch::with_capacity_bytes(HEADER_BYTES + bytes);
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

/// Roughly what a change takes in a batch.
fn size_bytes(change: &Change) -> usize {
    let bytes = match change {
        Change::Put(put) => put.key.as_key().bytes().len() + OVERHEAD_BYTES_MAX + put.value.len(),
        Change::Delete(key) => key.as_key().bytes().len(),
        // Few and short.
        Change::DeleteRange(_) => 0,
    };
    CHANGE_BYTES + flat_key::OVERHEAD_BYTES + bytes
}
