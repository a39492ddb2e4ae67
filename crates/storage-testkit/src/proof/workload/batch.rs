//! Operations as batches.

use std::collections::BTreeMap;

use storage_core::{Put, SequencedPut, Stamp, Support, WriteBatch};

use crate::proof::{Change, Condition, Keyspace, Operation, Place, SIGNED_BYTES_MIN, Signature};

/// The batch of an operation. `stamps` has one for each place whose entry must
/// be unchanged, and `expiry` says whether entries may expire.
pub(super) fn batch(
    operation: &Operation,
    keys: Keyspace,
    stamps: &BTreeMap<Place, Stamp>,
    expiry: Support,
) -> WriteBatch {
    let mut batch = WriteBatch::new();
    for condition in &operation.conditions {
        let key = keys.key(condition.place());
        batch = match condition {
            Condition::Absent { .. } => batch.absent(key),
            Condition::Present { .. } => batch.present(key),
            Condition::Unchanged { place, .. } => {
                let stamp = stamps.get(place).cloned();
                batch.unchanged(key, stamp.unwrap_or_else(Stamp::none))
            }
        };
    }
    let round = keys.round();
    for (change, what) in (0..).zip(&operation.changes) {
        batch = match *what {
            Change::Put { place, bytes } => {
                let signature = Signature {
                    round,
                    operation: operation.id,
                    change,
                };
                let put = Put::new(keys.key(place), signature.sign(bytes));
                batch.mutation(match bytes {
                    0 => put,
                    _ => put.until(signature.expires(expiry)),
                })
            }
            Change::Delete { place } => batch.delete(keys.key(place)),
            Change::DeleteOwn { task, from, to } => {
                batch.delete_range(keys.own_range(task, from, to))
            }
        };
    }
    if operation.is_logged {
        let signature = Signature::of_log_entry(round, operation);
        let put = SequencedPut::new(
            keys.log_prefix(),
            Keyspace::log_suffix(operation.id),
            signature.sign(SIGNED_BYTES_MIN),
        );
        batch = batch.mutation(put.until(signature.expires(expiry)));
    }
    batch
}
