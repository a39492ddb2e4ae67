//! The list of the demo's files: path, length and hash of each.
//!
//! It is a file, so that parent and child import the same files in the same
//! order however many there are, even while others change the tree.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, BufWriter, Write},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use blake3::Hash;

use super::source::Source;
use crate::{
    failure::{Failure, Result},
    hexadecimal, interrupts,
    progress::Progress,
    tree::{self, Content, Symlinks},
};

/// One file of the demo.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Sample {
    /// Its path below the root, as bytes.
    pub(super) key: Vec<u8>,
    pub(super) bytes: u64,
    pub(super) hash: Hash,
}

/// What the store takes. Larger files are left out.
#[derive(Clone, Copy, Debug)]
pub(super) struct SampleLimits {
    pub(super) key_bytes: usize,
    pub(super) value_bytes: usize,
}

/// What a manifest lists.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Survey {
    pub(super) files: u64,
    pub(super) bytes: u64,
    pub(super) elapsed: Duration,
}

/// The list, in a file.
#[derive(Debug)]
pub(super) struct Manifest {
    path: PathBuf,
}

impl Manifest {
    pub(super) fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// Lists and hashes the files of `source`.
    pub(super) fn write(&self, source: &Source, limits: SampleLimits) -> Result<Survey> {
        let started = Instant::now();
        let mut survey = Survey::default();
        let progress = Progress::of_unknown("listing and hashing");
        let failed = |error: io::Error| Failure::io("write the manifest", &error);
        let mut out = BufWriter::new(File::create(&self.path).map_err(failed)?);
        for found in tree::walk(&source.root, Symlinks::Skip) {
            interrupts::check()?;
            let found = found?;
            let Content::File { bytes } = found.content else {
                continue;
            };
            let too_large = usize::try_from(bytes).is_ok_and(|bytes| bytes > limits.value_bytes);
            if too_large || found.key.len() > limits.key_bytes {
                continue;
            }
            if survey.bytes.saturating_add(bytes) > source.bytes_max {
                break;
            }
            let value = tree::read_file(&found.path, limits.value_bytes)?;
            let sample = Sample::of(found.key, &value);
            writeln!(out, "{}", sample.to_line()).map_err(failed)?;
            survey.files += 1;
            survey.bytes += sample.bytes;
            progress.add(sample.bytes);
        }
        out.flush().map_err(failed)?;
        survey.elapsed = started.elapsed();
        if survey.files == 0 {
            let root = source.root.display();
            return Err(Failure::usage(format!("there are no files in {root}"))
                .remedy("name a directory with files in it"));
        }
        Ok(survey)
    }

    /// The files, in their order.
    pub(super) fn read(&self) -> Result<impl Iterator<Item = Result<Sample>> + use<>> {
        let failed = |error: io::Error| Failure::io("read the manifest", &error);
        let file = File::open(&self.path).map_err(failed)?;
        Ok(BufReader::new(file).lines().map(move |line| {
            let line = line.map_err(failed)?;
            Sample::of_line(&line)
                .ok_or_else(|| failed(io::Error::other("a line of it is no sample")))
        }))
    }
}

impl Sample {
    pub(super) fn of(key: Vec<u8>, value: &[u8]) -> Self {
        Self {
            key,
            bytes: u64::try_from(value.len()).unwrap_or(u64::MAX),
            hash: blake3::hash(value),
        }
    }

    /// The file's content, which must still be what was listed.
    pub(super) fn read(&self, root: &Path) -> Result<Vec<u8>> {
        use std::{ffi::OsStr, os::unix::ffi::OsStrExt};
        let path = root.join(OsStr::from_bytes(&self.key));
        let changed = || {
            Failure::usage(format!("{} changed while the demo ran", path.display()))
                .remedy("run it again, on a directory that nobody writes to")
        };
        let bytes_max = usize::try_from(self.bytes).unwrap_or(usize::MAX);
        let value = tree::read_file(&path, bytes_max).map_err(|_| changed())?;
        if blake3::hash(&value) == self.hash {
            Ok(value)
        } else {
            Err(changed())
        }
    }

    fn to_line(&self) -> String {
        let key = hexadecimal::encode(&self.key);
        format!("{} {} {key}", self.hash, self.bytes)
    }

    fn of_line(line: &str) -> Option<Self> {
        let (hash, rest) = line.split_once(' ')?;
        let (bytes, key) = rest.split_once(' ')?;
        Some(Self {
            key: hexadecimal::decode(key.as_bytes())?,
            bytes: bytes.parse().ok()?,
            hash: Hash::from_hex(hash).ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_survives_as_a_line() {
        let sample = Sample::of(b"a b\n\xFF".to_vec(), b"content");
        assert_eq!(Sample::of_line(&sample.to_line()), Some(sample));
    }

    #[test]
    fn a_file_that_changed_after_it_was_listed_is_no_sample_any_more() {
        let root = tempfile::tempdir().unwrap();
        let sample = Sample::of(b"a".to_vec(), b"before");
        for content in ["after!", "before and more"] {
            std::fs::write(root.path().join("a"), content).unwrap();
            assert!(sample.read(root.path()).is_err(), "{content}");
        }
        std::fs::write(root.path().join("a"), "before").unwrap();
        assert_eq!(sample.read(root.path()).unwrap(), b"before");
    }
}
