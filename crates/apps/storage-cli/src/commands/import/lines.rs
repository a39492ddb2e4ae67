//! Lines of a stream, numbered and bounded.

use std::io::{BufRead, Read};

use crate::failure::{Failure, Result};

/// The lines of a stream that are not blank, one at a time in one buffer.
pub(super) struct Lines<R> {
    reader: R,
    line_bytes_max: usize,
    buffer: Vec<u8>,
    number: u64,
    bytes_read: u64,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(reader: R, line_bytes_max: usize) -> Self {
        Self {
            reader,
            line_bytes_max,
            buffer: Vec::new(),
            number: 0,
            bytes_read: 0,
        }
    }

    /// The next line, without its end.
    ///
    /// # Errors
    /// If the stream cannot be read, or the line is longer than the bound.
    pub(super) fn next(&mut self) -> Result<Option<&[u8]>> {
        loop {
            self.buffer.clear();
            let limit = self.line_bytes_max.saturating_add(b"\r\n".len());
            let read = self
                .reader
                .by_ref()
                .take(u64::try_from(limit).unwrap_or(u64::MAX))
                .read_until(b'\n', &mut self.buffer)
                .map_err(|error| Failure::io("read it", &error))?;
            if read == 0 {
                return Ok(None);
            }
            self.number += 1;
            self.bytes_read += u64::try_from(read).unwrap_or(u64::MAX);
            self.strip_end();
            if self.number == 1 {
                self.strip_byte_order_mark();
            }
            if self.buffer.len() > self.line_bytes_max {
                return Err(Failure::usage(format!(
                    "it is longer than {} bytes, more than any entry of this store takes",
                    self.line_bytes_max
                )));
            }
            if !self.buffer.trim_ascii().is_empty() {
                return Ok(Some(&self.buffer));
            }
        }
    }

    /// The number of the last line, from 1.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// The bytes of all lines so far.
    pub(super) fn bytes_read(&self) -> u64 {
        self.bytes_read
    }

    /// Some editors begin a file of UTF-8 with one.
    fn strip_byte_order_mark(&mut self) {
        const MARK: &[u8] = "\u{FEFF}".as_bytes();
        if self.buffer.starts_with(MARK) {
            self.buffer.drain(..MARK.len());
        }
    }

    fn strip_end(&mut self) {
        if self.buffer.pop_if(|last| *last == b'\n').is_some() {
            self.buffer.pop_if(|last| *last == b'\r');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blank_lines_are_counted_and_left_out() {
        let mut lines = Lines::new(&b"a\n\n  \r\nb\r\nc"[..], 100);
        let mut seen = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            seen.push(line.to_vec());
        }
        assert_eq!(seen, [b"a", b"b", b"c"]);
        assert_eq!(lines.number(), 5);
    }

    #[test]
    fn a_byte_order_mark_is_left_out_where_the_stream_begins() {
        let mut lines = Lines::new("\u{FEFF}a\n\u{FEFF}b\n".as_bytes(), 100);
        assert_eq!(lines.next().unwrap(), Some(&b"a"[..]));
        assert_eq!(lines.next().unwrap(), Some("\u{FEFF}b".as_bytes()));
    }

    #[test]
    fn a_line_over_the_bound_is_refused_and_one_at_the_bound_is_not() {
        let mut lines = Lines::new(&b"1234\r\n12345\n"[..], 4);
        assert_eq!(lines.next().unwrap(), Some(&b"1234"[..]));
        assert!(lines.next().is_err());
        assert_eq!(lines.number(), 2);
    }
}
