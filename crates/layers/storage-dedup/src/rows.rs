//! The rows that the layer keeps for itself.
//!
//! `docs/formats/dedup.md` is the specification.

use std::ops::Bound;

use bytes::Bytes;
use storage_core::{Key, KeyRange, OwnedKey, Random, Result, Space, SystemKeys, Timestamp};

use crate::{config::CutConfig, form::corrupt, hash::ChunkHash, layer::NAME};

/// How much longer the key of a hint is than the key that it names.
pub(crate) const HINT_EXTRA_BYTES: usize = PREFIX_BYTES + 1 + ChunkHash::BYTES + 1;

/// How many bytes of rows a chunk takes beside what it holds, at most: its key and those of
/// its states, and their values.
pub(crate) const CHUNK_EXTRA_BYTES: usize = 3 * (PREFIX_BYTES + 1 + ChunkHash::BYTES) + 32;

/// The element of the name of the layer: 02, the name, 00.
const PREFIX_BYTES: usize = NAME.len() + 2;

/// A kind of row: the byte that comes after the name of the layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// What a chunk holds.
    Chunk,
    /// The chunk is there and may be referred to.
    Live,
    /// The chunk is there and will be removed unless somebody refers to it.
    Condemned,
    /// A key may refer to a chunk.
    Hint,
}

impl Kind {
    const fn byte(self) -> u8 {
        match self {
            Self::Chunk => b'c',
            Self::Live => b'l',
            Self::Condemned => b'm',
            Self::Hint => b'r',
        }
    }
}

/// Makes and reads the keys of the layer's rows.
#[derive(Clone, Debug)]
pub(crate) struct RowKeys {
    keys: SystemKeys,
}

impl RowKeys {
    pub(crate) fn new() -> Self {
        Self {
            keys: SystemKeys::of(NAME),
        }
    }

    /// The key of the row that holds the settings of the store.
    pub(crate) fn settings(&self) -> OwnedKey {
        self.keys.key("k")
    }

    pub(crate) fn of(&self, kind: Kind, hash: ChunkHash) -> OwnedKey {
        let mut suffix = [0; 1 + ChunkHash::BYTES];
        if let Some((first, rest)) = suffix.split_first_mut() {
            *first = kind.byte();
            rest.copy_from_slice(&hash.0);
        }
        self.keys.key(suffix)
    }

    /// The key of the hint that `key` may refer to a chunk.
    pub(crate) fn hint(&self, hash: ChunkHash, key: Key<'_>) -> OwnedKey {
        let mut suffix = Vec::with_capacity(HINT_EXTRA_BYTES + key.bytes().len());
        suffix.push(Kind::Hint.byte());
        suffix.extend_from_slice(&hash.0);
        suffix.push(match key.space() {
            Space::User => 0,
            Space::System => 1,
        });
        suffix.extend_from_slice(key.bytes());
        self.keys.key(suffix)
    }

    /// All rows of a kind whose hash comes after one and is at most another.
    pub(crate) fn between(
        &self,
        kind: Kind,
        after: Option<ChunkHash>,
        up_to: Option<ChunkHash>,
    ) -> KeyRange {
        let of_kind = || KeyRange::prefix(self.keys.key([kind.byte()]).into_bytes());
        let of_hash = |hash| KeyRange::prefix(self.of(kind, hash).into_bytes());
        let start = match after {
            None => of_kind().into_bounds().1,
            Some(hash) => match of_hash(hash).into_bounds().2 {
                Bound::Excluded(end) => Bound::Included(end),
                other => other,
            },
        };
        let (_, _, end) = up_to.map_or_else(of_kind, of_hash).into_bounds();
        KeyRange::from_bounds(Space::System, start, end)
    }

    /// All rows of a kind with this hash.
    pub(crate) fn with(&self, kind: Kind, hash: ChunkHash) -> KeyRange {
        KeyRange::prefix(self.of(kind, hash).into_bytes()).in_space(Space::System)
    }

    /// The hash in the key of a row.
    pub(crate) fn hash(key: &[u8]) -> Option<ChunkHash> {
        Some(ChunkHash::split(key.get(PREFIX_BYTES + 1..)?)?.0)
    }

