//! Keys as paths below a directory.

use std::{
    ffi::OsStr,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use crate::{
    failure::{Failure, Result},
    notation,
    tree::UNFINISHED_PREFIX,
};

/// `NAME_MAX` of Linux and of most file systems.
const NAME_BYTES_MAX: usize = 255;

/// What a key becomes in a tree. The path is relative, and of plain names only.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum KeyPath {
    File(PathBuf),
    EmptyDirectory(PathBuf),
}

impl KeyPath {
    /// The path that `key` stands for.
    ///
    /// # Errors
    /// If it is none, or would lead out of the tree.
    pub(super) fn of(key: &[u8]) -> Result<Self> {
        let (names, is_directory) = match key.strip_suffix(b"/") {
            Some(names) => (names, true),
            None => (key, false),
        };
        for name in names.split(|byte| *byte == b'/') {
            let complaint = match name {
                b"" => "has an empty part",
                b"." | b".." => "has a part that leads elsewhere",
                name if name.starts_with(UNFINISHED_PREFIX.as_bytes()) => {
                    "has a part that begins like the files of an unfinished export"
                }
                name if name.contains(&0) => "holds a zero byte",
                name if name.len() > NAME_BYTES_MAX => {
                    "has a part that is longer than a file's name can be"
                }
                _ => continue,
            };
            return Err(unfit(key, complaint));
        }
        let path = Path::new(OsStr::from_bytes(names)).to_owned();
        Ok(if is_directory {
            Self::EmptyDirectory(path)
        } else {
            Self::File(path)
        })
    }
}

/// The failure of a key that cannot be written to a tree.
pub(super) fn unfit(key: &[u8], complaint: &str) -> Failure {
    Failure::usage(format!(
        "the key `{}` cannot be a file: it {complaint}",
        notation::escaped(key)
    ))
    .remedy("export to JSON Lines, which takes every key: storage export FILE.jsonl")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_of_plain_names_is_a_path() {
        assert_eq!(
            KeyPath::of(b"a/b.c").unwrap(),
            KeyPath::File("a/b.c".into())
        );
        assert_eq!(KeyPath::of(b"...").unwrap(), KeyPath::File("...".into()));
        assert_eq!(
            KeyPath::of(b"a/b/").unwrap(),
            KeyPath::EmptyDirectory("a/b".into())
        );
        let raw = OsStr::from_bytes(b"\xFF\n");
        assert_eq!(KeyPath::of(b"\xFF\n").unwrap(), KeyPath::File(raw.into()));
    }

    #[test]
    fn a_part_that_no_file_can_be_called_is_refused() {
        let longest = "n".repeat(NAME_BYTES_MAX);
        assert!(KeyPath::of(format!("a/{longest}/{longest}").as_bytes()).is_ok());
        assert!(KeyPath::of(format!("a/{longest}n/b").as_bytes()).is_err());
    }

    #[test]
    fn a_key_that_leads_out_of_the_tree_is_refused() {
        let keys: [&[u8]; 10] = [
            b"",
            b"/",
            b"/etc/passwd",
            b"..",
            b"../a",
            b"a/../../b",
            b"a/..",
            b"./a",
            b"a//b",
            b"a\0b",
        ];
        for key in keys {
            assert!(KeyPath::of(key).is_err(), "{}", key.escape_ascii());
        }
    }
}
