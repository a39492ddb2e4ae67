//! How sled writes its log: segments of one size, each with a header, filled
//! with messages.
//!
//! Only as much is read here as it takes to tell where the log ends, and where
//! it cannot be read. `docs/formats/sled.md` gives it byte by byte.

/// The size of a segment of the log. sled keeps it with the store, so it is
/// part of the format.
///
/// What takes more than a quarter of a segment, sled writes to a file of its
/// own, which it never syncs. So it is chosen for the largest page to be
/// smaller; see `docs/decisions/0023-sled-durability.md`.
pub(crate) const SEGMENT_BYTES: usize = 4 << 20;

/// The bytes before the first message of a segment.
pub(crate) const SEGMENT_HEADER_BYTES: usize = 20;

/// No message begins in so many bytes at the end of a segment.
const RED_ZONE_BYTES: usize = 32;

/// What sled flips in the numbers and checksums of its headers, so that zeros
/// are none.
const CHECKSUM_MASK: u32 = 0xffff_ffff;
const NUMBER_MASK: i64 = 0x7fff_ffff_ffff_ffff;

const UNREADABLE: u8 = 0;
const CAP: u8 = 2;
const LAST_KIND: u8 = 11;

/// A place in the log: the number of bytes before it.
pub(crate) type Place = i64;

/// The number of the segment that holds `place`.
pub(crate) fn segment_of(place: Place) -> i64 {
    place.div_euclid(segment_bytes())
}

/// The first place in a segment.
pub(crate) fn segment_start(segment: i64) -> Place {
    segment.saturating_mul(segment_bytes())
}

/// How far `place` is into its segment.
pub(crate) fn within_segment(place: Place) -> usize {
    usize::try_from(place.rem_euclid(segment_bytes())).unwrap_or(0)
}

fn segment_bytes() -> i64 {
    i64::try_from(SEGMENT_BYTES).unwrap_or(i64::MAX)
}

/// What the header of a segment says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    /// Where in the log the segment begins.
    pub(crate) start: Place,
    /// Up to where the log was written when the segment was begun.
    pub(crate) vouched: Place,
}

impl SegmentHeader {
    /// The header in the first bytes of a segment, if it is whole.
    pub(crate) fn read(segment: &[u8]) -> Option<Self> {
        let (checksum, rest) = segment.split_first_chunk::<4>()?;
        let numbers = rest.get(..SEGMENT_HEADER_BYTES - checksum.len())?;
        if u32::from_le_bytes(*checksum) ^ CHECKSUM_MASK != crc32fast::hash(numbers) {
            return None;
        }
        let (start, rest) = numbers.split_first_chunk::<8>()?;
        let (vouched, _) = rest.split_first_chunk::<8>()?;
        Some(Self {
            start: i64::from_le_bytes(*start) ^ NUMBER_MASK,
            vouched: i64::from_le_bytes(*vouched) ^ NUMBER_MASK,
        })
    }
}

/// Where the messages of a segment end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The segment is full; its last message begins, or the room that is too
    /// small for one, so far into it.
    Full(usize),
    /// What comes so far into it is no message.
    Unreadable(usize),
}

/// Reads the messages of the segment with this number up to their end.
pub(crate) fn read_messages(segment: &[u8], number: i64) -> End {
    let mut at = SEGMENT_HEADER_BYTES;
    loop {
        if at > SEGMENT_BYTES - RED_ZONE_BYTES {
            return End::Full(at);
        }
        let message = segment
            .get(at..)
            .and_then(|rest| read_message(rest, number));
        match message {
            None => return End::Unreadable(at),
            Some(Message { kind: CAP, .. }) => return End::Full(at),
            Some(Message { bytes, .. }) => at += bytes,
        }
    }
}

struct Message {
    kind: u8,
    /// With its header.
    bytes: usize,
}

fn read_message(rest: &[u8], segment: i64) -> Option<Message> {
    let (checksum, fields) = rest.split_first_chunk::<4>()?;
    let (&kind, after_kind) = fields.split_first()?;
    let mut unread = after_kind;
    let body_bytes = usize::try_from(read_number(&mut unread)?).ok()?;
    let number = read_number(&mut unread)?;
    let _page = read_number(&mut unread)?;
    let body = unread.get(..body_bytes)?;
    let header = fields.get(..fields.len() - unread.len())?;
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(body);
    hasher.update(header);
    let is_whole = hasher.finalize() == u32::from_le_bytes(*checksum) ^ CHECKSUM_MASK;
    let is_known = kind != UNREADABLE && kind <= LAST_KIND;
    let is_of_segment = i64::try_from(number) == Ok(segment);
    (is_whole && is_known && is_of_segment).then(|| Message {
        kind,
        bytes: checksum.len() + header.len() + body.len(),
    })
}