    /// What the key of a hint says: that this key may refer to that chunk.
    pub(crate) fn hinted(key: &Bytes) -> Option<(ChunkHash, OwnedKey)> {
        let (hash, rest) = ChunkHash::split(key.get(PREFIX_BYTES + 1..)?)?;
        let space = match rest.first()? {
            0 => Space::User,
            1 => Space::System,
            _ => return None,
        };
        let key = key.slice(key.len() - (rest.len() - 1)..);
        Some((hash, OwnedKey::in_space(space, key)))
    }
}

/// What the row of a chunk that may be referred to says: how long it is.
pub(crate) fn encode_live(length: u32) -> Bytes {
    Bytes::copy_from_slice(&length.to_be_bytes())
}

/// # Errors
/// `Corrupt` if this was not written.
pub(crate) fn decode_live(stored: &[u8]) -> Result<u32> {
    let length = stored.try_into().map(u32::from_be_bytes);
    length.map_err(|_| corrupt("a row that says how long a chunk is makes no sense"))
}

/// What the row of a condemned chunk says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Condemned {
    /// How long the chunk is.
    pub(crate) length: u32,
    /// When it was condemned.
    pub(crate) at: Timestamp,
    /// Tells it from all times that it was condemned before.
    pub(crate) nonce: [u8; 16],
}

impl Condemned {
    const BYTES: usize = size_of::<u32>() + size_of::<u64>() + 16;

    /// # Errors
    /// As for [`Random::fill`].
    pub(crate) fn new(length: u32, at: Timestamp, random: &dyn Random) -> Result<Self> {
        let mut nonce = [0; 16];
        random.fill(&mut nonce)?;
        Ok(Self { length, at, nonce })
    }

    pub(crate) fn encode(self) -> Bytes {
        let mut stored = Vec::with_capacity(Self::BYTES);
        stored.extend_from_slice(&self.length.to_be_bytes());
        stored.extend_from_slice(&self.at.as_unix_milliseconds().to_be_bytes());
        stored.extend_from_slice(&self.nonce);
        stored.into()
    }

    /// # Errors
    /// `Corrupt` if this was not written.
    pub(crate) fn decode(stored: &[u8]) -> Result<Self> {
        let read = || {
            let (length, rest) = stored.split_first_chunk()?;
            let (at, rest) = rest.split_first_chunk()?;
            Some(Self {
                length: u32::from_be_bytes(*length),
                at: Timestamp::from_unix_milliseconds(u64::from_be_bytes(*at)),
                nonce: rest.try_into().ok()?,
            })
        };
        read().ok_or_else(|| corrupt("a row that condemns a chunk makes no sense"))
    }
}

/// What the layer must know to open a store.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Settings {
    /// The key of the hashes.
    pub(crate) key: [u8; ChunkHash::BYTES],
    /// How values were cut when the store was last opened. For people: it is not needed.
    pub(crate) cut: CutConfig,
}

impl Settings {
    const VERSION: u8 = 1;
    const CHECK_BYTES: usize = 8;

    /// Settings with a new key.
    ///
    /// # Errors
    /// As for [`Random::fill`].
    pub(crate) fn generate(cut: CutConfig, random: &dyn Random) -> Result<Self> {
        let mut key = [0; ChunkHash::BYTES];
        random.fill(&mut key)?;
        Ok(Self { key, cut })
    }

    pub(crate) fn encode(&self) -> Bytes {
        let mut stored = vec![Self::VERSION];
        stored.extend_from_slice(&self.key);
        for bytes in [
            self.cut.bytes_min,
            self.cut.bytes_average,
            self.cut.bytes_max,
        ] {
            stored.extend_from_slice(&bytes.to_be_bytes());
        }
        let check = Self::check(&stored);
        stored.extend_from_slice(&check);
        stored.into()
    }

