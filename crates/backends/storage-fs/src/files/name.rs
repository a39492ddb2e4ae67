//! Where the file of a value is, and what it is called.
//!
//! A name begins with the number of the version, which no other file has, and
//! goes on with the key, so that people find what they look for and the key's
//! own extension stays one. Files are made in the order of their numbers, a
//! thousand to a directory: those of one commit lie side by side.
//! `docs/decisions/0020-fs-layout.md` gives the reasoning.

use storage_core::{Space, embedded::flat_key};

use crate::{Codec, version::VersionId};

/// How many files a directory has, and how many directories the one above it.
const PER_FOLDER: u64 = 1_000;

/// The most bytes of a path that are not of the key: two numbers, the name's own,
/// and an extension.
const ROOM_BYTES: usize = 48;

/// How much of an escaped key a name shows. File systems take 255 bytes; the
/// number and the codec's extension take up to 25.
const KEY_BYTES_MAX: usize = 180;

/// Stands between number and key in the space of users, and in the system's.
const USER: char = '.';
const SYSTEM: char = '+';

/// Stands at the end of a key that is not shown whole.
const CUT: char = '~';

/// The name of a value file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FileName {
    id: VersionId,
    /// Below the directory of all value files.
    path: String,
    /// Where in the path the name begins.
    begin: usize,
}

impl FileName {
    /// The name of the file with version `id` of a flat key.
    pub(crate) fn new(key: &[u8], id: VersionId, codec: Codec) -> Self {
        let mut path = String::with_capacity(ROOM_BYTES + key.len().min(KEY_BYTES_MAX));
        Shard::of(id).push_path(&mut path);
        path.push('/');
        let begin = path.len();
        push_number(&mut path, id.0);
        let (separator, key) = match key.split_first() {
            Some((space, key)) if *space == flat_key::prefix(Space::System) => (SYSTEM, key),
            Some((_, key)) => (USER, key),
            None => (USER, key),
        };
        path.push(separator);
        push_escaped(&mut path, key);
        path.push_str(codec.extension());
        Self { id, path, begin }
    }

    /// The name that `text` is; `None` if this engine gives no such name.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let id = id_of(text).filter(|_| !text.contains('/'))?;
        let mut path = Shard::of(id).path();
        path.push('/');
        let begin = path.len();
        path.push_str(text);
        Some(Self { id, path, begin })
    }

    pub(crate) const fn id(&self) -> VersionId {
        self.id
    }

    /// The name within its directory.
    pub(crate) fn text(&self) -> &str {
        self.path.get(self.begin..).unwrap_or_default()
    }

    /// The directory it is in.
    pub(crate) const fn shard(&self) -> Shard {
        Shard::of(self.id)
    }

    /// The path below the directory of all value files.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// The path as errors show it: without the key.
    pub(crate) fn shown(&self) -> String {
        format!("{}/{}.*", self.shard().path(), self.id.0)
    }
}

/// A directory of value files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Shard(pub(crate) u64);

impl Shard {
    /// The directory of the file with this version.
    pub(crate) const fn of(id: VersionId) -> Self {
        Self(id.0 / PER_FOLDER)
    }

    /// The path below the directory of all value files.
    pub(crate) fn path(self) -> String {
        let mut path = String::with_capacity(ROOM_BYTES);
        self.push_path(&mut path);
        path
    }

    fn push_path(self, path: &mut String) {
        push_number(path, self.group());
        path.push('/');
        let shard = self.0 % PER_FOLDER;
        if shard < 100 {
            path.push('0');
        }
        if shard < 10 {
            path.push('0');
        }
        push_number(path, shard);
    }

    /// The directory that this one is in, which is in that of all value files.
    pub(crate) const fn group(self) -> u64 {
        self.0 / PER_FOLDER
    }

    /// The shard of this name in a group, if it is one.
    pub(crate) fn of_name(group: u64, name: &str) -> Option<Self> {
        let number = name.parse::<u64>().ok()?;
        let shard = Self(group.checked_mul(PER_FOLDER)?.checked_add(number)?);
        (shard.path() == format!("{group}/{name}")).then_some(shard)
    }
}

/// The group of this name, if it is one.
pub(crate) fn group_of(name: &str) -> Option<u64> {
    let group = name.parse::<u64>().ok()?;
    (group.to_string() == name).then_some(group)
}

/// The version whose file may have this name; `None` for names that this engine
/// does not give.
pub(crate) fn id_of(name: &str) -> Option<VersionId> {
    let end = name.find([USER, SYSTEM])?;
    let digits = name.get(..end)?;
    let id = digits.parse::<u64>().ok()?;
    (id.to_string() == digits).then_some(VersionId(id))
}

