//! A value from a stream: all of it, or a refusal.

use std::io::{self, BufRead};

use crate::{
    failure::{Failure, Result},
    hexadecimal,
    notation::Notation,
};

/// Waits for the first byte of the stream, or its end.
///
/// Whoever writes the stream may hold the store until it has something to say:
/// `storage get a | storage put b`.
pub(crate) fn wait_for_start(stream: &mut impl BufRead) -> Result<()> {
    next_chunk(stream).map(|_| ())
}

/// Reads a value. Hexadecimal digits may stand on lines.
///
/// # Errors
/// `Usage` if it has more than `bytes_max` bytes, of which no more are read than
/// show that, or is not hexadecimal where it should be.
pub(crate) fn read(
    stream: &mut impl BufRead,
    notation: Notation,
    bytes_max: usize,
) -> Result<Vec<u8>> {
    let mut input = Vec::new();
    let input_bytes_max = match notation {
        Notation::Plain => bytes_max,
        Notation::Hexadecimal => bytes_max.saturating_mul(hexadecimal::DIGITS_PER_BYTE),
    };
    loop {
        let chunk = next_chunk(stream)?;
        match notation {
            Notation::Plain => input.extend_from_slice(chunk),
            Notation::Hexadecimal => {
                input.extend(chunk.iter().filter(|byte| !byte.is_ascii_whitespace()));
            }
        }
        let read = chunk.len();
        if input.len() > input_bytes_max {
            return Err(too_large(bytes_max));
        }
        if read == 0 {
            break;
        }
        stream.consume(read);
    }
    match notation {
        Notation::Plain => Ok(input),
        Notation::Hexadecimal => hexadecimal::decode(&input).ok_or_else(|| {
            Failure::usage("standard input is not hexadecimal")
                .remedy("with --hex, write two digits for each byte, such as 00ff")
        }),
    }
}

fn next_chunk(stream: &mut impl BufRead) -> Result<&[u8]> {
    while let Err(error) = stream.fill_buf() {
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(Failure::io("read standard input", &error));
        }
    }
    // What was read just now is still in the buffer.
    stream
        .fill_buf()
        .map_err(|error| Failure::io("read standard input", &error))
}

fn too_large(bytes_max: usize) -> Failure {
    Failure::usage(format!(
        "the value is larger than this store takes, which is {bytes_max} bytes"
    ))
    .remedy("split it, and put each part under a key of its own")
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    /// Reads in chunks smaller than the value.
    fn read_with_limit(input: &str, notation: Notation) -> Option<Vec<u8>> {
        let mut stream = BufReader::with_capacity(3, input.as_bytes());
        read(&mut stream, notation, 4).ok()
    }

    #[test]
    fn a_value_at_the_limit_is_taken_whole_and_one_over_it_is_refused() {
        let read = |input| read_with_limit(input, Notation::Plain);
        assert_eq!(read(""), Some(Vec::new()));
        assert_eq!(read("1234"), Some(b"1234".to_vec()));
        assert_eq!(read("12345"), None);
    }

    #[test]
    fn white_space_between_digits_does_not_count_towards_the_limit() {
        let read = |input| read_with_limit(input, Notation::Hexadecimal);
        let on_lines = "0\n0\n f\nf\n\n6\n1\n6\n2\n\n\n\n\n\n";
        assert_eq!(read(on_lines), Some(b"\x00\xFFab".to_vec()));
        assert_eq!(read("00ff61620"), None);
        assert_eq!(read("0\n0\nf\nf\n6\n1\n6\n2\n6\n3\n"), None);
    }

    #[test]
    fn half_a_byte_is_refused() {
        assert_eq!(read_with_limit("00f\n", Notation::Hexadecimal), None);
    }
}
