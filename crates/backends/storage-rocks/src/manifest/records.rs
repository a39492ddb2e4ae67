//! The records of RocksDB's list of files, as far as it takes to tell where it
//! is torn.
//!
//! The file is cut into blocks of 32 KiB. A record lies in one block, or in
//! fragments in several; each fragment begins with a checksum (CRC-32C of the
//! type and the bytes, masked), the number of its bytes and its type.

const BLOCK_BYTES: usize = 32 << 10;
const HEADER_BYTES: usize = 7;

/// The types of fragments: the only one of a record, the first, one between, and
/// the last.
const ONLY: u8 = 1;
const FIRST: u8 = 2;
const BETWEEN: u8 = 3;
const LAST: u8 = 4;

/// Where the first record begins that is not as it was written although more
/// comes after its beginning than a file that merely ends there has. Such an end
/// RocksDB leaves out by itself.
pub(super) fn torn_at(listed: &[u8]) -> Option<usize> {
    let mut record = 0;
    let mut position = 0;
    loop {
        let rest = listed.get(position..)?;
        let in_block = BLOCK_BYTES - position % BLOCK_BYTES;
        if in_block < HEADER_BYTES {
            // Too little for a header; the next block goes on.
            position += in_block;
            continue;
        }
        match fragment(rest, in_block) {
            Fragment::Whole { bytes, kind } => {
                position += bytes;
                if matches!(kind, ONLY | LAST) {
                    record = position;
                }
            }
            Fragment::Ended => return None,
            Fragment::Torn => return Some(record),
        }
    }
}

enum Fragment {
    Whole {
        bytes: usize,
        kind: u8,
    },
    /// There is no more, or the file ends within it.
    Ended,
    Torn,
}

/// The fragment that `rest` begins with, which may take so many bytes of its
/// block.
fn fragment(rest: &[u8], in_block: usize) -> Fragment {
    let Some((header, body)) = rest.split_first_chunk::<HEADER_BYTES>() else {
        return Fragment::Ended;
    };
    if rest.iter().all(|byte| *byte == 0) {
        return Fragment::Ended;
    }
    let [c0, c1, c2, c3, l0, l1, kind] = *header;
    let length = usize::from(u16::from_le_bytes([l0, l1]));
    if !matches!(kind, ONLY | FIRST | BETWEEN | LAST) || HEADER_BYTES + length > in_block {
        return Fragment::Torn;
    }
    let Some(bytes) = body.get(..length) else {
        return Fragment::Ended;
    };
    if u32::from_le_bytes([c0, c1, c2, c3]) != masked_checksum(kind, bytes) {
        return Fragment::Torn;
    }
    Fragment::Whole {
        bytes: HEADER_BYTES + length,
        kind,
    }
}

/// RocksDB masks checksums, so that the checksum of something that holds
/// checksums is no less good.
fn masked_checksum(kind: u8, bytes: &[u8]) -> u32 {
    let crc = bytes
        .iter()
        .fold(crc32c(!0, kind), |crc, byte| crc32c(crc, *byte));
    (!crc).rotate_right(15).wrapping_add(0xa282_ead8)
}

/// One byte's step of CRC-32C. Bit by bit is fast enough for a list of files.
fn crc32c(crc: u32, byte: u8) -> u32 {
    const POLYNOMIAL: u32 = 0x82f6_3b78;
    (0..8).fold(crc ^ u32::from(byte), |crc, _| {
        (crc >> 1) ^ (POLYNOMIAL * (crc & 1))
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    fn fragment_of(kind: u8, bytes: &[u8]) -> Vec<u8> {
        let length = u16::try_from(bytes.len()).unwrap();
        let mut fragment = masked_checksum(kind, bytes).to_le_bytes().to_vec();
        fragment.extend(length.to_le_bytes());
        fragment.push(kind);
        fragment.extend(bytes);
        fragment
    }

    /// A short record, as RocksDB writes it.
    pub(in crate::manifest) fn record(bytes: &[u8]) -> Vec<u8> {
        fragment_of(ONLY, bytes)
    }

    const TWO_BYTES: usize = 30_000;

    /// Two records of one block, and one that goes on in the next two.
    fn list() -> Vec<u8> {
        let mut list = [record(b"one"), record(&vec![2; TWO_BYTES])].concat();
        let left = BLOCK_BYTES - list.len() - HEADER_BYTES;
        list.extend(fragment_of(FIRST, &vec![3; left]));
        list.extend(fragment_of(BETWEEN, &vec![3; BLOCK_BYTES - HEADER_BYTES]));
        list.extend(fragment_of(LAST, &[3; 2_000]));
        list
    }

    #[test]
    fn the_checksum_is_the_one_of_the_castagnoli_polynomial() {
        // The check value of CRC-32C, of "123456789".
        let crc = b"123456789".iter().fold(!0, |crc, byte| crc32c(crc, *byte));
        assert_eq!(!crc, 0xe306_9283);
    }

    #[test]
    fn a_list_that_ends_anywhere_or_in_zeros_is_not_torn() {
        let list = list();
        for end in (0..list.len()).step_by(101).chain([list.len()]) {
            assert_eq!(torn_at(&list[..end]), None, "{end}");
        }
        let mut list = list;
        list.resize(100_000, 0);
        assert_eq!(torn_at(&list), None);
    }

    #[test]
    fn a_list_is_torn_where_the_damaged_record_begins() {
        let (list, second, third) = (list(), record(b"one").len(), 30_000 + 17);
        let lengths = [0, second, third, BLOCK_BYTES, 2 * BLOCK_BYTES].map(|at| at + 4..at + 6);
        for place in 0..list.len() {
            if place > 2 * HEADER_BYTES && place % 101 != 0 {
                continue;
            }
            let mut torn = list.clone();
            torn[place] ^= 0x20;
            let begins = match place {
                _ if place < second => 0,
                _ if place < third => second,
                _ => third,
            };
            let found = torn_at(&torn);
            // A length that leads beyond the end looks like an end.
            let is_length = lengths.iter().any(|at| at.contains(&place));
            assert!(
                found == Some(begins) || (is_length && found.is_none()),
                "{place}: {found:?}"
            );
        }
        let mut torn = list.clone();
        torn[second + HEADER_BYTES..second + 600].fill(0);
        assert_eq!(torn_at(&torn), Some(second));
        torn[second..third].fill(0);
        assert_eq!(torn_at(&torn), Some(second));
    }
}
