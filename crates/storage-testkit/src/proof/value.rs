//! Values that say who wrote them, so that a foreign or damaged one is known.
//!
//! A value is a magic number, the round, the task, the step, the number of the
//! change, its own length, a checksum over all of it, and bytes that the
//! signature determines. So does the expiry of its entry. A value of no bytes carries nothing and is told apart
//! by the judge alone.

use bytes::{Buf, BufMut, Bytes};
use storage_core::{Entry, Support, Timestamp};

use super::{Operation, OperationId};

const MAGIC: u32 = 0x7052_6f4f;
const CHECKSUM_BYTES: usize = 8;
const HEADER_BYTES: usize = 4 + 4 + 2 + 4 + 2 + 4;

/// The shortest value that is signed.
pub const SIGNED_BYTES_MIN: u32 = 28;

/// Who wrote a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signature {
    /// The round it was written in.
    pub round: u32,
    /// The operation that wrote it.
    pub operation: OperationId,
    /// Which of the operation's changes; the log entry has the number after
    /// the last.
    pub change: u16,
}

/// What was read at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// A value that its writer signed.
    Signed(Signature),
    /// A value of no bytes.
    Blank,
    /// A value that nobody wrote; why.
    Damaged(&'static str),
}

impl Content {
    /// Reads a value.
    #[must_use]
    pub fn of(value: &[u8]) -> Self {
        if value.is_empty() {
            return Self::Blank;
        }
        match open(value) {
            Ok(signature) => Self::Signed(signature),
            Err(why) => Self::Damaged(why),
        }
    }
}

impl Content {
    /// Reads an entry of a store where entries may or may not expire.
    #[must_use]
    pub fn of_entry(entry: &Entry, expiry: Support) -> Self {
        let content = Self::of(entry.value());
        let written = match content {
            Self::Signed(signature) => signature.expires(expiry),
            Self::Blank => None,
            Self::Damaged(_) => return content,
        };
        if entry.expires() == written {
            content
        } else {
            Self::Damaged("its expiry is another than it was written with")
        }
    }
}

impl Signature {
    /// What the entry of the log of `operation` is signed with.
    #[must_use]
    pub fn of_log_entry(round: u32, operation: &Operation) -> Self {
        Self {
            round,
            operation: operation.id,
            change: u16::try_from(operation.changes.len()).unwrap_or(u16::MAX),
        }
    }

    /// Until when a signed value is put: one in four, where entries may expire,
    /// until some moment in the far future.
    #[must_use]
    pub fn expires(&self, expiry: Support) -> Option<Timestamp> {
        const YEAR_2100: u64 = 4_102_444_800_000;
        let hash = blake3::Hasher::new()
            .update(&self.round.to_be_bytes())
            .update(&self.operation.task.to_be_bytes())
            .update(&self.operation.step.to_be_bytes())
            .update(&self.change.to_be_bytes())
            .finalize();
        let (first, rest) = hash.as_bytes().split_first()?;
        let later = rest.first_chunk().copied().map(u32::from_be_bytes)?;
        (expiry == Support::Supported && first % 4 == 0)
            .then(|| Timestamp::from_unix_milliseconds(YEAR_2100 + u64::from(later)))
    }

    /// A value of `bytes` bytes with this signature: none at all, or at least
    /// [`SIGNED_BYTES_MIN`].
    #[must_use]
    pub fn sign(&self, bytes: u32) -> Bytes {
        if bytes == 0 {
            return Bytes::new();
        }
        let bytes = bytes.max(SIGNED_BYTES_MIN);
        let length = usize::try_from(bytes).unwrap_or(usize::MAX);
        let mut value = Vec::with_capacity(length);
        value.put_u32(MAGIC);
        value.put_u32(self.round);
        value.put_u16(self.operation.task);
        value.put_u32(self.operation.step);
        value.put_u16(self.change);
        value.put_u32(bytes);
        let mut filler = vec![0; length.saturating_sub(HEADER_BYTES + CHECKSUM_BYTES)];
        blake3::Hasher::new()
            .update(&value)
            .finalize_xof()
            .fill(&mut filler);
        let checksum = checksum(&value, &filler);
        value.put_slice(&checksum);
        value.put_slice(&filler);
        value.into()
    }
}

