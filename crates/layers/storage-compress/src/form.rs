//! The stored forms of values, byte by byte.
//!
//! `docs/formats/compress.md` is the specification. A form is read in two steps: its
//! head says how long the value is and how to get at it, before anything is believed;
//! its checksum then says whether it is what was written.

use bytes::Bytes;
use storage_core::{Error, ErrorKind, Result};
use twox_hash::XxHash3_64;

use crate::{
    dictionary::{Dictionary, DictionaryId},
    layer::NAME,
};

/// How many bytes the form of a value that is stored as it is has beside the value. No
/// other form is longer.
pub(crate) const OVERHEAD_BYTES_MAX: usize = 1 + CHECKSUM_BYTES;

const CHECKSUM_BYTES: usize = size_of::<u32>();

/// From about this length on allocators get memory for a value from the system.
const IN_PLACE_BYTES_MIN: usize = 128 << 10;

/// The number of the method that needs a dictionary.
const TRAINED: u8 = 4;

/// How a value is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    /// As it is.
    Raw,
    /// A zstd frame.
    Zstd,
    /// An lz4 block.
    Lz4,
    /// A deflate stream, as within gzip.
    Gzip,
    /// A zstd frame without its magic number, made with a dictionary.
    Trained(DictionaryId),
}

impl Method {
    const fn number(self) -> u8 {
        match self {
            Self::Raw => 0,
            Self::Zstd => 1,
            Self::Lz4 => 2,
            Self::Gzip => 3,
            Self::Trained(_) => TRAINED,
        }
    }

    /// Reads the method that a form begins with.
    fn take(rest: &mut &[u8]) -> Result<Self> {
        match take_byte(rest)? {
            0 => Ok(Self::Raw),
            1 => Ok(Self::Zstd),
            2 => Ok(Self::Lz4),
            3 => Ok(Self::Gzip),
            TRAINED => Ok(Self::Trained(DictionaryId(take_byte(rest)?))),
            number => Err(corrupt(&format!(
                "its first byte is {number:#04x}, which means nothing"
            ))),
        }
    }
}

/// What a form says of itself, true only if its checksum is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) method: Method,
    /// How long the value is.
    pub(crate) length: u64,
    /// Where the payload begins.
    payload_at: usize,
}

impl Head {
    /// Reads the head of a form.
    ///
    /// # Errors
    /// `Corrupt` if it is none.
    pub(crate) fn of(stored: &[u8]) -> Result<Self> {
        let body_bytes = stored
            .len()
            .checked_sub(CHECKSUM_BYTES)
            .ok_or_else(|| corrupt("it is cut off"))?;
        let (mut rest, _) = stored.split_at(body_bytes);
        let method = Method::take(&mut rest)?;
        let length = match method {
            Method::Raw => as_u64(rest.len()),
            _ => take_number(&mut rest).ok_or_else(|| corrupt("its length makes no sense"))?,
        };
        Ok(Self {
            method,
            length,
            payload_at: body_bytes - rest.len(),
        })
    }

    /// What the value is to be made of. The seed is the hash of the dictionary that it was
    /// made with; 0 without one.
    ///
    /// # Errors
    /// `Corrupt` if the form is not what was written.
    pub(crate) fn payload(self, stored: &Bytes, seed: u64) -> Result<Bytes> {
        let damaged = || corrupt("its checksum is wrong");
        let body_bytes = stored.len().saturating_sub(CHECKSUM_BYTES);
        let (body, checksum) = stored.split_at_checked(body_bytes).ok_or_else(damaged)?;
        if checksum_of(body, seed) != *checksum || self.payload_at > body_bytes {
            return Err(damaged());
        }
        Ok(stored.slice(self.payload_at..body_bytes))
    }
}

/// The form of a value that is stored as it is.
///
/// A long value that nobody else has is moved by a byte in its own memory: memory that is
/// new to the process takes longer to come by than the bytes to copy.
pub(crate) fn seal_raw(value: Bytes) -> Bytes {
    if value.len() < IN_PLACE_BYTES_MIN || !value.is_unique() {
        return copied_raw(&value);
    }
    let mut stored = Vec::from(value);
    let spare = stored.capacity() - stored.len();
    if spare > stored.len() / 8 {
        // A piece of something larger, which whoever keeps the form would keep.
        return copied_raw(&stored);
    }
    stored.reserve_exact(OVERHEAD_BYTES_MAX);
    stored.insert(0, Method::Raw.number());
    finish(stored, 0)
}

fn copied_raw(value: &[u8]) -> Bytes {
    let mut stored = Vec::with_capacity(OVERHEAD_BYTES_MAX + value.len());
    stored.push(Method::Raw.number());
    stored.extend_from_slice(value);
    finish(stored, 0)
}

/// The form of a value of `length` bytes that is stored as `payload`; `None` if that
/// saves less than an eighth.
pub(crate) fn seal(method: Method, length: usize, payload: &[u8]) -> Option<Bytes> {
    seal_seeded(method, 0, length, payload)
}

/// As [`seal`], of what was made with a dictionary.
pub(crate) fn seal_trained(
    dictionary: &Dictionary,
    length: usize,
    payload: &[u8],
) -> Option<Bytes> {
    let method = Method::Trained(dictionary.id);
    seal_seeded(method, dictionary.hash, length, payload)
}

