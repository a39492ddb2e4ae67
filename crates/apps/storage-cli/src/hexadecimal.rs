//! Bytes as hexadecimal digits.

pub(crate) const DIGITS_PER_BYTE: usize = 2;

/// Two lower-case digits for each byte.
pub(crate) fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * DIGITS_PER_BYTE);
    for byte in bytes {
        for nibble in [byte >> 4, byte & 0x0F] {
            text.extend(char::from_digit(u32::from(nibble), 16));
        }
    }
    text
}

/// The bytes that `text` stands for; `None` unless it is pairs of digits.
pub(crate) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_chunks::<DIGITS_PER_BYTE>();
    if !rest.is_empty() {
        return None;
    }
    pairs
        .iter()
        .map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?))
        .collect()
}

fn digit(character: u8) -> Option<u8> {
    match character {
        b'0'..=b'9' => Some(character - b'0'),
        b'a'..=b'f' => Some(character - b'a' + 10),
        b'A'..=b'F' => Some(character - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_survives() {
        let bytes: Vec<u8> = (0..=255).collect();
        assert_eq!(decode(encode(&bytes).as_bytes()), Some(bytes));
        assert_eq!(encode(b"\x00\xFFa"), "00ff61");
        assert_eq!(decode(b"aAfF"), Some(vec![0xAA, 0xFF]));
    }

    #[test]
    fn what_is_not_pairs_of_digits_is_refused() {
        for text in ["0", "0g", "+1", " 00", "é0"] {
            assert_eq!(decode(text.as_bytes()), None, "{text}");
        }
    }
}
