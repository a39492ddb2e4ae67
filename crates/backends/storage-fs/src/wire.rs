//! Numbers and byte strings as records and pages hold them.
//!
//! Whatever is read may be damaged: every read says whether there was enough of
//! it, and none reserves memory for what it was only told of.

/// Appends a number, seven bits a byte, the lowest first; the top bit says that
/// more follow (LEB128).
pub(crate) fn put_number(to: &mut Vec<u8>, number: u64) {
    let mut rest = number;
    while rest > 0x7F {
        let [low, ..] = rest.to_le_bytes();
        to.push(low | 0x80);
        rest >>= 7;
    }
    let [low, ..] = rest.to_le_bytes();
    to.push(low);
}

/// Appends a byte string, its length before it.
pub(crate) fn put_bytes(to: &mut Vec<u8>, bytes: &[u8]) {
    put_number(to, as_u64(bytes.len()));
    to.extend_from_slice(bytes);
}

/// A length as records hold it.
pub(crate) fn as_u64(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// What is left to read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Input<'a> {
    rest: &'a [u8],
}

impl<'a> Input<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) const fn rest(self) -> &'a [u8] {
        self.rest
    }

    pub(crate) const fn is_empty(self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn take(&mut self, length: u64) -> Option<&'a [u8]> {
        let length = usize::try_from(length).ok()?;
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(*taken)
    }

    pub(crate) fn byte(&mut self) -> Option<u8> {
        self.array().map(|[byte]| byte)
    }

    /// A number in the one form that [`put_number`] writes.
    #[inline]
    pub(crate) fn number(&mut self) -> Option<u64> {
        match self.rest {
            // Most have one byte.
            [byte @ ..0x80, rest @ ..] => {
                self.rest = rest;
                Some((*byte).into())
            }
            _ => self.long_number(),
        }
    }

    /// Passes over a number.
    pub(crate) fn skip_number(&mut self) -> Option<()> {
        let last = self.rest.iter().position(|byte| *byte < 0x80)?;
        self.rest = self.rest.get(last + 1..)?;
        Some(())
    }

    fn long_number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7F);
            let shifted = bits << shift;
            if shifted >> shift != bits {
                return None;
            }
            number |= shifted;
            if byte & 0x80 == 0 {
                return (byte != 0 || shift == 0).then_some(number);
            }
        }
        None
    }

    /// A byte string, its length before it.
    pub(crate) fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = self.number()?;
        self.take(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_they_were_written_and_in_no_other_form() {
        for number in [0, 1, 127, 128, 300, 1 << 35, u64::MAX - 1, u64::MAX] {
            let mut bytes = Vec::new();
            put_number(&mut bytes, number);
            let mut input = Input::new(&bytes);
            assert_eq!(input.number(), Some(number));
            assert!(input.is_empty());
            let mut input = Input::new(&bytes);
            input.skip_number().unwrap();
            assert!(input.is_empty());
            bytes.pop();
            assert_eq!(Input::new(&bytes).number(), None);
            assert_eq!(Input::new(&bytes).skip_number(), None);
        }
        let mut bytes = Vec::new();
        put_number(&mut bytes, 300);
        assert_eq!(bytes, [0xAC, 0x02]);
        for wrong in [&[0x80, 0x00][..], &[0xFF; 10], &[0xFF; 11]] {
            assert_eq!(Input::new(wrong).number(), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_length_beyond_the_end_reads_nothing() {
        let mut bytes = Vec::new();
        put_bytes(&mut bytes, b"abc");
        assert_eq!(Input::new(&bytes).bytes(), Some(&b"abc"[..]));
        assert_eq!(Input::new(&bytes[..3]).bytes(), None);
        let mut huge = Vec::new();
        put_number(&mut huge, u64::MAX);
        assert_eq!(Input::new(&huge).bytes(), None);
    }
}
