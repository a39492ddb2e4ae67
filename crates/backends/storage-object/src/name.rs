//! Names of objects: keys in hexadecimal digits, so that names sort as keys do.
//!
//! `docs/formats/object.md` has the grammar. A long name is cut into segments,
//! as a directory takes no file name of more than 255 bytes; and stores of
//! objects take names of up to 1,024 bytes, so what is behind the first
//! [`HEAD_BYTES`] of a key goes into a hash, and the object itself holds the key.

use std::fmt::Write;

use object_store::path::Path;
use storage_core::{Key, Space};

/// The longest prefix of keys that a name spells out.
pub(crate) const HEAD_BYTES: usize = 400;

/// The bytes of a key in one segment.
const SEGMENT_BYTES: usize = 100;
const SEGMENT_DIGITS: usize = 2 * SEGMENT_BYTES;

/// What all names begin with: so that the empty key has a name, too.
const FIRST: char = 'k';
/// What a segment ends with that is followed by another.
const JOINT: char = '_';
/// What the last segment of the name of a long key begins with.
const HASHED: char = 'h';

/// Greater than everything that stands in a name.
const LAST: char = 'z';

/// The object that says what the others are.
const MARKER: &str = "STORAGE";

/// Where the objects of a store are, below the root of their bucket.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    root: Path,
}

/// Where an object is in the order of keys.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Slot {
    /// The key, or its beginning.
    pub(crate) head: Vec<u8>,
    /// Which of the two.
    pub(crate) reach: Reach,
}

/// How much of a key a name tells. A key sorts before those that it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reach {
    /// All of it.
    Whole,
    /// The first [`HEAD_BYTES`]; the object tells the rest.
    Head,
}

impl Names {
    /// Names below `root`.
    pub(crate) const fn below(root: Path) -> Self {
        Self { root }
    }

    /// Where all objects of the store are.
    pub(crate) const fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn marker(&self) -> Path {
        self.root.clone().join(MARKER)
    }

    /// Where the objects of a race at open are.
    pub(crate) fn races(&self) -> Path {
        self.root.clone().join("probe")
    }

    /// Where the entries of a space are.
    pub(crate) fn space(&self, space: Space) -> Path {
        self.root.clone().join(match space {
            Space::User => "u",
            Space::System => "s",
        })
    }

    /// The object of an entry.
    pub(crate) fn entry(&self, key: Key<'_>) -> Path {
        join(self.space(key.space()), &name(key.bytes()))
    }

    /// A name behind which all objects are whose keys may lie at or behind
    /// `key`, and few others; `None` if these are all.
    pub(crate) fn before(&self, key: Key<'_>) -> Option<Path> {
        let before = before(key.bytes())?;
        Some(join(self.space(key.space()), &before))
    }

    /// Where the object at `path` is in the order of `space`; `None` if the store
    /// gives no such names.
    pub(crate) fn slot(&self, space: Space, path: &Path) -> Option<Slot> {
        let space = self.space(space);
        let name = path
            .as_ref()
            .strip_prefix(space.as_ref())?
            .strip_prefix('/')?;
        parse(name)
    }
}

impl Slot {
    /// The slot that `key` is in.
    #[cfg(test)]
    fn of(key: &[u8]) -> Self {
        match key.get(..HEAD_BYTES) {
            Some(head) if key.len() > HEAD_BYTES => Self {
                head: head.to_vec(),
                reach: Reach::Head,
            },
            _ => Self {
                head: key.to_vec(),
                reach: Reach::Whole,
            },
        }
    }
}

fn join(path: Path, name: &str) -> Path {
    name.split('/').fold(path, Path::join)
}

fn name(key: &[u8]) -> String {
    let head = key.get(..HEAD_BYTES).unwrap_or(key);
    let mut name = spelt(head);
    if key.len() > HEAD_BYTES {
        name.push(JOINT);
        name.push('/');
        name.push(HASHED);
        name.push_str(blake3::hash(key).to_hex().as_str());
    }
    name
}

fn spelt(key: &[u8]) -> String {
    let mut name = String::with_capacity(1 + 2 * key.len() + 2 * key.len() / SEGMENT_BYTES);
    name.push(FIRST);
    for (number, segment) in key.chunks(SEGMENT_BYTES).enumerate() {
        if number > 0 {
            name.push(JOINT);
            name.push('/');
        }
        for byte in segment {
            // Writing to a string cannot fail.
            let _ = write!(name, "{byte:02x}");
        }
    }
    name
}