/// Takes a number off `bytes`. Small ones take one byte.
fn read_number(bytes: &mut &[u8]) -> Option<u64> {
    let (&first, rest) = bytes.split_first()?;
    let (number, rest) = match first {
        0..=240 => (u64::from(first), rest),
        241..=248 => {
            let (&low, rest) = rest.split_first()?;
            let number = 240 + 256 * (u64::from(first) - 241) + u64::from(low);
            (number, rest)
        }
        249 => {
            let ([high, low], rest) = rest.split_first_chunk::<2>()?;
            let number = 2_288 + 256 * u64::from(*high) + u64::from(*low);
            (number, rest)
        }
        _ => {
            let (low, rest) = rest.split_at_checked(usize::from(first) - 247)?;
            let mut number = [0; 8];
            number.get_mut(..low.len())?.copy_from_slice(low);
            (u64::from_le_bytes(number), rest)
        }
    };
    *bytes = rest;
    Some(number)
}

#[cfg(test)]
mod tests {
    use sled::Serialize as _;

    use super::*;

    #[test]
    fn numbers_are_read_as_sled_writes_them() {
        for number in [
            0,
            240,
            241,
            2_287,
            2_288,
            67_823,
            67_824,
            0xff_ffff,
            0x0100_0000,
            u64::from(u32::MAX),
            1 << 40,
            1 << 48,
            1 << 56,
            u64::MAX,
        ] {
            let written = number.serialize();
            let mut bytes = written.as_slice();
            assert_eq!(read_number(&mut bytes), Some(number));
            assert!(bytes.is_empty());
            for length in 0..written.len() {
                assert_eq!(read_number(&mut &written[..length]), None, "{number}");
            }
        }
    }

    fn header(start: Place, vouched: Place) -> Vec<u8> {
        let numbers = [start, vouched].map(|number| (number ^ NUMBER_MASK).to_le_bytes());
        let checksum = crc32fast::hash(numbers.as_flattened()) ^ CHECKSUM_MASK;
        [&checksum.to_le_bytes(), numbers.as_flattened()].concat()
    }

    #[test]
    fn a_header_with_any_bit_changed_is_none() {
        let bytes = header(7 << 22, -1);
        let whole = SegmentHeader {
            start: 7 << 22,
            vouched: -1,
        };
        assert_eq!(SegmentHeader::read(&bytes), Some(whole));
        for place in 0..8 * bytes.len() {
            let mut damaged = bytes.clone();
            damaged[place / 8] ^= 1 << (place % 8);
            assert_eq!(SegmentHeader::read(&damaged), None, "{place}");
        }
        assert_eq!(SegmentHeader::read(&bytes[1..]), None);
        assert_eq!(SegmentHeader::read(&[0; SEGMENT_HEADER_BYTES]), None);
    }

    fn message(kind: u8, segment: u64, body: &[u8]) -> Vec<u8> {
        let length = u64::try_from(body.len()).unwrap();
        let numbers = [length.serialize(), segment.serialize(), 2_u64.serialize()].concat();
        let header = [&[kind], numbers.as_slice()].concat();
        let checksum = crc32fast::hash(&[body, &header].concat()) ^ CHECKSUM_MASK;
        [&checksum.to_le_bytes(), header.as_slice(), body].concat()
    }

    #[test]
    fn messages_are_read_up_to_what_is_none() {
        let first = message(10, 3, &[7; 300]);
        let second = message(1, 3, b"");
        let mut segment = header(segment_start(3), 0);
        segment.extend([first.as_slice(), &second].concat());
        let whole = segment.len();
        assert_eq!(read_messages(&segment, 3), End::Unreadable(whole));
        assert_eq!(
            read_messages(&segment, 4),
            End::Unreadable(SEGMENT_HEADER_BYTES)
        );
        let between = SEGMENT_HEADER_BYTES + first.len();
        for place in SEGMENT_HEADER_BYTES..whole {
            let mut damaged = segment.clone();
            damaged[place] ^= 0x10;
            let end = if place < between {
                SEGMENT_HEADER_BYTES
            } else {
                between
            };
            assert_eq!(read_messages(&damaged, 3), End::Unreadable(end), "{place}");
        }
        segment.extend(message(CAP, 3, b"cap"));
        assert_eq!(read_messages(&segment, 3), End::Full(whole));
    }

    #[test]
    fn places_know_their_segments() {
        let bytes = segment_bytes();
        for (place, segment, within) in
            [(0, 0, 0), (bytes - 1, 0, SEGMENT_BYTES - 1), (bytes, 1, 0)]
        {
            assert_eq!(segment_of(place), segment);
            assert_eq!(within_segment(place), within);
        }
        assert_eq!(segment_start(3), 3 * bytes);
        assert_eq!(segment_of(-1), -1);
    }
}
