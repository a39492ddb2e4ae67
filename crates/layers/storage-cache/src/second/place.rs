//! Where the second level keeps what: `docs/formats/cache.md` gives it byte by byte.

use bytes::{BufMut, Bytes, BytesMut};
use storage_core::{Key, KeyRange, Namespace, OwnedKey, Random, Result, StoreId};

use super::witness::Witness;

const NAMESPACE: &str = "second level";

/// The version of a mark.
const VERSION: u8 = 1;

const MARK: u8 = b'm';
const ROW: u8 = b'r';

/// What rows that may be served have in common. A store that may have changed without
/// its cache's knowledge begins another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Epoch(pub(super) [u8; 8]);

impl Epoch {
    pub(super) fn generate(random: &dyn Random) -> Result<Self> {
        let mut bytes = [0; 8];
        random.fill(&mut bytes)?;
        Ok(Self(bytes))
    }
}

/// The keys of one store's rows.
#[derive(Clone, Debug)]
pub(super) struct Place {
    prefix: Bytes,
}

impl Place {
    pub(super) fn of(store: StoreId) -> Self {
        let namespace = Namespace::root().child(NAMESPACE);
        Self {
            prefix: namespace.key(store.as_bytes()).bytes().clone(),
        }
    }

    pub(super) fn mark(&self) -> OwnedKey {
        self.join(&[&[MARK]]).into()
    }

    pub(super) fn row(&self, epoch: Epoch, key: Key<'_>) -> OwnedKey {
        self.join(&[&[ROW], &epoch.0, key.bytes()]).into()
    }

    /// How much longer a row's key is than that of its entry.
    pub(super) fn extra_bytes(&self) -> usize {
        self.prefix.len() + 1 + size_of::<Epoch>()
    }

    /// The rows of the keys of a range of the user space.
    pub(super) fn rows(&self, epoch: Epoch, range: &KeyRange) -> KeyRange {
        use std::ops::Bound;

        let of = |key: &[u8]| self.join(&[&[ROW], &epoch.0, key]);
        let all = KeyRange::prefix(of(b""));
        let start = match range.start() {
            Bound::Unbounded => Bound::Included(of(b"")),
            bound => bound.map(of),
        };
        let end = match range.end() {
            Bound::Unbounded => all.end().map(Bytes::copy_from_slice),
            bound => bound.map(of),
        };
        KeyRange::from_bounds(all.space(), start, end)
    }

    /// The rows of all other epochs.
    pub(super) fn others(&self, epoch: Epoch) -> [KeyRange; 2] {
        use std::ops::Bound;

        let all = KeyRange::prefix(self.join(&[&[ROW]]));
        let own = self.rows(epoch, &KeyRange::all());
        let copy = |bound: Bound<&[u8]>| bound.map(Bytes::copy_from_slice);
        let before = match own.start() {
            Bound::Included(key) | Bound::Excluded(key) => {
                Bound::Excluded(Bytes::copy_from_slice(key))
            }
            Bound::Unbounded => Bound::Unbounded,
        };
        let behind = match own.end() {
            Bound::Included(key) | Bound::Excluded(key) => {
                Bound::Included(Bytes::copy_from_slice(key))
            }
            Bound::Unbounded => Bound::Unbounded,
        };
        [
            KeyRange::from_bounds(all.space(), copy(all.start()), before),
            KeyRange::from_bounds(all.space(), behind, copy(all.end())),
        ]
    }

    fn join(&self, parts: &[&[u8]]) -> Bytes {
        let mut key = BytesMut::from(&*self.prefix);
        for part in parts {
            key.put_slice(part);
        }
        key.freeze()
    }
}

/// What the second level says of a store's rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// A cache fills it, or did until it ended without having closed.
    InUse(Epoch),
    /// Each row of the epoch was what the store held when it said this of itself.
    Closed {
        epoch: Epoch,
        witness: Witness,
        bytes: u64,
    },
}