fn seal_seeded(method: Method, seed: u64, length: usize, payload: &[u8]) -> Option<Bytes> {
    let method_bytes = match method {
        Method::Trained(_) => 2,
        _ => 1,
    };
    let bytes = method_bytes + number_bytes(as_u64(length)) + payload.len() + CHECKSUM_BYTES;
    if bytes > length - length / 8 {
        return None;
    }
    let mut stored = Vec::with_capacity(bytes);
    stored.push(method.number());
    if let Method::Trained(DictionaryId(id)) = method {
        stored.push(id);
    }
    put_number(&mut stored, as_u64(length));
    stored.extend_from_slice(payload);
    Some(finish(stored, seed))
}

fn finish(mut stored: Vec<u8>, seed: u64) -> Bytes {
    let checksum = checksum_of(&stored, seed);
    stored.extend_from_slice(&checksum);
    stored.into()
}

/// The lower half of the XXH3 hash.
fn checksum_of(body: &[u8], seed: u64) -> [u8; CHECKSUM_BYTES] {
    let hash = match seed {
        0 => XxHash3_64::oneshot(body),
        seed => XxHash3_64::oneshot_with_seed(seed, body),
    };
    let [.., a, b, c, d] = hash.to_be_bytes();
    [a, b, c, d]
}

/// Appends a number in groups of seven bits, the lowest first, each but the last with
/// its highest bit set.
pub(crate) fn put_number(stored: &mut Vec<u8>, mut number: u64) {
    loop {
        let group = number.to_le_bytes()[0] & 0x7F;
        number >>= 7;
        if number == 0 {
            stored.push(group);
            return;
        }
        stored.push(group | 0x80);
    }
}

const fn number_bytes(mut number: u64) -> usize {
    let mut bytes = 1;
    while number >= 0x80 {
        number >>= 7;
        bytes += 1;
    }
    bytes
}

fn take_byte(rest: &mut &[u8]) -> Result<u8> {
    let (&byte, after) = rest.split_first().ok_or_else(|| corrupt("it is cut off"))?;
    *rest = after;
    Ok(byte)
}

pub(crate) fn take_number(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..u64::BITS).step_by(7) {
        let (&byte, after) = rest.split_first()?;
        *rest = after;
        let group = u64::from(byte & 0x7F);
        let shifted = group << shift;
        if shifted >> shift != group {
            return None;
        }
        number |= shifted;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

/// The error of a form that cannot be read.
pub(crate) fn corrupt(what: &str) -> Error {
    Error::new(
        ErrorKind::Corrupt,
        format!("a stored value cannot be decoded: {what}; restore it from a backup"),
    )
    .with_layer(NAME)
}

pub(crate) fn as_u64(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_they_were_written() {
        for number in [0, 1, 0x7F, 0x80, 0x3FFF, 0x4000, 1 << 60, u64::MAX] {
            let mut written = Vec::new();
            put_number(&mut written, number);
            assert_eq!(written.len(), number_bytes(number));
            let mut rest = &*written;
            assert_eq!(take_number(&mut rest), Some(number));
            assert!(rest.is_empty());
            let mut cut = &written[..written.len() - 1];
            assert_eq!(take_number(&mut cut), None);
        }
        let mut too_large = &[0xFF; 9].iter().chain(&[0x02]).copied().collect::<Vec<_>>()[..];
        assert_eq!(take_number(&mut too_large), None);
        assert_eq!(take_number(&mut &[0x80; 11][..]), None);
    }

    #[test]
    fn what_saves_less_than_an_eighth_is_not_sealed() {
        let sealed = |payload| seal(Method::Zstd, 800, &vec![7; payload]);
        assert_eq!(sealed(693).map(|stored| stored.len()), Some(700));
        assert_eq!(sealed(694), None);
        assert_eq!(seal(Method::Zstd, 0, b""), None);
    }

    #[test]
    fn a_value_is_sealed_alike_in_its_own_memory_and_in_new_memory() {
        let long = 2 * IN_PLACE_BYTES_MIN;
        let bytes: Vec<u8> = (0..=u8::MAX).cycle().take(3 * long).collect();
        for length in [0, 1, IN_PLACE_BYTES_MIN - 1, IN_PLACE_BYTES_MIN, long] {
            let value = &bytes[..length];
            let shared = Bytes::copy_from_slice(value);
            let sealed = seal_raw(shared.clone());
            assert_eq!(shared, value, "who shares the memory sees no change");
            assert_eq!(sealed[1..=length], *value);

            let mut own = Vec::with_capacity(length + OVERHEAD_BYTES_MAX);
            own.extend_from_slice(value);
            let place = own.as_ptr();
            let form = seal_raw(own.into());
            assert_eq!(form, sealed);
            let is_in_place = form.as_ptr() == place;
            assert_eq!(is_in_place, length >= IN_PLACE_BYTES_MIN, "{length}");

            let exact = Bytes::from(value.to_vec());
            for (whole, first) in [
                (exact, 0),
                (bytes.clone().into(), 0),
                (bytes[..=length].to_vec().into(), 1),
            ] {
                let expected = seal_raw(whole.slice(first..first + length));
                let piece = whole.slice(first..first + length);
                drop(whole);
                let form = seal_raw(piece);
                assert_eq!(form, expected);
                let kept = Vec::from(form).capacity();
                let most = length + length / 8 + OVERHEAD_BYTES_MAX;
                assert!(kept <= most, "{kept} for {length}");
            }
        }
    }

    #[test]
    fn a_form_that_is_cut_off_is_corrupt() {
        let whole = seal_raw(Bytes::from_static(b"value"));
        for length in 0..whole.len() {
            let cut = whole.slice(..length);
            let opened = Head::of(&cut).and_then(|head| head.payload(&cut, 0));
            assert_eq!(opened.unwrap_err().kind(), ErrorKind::Corrupt, "{length}");
        }
    }
}
