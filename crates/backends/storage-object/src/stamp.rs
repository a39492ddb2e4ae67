//! Stamps: which write made the stored form.

use bytes::Bytes;
use storage_core::Stamp;

use crate::object::WriteId;

/// The stamp of what a write has made.
pub(crate) fn stamp(write: WriteId) -> Stamp {
    Stamp::new(Bytes::copy_from_slice(write.bytes()))
}