impl Mark {
    pub(super) fn encode(self) -> Bytes {
        let mut bytes = BytesMut::new();
        bytes.put_u8(VERSION);
        match self {
            Self::InUse(epoch) => {
                bytes.put_u8(0);
                bytes.put_slice(&epoch.0);
            }
            Self::Closed {
                epoch,
                witness,
                bytes: count,
            } => {
                bytes.put_u8(1);
                bytes.put_slice(&epoch.0);
                bytes.put_slice(witness.as_bytes());
                bytes.put_u64(count);
            }
        }
        let checksum = crc32fast::hash(&bytes);
        bytes.put_u32(checksum);
        bytes.freeze()
    }

    /// `None` for one that is damaged or of a newer version: its rows are not served.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let (content, checksum) = bytes.split_last_chunk::<4>()?;
        if crc32fast::hash(content) != u32::from_be_bytes(*checksum) {
            return None;
        }
        let (&[version, state], rest) = content.split_first_chunk::<2>()?;
        let (&epoch, rest) = rest.split_first_chunk::<8>()?;
        let epoch = Epoch(epoch);
        match (version, state) {
            (VERSION, 0) if rest.is_empty() => Some(Self::InUse(epoch)),
            (VERSION, 1) => {
                let (&witness, rest) = rest.split_first_chunk::<16>()?;
                Some(Self::Closed {
                    epoch,
                    witness: Witness::from_bytes(witness),
                    bytes: u64::from_be_bytes(rest.try_into().ok()?),
                })
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOLDEN: &[u8] = include_bytes!("mark_v1.bin");

    const EPOCH: Epoch = Epoch(*b"\x01\x02\x03\x04\x05\x06\x07\xff");

    fn place() -> Place {
        Place::of(StoreId::from_bytes([0xab; 16]))
    }

    #[test]
    fn a_mark_of_version_1_is_written_and_read_as_it_always_was() {
        let mark = Mark::Closed {
            epoch: EPOCH,
            witness: Witness::from_bytes(*b"a number a place"),
            bytes: 300,
        };
        assert_eq!(mark.encode(), GOLDEN);
        assert_eq!(Mark::decode(GOLDEN), Some(mark));
        let in_use = Mark::InUse(EPOCH);
        assert_eq!(Mark::decode(&in_use.encode()), Some(in_use));
    }

    #[test]
    fn a_mark_that_is_damaged_is_none() {
        for at in 0..GOLDEN.len() {
            for bit in 0..8 {
                let mut damaged = GOLDEN.to_vec();
                damaged[at] ^= 1 << bit;
                assert_eq!(Mark::decode(&damaged), None);
            }
            assert_eq!(Mark::decode(&GOLDEN[..at]), None);
        }
    }

    #[test]
    fn a_row_lies_in_the_range_of_its_key_and_no_other_store_or_epoch_has_it() {
        let place = place();
        let row = place.row(EPOCH, "k".into());
        assert_eq!(row.bytes().len(), place.extra_bytes() + 1);
        let holds = |range: &KeyRange| place.rows(EPOCH, range).contains(row.as_key());
        assert!(holds(&KeyRange::all()) && holds(&KeyRange::prefix("k")));
        assert!(holds(&KeyRange::between("k"..)) && holds(&KeyRange::between(..="k")));
        assert!(!holds(&KeyRange::between("l"..)) && !holds(&KeyRange::between(.."k")));
        let is_other = |epoch, key: &OwnedKey| {
            let [before, behind] = place.others(epoch);
            before.contains(key.as_key()) || behind.contains(key.as_key())
        };
        assert!(!is_other(EPOCH, &row) && !is_other(EPOCH, &place.mark()));
        for other in [Epoch([0; 8]), Epoch([0xff; 8])] {
            assert!(is_other(other, &row));
            assert!(!is_other(other, &place.row(other, "k".into())));
        }
        let elsewhere = Place::of(StoreId::from_bytes([0xac; 16]));
        assert!(!is_other(EPOCH, &elsewhere.row(EPOCH, "k".into())));
    }
}
