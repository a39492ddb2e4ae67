//! What a loss of power leaves of RocksDB's list of files, where RocksDB would
//! not open it though nothing that was promised is missing.
//!
//! RocksDB keeps the list in a file `MANIFEST-N`, to which it appends, and the
//! name of that file in `CURRENT`. A loss of power may leave
//! - `CURRENT` with the name of a new list whose own name was lost: the list
//!   before it, which is removed later, is as good;
//! - records at the end of the list that were never synced and of which the disk
//!   wrote only some sectors: the list without them is as it last was durable.
//!
//! Both are put right here before RocksDB looks. Damage can look the same, so
//! what was promised is compared afterwards, and where it is not there,
//! everything is put back. `docs/decisions/0017-rocksdb-after-a-loss-of-power.md`
//! gives the reasoning.

mod records;

use std::{
    fs::{self, File},
    io::{self, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use storage_core::{Error, Result, StoreDirectory, durable};

use self::records::torn_at;

const CURRENT: &str = "CURRENT";
const MANIFEST: &str = "MANIFEST-";

/// What was put right, and can be put back.
#[must_use]
pub(crate) enum Settled {
    /// Nothing needed to be.
    AsItWas,
    /// `CURRENT` named a list that is not there, as the bytes `current`.
    Renamed {
        data: PathBuf,
        current: Vec<u8>,
        chosen: Vec<u8>,
    },
    /// The list was cut off; these bytes came at its end.
    Cut { manifest: PathBuf, torn: Vec<u8> },
}

impl Settled {
    /// Puts the list of files in `directory` right, if a loss of power left it so
    /// that RocksDB would not open it. What is wrong in other ways is left to
    /// RocksDB.
    ///
    /// # Errors
    /// What the operating system reports.
    pub(crate) fn of(directory: &StoreDirectory) -> Result<Self> {
        settle(&directory.anchored_data()).map_err(|error| Error::io(failed_at(directory), error))
    }

    /// Puts back what was changed.
    ///
    /// # Errors
    /// What the operating system reports.
    pub(crate) fn undo(self, directory: &StoreDirectory) -> Result<()> {
        self.put_back()
            .map_err(|error| Error::io(failed_at(directory), error))
    }

    fn put_back(self) -> io::Result<()> {
        match self {
            Self::AsItWas => Ok(()),
            Self::Renamed {
                data,
                current,
                chosen,
            } => {
                // RocksDB may have gone on to a list of its own.
                if fs::read(data.join(CURRENT))? == chosen {
                    durable::replace_file(data.join(CURRENT), &current)?;
                }
                Ok(())
            }
            Self::Cut { manifest, torn } => match append(&manifest, &torn) {
                // So it may have here, and have removed this one.
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                appended => appended,
            },
        }
    }
}

fn failed_at(directory: &StoreDirectory) -> String {
    format!("recovering {}", directory.data().display())
}

fn settle(data: &Path) -> io::Result<Settled> {
    let Some(current) = unless_missing(fs::read(data.join(CURRENT)))? else {
        return Ok(Settled::AsItWas);
    };
    let Some(number) = named_in(&current) else {
        return Ok(Settled::AsItWas);
    };
    let manifest = data.join(name(number));
    let Some(listed) = unless_missing(fs::read(&manifest))? else {
        return go_back(data, number, current);
    };
    match torn_at(&listed) {
        None => Ok(Settled::AsItWas),
        Some(end) => cut_off(manifest, &listed, end),
    }
}

/// Names the list before the missing one, if there is one.
fn go_back(data: &Path, missing: u64, current: Vec<u8>) -> io::Result<Settled> {
    let mut before = None;
    for entry in fs::read_dir(data)? {
        let found = entry?.file_name().to_str().and_then(number_of);
        before = before.max(found.filter(|number| *number < missing));
    }
    let Some(before) = before else {
        return Ok(Settled::AsItWas);
    };
    let chosen = format!("{}\n", name(before)).into_bytes();
    durable::replace_file(data.join(CURRENT), &chosen)?;
    Ok(Settled::Renamed {
        data: data.to_owned(),
        current,
        chosen,
    })
}

fn cut_off(manifest: PathBuf, listed: &[u8], end: usize) -> io::Result<Settled> {
    let torn = listed.get(end..).unwrap_or_default().to_owned();
    let file = File::options().write(true).open(&manifest)?;
    file.set_len(u64::try_from(end).map_err(io::Error::other)?)?;
    file.sync_all()?;
    Ok(Settled::Cut { manifest, torn })
}

fn append(manifest: &Path, torn: &[u8]) -> io::Result<()> {
    let mut file = File::options().write(true).open(manifest)?;
    file.seek(SeekFrom::End(0))?;
    file.write_all(torn)?;
    file.sync_all()
}

/// The number of the list that `CURRENT` names.
fn named_in(current: &[u8]) -> Option<u64> {
    number_of(str::from_utf8(current).ok()?.strip_suffix('\n')?)
}

fn number_of(name: &str) -> Option<u64> {
    name.strip_prefix(MANIFEST)?.parse().ok()
}

fn name(number: u64) -> String {
    format!("{MANIFEST}{number:06}")
}

fn unless_missing<T>(found: io::Result<T>) -> io::Result<Option<T>> {
    match found {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        found => found.map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::{records::tests::record, *};

    fn data() -> tempfile::TempDir {
        let data = tempfile::tempdir().unwrap();
        let list = |edits: &[&[u8]]| {
            edits
                .iter()
                .flat_map(|edit| record(edit))
                .collect::<Vec<_>>()
        };
        fs::write(data.path().join("MANIFEST-000003"), list(&[b"older"])).unwrap();
        fs::write(
            data.path().join("MANIFEST-000005"),
            list(&[b"old", b"torn"]),
        )
        .unwrap();
        fs::write(data.path().join("CURRENT"), "MANIFEST-000005\n").unwrap();
        data
    }

    /// The files and their content.
    fn tree(data: &Path) -> Vec<(String, Vec<u8>)> {
        let mut files: Vec<_> = fs::read_dir(data)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .map(|path| (path.display().to_string(), fs::read(path).unwrap()))
            .collect();
        files.sort();
        files
    }

    #[test]
    fn a_list_whose_name_was_lost_is_replaced_by_the_one_before_it() {
        let data = data();
        fs::write(data.path().join("CURRENT"), "MANIFEST-000008\n").unwrap();
        let before = tree(data.path());
        let settled = settle(data.path()).unwrap();
        assert!(matches!(settled, Settled::Renamed { .. }));
        let current = fs::read(data.path().join("CURRENT")).unwrap();
        assert_eq!(current, b"MANIFEST-000005\n");
        settled.put_back().unwrap();
        assert_eq!(tree(data.path()), before);
    }

    #[test]
    fn a_torn_end_of_the_list_is_cut_off() {
        let data = data();
        let manifest = data.path().join("MANIFEST-000005");
        let mut listed = fs::read(&manifest).unwrap();
        *listed.last_mut().unwrap() ^= 1;
        fs::write(&manifest, &listed).unwrap();
        let before = tree(data.path());
        let settled = settle(data.path()).unwrap();
        assert!(matches!(settled, Settled::Cut { .. }));
        assert_eq!(fs::read(&manifest).unwrap(), record(b"old"));
        settled.put_back().unwrap();
        assert_eq!(tree(data.path()), before);
    }

    #[test]
    fn what_no_loss_of_power_leaves_is_left_to_rocksdb() {
        for (name, content) in [
            ("nothing", ""),
            ("CURRENT", ""),
            ("CURRENT", "MANIFEST-000005"),
            ("CURRENT", "MANIFEST-000002\n"),
            ("CURRENT", "NEWS-000005\n"),
        ] {
            let data = data();
            fs::write(data.path().join(name), content).unwrap();
            let before = tree(data.path());
            assert!(
                matches!(settle(data.path()).unwrap(), Settled::AsItWas),
                "{content:?}"
            );
            assert_eq!(tree(data.path()), before);
        }
    }
}
