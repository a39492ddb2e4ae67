//! What is in a file, told by a few bytes, so that a seal can vouch for it.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

/// The length and the checksum of what is in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileContent {
    /// The length, in bytes.
    pub length: u64,
    /// The CRC-32 (IEEE).
    pub checksum: u32,
}

impl FileContent {
    /// Reads a file, and tells what is in it.
    ///
    /// # Errors
    /// From the operating system.
    pub fn of(path: impl AsRef<Path>) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let mut hasher = crc32fast::Hasher::new();
        let mut buffer = vec![0; 1 << 20];
        let mut length = 0;
        loop {
            let read = file.read(&mut buffer)?;
            let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else {
                break;
            };
            hasher.update(bytes);
            length += u64::try_from(read).unwrap_or(u64::MAX);
        }
        Ok(Self {
            length,
            checksum: hasher.finalize(),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_content_of_a_file_is_its_length_and_its_checksum() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("file");
        // More than is read at once.
        for bytes in [vec![], vec![7; 3_000_000]] {
            fs::write(&path, &bytes).unwrap();
            let expected = FileContent {
                length: u64::try_from(bytes.len()).unwrap(),
                checksum: crc32fast::hash(&bytes),
            };
            assert_eq!(FileContent::of(&path).unwrap(), expected);
        }
    }
}
