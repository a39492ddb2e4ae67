//! Room for what a scan returns.

use bytes::{Bytes, BytesMut};

/// As large as a block of a file: whoever keeps one item of a scan keeps no more
/// than that. The first chunk is smaller: most scans are short.
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
    /// A copy of `first` and of `second`. What does not fit into a chunk is copied
    /// on its own.
    #[inline]
    pub fn copy(&mut self, first: &[u8], second: &[u8]) -> (Bytes, Bytes) {
        let bytes = first.len().saturating_add(second.len());
        if bytes > CHUNK_BYTES_MAX {
            return (
                Bytes::copy_from_slice(first),
                Bytes::copy_from_slice(second),
            );
        }
        if self.room.capacity() < bytes {
            self.bytes = (self.bytes * 2).clamp(CHUNK_BYTES_MIN, CHUNK_BYTES_MAX);
            self.room = BytesMut::with_capacity(self.bytes.max(bytes));
        }
        self.room.extend_from_slice(first);
        self.room.extend_from_slice(second);
        let mut both = self.room.split().freeze();
        (both.split_to(first.len()), both)
    }

    /// A copy of `bytes`, beside others.
    pub fn copy_one(&mut self, bytes: &[u8]) -> Bytes {
        self.copy(bytes, &[]).0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_value_keeps_neither_its_key_nor_the_chunk() {
        let mut chunks = Chunks::default();
        let long = vec![7; CHUNK_BYTES_MAX];
        let before = chunks.copy_one(b"before");
        let (key, value) = chunks.copy(b"key", &long);
        let after = chunks.copy_one(b"after");
        assert!(key.is_unique() && value.is_unique());
        let room = before.as_ptr_range().end;
        assert_eq!(
            room,
            after.as_ptr(),
            "the chunk goes on behind the long one"
        );
    }

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
