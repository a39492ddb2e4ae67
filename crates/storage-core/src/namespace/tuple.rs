//! Names as elements of a key: self-delimiting and in the order of the names.
//!
//! The type byte and the end byte are those of `FoundationDB`'s tuple layer.
//! The escapes differ, because what follows a name here is any bytes at all:
//! with its `00` → `00 FF`, the element of `a` would be the beginning of that
//! of `a\0`. Here each byte becomes a code, no code is the beginning of another,
//! and codes sort as what they stand for; so do elements.
//! `docs/formats/namespace.md` is the specification.

const NAME: u8 = 0x02;
const END: u8 = 0x00;
const ESCAPE: u8 = 0x01;

/// The byte that every name's element begins with, and the next one: the range
/// in which all children of a namespace lie.
pub(super) const NAMES: (u8, u8) = (NAME, NAME + 1);

/// Appends `name` as one element.
pub(super) fn push_name(out: &mut Vec<u8>, name: &str) {
    out.push(NAME);
    for byte in name.bytes() {
        match byte {
            END | ESCAPE => out.extend([ESCAPE, byte + 1]),
            plain => out.push(plain),
        }
    }
    out.push(END);
}

/// The name whose element `bytes` begin with, and what follows it; `None` if
/// they do not begin with an element.
pub(super) fn split_name(bytes: &[u8]) -> Option<(String, &[u8])> {
    let (&NAME, mut rest) = bytes.split_first()? else {
        return None;
    };
    let mut name = Vec::new();
    loop {
        match *rest {
            [END, ref after @ ..] => return Some((String::from_utf8(name).ok()?, after)),
            [ESCAPE, escaped @ (1 | 2), ref after @ ..] => {
                name.push(escaped - 1);
                rest = after;
            }
            [ESCAPE, ..] | [] => return None,
            [plain, ref after @ ..] => {
                name.push(plain);
                rest = after;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn element(name: &str) -> Vec<u8> {
        let mut out = Vec::new();
        push_name(&mut out, name);
        out
    }

    #[test]
    fn the_stored_form_is_the_documented_one() {
        assert_eq!(element(""), b"\x02\x00");
        assert_eq!(element("core"), b"\x02core\x00");
        assert_eq!(
            element("a\0b\x01c\x02ÿ"),
            b"\x02a\x01\x01b\x01\x02c\x02\xC3\xBF\x00"
        );
    }

    #[test]
    fn what_is_no_element_does_not_decode() {
        for bytes in [
            &b""[..],
            b"\x01a\x00",
            b"\x02",
            b"\x02a",
            b"\x02\x01",
            b"\x02a\x01\x00\x00",
            b"\x02a\x01\x03\x00",
            b"\x02\xFF\x00",
        ] {
            assert_eq!(split_name(bytes), None, "{bytes:?}");
        }
    }

    mod fuzzed {
        use storage_testkit::fuzz::decoder;

        use super::*;

        #[test]
        fn an_element_is_what_would_be_written() {
            decoder([element("core"), element("a\0b\x01c\x02ÿ")], |input| {
                if let Some((name, rest)) = split_name(input) {
                    assert_eq!([&element(&name), rest].concat(), *input);
                }
            });
        }
    }
}
