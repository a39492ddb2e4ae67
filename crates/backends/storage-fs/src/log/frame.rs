//! The frames that logs and bases are made of: each checksummed, each tied to
//! all before it.
//!
//! A frame's checksum begins where that of the frame before it ended, so it
//! covers everything up to there. A frame that is whole but out of its place,
//! such as one left over from what was cut off, does not fit.

use std::io::{self, Read};

use crate::wire::as_u64;

/// What a frame has before its payload: length and checksum.
pub(crate) const HEADER_BYTES: usize = 8;

/// The checksum of a file up to some frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Chain(pub(crate) u32);

impl Chain {
    /// The chain of a file that so far has only these first bytes.
    pub(crate) fn begin(magic: &[u8]) -> Self {
        Self(crc32fast::hash(magic))
    }

    fn extended(self, length: [u8; 4], payload: &[u8]) -> Self {
        let mut hasher = crc32fast::Hasher::new_with_initial(self.0);
        hasher.update(&length);
        hasher.update(payload);
        Self(hasher.finalize())
    }
}

/// Begins a frame in `buffer`, which is emptied. Its payload is appended.
pub(crate) fn begin(buffer: &mut Vec<u8>) {
    buffer.clear();
    buffer.extend_from_slice(&[0; HEADER_BYTES]);
}

/// Ends the frame in `buffer`: fills in its header.
///
/// # Errors
/// `FileTooLarge` for a payload of more than 4 GiB.
pub(crate) fn end(buffer: &mut [u8], chain: Chain) -> io::Result<Chain> {
    let (header, payload) = buffer
        .split_first_chunk_mut::<HEADER_BYTES>()
        .ok_or(io::ErrorKind::InvalidInput)?;
    let length = u32::try_from(payload.len()).map_err(|_| io::ErrorKind::FileTooLarge)?;
    let length = length.to_le_bytes();
    let chain = chain.extended(length, payload);
    let (first, second) = header.split_at_mut(length.len());
    first.copy_from_slice(&length);
    second.copy_from_slice(&chain.0.to_le_bytes());
    Ok(chain)
}

/// Reads frames one after the other.
#[derive(Debug)]
pub(crate) struct Frames<R> {
    input: R,
    /// Where the next frame begins.
    position: u64,
    /// Where the file ends.
    end: u64,
    chain: Chain,
}

/// What comes next in a file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// A whole frame.
    Frame(Vec<u8>),
    /// Nothing: the file ends.
    End,
    /// Something that is no frame, or one that does not belong there.
    Broken,
}

impl<R: Read> Frames<R> {
    /// Reads the frames of a file of `length` bytes that must begin with
    /// `magic`; `None` if it does not.
    pub(crate) fn new(mut input: R, magic: &[u8], length: u64) -> io::Result<Option<Self>> {
        let mut begin = Vec::new();
        (&mut input)
            .take(as_u64(magic.len()))
            .read_to_end(&mut begin)?;
        Ok((begin == magic).then(|| Self {
            input,
            position: as_u64(magic.len()),
            end: length,
            chain: Chain::begin(magic),
        }))
    }

    /// Where the next frame begins, and the chain up to there.
    pub(crate) const fn tail(&self) -> (u64, Chain) {
        (self.position, self.chain)
    }

    /// The next frame. After anything else, nothing is to be read any more.
    pub(crate) fn next(&mut self) -> io::Result<Next> {
        let left = self.end.saturating_sub(self.position);
        if left == 0 {
            return Ok(Next::End);
        }
        let Some(left) = left.checked_sub(as_u64(HEADER_BYTES)) else {
            return Ok(Next::Broken);
        };
        let (mut length, mut checksum) = ([0; 4], [0; 4]);
        if !(self.fill(&mut length)? && self.fill(&mut checksum)?) {
            return Ok(Next::Broken);
        }
        let payload_bytes = u64::from(u32::from_le_bytes(length));
        // Every payload has a tag.
        if payload_bytes == 0 || payload_bytes > left {
            return Ok(Next::Broken);
        }
        let mut payload = Vec::new();
        (&mut self.input)
            .take(payload_bytes)
            .read_to_end(&mut payload)?;
        let chain = self.chain.extended(length, &payload);
        if as_u64(payload.len()) != payload_bytes || chain.0 != u32::from_le_bytes(checksum) {
            return Ok(Next::Broken);
        }
        self.chain = chain;
        self.position += as_u64(HEADER_BYTES) + payload_bytes;
        Ok(Next::Frame(payload))
    }

    /// Whether there was enough to fill `bytes`.
    fn fill(&mut self, bytes: &mut [u8]) -> io::Result<bool> {
        match self.input.read_exact(bytes) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAGIC: &[u8; 8] = b"frames.1";

    fn file(payloads: &[&[u8]]) -> Vec<u8> {
        let mut file = MAGIC.to_vec();
        let mut chain = Chain::begin(MAGIC);
        let mut buffer = Vec::new();
        for payload in payloads {
            begin(&mut buffer);
            buffer.extend_from_slice(payload);
            chain = end(&mut buffer, chain).unwrap();
            file.extend_from_slice(&buffer);
        }
        file
    }

    /// The payloads up to the first that is broken, and whether one is.
    fn read(file: &[u8]) -> (Vec<Vec<u8>>, bool) {
        let Some(mut frames) = Frames::new(file, MAGIC, as_u64(file.len())).unwrap() else {
            return (Vec::new(), true);
        };
        let mut payloads = Vec::new();
        loop {
            match frames.next().unwrap() {
                Next::Frame(payload) => payloads.push(payload),
                Next::End => return (payloads, false),
                Next::Broken => return (payloads, true),
            }
        }
    }

    #[test]
    fn the_stored_form_is_the_documented_one() {
        assert_eq!(
            file(&[b"ab"]),
            *b"frames.1\x02\x00\x00\x00\xF0\x9A\x21\xD9ab".as_slice()
        );
    }

    #[test]
    fn frames_are_read_up_to_the_first_that_any_flip_or_cut_is_in() {
        let payloads: [&[u8]; 3] = [b"one", b"two, which is longer", b"3"];
        let whole = file(&payloads);
        assert_eq!(read(&whole), (payloads.map(<[u8]>::to_vec).to_vec(), false));
        let ends = [19, 47, 56];
        for place in 0..whole.len() {
            let before = match place {
                0..8 => 0,
                place => ends.iter().filter(|end| **end <= place).count(),
            };
            for bit in 0..8 {
                let mut damaged = whole.clone();
                damaged[place] ^= 1 << bit;
                let (read, is_broken) = read(&damaged);
                assert_eq!((read.len(), is_broken), (before, true), "{place}");
            }
            let (read, is_broken) = read(&whole[..place]);
            let is_torn = place != 8 && !ends.contains(&place);
            assert_eq!((read.len(), is_broken), (before, is_torn), "{place}");
        }
    }

    #[test]
    fn a_whole_frame_that_followed_another_one_does_not_fit() {
        let (one, two) = (file(&[b"a", b"same"]), file(&[b"b", b"same"]));
        let mixed = [&one[..17], &two[17..]].concat();
        assert_eq!(read(&mixed), (vec![b"a".to_vec()], true));
    }

    #[test]
    fn noise_is_never_a_frame() {
        let random = storage_core::SeededRandom::new(3);
        for length in 0..2_000 {
            let mut noise = MAGIC.to_vec();
            noise.extend((0..length).map(|_| random.next_u64().to_le_bytes()[0]));
            assert_eq!(read(&noise).0, Vec::<Vec<u8>>::new());
        }
    }
}