/// Appends a number. Names are made for every read, and formatting takes as long
/// as looking a key up.
fn push_number(text: &mut String, number: u64) {
    let mut digits = [b'0'; 20];
    let (mut rest, mut count) = (number, 0);
    for digit in digits.iter_mut().rev() {
        let [value, ..] = (rest % 10).to_le_bytes();
        *digit = b'0' + value;
        rest /= 10;
        count += 1;
        if rest == 0 {
            break;
        }
    }
    let digits = digits.iter().skip(digits.len() - count);
    text.extend(digits.copied().map(char::from));
}

/// Appends a key: letters, digits and a few signs as they are, other bytes as
/// `%` and two digits.
fn push_escaped(text: &mut String, key: &[u8]) {
    const ESCAPED_BYTES: usize = 3;
    let mut room = KEY_BYTES_MAX;
    let mut rest = key;
    loop {
        let plain = rest.iter().take(room).take_while(|byte| is_plain(**byte));
        let (plain, behind) = rest.split_at(plain.count());
        text.push_str(str::from_utf8(plain).unwrap_or_default());
        room -= plain.len();
        let Some((byte, behind)) = behind.split_first() else {
            return;
        };
        if room < ESCAPED_BYTES {
            text.push(CUT);
            return;
        }
        let digit = |value: u8| char::from_digit(value.into(), 16).unwrap_or('0');
        text.push('%');
        text.push(digit(byte >> 4).to_ascii_uppercase());
        text.push(digit(byte & 0xF).to_ascii_uppercase());
        room -= ESCAPED_BYTES;
        rest = behind;
    }
}

/// Whether a name shows this byte of a key as it is.
const fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'=' | b'@' | b',')
}

#[cfg(test)]
mod tests {
    use storage_core::Key;

    use super::*;

    fn name(key: &[u8], id: u64, codec: Codec) -> FileName {
        FileName::new(&flat_key::flat(Key::user(key)), VersionId(id), codec)
    }

    #[test]
    fn names_are_the_documented_ones() {
        let mut numbers = String::new();
        for number in [0, 7, 10, u64::MAX] {
            push_number(&mut numbers, number);
            numbers.push(' ');
        }
        assert_eq!(numbers, "0 7 10 18446744073709551615 ");
        for (key, id, codec, path) in [
            (&b"cat.jpg"[..], 7, Codec::None, "0/000/7.cat.jpg"),
            (
                b"a/b c~",
                1_234_567,
                Codec::Gzip,
                "1/234/1234567.a%2Fb%20c%7E.gz",
            ),
            (b"", 999, Codec::Zstd, "0/000/999..zst"),
            (b"\x00\xFF", 1_000, Codec::Lz4, "0/001/1000.%00%FF.lz4"),
        ] {
            let name = name(key, id, codec);
            assert_eq!(name.path(), path);
            assert_eq!(id_of(name.text()), Some(VersionId(id)));
            assert_eq!(
                Shard::of_name(name.shard().group(), &path[2..5]),
                Some(name.shard())
            );
        }
        let system = storage_core::SystemKeys::of("core").key("x");
        let name = FileName::new(&flat_key::flat(system.as_key()), VersionId(1), Codec::None);
        assert_eq!(name.path(), "0/000/1+%02core%00x");
        assert_eq!(id_of(name.text()), Some(VersionId(1)));
    }

    #[test]
    fn the_longest_name_fits_every_file_system() {
        let key = vec![0xFF; 65_536];
        let name = name(&key, u64::MAX, Codec::Zstd);
        assert!(name.text().len() <= 255, "{}", name.text().len());
        assert!(name.text().ends_with("%FF~.zst"));
    }

    #[test]
    fn a_key_is_cut_where_its_name_would_be_too_long_and_never_within_a_byte() {
        for plain in KEY_BYTES_MAX - 4..=KEY_BYTES_MAX + 1 {
            for escaped in 0..2 {
                let key = [vec![b'a'; plain], vec![b'/'; escaped]].concat();
                let whole = plain + 3 * escaped;
                let shown = if whole <= KEY_BYTES_MAX {
                    "a".repeat(plain) + &"%2F".repeat(escaped)
                } else {
                    "a".repeat(plain.min(KEY_BYTES_MAX)) + "~"
                };
                let name = name(&key, 7, Codec::None);
                assert_eq!(name.text(), format!("7.{shown}"));
            }
        }
    }

    #[test]
    fn other_names_are_not_taken_for_value_files() {
        for other in ["notes.txt", ".5", "05.a", "5", "-5.a", "+5.a", "5a.b", ""] {
            assert_eq!(id_of(other), None, "{other}");
        }
        assert_eq!(group_of("12"), Some(12));
        for other in ["012", "x", "-1", ""] {
            assert_eq!(group_of(other), None, "{other}");
        }
        for other in ["1", "01", "1000", "abc"] {
            assert_eq!(Shard::of_name(0, other), None, "{other}");
        }
    }
}
