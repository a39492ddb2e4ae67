//! Names of chunks: keyed hashes of what they hold.

use std::fmt;

use bytes::Bytes;
use fastcdc::v2020::FastCDC;

use crate::{config::CutConfig, form::Piece};

/// The keyed BLAKE3 hash of a chunk. Without the key of the store nobody can tell from it
/// what the chunk holds, nor make two chunks of one hash.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ChunkHash(pub(crate) [u8; Self::BYTES]);

impl ChunkHash {
    pub(crate) const BYTES: usize = 32;

    /// The hash that `bytes` begin with, and what follows it.
    pub(crate) fn split(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (hash, rest) = bytes.split_first_chunk()?;
        Some((Self(*hash), rest))
    }
}

impl fmt::Display for ChunkHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ChunkHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Cuts values and names their chunks.
pub(crate) struct Hasher {
    key: [u8; ChunkHash::BYTES],
    cut: CutConfig,
}

impl Hasher {
    pub(crate) const fn new(key: [u8; ChunkHash::BYTES], cut: CutConfig) -> Self {
        Self { key, cut }
    }

    /// The name of a chunk.
    pub(crate) fn hash(&self, content: &[u8]) -> ChunkHash {
        ChunkHash(*blake3::keyed_hash(&self.key, content).as_bytes())
    }

    /// The chunks of a value, in its order. Together they are the value; they share its
    /// memory.
    pub(crate) fn pieces(&self, value: &Bytes) -> Vec<(Piece, Bytes)> {
        let CutConfig {
            bytes_min,
            bytes_average,
            bytes_max,
        } = self.cut;
        let [least, average, most] = [bytes_min, bytes_average, bytes_max].map(as_usize);
        if value.len() <= most {
            return vec![self.piece(value.clone())];
        }
        FastCDC::new(value, least, average, most)
            .map(|chunk| self.piece(value.slice(chunk.offset..chunk.offset + chunk.length)))
            .collect()
    }

    fn piece(&self, content: Bytes) -> (Piece, Bytes) {
        let piece = Piece {
            hash: self.hash(&content),
            // No chunk is longer than the limit of the cut, which is a `u32`.
            length: u32::try_from(content.len()).unwrap_or(u32::MAX),
        };
        (piece, content)
    }
}

impl fmt::Debug for Hasher {
    /// The key is a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hasher")
            .field("cut", &self.cut)
            .finish_non_exhaustive()
    }
}

/// Widens a length; what is too long for memory is as long as memory.
pub(crate) fn as_usize(length: u32) -> usize {
    usize::try_from(length).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use storage_core::{Random, SeededRandom};

    use super::*;

    fn noise(length: usize) -> Bytes {
        let mut noise = vec![0; length];
        SeededRandom::new(1).fill(&mut noise).unwrap();
        noise.into()
    }

    fn hasher() -> Hasher {
        Hasher::new([7; 32], CutConfig::of(256, 1_024, 4_096))
    }

    #[test]
    fn the_pieces_of_a_value_are_the_value() {
        for length in [4_096, 4_097, 100_000] {
            let value = noise(length);
            let pieces = hasher().pieces(&value);
            let joined: Vec<u8> = pieces
                .iter()
                .flat_map(|(_, content)| content.to_vec())
                .collect();
            assert_eq!(joined, value);
            assert_eq!(pieces.len() == 1, length <= 4_096);
            for (piece, content) in pieces {
                assert_eq!(as_usize(piece.length), content.len());
                assert!(content.len() <= 4_096);
            }
        }
    }

    #[test]
    fn a_value_that_grew_in_front_shares_most_chunks() {
        let value = noise(100_000);
        let longer = Bytes::from([b"in front", &*value].concat());
        let (old, new) = (hasher().pieces(&value), hasher().pieces(&longer));
        let shared = new.iter().filter(|piece| old.contains(piece)).count();
        assert!(shared + 5 > old.len(), "{shared} of {}", old.len());
    }

    #[test]
    fn names_depend_on_the_key_of_the_store() {
        let other = Hasher::new([8; 32], CutConfig::new());
        assert_ne!(hasher().hash(b"value"), other.hash(b"value"));
        assert!(!format!("{other:?}").contains("8, 8"), "{other:?}");
    }
}