    /// # Errors
    /// `Corrupt` if this was not written.
    pub(crate) fn decode(stored: &[u8]) -> Result<Self> {
        let read = || {
            let (body, check) = stored.split_last_chunk::<{ Self::CHECK_BYTES }>()?;
            let rest = body.strip_prefix(&[Self::VERSION])?;
            let (key, rest) = rest.split_first_chunk()?;
            let (lengths, []) = rest.as_chunks() else {
                return None;
            };
            let [least, average, most] = <[[u8; 4]; 3]>::try_from(lengths).ok()?;
            let [least, average, most] = [least, average, most].map(u32::from_be_bytes);
            (Self::check(body) == *check).then_some(Self {
                key: *key,
                cut: CutConfig::of(least, average, most),
            })
        };
        read().ok_or_else(|| {
            corrupt("the row with the key of its hashes, without which no chunk can be told, is damaged")
        })
    }

    fn check(body: &[u8]) -> [u8; Self::CHECK_BYTES] {
        let mut check = [0; Self::CHECK_BYTES];
        blake3::Hasher::new_derive_key("storage-dedup settings v1")
            .update(body)
            .finalize_xof()
            .fill(&mut check);
        check
    }
}

#[cfg(test)]
mod tests {
    use storage_core::SeededRandom;

    use super::*;

    fn hash(byte: u8) -> ChunkHash {
        ChunkHash([byte; 32])
    }

    #[test]
    fn keys_of_hints_are_read_as_they_were_made() {
        let keys = RowKeys::new();
        for key in [
            Key::user(b""),
            Key::user(b"a\0"),
            Key::in_space(Space::System, b"\x02x\0"),
        ] {
            let hint = keys.hint(hash(7), key);
            assert_eq!(hint.bytes().len(), HINT_EXTRA_BYTES + key.bytes().len());
            assert_eq!(
                RowKeys::hinted(hint.bytes()),
                Some((hash(7), key.to_owned()))
            );
            assert!(keys.with(Kind::Hint, hash(7)).contains(hint.as_key()));
        }
        let chunk = keys.of(Kind::Chunk, hash(7));
        assert_eq!(RowKeys::hash(chunk.bytes()), Some(hash(7)));
        assert_eq!(RowKeys::hinted(chunk.bytes()), None);
        assert_eq!(RowKeys::hash(keys.settings().bytes()), None);
    }

    #[test]
    fn a_range_of_hashes_is_open_in_front_and_closed_behind() {
        let keys = RowKeys::new();
        let highest = ChunkHash([0xFF; 32]);
        let range = keys.between(Kind::Hint, Some(hash(1)), Some(hash(3)));
        let holds = |byte| range.contains(keys.hint(hash(byte), "k".into()).as_key());
        assert_eq!([1, 2, 3, 4].map(holds), [false, true, true, false]);
        let all = keys.between(Kind::Hint, None, None);
        assert!(all.contains(keys.hint(highest, "k".into()).as_key()));
        assert!(all.contains(keys.hint(hash(0), "".into()).as_key()));
        assert!(!all.contains(keys.of(Kind::Live, highest).as_key()));
        let none = keys.between(Kind::Live, Some(highest), None);
        assert!(none.is_empty());
    }

    #[test]
    fn every_flip_and_every_cut_of_the_settings_is_found() {
        let settings = Settings::generate(CutConfig::new(), &SeededRandom::new(1)).unwrap();
        let stored = settings.encode();
        assert!(Settings::decode(&stored).is_ok_and(|read| read == settings));
        for length in 0..stored.len() {
            assert!(Settings::decode(&stored[..length]).is_err());
            for bit in 0..8 {
                let mut damaged = stored.to_vec();
                damaged[length] ^= 1 << bit;
                assert!(Settings::decode(&damaged).is_err(), "{length} {bit}");
            }
        }
        assert!(Settings::decode(&[&*stored, b"x"].concat()).is_err());
    }

    #[test]
    fn states_are_read_as_they_were_written() {
        assert_eq!(decode_live(&encode_live(7)).unwrap(), 7);
        assert!(decode_live(b"abc").is_err() && decode_live(b"abcde").is_err());
        let at = Timestamp::from_unix_milliseconds(9);
        let condemned = Condemned::new(7, at, &SeededRandom::new(1)).unwrap();
        let stored = condemned.encode();
        assert_eq!(Condemned::decode(&stored).unwrap(), condemned);
        for length in 0..stored.len() {
            assert!(Condemned::decode(&stored[..length]).is_err());
        }
        assert!(Condemned::decode(&[&*stored, b"x"].concat()).is_err());
    }
}
