//! Reading what is on the disk, past everything in memory, and changing nothing.
//!
//! A second instance of RocksDB opens the files for reading alone, with an empty
//! cache of its own. It finds what the next open would find, so it tells whether
//! that would lose something, while nothing is lost yet: an open for writing
//! drops what follows a damaged record of the log for good.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
};

use rocksdb::{BlockBasedOptions, Cache, DB, DBRawIterator, DBRecoveryMode, Options, ReadOptions};
use storage_core::{Damage, ErrorKind, Mark, Result, StoreDirectory};

use crate::{
    bounds::successor,
    error::{corrupt, from_rocks},
    options::FURTHER,
};

/// Memory for blocks that are read here.
const CACHE_BYTES: usize = 4 << 20;

/// So many files are open at a time.
const OPEN_FILES_MAX: i32 = 32;

/// The files of a database, open for reading.
pub(crate) struct Examination {
    db: DB,
    /// Where the files are, for people.
    data: PathBuf,
}

impl Examination {
    /// Opens the files of the store in `directory`, whether or not they are open
    /// for writing.
    ///
    /// # Errors
    /// `Corrupt` where they are too damaged to be opened.
    pub(crate) fn open(directory: &StoreDirectory) -> Result<Self> {
        let mut options = Options::default()
            .get_options_from_string(FURTHER)
            .map_err(from_rocks)?;
        options.set_wal_recovery_mode(DBRecoveryMode::PointInTime);
        options.set_max_open_files(OPEN_FILES_MAX);
        let mut table = BlockBasedOptions::default();
        table.set_block_cache(&Cache::new_lru_cache(CACHE_BYTES));
        options.set_block_based_table_factory(&table);
        let error_if_log_exists = false;
        let data = directory.anchored_data();
        let db = DB::open_for_read_only(&options, data, error_if_log_exists).map_err(from_rocks)?;
        Ok(Self {
            db,
            data: directory.data(),
        })
    }

    /// Checks that everything up to `mark` is there.
    ///
    /// # Errors
    /// `Corrupt` if it is not.
    pub(crate) fn reaches(&self, mark: Mark) -> Result<()> {
        let end = self.db.latest_sequence_number();
        if end >= mark.position {
            return Ok(());
        }
        Err(corrupt(&format!(
            "{} changes were synced, of which those from {} on are gone; damaged is {}",
            mark.position,
            end.saturating_add(1),
            self.suspects(),
        )))
    }

    /// Reads every entry of every file, and tells which files are damaged.
    ///
    /// # Errors
    /// What keeps the files from being read, other than damage.
    pub(crate) fn damages(&self) -> Result<Vec<Damage>> {
        let mut ends = self.ends_of_files()?;
        let mut iterator = self.db.raw_iterator_opt(uncached());
        iterator.seek_to_first();
        let mut damages = Vec::new();
        while let Err(error) = read_to_end(&mut iterator) {
            let error = from_rocks(error);
            if error.kind() != ErrorKind::Corrupt {
                return Err(error);
            }
            let file = file_named_in(error.message()).unwrap_or_default();
            damages.push(Damage::new(
                self.data.join(file).display().to_string(),
                error.message(),
            ));
            // Nothing can be read past a damaged block but by going on behind
            // its file. A file that is met again has been passed already.
            match ends.remove(file) {
                Some(end) => iterator.seek(end),
                None => break,
            }
        }
        Ok(damages)
    }

    /// The sorted files, and the first key behind each.
    fn ends_of_files(&self) -> Result<BTreeMap<String, Vec<u8>>> {
        let files = self.db.live_files().map_err(from_rocks)?;
        Ok(files
            .into_iter()
            .map(|file| {
                let end = successor(file.end_key.unwrap_or_default());
                (file.name.trim_start_matches('/').to_owned(), end)
            })
            .collect())
    }

    /// The files that say up to where there are changes.
    fn suspects(&self) -> String {
        let names = fs::read_dir(&self.data).into_iter().flatten();
        let mut logs: Vec<_> = names
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter(|name| name.starts_with("MANIFEST-") || has_extension(name, &["log"]))
            .collect();
        logs.sort();
        format!("one of {} in {}", logs.join(", "), self.data.display())
    }
}

/// Moves to the end, reading everything on the way.
fn read_to_end(iterator: &mut DBRawIterator<'_>) -> Result<(), rocksdb::Error> {
    while iterator.valid() {
        iterator.next();
    }
    iterator.status()
}

fn uncached() -> ReadOptions {
    let mut options = ReadOptions::default();
    options.fill_cache(false);
    options.set_verify_checksums(true);
    options
}

/// The sorted or blob file that a message of RocksDB names.
fn file_named_in(text: &str) -> Option<&str> {
    text.split([' ', '/', ':', ',', '(', ')'])
        .find(|word| has_extension(word, &["sst", "blob"]))
}

fn has_extension(name: &str, extensions: &[&str]) -> bool {
    let extension = Path::new(name).extension().and_then(OsStr::to_str);
    extension.is_some_and(|extension| extensions.contains(&extension))
}