fn open(value: &[u8]) -> Result<Signature, &'static str> {
    let Some((mut header, rest)) = value.split_at_checked(HEADER_BYTES) else {
        return Err("it is cut off within its signature");
    };
    let Some((stored, filler)) = rest.split_first_chunk::<CHECKSUM_BYTES>() else {
        return Err("it is cut off within its checksum");
    };
    if checksum(header, filler) != *stored {
        return Err("its checksum is another");
    }
    if header.get_u32() != MAGIC {
        return Err("it is not one of these tests");
    }
    let signature = Signature {
        round: header.get_u32(),
        operation: OperationId {
            task: header.get_u16(),
            step: header.get_u32(),
        },
        change: header.get_u16(),
    };
    match usize::try_from(header.get_u32()) {
        Ok(length) if length == value.len() => Ok(signature),
        _ => Err("it has another length than it was written with"),
    }
}

fn checksum(header: &[u8], filler: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let hash = blake3::Hasher::new()
        .update(header)
        .update(filler)
        .finalize();
    let mut checksum = [0; CHECKSUM_BYTES];
    for (byte, of_hash) in checksum.iter_mut().zip(hash.as_bytes()) {
        *byte = *of_hash;
    }
    checksum
}

#[cfg(test)]
mod tests {
    use storage_core::Stamp;

    use super::*;

    const SIGNATURE: Signature = Signature {
        round: 3,
        operation: OperationId { task: 5, step: 8 },
        change: 13,
    };

    #[test]
    fn a_value_names_its_writer() {
        for bytes in [SIGNED_BYTES_MIN, 100, 70_000] {
            let value = SIGNATURE.sign(bytes);
            assert_eq!(value.len(), usize::try_from(bytes).unwrap());
            assert_eq!(Content::of(&value), Content::Signed(SIGNATURE));
        }
        assert_eq!(Content::of(&SIGNATURE.sign(0)), Content::Blank);
    }

    #[test]
    fn a_value_with_any_byte_changed_or_missing_is_damaged() {
        let value = SIGNATURE.sign(60);
        for place in 1..value.len() {
            let mut changed = value.to_vec();
            changed[place] ^= 1;
            assert!(matches!(Content::of(&changed), Content::Damaged(_)));
            assert!(matches!(Content::of(&value[..place]), Content::Damaged(_)));
        }
    }

    #[test]
    fn an_entry_with_another_expiry_than_its_writer_gave_is_damaged() {
        let signatures: Vec<_> = (0..100)
            .map(|change| Signature {
                change,
                ..SIGNATURE
            })
            .collect();
        let read = |signature: &Signature, expires, expiry| {
            let entry = Entry::new(signature.sign(60), expires, Stamp::none());
            Content::of_entry(&entry, expiry)
        };
        let expiring = signatures
            .iter()
            .filter(|signature| signature.expires(Support::Supported).is_some());
        assert!((10..40).contains(&expiring.count()));
        let other = Some(Timestamp::from_unix_milliseconds(1));
        for signature in &signatures {
            let written = signature.expires(Support::Supported);
            let whole = Content::Signed(*signature);
            assert_eq!(read(signature, written, Support::Supported), whole);
            assert_eq!(read(signature, None, Support::Unsupported), whole);
            for wrong in [None, other].into_iter().filter(|wrong| *wrong != written) {
                let content = read(signature, wrong, Support::Supported);
                assert!(matches!(content, Content::Damaged(_)), "{content:?}");
            }
        }
        let blank = Entry::without_value(other);
        let content = Content::of_entry(&blank, Support::Supported);
        assert!(matches!(content, Content::Damaged(_)), "{content:?}");
    }
}
