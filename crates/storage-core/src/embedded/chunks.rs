//! Room for what a scan returns.

use bytes::{Bytes, BytesMut};

/// As large as a block of a file, so whoever keeps one item of a scan keeps no
/// more than that. The first chunk is smaller: most scans are short.
const CHUNK_BYTES_MIN: usize = 512;
const CHUNK_BYTES_MAX: usize = 4 << 10;

/// Copies of keys and values that an engine lends for a moment. Several share a
/// chunk of memory: to ask for some for each would cost more than to copy.
#[derive(Debug, Default)]
pub struct Chunks {
    room: BytesMut,
    bytes: usize,
}

impl Chunks {
    /// A copy of `first` and of `second`. What does not fit into a chunk gets one
    /// of its own.
    #[inline]
    pub fn copy(&mut self, first: &[u8], second: &[u8]) -> (Bytes, Bytes) {
        let bytes = first.len().saturating_add(second.len());
        if self.room.capacity() < bytes {
            self.bytes = (self.bytes * 2).clamp(CHUNK_BYTES_MIN, CHUNK_BYTES_MAX);
            self.room = BytesMut::with_capacity(bytes.max(self.bytes));
        }
        self.room.extend_from_slice(first);
        self.room.extend_from_slice(second);
        let mut both = self.room.split().freeze();
        (both.split_to(first.len()), both)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_are_what_was_given_whatever_their_length() {
        let mut chunks = Chunks::default();
        let long = vec![7; 3 * CHUNK_BYTES_MAX];
        let lengths = [0, 1, 100, CHUNK_BYTES_MIN, CHUNK_BYTES_MAX, long.len()];
        let mut copies = Vec::new();
        for key in lengths {
            for value in lengths {
                let (key, value) = (&long[..key], &long[..value]);
                copies.push(((key, value), chunks.copy(key, value)));
            }
        }
        for ((key, value), (key_copy, value_copy)) in copies {
            assert_eq!((key, value), (&*key_copy, &*value_copy));
        }
    }
}