/// The greatest text, more or less, that is less than the names of `key` and of
/// all keys behind it.
fn before(key: &[u8]) -> Option<String> {
    if let Some(head) = key.get(..HEAD_BYTES)
        && key.len() > HEAD_BYTES
    {
        // Those that share the head are in no order.
        return Some(spelt(head));
    }
    let mut name = spelt(key);
    let digit = name.pop().filter(|last| *last != FIRST)?;
    if let Some(less) = digit.to_digit(16).and_then(|digit| digit.checked_sub(1)) {
        name.extend(char::from_digit(less, 16));
        name.push(LAST);
    }
    // A path cannot end with a slash, and all that goes on behind one is greater.
    Some(name.trim_end_matches('/').to_owned())
}

fn parse(name: &str) -> Option<Slot> {
    let mut rest = name.strip_prefix(FIRST)?;
    let mut head = Vec::with_capacity(rest.len() / 2);
    while let Some((segment, behind)) = rest.split_once('/') {
        let digits = segment.strip_suffix(JOINT)?;
        if digits.len() != SEGMENT_DIGITS || behind.is_empty() {
            return None;
        }
        read_digits(digits, &mut head)?;
        rest = behind;
        if head.len() == HEAD_BYTES {
            let hash = rest.strip_prefix(HASHED)?;
            let is_hash =
                hash.len() == 2 * blake3::OUT_LEN && read_digits(hash, &mut Vec::new()).is_some();
            return is_hash.then_some(Slot {
                head,
                reach: Reach::Head,
            });
        }
    }
    if rest.len() > SEGMENT_DIGITS || (rest.is_empty() && !head.is_empty()) {
        return None;
    }
    read_digits(rest, &mut head)?;
    Some(Slot {
        head,
        reach: Reach::Whole,
    })
}

fn read_digits(digits: &str, bytes: &mut Vec<u8>) -> Option<()> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
    for [high, low] in pairs {
        bytes.push(digit(*high)? << 4 | digit(*low)?);
    }
    rest.is_empty().then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> Vec<Vec<u8>> {
        let mut keys = vec![
            b"".to_vec(),
            b"\0".to_vec(),
            b"\0\0".to_vec(),
            b"\x0f".to_vec(),
            b"\x10".to_vec(),
            b"a".to_vec(),
            b"a\0".to_vec(),
            b"b".to_vec(),
            b"\xff".to_vec(),
            b"\xff\xff".to_vec(),
        ];
        for length in [99, 100, 101, 199, 200, 201, 300, 399, 400, 401, 512, 768] {
            for byte in [0, b'a', 0xf0, 0xff] {
                keys.push(vec![byte; length]);
            }
            let mut other = vec![b'a'; length];
            *other.last_mut().unwrap() = b'b';
            keys.push(other);
        }
        keys.sort();
        keys.dedup();
        keys
    }

    #[test]
    fn names_sort_as_keys_do_and_tell_them() {
        let names = Names::below(Path::from("a/b"));
        for one in keys() {
            let path = names.entry(Key::user(&one));
            assert_eq!(names.slot(Space::User, &path), Some(Slot::of(&one)));
            assert_eq!(names.slot(Space::System, &path), None);
            for other in keys() {
                if Slot::of(&one) != Slot::of(&other) {
                    let path = (path.as_ref(), names.entry(Key::user(&other)));
                    assert_eq!(one < other, path.0 < path.1.as_ref(), "{path:?}");
                    assert_eq!(one < other, Slot::of(&one) < Slot::of(&other));
                }
            }
        }
    }

    #[test]
    fn what_lies_behind_the_text_before_a_key_is_the_key_and_what_follows() {
        let names = Names::below(Path::from("a"));
        for one in keys() {
            let Some(before) = names.before(Key::user(&one)) else {
                assert!(one.is_empty());
                continue;
            };
            for other in keys() {
                let is_behind = names.entry(Key::user(&other)).as_ref() > before.as_ref();
                let shares = one.len() > HEAD_BYTES && Slot::of(&one) == Slot::of(&other);
                assert_eq!(is_behind, shares || other >= one, "{before} {other:?}");
            }
        }
    }

    #[test]
    fn the_longest_name_fits() {
        let longest = name(&[0xff; 2_000]);
        assert!(
            longest.len() + "/u/".len() + 128 < 1_024,
            "{}",
            longest.len()
        );
        assert!(longest.split('/').all(|segment| segment.len() <= 255));
    }

    #[test]
    fn names_of_others_are_none() {
        let digits = "0".repeat(SEGMENT_DIGITS);
        for name in [
            "",
            "k6",
            "kxy",
            "kAB",
            "61",
            "k61/62",
            "k61_/62",
            &format!("k{digits}_/"),
            &format!("k{digits}00"),
            &format!("k{digits}_/h{}", "0".repeat(64)),
            &format!("k{digits}_/{digits}_/{digits}_/{digits}_/h0"),
        ] {
            assert_eq!(parse(name), None, "{name}");
        }
    }
}
