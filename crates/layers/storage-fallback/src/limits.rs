//! How large a commit may be that is accepted: the standby takes it as one row, and
//! the primary with what writing back adds.

use storage_core::{Capabilities, WriteBatch};

/// A guard and a put of the marker.
const WRITE_BACK_OPERATIONS: usize = 2;

/// At least the key and the value of the marker.
const WRITE_BACK_BYTES: usize = 64;

/// At least the bytes of a row beside its mutations, and of each mutation beside
/// its key and value.
const ROW_BYTES: usize = 64;
const MUTATION_BYTES: usize = 17;

/// Why a commit is too large to be accepted, if it is.
pub(crate) fn why_too_large(
    batch: &WriteBatch,
    primary: &Capabilities,
    standby: &Capabilities,
) -> Result<(), String> {
    let operations = batch.mutations().len();
    let operations_max = primary
        .batch_operations_max
        .saturating_sub(WRITE_BACK_OPERATIONS);
    if operations > operations_max {
        return Err(format!(
            "of {operations} puts and deletes no more than {operations_max} can be written \
             back at once"
        ));
    }
    let bytes = batch.size_bytes();
    let bytes_max = primary.batch_bytes_max.saturating_sub(WRITE_BACK_BYTES);
    if bytes > bytes_max {
        return Err(format!(
            "of {bytes} bytes no more than {bytes_max} can be written back at once"
        ));
    }
    let row = operations
        .saturating_mul(MUTATION_BYTES)
        .saturating_add(bytes);
    let row_max = standby
        .value_bytes_max
        .min(standby.batch_bytes_max)
        .saturating_sub(ROW_BYTES);
    if row > row_max {
        return Err(format!(
            "the standby keeps it in one row of {row_max} bytes at most, and it takes {row}"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(operations: usize, bytes: usize, value_bytes: usize) -> Capabilities {
        let mut limits = Capabilities::embedded();
        limits.batch_operations_max = operations;
        limits.batch_bytes_max = bytes;
        limits.value_bytes_max = value_bytes;
        limits
    }

    #[test]
    fn what_cannot_be_written_back_or_kept_in_one_row_is_too_large() {
        let batch = WriteBatch::new().put("k", vec![0; 999]).delete("");
        let wide = limits(100, 1 << 20, 1 << 20);
        let why = |primary, standby| why_too_large(&batch, &primary, &standby);
        assert_eq!(why(limits(4, 1_064, 1 << 20), wide.clone()), Ok(()));
        let many = why(limits(3, 1_064, 1 << 20), wide.clone()).unwrap_err();
        assert!(many.contains("no more than 1 can"), "{many}");
        let long = why(limits(4, 1_063, 1 << 20), wide.clone()).unwrap_err();
        assert!(long.contains("1000 bytes no more than 999"), "{long}");
        assert_eq!(why(wide.clone(), limits(4, 1 << 20, 1_098)), Ok(()));
        let row = why(wide, limits(4, 1 << 20, 1_097)).unwrap_err();
        assert!(row.contains("one row"), "{row}");
    }
}
