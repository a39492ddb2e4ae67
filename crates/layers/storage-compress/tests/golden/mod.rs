//! The golden dictionary.

use storage_core::{OwnedKey, SystemKeys};

/// Lines of a name, a form and its value, in hexadecimal digits; `-` is nothing. The row of
/// the dictionary that the forms were made with has no value.
pub(crate) const V2: &str = include_str!("../compress/golden_v2.txt");

/// The row of the golden dictionary, whose id is 0 and whose namespace is the root.
pub(crate) fn row() -> Vec<u8> {
    let line = V2.lines().find_map(|line| line.strip_prefix("row "));
    bytes(line.unwrap().trim_end_matches(" -"))
}

/// The key of the row of a dictionary.
pub(crate) fn row_key(id: u8) -> OwnedKey {
    SystemKeys::of("compress").key([b"dictionary/", &[id][..]].concat())
}

pub(crate) fn bytes(hexadecimal: &str) -> Vec<u8> {
    let digits = hexadecimal.trim_matches('-').as_bytes().chunks(2);
    let byte = |pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.map(byte).collect()
}
